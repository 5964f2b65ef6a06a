"""Small markets for orders, and the trades that come of them, told in whole words."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import numpy as np
import pytest
from naive_bar_orders import BarOrderWalk, openings_and_closings
from naive_orders import OrderWalk
from naive_positions import NaiveOrderTrade, Setup

from necrozma_core.engine.bar_order_simulation import simulate_bar_orders
from necrozma_core.engine.events import Events, find_events
from necrozma_core.engine.instructions import OnOpposite
from necrozma_core.engine.order_simulation import simulate_orders
from necrozma_core.engine.orders import Orders
from necrozma_core.engine.trades import ExitReason, Trades
from necrozma_core.market.bar_building import bars_from_quote_bars, bars_from_ticks, ticks_of_quote_bars
from necrozma_core.market.instruments import get_pair
from necrozma_core.market.quote_bars import QuoteBars
from necrozma_core.market.ticks import Ticks

MINUTE_MS = 60_000
Row = tuple[int, int, int]
Told = tuple[str, int, int, float, float]


def make_ticks(rows: Sequence[Row], digits: int = 5, pair: str = "EURUSD") -> Ticks:
    """Ticks from (milliseconds, bid points, ask points)."""
    time, bid, ask = zip(*rows, strict=True) if rows else ((), (), ())
    return Ticks(get_pair(pair), digits, np.array(time, np.int64), np.array(bid, np.int32), np.array(ask, np.int32))


def after_signal(bids: Sequence[int], spread: int = 2, step_ms: int = 1_000) -> Ticks:
    """Return ticks whose first is the signal's bar of a minute, and the rest of which follow its close at once."""
    times = [0, *(MINUTE_MS + number * step_ms for number in range(len(bids) - 1))]
    return make_ticks([(time, bid, bid + spread) for time, bid in zip(times, bids, strict=True)])


def make_quote_bars(
    rows: Sequence[tuple[int, int, int, int]], spread: int = 2, first_ms: int = 0, length_ms: int = MINUTE_MS
) -> QuoteBars:
    """Bars from bids (open, high, low, close) in points; the ask is a spread above them."""
    bid = np.array(rows, np.int32).reshape(-1, 4)
    times = first_ms + np.arange(len(rows), dtype=np.int64) * length_ms
    counts = np.zeros(len(rows), np.int32)
    return QuoteBars(get_pair("EURUSD"), length_ms, 5, times, bid, (bid + spread).astype(np.int32), counts)


def at(clock: str) -> int:
    """Return milliseconds since 1970 of a UTC time, ``2024-03-15 20:00``."""
    return round(datetime.fromisoformat(clock).replace(tzinfo=UTC).timestamp() * 1000)


def told(trades: Sequence[NaiveOrderTrade]) -> list[Told]:
    """Return reason, entry tick, exit tick, entry and exit price in points of each trade."""
    return [(each.reason, each.entry_tick, each.exit_tick, float(each.entry), float(each.exit)) for each in trades]


def trade(setup: Setup) -> list[Told]:
    """Return what the naive walk makes of a setup, and the engine, too."""
    walk = OrderWalk(setup).run()
    assert not differs(engine_on_ticks(setup), found_by_walk(walk))
    return told(walk.trades)


def trade_bars(
    bars: QuoteBars, signals: list[int], orders: Orders, timeframe_ms: int = MINUTE_MS, **more: Any
) -> list[Told]:
    """Return what the naive walk over bars makes of them, and the engine, too."""
    setup = Setup(openings_and_closings(bars), timeframe_ms, signals, orders, **more)
    walk = BarOrderWalk(bars, setup).run()
    assert not differs(engine_on_bars(bars, setup), found_by_walk(walk))
    return told(walk.trades)


class Found(NamedTuple):
    """What came of a setup: in whole numbers and words, and in fractions of a point."""

    trades: list[tuple[str, int, int, int, int]]
    stale_entries: int
    points: list[float]


def found_by_engine(trades: Trades, events: Events, scale: int) -> Found:
    """Return reason, side, ticks and bar of the signal of each trade, and its prices, result, part and stop."""
    columns = (trades.side, trades.entry_tick, trades.exit_tick, events.bar[trades.event] - 1)
    reasons = [ExitReason(reason).label for reason in trades.reason.tolist()]
    rows = list(zip(reasons, *(column.tolist() for column in columns), strict=True))
    prices = trades.entry_price * scale, trades.exit_price * scale
    points = np.stack((*prices, trades.points, trades.fraction, np.nan_to_num(trades.stop_points, nan=-1)), axis=1)
    return Found(rows, trades.stale_entries, points.ravel().tolist())


def found_by_walk(walk: OrderWalk) -> Found:
    """Return the same of the naive walk, which has been run."""
    rows = [(each.reason, each.side, each.entry_tick, each.exit_tick, each.signal_bar) for each in walk.trades]
    points = [
        float(number)
        for each in walk.trades
        for number in (each.entry, each.exit, each.points, each.fraction, -1 if each.stop is None else each.stop)
    ]
    return Found(rows, walk.stale_entries, points)


def differs(found: Found, expected: Found) -> bool:
    """Say whether two differ by more than the last bits of prices and the millionths that arrays are rounded to."""
    return found[:2] != expected[:2] or found.points != pytest.approx(expected.points, rel=1e-12, abs=2e-6)


def stop_out_of(setup: Setup, events: Events) -> np.ndarray:
    """Return the distance of each event's stop-out, NaN for none."""
    return np.array([setup.stop_out.get(bar - 1, np.nan) for bar in events.bar.tolist()], dtype=np.float64)


def engine_on_ticks(setup: Setup) -> Found:
    """Return what the engine makes of a setup."""
    ticks = setup.ticks
    events = find_events(np.array(setup.signals, np.int8))
    trades = simulate_orders(
        ticks,
        bars_from_ticks(ticks, setup.timeframe_ms),
        events,
        setup.stop_loss_pips,
        setup.take_profit_pips,
        setup.orders,
        setup.execution,
        setup.levels,
        stop_out_points=stop_out_of(setup, events),
        on_opposite=OnOpposite(setup.on_opposite),
    )
    return found_by_engine(trades, events, ticks.scale)


def engine_on_bars(bars: QuoteBars, setup: Setup) -> Found:
    """Return what the engine makes of a setup on bars without ticks."""
    events = find_events(np.array(setup.signals, np.int8))
    trades = simulate_bar_orders(
        bars,
        ticks_of_quote_bars(bars),
        bars_from_quote_bars(bars, setup.timeframe_ms),
        events,
        setup.stop_loss_pips,
        setup.take_profit_pips,
        setup.orders,
        setup.execution,
        setup.levels,
        on_opposite=OnOpposite(setup.on_opposite),
        stop_out_points=stop_out_of(setup, events),
    )
    return found_by_engine(trades, events, bars.scale)
