"""Where the seconds of a cold start go: the moments of a whole job in order, read from the files it leaves."""

from collections.abc import Sequence

from benchmarks.job import TIMEFRAME
from benchmarks.measuring.command import JobRun, bench
from benchmarks.measuring.market import TEN_PAIRS, prepare_ticks
from benchmarks.measuring.measure import Report, markdown_table
from benchmarks.scale import FULL, Scale


def measure_timeline(scale: Scale = FULL) -> Report:
    """Return when things happen in a job of two workers, the first time ever and later."""
    pairs = TEN_PAIRS[: scale.pairs[-1]]
    data = prepare_ticks(pairs, scale.ticks)
    flags = ["--pairs", ",".join(pairs), "--timeframe", TIMEFRAME, "--workers", "2"]
    with bench() as place:
        first = [place.run(data, flags)]
        later = [place.run(data, flags) for _ in range(scale.job_runs)]
    names = sorted(later[0].moments, key=lambda name: _middle(later, name))
    rows = [(name, f"{_middle(first, name):.1f} s", f"{_middle(later, name):.1f} s") for name in names]
    head = (
        f"Seconds after the start; {len(pairs)} pairs of {scale.ticks:,} ticks, 2 workers, no server running. "
        f"The first time one run, later the middle one of {scale.job_runs}."
    )
    return Report(f"{head}\n\n{markdown_table(('moment', 'the first time ever', 'later'), rows)}")


def _middle(runs: Sequence[JobRun], name: str) -> float:
    # All moments come from one run, the one of median length, so that they belong together.
    run = sorted(runs, key=lambda each: each.seconds)[len(runs) // 2]
    return run.moments[name]
