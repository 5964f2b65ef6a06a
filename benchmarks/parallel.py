"""How much faster two workers are than one, without Prefect, a server or a start beside them."""

import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.job import TIMEFRAME
from benchmarks.measuring.market import CACHE, TEN_PAIRS, prepare_ticks
from benchmarks.measuring.measure import Report, Timing, markdown_table
from benchmarks.scale import FULL, Scale
from necrozma_core.backtest.key import with_key
from necrozma_core.backtest.request import PairRequest
from necrozma_core.market.timeframes import parse_timeframe
from necrozma_core.strategies.source import StrategySource
from necrozma_core.workers.cache import KernelCache
from necrozma_core.workers.pool import WorkerPool
from necrozma_core.workers.progress import ProgressBoard

_GRID: Final = "family=sma_cross fast=5:50:5 slow=60:200:20 stop_loss_pips=10:40:10 take_profit_pips=20:80:20"


def measure_parallel(scale: Scale = FULL) -> Report:
    """Return the time that one worker and two take for the same pairs, the engine loaded before."""
    few = TEN_PAIRS[: min(4, scale.pairs[-1])]
    all_pairs = TEN_PAIRS[: scale.pairs[-1]]
    grid, fifty = StrategySource.from_grid(_GRID), StrategySource()
    busy = _Work(few, prepare_ticks(few, scale.few_ticks), grid, keep_trades=1)
    year = prepare_ticks(all_pairs, scale.ticks)
    job, stored = _Work(all_pairs, year, fifty, keep_trades=1), _Work(all_pairs, year, fifty, keep_trades=None)
    taken: dict[tuple[_Work, int], list[float]] = {(work, n): [] for work in (busy, job, stored) for n in (1, 2)}
    for _ in range(scale.job_runs):
        for (work, workers), seconds in taken.items():
            seconds.append(work.time(workers))
    names = {
        busy: f"{len(few)} pairs of {scale.few_ticks:,} ticks, {grid.count():,} settings each",
        job: f"{len(all_pairs)} pairs of {scale.ticks:,} ticks, {len(fifty.load())} settings each",
        stored: "the same, and every trade stored",
    }
    ratios = {work: _ratio(taken[work, 1], taken[work, 2]) for work in names}
    rows = [
        (name, Timing(tuple(taken[work, 1])), Timing(tuple(taken[work, 2])), f"{ratios[work]:.2f}")
        for work, name in names.items()
    ]
    head = (
        "From the first pair's beginning to the last pair's end, by the workers' pool alone; of each pair the trades "
        f"of the best setting are stored, if not all. Median (least to most) of {scale.job_runs}."
    )
    table = markdown_table(("work", "1 worker", "2 workers", "of one worker"), rows)
    engine_s = Timing(tuple(taken[job, 2])).median
    return Report(f"{head}\n\n{table}", {"ratio": ratios[busy], "engine": engine_s})


def _ratio(one: list[float], two: list[float]) -> float:
    # The ratio is taken within each round: its two runs are close in time, so the machine was most alike.
    return Timing(tuple(second / first for first, second in zip(one, two, strict=True))).median


@dataclass(frozen=True)
class _Work:
    """Pairs to be backtested, and of how many settings the trades are stored."""

    pairs: tuple[str, ...]
    data: Path
    source: StrategySource
    keep_trades: int | None

    def time(self, workers: int) -> float:
        """Return the seconds that so many workers take."""
        with tempfile.TemporaryDirectory(prefix="necrozma-bench-") as folder:
            return self._time(workers, Path(folder))

    def _time(self, workers: int, folder: Path) -> float:
        timeframe_ms = parse_timeframe(TIMEFRAME)
        requests = [
            with_key(PairRequest(pair, timeframe_ms, self.source, self.data, folder, keep_trades=self.keep_trades))
            for pair in self.pairs
        ]
        board = ProgressBoard.create(folder / "progress", workers)
        pool = WorkerPool(workers, board, KernelCache(CACHE / "kernels"))
        try:
            pool.warm_up()
            pool.wait_open()
            start = time.perf_counter()
            with ThreadPoolExecutor(len(requests)) as threads:
                list(threads.map(pool.run, requests))
            return time.perf_counter() - start
        finally:
            pool.stop()
