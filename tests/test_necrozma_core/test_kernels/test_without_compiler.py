"""The kernels as plain Python, which numba leaves where ``NUMBA_DISABLE_JIT`` is set: for debuggers and coverage."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from necrozma_core.engine.events import find_events
from necrozma_core.engine.execution import Execution
from necrozma_core.engine.extremes import TickExtremes
from necrozma_core.engine.order_simulation import simulate_orders
from necrozma_core.engine.orders import Orders
from necrozma_core.engine.simulation import simulate
from necrozma_core.feeds.samples.quotes import sample_ticks
from necrozma_core.kernels.lookup import INTERVAL_BITS, last_quotes, note_quotes
from necrozma_core.market.arrays import Int8Array
from necrozma_core.market.bar_building import bars_from_ticks
from necrozma_core.market.bars import Bars
from necrozma_core.market.ticks import Ticks
from necrozma_core.market.timeframes import parse_timeframe
from necrozma_core.metrics.figures import measure
from necrozma_core.money.conversion import Conversion
from necrozma_core.money.costs import Account, Costs, price_trades
from necrozma_core.money.equity import trading_days
from necrozma_core.money.excursions import find_excursions
from necrozma_core.money.path import path_of
from necrozma_core.strategies.catalog import default_strategies
from necrozma_core.strategies.protocol import Strategy

ORDERS = (
    Orders(trailing_stop_pips=5.0, trailing_start_pips=2.0, break_even_pips=4.0, targets="3:0.5"),
    Orders(entry_order="stop", entry_sides="both", entry_expiry_bars=3, trailing_stop_atr=2.0, max_minutes=90),
    Orders(entry_order="limit", entry_offset_pips=1.5, trailing_stop_pips=4.0, trailing_step_pips=1.0, max_bars=9),
)


def compute_orders(ticks: Ticks, bars: Bars, signals: Int8Array, strategy: Strategy) -> list[str]:
    """Return a line for the trades of a strategy's signals by each of some orders."""
    lines = []
    execution = Execution(slippage_pips=0.3, spread_markup_pips=0.2, latency_ms=200, max_quote_age_ms=60_000)
    for orders in ORDERS:
        events = find_events(signals)
        levels = strategy.stop_loss_pips, strategy.take_profit_pips
        trades = simulate_orders(ticks, bars, events, *levels, orders, execution)
        columns = (trades.side, trades.entry_tick, trades.exit_tick, trades.points, trades.reason, trades.fraction)
        content = b"".join(column.tobytes() for column in columns)
        lines.append(f"{strategy.name} {len(trades)} {trades.stale_entries} {hashlib.sha256(content).hexdigest()}")
    return lines


def compute_everything() -> list[str]:
    """Return a line for the signals, the trades and the looked-up quotes of a small market."""
    ticks = sample_ticks("USDJPY", 2_000, seed=1)
    bars = bars_from_ticks(ticks, parse_timeframe("5min"))
    conversion = Conversion.from_ticks(ticks.pair, ticks, multiply=False)
    days = trading_days(ticks, conversion)
    lines = []
    for strategy in default_strategies():
        signals = strategy.signals(bars)
        for slippage in (0.0, 15.0):
            trades = simulate(ticks, bars, signals, strategy.stop_loss_pips, strategy.take_profit_pips, slippage)
            excursions = find_excursions(trades, path_of(trades, days), TickExtremes(ticks, bars), 0.5)
            money = price_trades(trades, ticks, 0.1, Costs(), conversion)
            figures = measure(trades, money, days, ticks, 0.1, Account(), excursions)
            columns = (trades.side, trades.entry_tick, trades.exit_tick, trades.points, trades.reason)
            columns = (*columns, *excursions.of_trades(trades, ticks))
            content = b"".join(column.tobytes() for column in (signals, *columns))
            lines.append(f"{strategy.name} {len(trades)} {hashlib.sha256(content).hexdigest()} {figures.max_drawdown}")
        lines += compute_orders(ticks, bars, signals, strategy)
    origin, count = int(ticks.time_ms[0]), len(ticks)
    intervals = (int(ticks.time_ms[-1]) - origin >> INTERVAL_BITS) + 1
    offset, twice_mid, ends = np.empty(count, np.uint16), np.empty(count, np.int32), np.zeros(intervals, np.int32)
    note_quotes(ticks.time_ms, ticks.bid, ticks.ask, origin, 0, offset, twice_mid, ends)
    wanted = ticks.time_ms + 60_000
    quotes = last_quotes(offset, twice_mid, np.maximum.accumulate(ends), origin, wanted, 3_600_000)
    return [*lines, hashlib.sha256(quotes[0].tobytes() + quotes[1].tobytes()).hexdigest()]


@pytest.mark.slow
def test_kernels_without_the_compiler_give_the_same_bits() -> None:
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    ran = subprocess.run(
        [sys.executable, str(Path(__file__))], env=environment, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines() == compute_everything()


if __name__ == "__main__":
    sys.stdout.write("\n".join(compute_everything()))
