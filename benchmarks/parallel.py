"""How much faster two workers are than one, with nothing beside them: no Prefect, no server, no start."""

import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from benchmarks.job import TIMEFRAME
from benchmarks.market import CACHE, TEN_PAIRS, prepare_ticks
from benchmarks.measure import Report, Timing, markdown_table
from benchmarks.scale import FULL, Scale
from necrozma_core.jobs import PairRequest, with_key
from necrozma_core.strategies.source import StrategySource
from necrozma_core.timeframes import parse_timeframe
from necrozma_core.workers.cache import KernelCache
from necrozma_core.workers.pool import WorkerPool
from necrozma_core.workers.progress import ProgressBoard

_GRID: Final = "family=sma_cross fast=5:50:5 slow=60:200:20 stop_loss_pips=10:40:10 take_profit_pips=20:80:20"


def measure_parallel(scale: Scale = FULL) -> Report:
    """Return the time that one worker and two take for the same pairs, the engine loaded before."""
    pairs = TEN_PAIRS[: min(4, scale.pairs[-1])]
    data = prepare_ticks(pairs, scale.few_ticks)
    source = StrategySource.from_grid(_GRID)
    taken: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(scale.job_runs):
        for workers, seconds in taken.items():
            seconds.append(_time(pairs, data, source, workers))
    # Each round's two runs were neighbours in time, so their ratio is the least disturbed.
    ratio = Timing(tuple(two / one for one, two in zip(taken[1], taken[2], strict=True)))
    rows = [
        ("1 worker", Timing(tuple(taken[1])), "1.00"),
        ("2 workers", Timing(tuple(taken[2])), f"{ratio.median:.2f}"),
    ]
    head = (
        f"{len(pairs)} pairs of {scale.few_ticks:,} ticks, {source.count():,} settings each, by the workers' pool "
        f"alone; median (least to most) of {scale.job_runs}."
    )
    table = markdown_table(("workers", "first pair's beginning to last pair's end", "of one worker"), rows)
    return Report(f"{head}\n\n{table}", {"ratio": ratio.median})


def _time(pairs: tuple[str, ...], data: Path, source: StrategySource, workers: int) -> float:
    with tempfile.TemporaryDirectory(prefix="necrozma-bench-") as folder:
        requests = [
            with_key(PairRequest(pair, parse_timeframe(TIMEFRAME), source, data, Path(folder), keep_trades=1))
            for pair in pairs
        ]
        pool = WorkerPool(
            workers, ProgressBoard.create(Path(folder, "progress"), workers), KernelCache(CACHE / "kernels")
        )
        try:
            pool.warm_up()
            pool.wait_open()
            start = time.perf_counter()
            with ThreadPoolExecutor(len(requests)) as threads:
                list(threads.map(pool.run, requests))
            return time.perf_counter() - start
        finally:
            pool.stop()
