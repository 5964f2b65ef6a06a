"""Small markets for orders, and the trades that come of them, told in whole words."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
from naive_bar_orders import BarOrderWalk, openings_and_closings
from naive_orders import OrderWalk
from naive_positions import NaiveOrderTrade, Setup

from necrozma_core.engine.orders import Orders
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
