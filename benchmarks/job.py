"""The whole job as a user runs it: the command, its server, its workers, from tick files to a ranking on disk."""

from functools import partial
from pathlib import Path

from benchmarks.measuring.command import Bench, JobRun, bench, running_server
from benchmarks.measuring.market import TEN_PAIRS, prepare_ticks
from benchmarks.measuring.measure import Report, Timing, markdown_table, megabytes
from benchmarks.scale import FULL, Scale

TIMEFRAME = "1min"


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
