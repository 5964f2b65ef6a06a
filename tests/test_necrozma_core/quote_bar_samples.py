"""Made-up bars without ticks, and whether two are the same."""

import numpy as np
from tick_samples import utc_ms

from necrozma_core.market.instruments import get_pair
from necrozma_core.market.quote_bars import QuoteBars

HOUR_MS = 3_600_000


def make_bars(
    first: str, number: int, *, pair: str = "EURUSD", timeframe_ms: int = HOUR_MS, digits: int = 5, seed: int = 1
) -> QuoteBars:
    """Bars without gaps whose content depends on their time alone, so that two that overlap agree."""
    start = utc_ms(first)
    time_ms = start + timeframe_ms * np.arange(number, dtype=np.int64)
    random = [np.random.default_rng([seed, int(time) // timeframe_ms]) for time in time_ms]
    middle = 10**digits
    bid = np.empty((number, 4), np.int32)
    for row, chance in enumerate(random):
        opened, closed = (middle + chance.integers(-50, 51, 2)).tolist()
        bid[row] = (
            opened,
            max(opened, closed) + chance.integers(0, 9),
            min(opened, closed) - chance.integers(0, 9),
            closed,
        )
    return QuoteBars(
        pair=get_pair(pair),
        timeframe_ms=timeframe_ms,
        digits=digits,
        open_time_ms=time_ms,
        bid=bid,
        ask=bid + np.int32(12),
        tick_count=np.array([chance.integers(0, 5_000) for chance in random], np.int32),
    )


def same_bars(first: QuoteBars, second: QuoteBars) -> bool:
    arrays = all(
        np.array_equal(getattr(first, name), getattr(second, name))
        for name in ("open_time_ms", "bid", "ask", "tick_count")
    )
    return arrays and (first.pair, first.timeframe_ms, first.digits) == (
        second.pair,
        second.timeframe_ms,
        second.digits,
    )
