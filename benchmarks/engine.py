"""Where the time of one pair goes, stage by stage, on one core; and the naive kernel beside the engine's."""

import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from benchmarks.job import TIMEFRAME
from benchmarks.measuring.market import TEN_PAIRS, prepare_ticks
from benchmarks.measuring.measure import Report, Timing, markdown_table, megabytes, time_runs
from benchmarks.measuring.new_process import run_child
from benchmarks.parity import check_parity, run_engine, run_naive
from benchmarks.scale import FULL, Scale
from necrozma_core.backtest.key import with_key
from necrozma_core.backtest.request import PairRequest
from necrozma_core.backtest.river import evaluate_pair
from necrozma_core.engine.events import find_events
from necrozma_core.engine.extremes import TickExtremes
from necrozma_core.engine.trades import Trades
from necrozma_core.market.arrays import Int8Array
from necrozma_core.market.bar_building import bars_from_ticks
from necrozma_core.market.bars import Bars
from necrozma_core.market.ticks import Ticks
from necrozma_core.market.timeframes import parse_timeframe
from necrozma_core.metrics.figures import Metrics, measure
from necrozma_core.money.conversion import Conversion
from necrozma_core.money.costs import Account, Costs, Money, price_trades
from necrozma_core.money.equity import TradingDays, trading_days
from necrozma_core.money.excursions import Excursions, find_excursions
from necrozma_core.money.path import path_of
from necrozma_core.reporting.ranking import rank_metrics
from necrozma_core.storage.results.store import ResultStore
from necrozma_core.storage.results_folder import ResultsFolder
from necrozma_core.storage.ticks.store import TickStore
from necrozma_core.strategies.catalog import default_strategies
from necrozma_core.strategies.protocol import Strategy
from necrozma_core.strategies.source import StrategySource

_PAIR = TEN_PAIRS[0]
_LOTS = 0.1


@dataclass(frozen=True, slots=True)
class Stages:
    """The inputs of every stage of the river for one pair, so that each stage can be timed by itself."""

    folder: Path
    ticks: Ticks
    bars: Bars
    strategies: Sequence[Strategy]
    signals: list[Int8Array]
    trades: list[Trades]
    money: list[Money]
    days: TradingDays

    @classmethod
    def of(cls, folder: Path) -> "Stages":
        """Run the pair through all stages once."""
        ticks = TickStore(folder).read(_PAIR)
        bars = bars_from_ticks(ticks, parse_timeframe(TIMEFRAME))
        strategies = default_strategies()
        signals = [strategy.signals(bars) for strategy in strategies]
        trades = run_engine(ticks, bars, strategies, signals)
        money = [_price(each, ticks) for each in trades]
        return cls(folder, ticks, bars, strategies, signals, trades, money, trading_days(ticks, Conversion.identity()))

    def read(self) -> Ticks:
        """Read and verify the ticks."""
        return TickStore(self.folder).read(_PAIR)

    def read_cold(self) -> float:
        """Return the seconds of the same while the files are not in memory."""
        for path in Path(self.folder, _PAIR).iterdir():
            _forget(path)
        start = time.perf_counter()
        self.read()
        return time.perf_counter() - start

    def build_bars(self) -> Bars:
        """Build the bars."""
        return bars_from_ticks(self.ticks, self.bars.timeframe_ms)

    def signal(self, bars: Bars) -> list[Int8Array]:
        """Compute every strategy's signals, and those indicators that the bars do not remember."""
        return [strategy.signals(bars) for strategy in self.strategies]

    def signal_anew(self) -> float:
        """Return the seconds of the same on new bars, which remember nothing; building them is not counted."""
        bars = self.build_bars()
        start = time.perf_counter()
        self.signal(bars)
        return time.perf_counter() - start

    def simulate(self) -> list[Trades]:
        """Trade the signals."""
        return run_engine(self.ticks, self.bars, self.strategies, self.signals)

    def price(self) -> list[Money]:
        """Turn trades into money."""
        return [_price(each, self.ticks) for each in self.trades]

    def judge(self) -> list[Metrics]:
        """Turn money into metrics."""
        pairs = zip(self.trades, self.money, strict=True)
        return [
            measure(trades, money, self.days, self.ticks, _LOTS, Account(), self._excursions(trades))
            for trades, money in pairs
        ]

    def _excursions(self, trades: Trades) -> Excursions:
        return find_excursions(trades, path_of(trades, self.days), TickExtremes(self.ticks, self.bars))


def measure_parity(scale: Scale = FULL) -> Report:
    """Compare the engine's trades with the naive walk's over every tick, for all fifty strategies."""
    stages = Stages.of(prepare_ticks([_PAIR], scale.ticks))
    agreed = check_parity(stages.ticks, stages.bars, stages.strategies, stages.signals)
    return Report(
        f"{len(stages.strategies)} strategies over {len(stages.ticks):,} ticks: {agreed:,} trades, every one at the "
        "same ticks and for the same reason as in a naive walk over every tick."
    )


def measure_engine(scale: Scale = FULL) -> Report:
    """Return the table of stages for one pair and fifty strategies."""
    stages = Stages.of(prepare_ticks([_PAIR], scale.ticks))
    agreed = check_parity(stages.ticks, stages.bars, stages.strategies, stages.signals)
    with tempfile.TemporaryDirectory() as name:
        rows = [*_stage_rows(stages, scale.runs), *_stored_rows(stages.folder, Path(name), scale.runs)]
    size = sum(path.stat().st_size for path in Path(stages.folder, _PAIR).glob("*.parquet"))
    head = (
        f"{len(stages.ticks):,} ticks ({size / 1e6:.0f} MB of Parquet), {len(stages.bars):,} bars, "
        f"{len(stages.strategies)} strategies, {agreed:,} trades, each equal to the naive walk's. One core, median "
        f"(least to most) of {scale.runs}."
    )
    alone = run_child("pair", str(stages.folder), _PAIR, TIMEFRAME)
    tail = (
        f"A process that does nothing but this pair, kernels loaded from their cache: {alone['seconds']:.2f} s, "
        f"peak memory {megabytes(alone['peak_mb'])}."
    )
    return Report(f"{head}\n\n{markdown_table(('stage', 'time'), rows)}\n\n{tail}", {"pair_mb": alone["peak_mb"]})


def _stage_rows(stages: Stages, runs: int) -> list[tuple[str, Timing]]:
    anew, remembered = _timed(stages.signal_anew, runs), time_runs(lambda: stages.signal(stages.bars), runs)
    indicators = Timing(tuple(seconds - remembered.median for seconds in anew.runs))
    return [
        ("read and verify ticks, files not in memory", _timed(stages.read_cold, runs)),
        ("read and verify ticks", time_runs(stages.read, runs)),
        ("bars", time_runs(stages.build_bars, runs)),
        ("indicators and signals, nothing remembered", anew),
        ("of them indicators", indicators),
        ("of them signals", remembered),
        ("events", time_runs(lambda: [find_events(signal) for signal in stages.signals], runs)),
        ("simulation and events: the engine", time_runs(stages.simulate, runs)),
        (
            "the same by the naive kernel",
            time_runs(lambda: run_naive(stages.ticks, stages.bars, stages.strategies, stages.signals), 1, 0),
        ),
        ("money", time_runs(stages.price, runs)),
        ("metrics", time_runs(stages.judge, runs)),
    ]


def _stored_rows(data: Path, scratch: Path, runs: int) -> list[tuple[str, Timing]]:
    """Time the whole river into new folders, and publishing and ranking by themselves."""
    whole = []
    for run in range(runs + 1):
        start = time.perf_counter()
        metrics, trades = _backtest(data, scratch / str(run))
        whole.append(time.perf_counter() - start)
    store = ResultStore(scratch / "copies")
    keys = iter(range(10_000))
    return [
        ("publish metrics and trades", time_runs(lambda: _publish(store, f"{next(keys):064x}", metrics, trades), runs)),
        ("rank ten such pairs", time_runs(lambda: rank_metrics([metrics] * 10), runs)),
        ("the whole pair, from files to files", Timing(tuple(whole[1:]))),
    ]


def _backtest(data: Path, results: Path) -> tuple[pa.Table, pa.Table]:
    request = with_key(PairRequest(_PAIR, parse_timeframe(TIMEFRAME), StrategySource(), data, results, _LOTS))
    evaluate_pair(request, lambda *_: None)
    store = ResultsFolder(results).store
    return store.read_metrics(_PAIR, request.key), store.read_trades(_PAIR, request.key)


def _publish(store: ResultStore, key: str, metrics: pa.Table, trades: pa.Table) -> None:
    with store.open_writer(_PAIR, key, {}) as writer:
        writer.write_metrics(metrics)
        writer.write_trades(trades)


def _price(trades: Trades, ticks: Ticks) -> Money:
    return price_trades(trades, ticks, _LOTS, Costs(), Conversion.identity())


def _timed(work: Callable[[], float], runs: int) -> Timing:
    return Timing(tuple(work() for _ in range(runs)))


def _forget(path: Path) -> None:
    """Ask the system to drop a file's pages; without effect where it cannot."""
    if sys.platform != "linux":
        return
    with suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(descriptor)
