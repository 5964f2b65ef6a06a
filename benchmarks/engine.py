"""Where the time of one pair goes, stage by stage, on one core; and the naive kernel beside the engine's."""

from pathlib import Path

from benchmarks.market import YEAR_TICKS, prepare_ticks
from benchmarks.measure import markdown_table, time_runs
from benchmarks.parity import check_parity, run_engine, run_naive
from necrozma_core.bars import Bars, bars_from_ticks
from necrozma_core.conversion import Conversion
from necrozma_core.costs import Account, Costs, price_trades
from necrozma_core.equity import trading_days
from necrozma_core.metrics import measure
from necrozma_core.simulation import find_events
from necrozma_core.storage.tick_store import TickStore
from necrozma_core.strategies.catalog import default_strategies
from necrozma_core.ticks import Ticks

_PAIR = "EURUSD"
_LOTS = 0.1


def measure_engine(ticks: int = YEAR_TICKS, timeframe_ms: int = 60_000, runs: int = 5) -> str:
    """Return the table of stages for one pair and fifty strategies."""
    folder = prepare_ticks([_PAIR], ticks)
    store = TickStore(folder)
    quotes = store.read(_PAIR)
    bars = bars_from_ticks(quotes, timeframe_ms)
    strategies = default_strategies()
    signals = [strategy.signals(bars) for strategy in strategies]
    agreed = check_parity(quotes, bars, strategies, signals)
    trades = run_engine(quotes, bars, strategies, signals)
    conversion, account, costs = Conversion.identity(), Account(), Costs()
    days = trading_days(quotes, conversion)
    money = [price_trades(each, quotes, _LOTS, costs, conversion) for each in trades]
    rows = [
        ("read and verify ticks", time_runs(lambda: store.read(_PAIR), runs)),
        ("bars", time_runs(lambda: bars_from_ticks(quotes, timeframe_ms), runs)),
        ("signals, nothing remembered", time_runs(lambda: _signals(quotes, bars, strategies), runs)),
        ("events", time_runs(lambda: [find_events(signal) for signal in signals], runs)),
        ("simulation and events: the engine", time_runs(lambda: run_engine(quotes, bars, strategies, signals), runs)),
        ("the same by the naive kernel", time_runs(lambda: run_naive(quotes, bars, strategies, signals), 1, 0)),
        (
            "money",
            time_runs(lambda: [price_trades(each, quotes, _LOTS, costs, conversion) for each in trades], runs),
        ),
        (
            "metrics",
            time_runs(
                lambda: [
                    measure(each, paid, days, quotes, _LOTS, account) for each, paid in zip(trades, money, strict=True)
                ],
                runs,
            ),
        ),
    ]
    size = sum(path.stat().st_size for path in Path(folder, _PAIR).glob("*.parquet"))
    head = (
        f"{len(quotes):,} ticks ({size / 1e6:.0f} MB of Parquet), {len(bars):,} bars, {len(strategies)} strategies, "
        f"{agreed:,} trades, each equal to the naive walk's. One core, median (least to most) of {runs}."
    )
    return f"{head}\n\n{markdown_table(('stage', 'time'), rows)}"


def _signals(quotes: Ticks, bars: Bars, strategies: object) -> None:
    # New bars, so that no indicator is remembered from the run before; building them is measured on its own.
    fresh = Bars(
        bars.timeframe_ms,
        bars.digits,
        bars.open_time_ms,
        bars.bid_points,
        bars.ask_points,
        bars.mid2_points,
        bars.tick_count,
        bars.first_tick,
    )
    for strategy in default_strategies():
        strategy.signals(fresh)
