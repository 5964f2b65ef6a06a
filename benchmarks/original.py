"""The original guide's table, measured: one worker and two, JSON and Parquet, under its CPU limits."""

import itertools
import shutil
import tempfile
import time
from pathlib import Path
from typing import Final

import pyarrow as pa

from benchmarks.job import TIMEFRAME
from benchmarks.json_storage import folder_mb, read_json, write_json
from benchmarks.measuring.command import Bench, JobRun, bench
from benchmarks.measuring.market import TEN_PAIRS, prepare_ticks
from benchmarks.measuring.measure import Report, Timing, markdown_table, time_runs
from benchmarks.scale import FULL, Scale
from necrozma_core.backtest.key import with_key
from necrozma_core.backtest.request import PairRequest
from necrozma_core.backtest.river import evaluate_pair
from necrozma_core.market.timeframes import parse_timeframe
from necrozma_core.storage.results.store import ResultStore
from necrozma_core.storage.results_folder import ResultsFolder
from necrozma_core.strategies.source import StrategySource

ESTIMATES: Final = (
    ("1 worker (JSON)", "~30 hours"),
    ("1 worker (Parquet)", "~25 hours"),
    ("4 workers (Parquet, 80% CPU)", "~10 hours"),
    ("8 workers (Parquet, 95% CPU)", "~6-8 hours"),
)
"""What the original guide prints, word for word."""
_NOTE: Final = (
    "The guide's hours are its authors' estimates for another program, which reads and resamples its data again and "
    "again; nobody measured them, and they are not like for like with the seconds beside them."
)


def measure_original(scale: Scale = FULL) -> Report:
    """Return the guide's table with our seconds beside its estimates."""
    pairs = TEN_PAIRS[: scale.pairs[-1]]
    data = prepare_ticks(pairs, scale.ticks)
    flags = ["--pairs", ",".join(pairs), "--timeframe", TIMEFRAME]
    with bench() as place:
        place.run(data, [*flags, "--workers", "2"])  # makes the database and the kernels
        one = [place.run(data, [*flags, "--workers", "1"]) for _ in range(scale.job_runs)]
        limited = [_limited(place, data, flags, percent, scale.job_runs) for percent in (80, 95)]
    json_seconds, json_mb = _json_extra(data, pairs)
    as_json = Timing(tuple(run.seconds + json_seconds for run in one))
    ours = [
        ("1 worker, and the results as JSON", as_json, json_mb),
        ("1 worker", _whole(one), one[0].results_mb),
        ("2 workers, 80 % CPU", _whole(limited[0]), limited[0][0].results_mb),
        ("2 workers, 95 % CPU", _whole(limited[1]), limited[1][0].results_mb),
    ]
    rows = [(*guide, *row[:2], f"{row[2]:,.0f} MB") for guide, row in zip(ESTIMATES, ours, strict=True)]
    header = ("the guide's row", "its authors' estimate", "ours", "start to exit", "results on disk")
    head = (
        f"{_NOTE}\n\n{len(pairs)} pairs of {scale.ticks:,} ticks, 50 strategies, {TIMEFRAME}, {one[0].trades:,} "
        f"trades, all stored; no server running; median (least to most) of {scale.job_runs}. The product stores "
        f"Parquet only: the row of JSON is the one below it and the {json_seconds:.1f} s, measured once, that a "
        "benchmark's own writer takes for the same tables as one file of JSON a strategy."
    )
    return Report(f"{head}\n\n{markdown_table(header, rows)}")


def measure_storage(scale: Scale = FULL) -> Report:
    """Return what one pair's results cost as JSON and as Parquet: to write, to read, to keep."""
    pair = TEN_PAIRS[0]
    data = prepare_ticks([pair], scale.ticks)
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        store, key, metrics, trades = _results(data, pair, scratch / "results")
        copies, numbers = ResultStore(scratch / "copies"), itertools.count()
        as_json = scratch / "json"
        parquet = time_runs(lambda: _publish(copies, pair, f"{next(numbers):064x}", metrics, trades), scale.runs)
        parquet_read = time_runs(lambda: (store.read_metrics(pair, key), store.read_trades(pair, key)), scale.runs)
        text = time_runs(lambda: write_json(as_json, metrics, trades), scale.job_runs, 0)
        text_read = time_runs(lambda: read_json(as_json), scale.job_runs, 0)
        sizes = folder_mb(store.folder(pair, key)), folder_mb(as_json)
    rows = [
        ("Parquet, as the product", parquet, parquet_read, f"{sizes[0]:,.1f} MB"),
        ("JSON, a file a strategy", text, text_read, f"{sizes[1]:,.1f} MB"),
    ]
    head = (
        f"One pair's {len(metrics)} rows of metrics and {len(trades):,} trades. Parquet is synced to disk, hashed and "
        f"verified when read; JSON is none of these. Median (least to most) of {scale.runs} and {scale.job_runs}."
    )
    table = markdown_table(("storage", "write", "read", "on disk"), rows)
    return Report(f"{head}\n\n{table}")


def _limited(place: Bench, data: Path, flags: list[str], percent: int, runs: int) -> list[JobRun]:
    limit = ["--workers", "2", "--cpu-limit", str(percent)]
    return [place.run(data, [*flags, *limit]) for _ in range(runs)]


def _whole(runs: list[JobRun]) -> Timing:
    return Timing(tuple(run.seconds for run in runs))


def _json_extra(data: Path, pairs: tuple[str, ...]) -> tuple[float, float]:
    """Return seconds and megabytes of every pair's results as JSON; one pair at a time, because it is gigabytes."""
    seconds, size = 0.0, 0.0
    with tempfile.TemporaryDirectory() as name:
        for pair in pairs:
            _, _, metrics, trades = _results(data, pair, Path(name, "results"))
            folder = Path(name, "json")
            start = time.perf_counter()
            write_json(folder, metrics, trades)
            seconds += time.perf_counter() - start
            size += folder_mb(folder)
            shutil.rmtree(folder)
            shutil.rmtree(Path(name, "results"))
    return seconds, size


def _results(data: Path, pair: str, results: Path) -> tuple[ResultStore, str, pa.Table, pa.Table]:
    request = with_key(PairRequest(pair, parse_timeframe(TIMEFRAME), StrategySource(), data, results))
    evaluate_pair(request, lambda *_: None)
    store = ResultsFolder(results).store
    return store, request.key, store.read_metrics(pair, request.key), store.read_trades(pair, request.key)


def _publish(store: ResultStore, pair: str, key: str, metrics: pa.Table, trades: pa.Table) -> None:
    with store.open_writer(pair, key, {}) as writer:
        writer.write_metrics(metrics)
        writer.write_trades(trades)
