"""The whole job as a user runs it: the command, its server, its workers, from tick files to a ranking on disk."""

from functools import partial
from pathlib import Path

from benchmarks.command import Bench, JobRun, bench, running_server
from benchmarks.market import TEN_PAIRS, prepare_ticks
from benchmarks.measure import Report, Timing, markdown_table, megabytes
from benchmarks.scale import FULL, Scale

TIMEFRAME = "1min"
_GRID = "family=sma_cross fast=5:50:5 slow=60:200:20 stop_loss_pips=10:40:10 take_profit_pips=20:80:20"


def measure_job(scale: Scale = FULL) -> Report:
    """Return the table of the whole job: ten pairs, fifty strategies, one worker and two, cold and warm."""
    pairs = TEN_PAIRS[: scale.pairs[-1]]
    data = prepare_ticks(pairs, scale.ticks)
    with bench() as place:
        flags = ["--pairs", ",".join(pairs), "--timeframe", TIMEFRAME, "--workers"]
        first = [_first_ever(place, data, [*flags, "2"]) for _ in range(scale.job_runs)]
        cases = {workers: partial(place.run, data, [*flags, str(workers)]) for workers in (1, 2)}
        taken: dict[int, list[JobRun]] = {1: [], 2: []}
        # In turn, so that a machine that slows down slows both.
        for _ in range(scale.job_runs):
            for workers, run in cases.items():
                taken[workers].append(run())
        with running_server(place) as address:
            served = [place.run(data, [*flags, "2"], **address) for _ in range(scale.job_runs)]
    cases_shown = {
        "2 workers, the first time ever": (2, first),
        "1 worker, no server running": (1, taken[1]),
        "2 workers, no server running": (2, taken[2]),
        "2 workers, against a running server": (2, served),
    }
    rows = [_row(name, workers, runs) for name, (workers, runs) in cases_shown.items()]
    header = ("job", "start to exit", "pairs alone", "a worker's work", "its peak memory")
    head = (
        f"{len(pairs)} pairs of {scale.ticks:,} ticks, 50 strategies, {TIMEFRAME}, {taken[2][0].trades:,} trades; "
        f"median (least to most) of {scale.job_runs}."
    )
    stages = f"What the two workers did, all pairs together: {_stages(taken[2])}."
    text = f"{head}\n\n{markdown_table(header, rows)}\n\n{stages}"
    return Report(
        text,
        {
            "first": _whole(first).median,
            "cold": _whole(taken[2]).median,
            "served": _whole(served).median,
            "pairs": _pairs(taken[2]).median,
            "worker_mb": max(run.worker_peak_mb for run in taken[2]),
        },
    )


def measure_parallel(scale: Scale = FULL) -> Report:
    """Return how much faster two workers are than one on CPU-bound pairs, start-up excluded."""
    pairs = TEN_PAIRS[: min(4, scale.pairs[-1])]
    data = prepare_ticks(pairs, scale.few_ticks)
    flags = ["--pairs", ",".join(pairs), "--timeframe", TIMEFRAME, "--grid", _GRID, "--keep-trades", "1"]
    taken: dict[int, list[JobRun]] = {1: [], 2: []}
    with bench() as place, running_server(place) as address:
        place.run(data, [*flags, "--workers", "2"], **address)  # compiles what the others load
        for _ in range(scale.job_runs):
            for workers, runs in taken.items():
                runs.append(place.run(data, [*flags, "--workers", str(workers)], **address))
    one, two = _pairs(taken[1]), _pairs(taken[2])
    # Each round's two runs were neighbours in time, so their ratio is the least disturbed.
    ratio = Timing(tuple(b.pairs_seconds / a.pairs_seconds for a, b in zip(taken[1], taken[2], strict=True)))
    rows = [("1 worker", one, "1.00"), ("2 workers", two, f"{ratio.median:.2f}")]
    settings = next(iter(taken[1][0].manifest["pairs"].values()))["counts"]["strategies"]
    head = (
        f"{len(pairs)} pairs of {scale.few_ticks:,} ticks, {settings:,} settings each; "
        f"median (least to most) of {scale.job_runs}."
    )
    table = markdown_table(("workers", "pairs alone", "of one worker"), rows)
    return Report(f"{head}\n\n{table}", {"ratio": ratio.median})


def _first_ever(place: Bench, data: Path, flags: list[str]) -> JobRun:
    place.forget()
    return place.run(data, flags)


def _row(name: str, workers: int, runs: list[JobRun]) -> tuple[object, ...]:
    work = Timing(tuple(run.work_seconds / workers for run in runs))
    return name, _whole(runs), _pairs(runs), work, megabytes(max(run.worker_peak_mb for run in runs))


def _whole(runs: list[JobRun]) -> Timing:
    return Timing(tuple(run.seconds for run in runs))


def _pairs(runs: list[JobRun]) -> Timing:
    return Timing(tuple(run.pairs_seconds for run in runs))


def _stages(runs: list[JobRun]) -> str:
    last = runs[-1].stage_seconds
    total = sum(last.values()) or 1.0
    return ", ".join(f"{stage} {seconds:.2f} s ({100 * seconds / total:.0f} %)" for stage, seconds in last.items())
