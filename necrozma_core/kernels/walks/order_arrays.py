"""What the walk of orders reads, in groups: prices, events, waiting entries, guards of a position, time limits.

The side price of a position is the quote that it would close at: the bid of a long one, the ask of a short one. Seen
from the position up is what pays, so a short one sees prices with the other sign; everything that is compared with such
a price is in whole points of it.
"""

from typing import NamedTuple

import numpy as np

FAR = 2**40
"""Farther than any two prices are apart, in points."""

MARKET, STOP, LIMIT = 0, 1, 2
"""How events enter."""

MAY_ENTER, STALE, SHUT = 0, 1, 2
"""Whether an event may enter: its tick comes too late, or something else forbids it, which nobody counts."""

STOP_AT, STOP_OUT_AT, TARGET_AT, TRAIL_BY, TRAIL_FROM, ARM_AT, LOCK_AT, FIRST_PARTIAL = 0, 1, 2, 3, 4, 5, 6, 7
"""Columns of ``Guards.whole``."""

EXTRA, COST, TARGET, STOP_DISTANCE, TRAIL_EXACT, LOCK_EXACT, FIRST_PARTIAL_EXACT = 0, 1, 2, 3, 4, 5, 6
"""Columns of ``Guards.exact``."""


class Prices(NamedTuple):
    """The market.

    Attributes
    ----------
    bid, ask : int32 array, shape (n_ticks,)
        Points.
    time_ms : int64 array, shape (n_ticks,)
    first_tick : int64 array, shape (n_bars + 1,)
    bid_open, ask_open : int32 array, shape (n_bars,)
        Prices of the bars' first ticks: the ticks themselves lie far apart in memory.
    bid_extremes, ask_extremes : int32 array, shape (n_bars, 2)
        Low, high.
    opened_ms : int64 array, shape (n_bars,)
        Times of the bars' first ticks.
    """

    bid: np.ndarray
    ask: np.ndarray
    time_ms: np.ndarray
    first_tick: np.ndarray
    bid_open: np.ndarray
    ask_open: np.ndarray
    bid_extremes: np.ndarray
    ask_extremes: np.ndarray
    opened_ms: np.ndarray


class Due(NamedTuple):
    """The events that act, each at a tick of its own.

    Attributes
    ----------
    tick : int64 array, shape (n_events,)
        Rising.
    bar : int64 array, shape (n_events,)
        The bar that holds the tick.
    side : int8 array, shape (n_events,)
        BUY, SELL, or one of the three that close.
    entry : int8 array, shape (n_events,)
        MAY_ENTER, STALE or SHUT.
    """

    tick: np.ndarray
    bar: np.ndarray
    side: np.ndarray
    entry: np.ndarray


class Waiting(NamedTuple):
    """The orders that events leave; without a meaning where events enter at the market.

    Attributes
    ----------
    kind : int
        MARKET, STOP or LIMIT.
    trigger : int64 array, shape (n_events, 2)
        The quote at which an order to buy (first) and one to sell are reached: a stop to buy by asks at or above it, a
        limit by asks at or below it, orders to sell by bids the other way round. FAR away where there is no order.
    base : int64 array, shape (n_events, 2)
        The level of a limit to buy and to sell as the position sees it, rounded down.
    end_tick : int64 array, shape (n_events,)
        The first tick at which the orders no longer live.
    """

    kind: int
    trigger: np.ndarray
    base: np.ndarray
    end_tick: np.ndarray


class Guards(NamedTuple):
    """The levels of a position, as distances from its base: the quote that it entered at, or its limit rounded down.

    Attributes
    ----------
    whole : int64 array, shape (1, n) or (2 * n_events, n)
        Whole points; one row for all, or two for each event, of its long and its short position. STOP_AT, STOP_OUT_AT:
        reached so far below the base. TARGET_AT, then one column for each partial target: reached so far above.
        TRAIL_BY: distance of the trailing stop from the best price. TRAIL_FROM, ARM_AT: so far above the base the
        trailing stop begins and break-even is armed. LOCK_AT: break-even is reached so far above the base or lower.
    exact : float64 array, shape as ``whole``
        Points, fractions included. EXTRA: the recorded entry less the base. COST: what a position loses between base
        and side price to slippage and mark-up. TARGET, then one column for each partial target, STOP_DISTANCE: from the
        recorded entry. TRAIL_EXACT, LOCK_EXACT: TRAIL_BY and LOCK_AT before they were rounded.
    part : float64 array, shape (n_partial_targets,)
        The fraction of the lots that each partial target closes.
    rest : float64 array, shape (n_partial_targets + 1,)
        The fraction that is left after so many of them.
    step : int
        Whole points by which the trailing stop moves at least; 1 or more.
    trails_at_once : bool
        Whether the trailing stop begins at the entry, whatever TRAIL_FROM says.
    """

    whole: np.ndarray
    exact: np.ndarray
    part: np.ndarray
    rest: np.ndarray
    step: int
    trails_at_once: bool


class TimeLimits(NamedTuple):
    """When positions end whatever their price.

    Attributes
    ----------
    max_bars : int
        At the first tick of this bar after the entry's; FAR without a limit.
    max_ms : int
        At the first tick so much after the entry; FAR without a limit.
    close_tick, close_bar : int64 array, shape (n_closes,)
        Ticks at which every position closes that was open before, rising, and their bars.
    close_reason : int8 array, shape (n_closes,)
        TIME or SESSION.
    """

    max_bars: int
    max_ms: int
    close_tick: np.ndarray
    close_bar: np.ndarray
    close_reason: np.ndarray


class Rules(NamedTuple):
    """What holds for every position.

    Attributes
    ----------
    on_opposite : int
        REVERSE, CLOSE_ONLY or IGNORE.
    latency_ms : int
        What a tick sets off fills at the first tick so much later.
    """

    on_opposite: int
    latency_ms: int
