"""What a larger job costs: more settings on one pair, more pairs."""

from typing import Final

from benchmarks.job import TIMEFRAME
from benchmarks.measuring.command import JobRun, bench, running_server
from benchmarks.measuring.market import TEN_PAIRS, prepare_ticks
from benchmarks.measuring.measure import Report, Timing, markdown_table, megabytes
from benchmarks.scale import FULL, Scale

GRIDS: Final = {
    50: "fast=10:50:10 slow=60:300:60 stop_loss_pips=10,40 take_profit_pips=40",
    500: "fast=5:50:5 slow=60:285:25 stop_loss_pips=10:50:10 take_profit_pips=40",
    5_000: "fast=5:62:3 slow=65:290:25 stop_loss_pips=10:50:10 take_profit_pips=20:60:10",
    50_000: "fast=5:44:1 slow=60:300:10 stop_loss_pips=10:55:5 take_profit_pips=20:60:10",
}
"""Grids by their number of settings. All cover the same ranges, so a setting makes about as many trades in each."""
_KEEP: Final = "50"


def measure_settings(scale: Scale = FULL) -> Report:
    """Return time and memory of one pair and one worker over ever more settings."""
    pair = TEN_PAIRS[0]
    data = prepare_ticks([pair], scale.ticks)
    taken: dict[int, list[JobRun]] = {}
    with bench() as place, running_server(place) as address:
        for count in (scale.settings[0], *scale.settings):  # the first of all compiles what the others load
            grid = f"family=sma_cross {GRIDS[count]}"
            flags = [
                "--pairs",
                pair,
                "--timeframe",
                TIMEFRAME,
                "--workers",
                "1",
                "--grid",
                grid,
                "--keep-trades",
                _KEEP,
            ]
            times = scale.job_runs if count <= 5_000 else 1
            taken[count] = [place.run(data, flags, **address) for _ in range(times)]
    work = {count: Timing(tuple(run.work_seconds for run in runs)) for count, runs in taken.items()}
    least = work[scale.settings[0]].median
    rows = [
        (
            f"{count:,}",
            f"{runs[0].trades:,}",
            work[count],
            f"{1e3 * work[count].median / count:.2f} ms",
            f"{work[count].median / least:.1f}",
            megabytes(max(run.worker_peak_mb for run in runs)),
        )
        for count, runs in taken.items()
    ]
    header = ("settings", "trades", "the worker's work", "of it a setting", "times the first row", "its peak memory")
    head = (
        f"One pair of {scale.ticks:,} ticks, {TIMEFRAME}, one worker, the trades of the best {_KEEP} stored; "
        f"median (least to most) of {scale.job_runs}, the largest once. Reading and storing are part of the work."
    )
    figures = {f"times_{count}": work[count].median / least for count in taken}
    figures |= {f"mb_{count}": max(run.worker_peak_mb for run in runs) for count, runs in taken.items()}
    return Report(f"{head}\n\n{markdown_table(header, rows)}", figures)


def measure_pairs(scale: Scale = FULL) -> Report:
    """Return the time of one pair, two, five and ten, with two workers against a running server."""
    data = prepare_ticks(TEN_PAIRS[: scale.pairs[-1]], scale.ticks)
    rows = []
    with bench() as place, running_server(place) as address:
        for count in (scale.pairs[0], *scale.pairs):  # the first of all compiles what the others load
            flags = ["--pairs", ",".join(TEN_PAIRS[:count]), "--timeframe", TIMEFRAME, "--workers", "2"]
            runs = [place.run(data, flags, **address) for _ in range(scale.job_runs)]
            rows.append(_pairs_row(count, runs))
    header = ("pairs", "start to exit", "pairs alone", "of it a pair", "a worker's peak memory")
    head = (
        f"{scale.ticks:,} ticks a pair, 50 strategies, {TIMEFRAME}, 2 workers, against a running server; "
        f"median (least to most) of {scale.job_runs}."
    )
    return Report(f"{head}\n\n{markdown_table(header, rows[1:])}")


def _pairs_row(count: int, runs: list[JobRun]) -> tuple[object, ...]:
    whole = Timing(tuple(run.seconds for run in runs))
    alone = Timing(tuple(run.pairs_seconds for run in runs))
    peak = megabytes(max(run.worker_peak_mb for run in runs))
    return count, whole, alone, f"{alone.median / count:.2f} s", peak
