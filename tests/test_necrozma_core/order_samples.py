"""Small markets for orders, and the trades that come of them, told in whole words."""

from collections.abc import Sequence
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

import numpy as np
from naive_bar_orders import BarOrderWalk, openings_and_closings
from naive_orders import OrderWalk
from naive_positions import NaiveOrderTrade, Setup

from necrozma_core.engine.bar_order_simulation import simulate_bar_orders
from necrozma_core.engine.events import Events, find_events
from necrozma_core.engine.instructions import OnOpposite
from necrozma_core.engine.orders import Orders
from necrozma_core.engine.trades import ExitReason, Trades
from necrozma_core.market.bar_building import bars_from_quote_bars, ticks_of_quote_bars
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
    """Return what the naive walk makes of a setup."""
    return told(OrderWalk(setup).run().trades)


def trade_bars(
    bars: QuoteBars, signals: list[int], orders: Orders, timeframe_ms: int = MINUTE_MS, **more: Any
) -> list[Told]:
    """Return what the naive walk over bars makes of them."""
    setup = Setup(openings_and_closings(bars), timeframe_ms, signals, orders, **more)
    return told(BarOrderWalk(bars, setup).run().trades)


def rows_of(trades: Trades, events: Events, scale: int) -> list[dict[str, Any]]:
    """Return what the engine says of each trade, prices in points."""
    return [
        {
            "reason": ExitReason(trades.reason[row]).label,
            "side": int(trades.side[row]),
            "ticks": (int(trades.entry_tick[row]), int(trades.exit_tick[row])),
            "prices": (rounded(trades.entry_price[row] * scale), rounded(trades.exit_price[row] * scale)),
            "points": rounded(trades.points[row]),
            "fraction": rounded(trades.fraction[row]),
            "signal_bar": int(events.bar[trades.event[row]]) - 1,
            "stop": None if np.isnan(trades.stop_points[row]) else rounded(trades.stop_points[row]),
        }
        for row in range(len(trades))
    ]


def naive_rows(trades: Sequence[NaiveOrderTrade]) -> list[dict[str, Any]]:
    """Return the same of the naive walk."""
    return [
        {
            "reason": each.reason,
            "side": each.side,
            "ticks": (each.entry_tick, each.exit_tick),
            "prices": (rounded(each.entry), rounded(each.exit)),
            "points": rounded(each.points),
            "fraction": rounded(each.fraction),
            "signal_bar": each.signal_bar,
            "stop": None if each.stop is None else rounded(each.stop),
        }
        for each in trades
    ]


def rounded(value: float | Fraction) -> float:
    """Return a number of points to the ten-thousandth: engine and walk differ by the last bits of their prices."""
    return round(float(value), 4) + 0.0


def stop_out_of(setup: Setup, events: Events) -> np.ndarray:
    """Return the distance of each event's stop-out, NaN for none."""
    return np.array([setup.stop_out.get(bar - 1, np.nan) for bar in events.bar.tolist()], dtype=np.float64)


def engine_on_bars(bars: QuoteBars, setup: Setup) -> tuple[list[dict[str, Any]], int]:
    """Return what the engine makes of a setup on bars without ticks."""
    events = find_events(np.array(setup.signals, np.int8))
    trades = simulate_bar_orders(
        bars,
        ticks_of_quote_bars(bars),
        bars_from_quote_bars(bars, setup.timeframe_ms),
        events,
        setup.orders,
        setup.execution,
        stop_loss_pips=setup.stop_loss_pips,
        take_profit_pips=setup.take_profit_pips,
        on_opposite=OnOpposite(setup.on_opposite),
        levels=setup.levels,
        stop_out_points=stop_out_of(setup, events) if setup.stop_out else None,
    )
    return rows_of(trades, events, bars.scale), trades.stale_entries
