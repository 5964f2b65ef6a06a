"""What the walk over bars with orders is given and returns, as named tuples of arrays and numbers.

Prices are seen from the position: of a short one with the other sign, so that up is what pays. The anchor of a position
is the quote at which its entry fills, in whole points; levels are compared as whole points from it.
"""

from typing import NamedTuple

import numpy as np

MARKET, STOP_ENTRY, LIMIT_ENTRY = 0, 1, 2
"""How an event enters."""

MAY_ENTER, OUTSIDE, STALE = 0, 1, 2
"""Whether an event may enter: it may, its hours forbid it, or its quote is too old."""

AT_QUOTE, AT_BUY_LEVEL, AT_SELL_LEVEL = 0, 1, 2
"""How an entry fills: at the price of an opening, or inside a bar at the level of its order."""

FAR = 2**40
"""Farther than any price, in points: a level at this distance is not set."""

NO_EXIT = -1
EQUAL = 1e-9  # of two levels, in points, whose exact distances are fractions


class BarQuotes(NamedTuple):
    """The bars, and when they are.

    Attributes
    ----------
    bid, ask : int32 array, shape (n, 4)
        Points: open, high, low, close.
    time_ms : int64 array, shape (2 * n,)
        Of each bar's opening and of its last millisecond.
    first_bar : int64 array, shape (n_bars + 1,)
        The first bar of each of the strategy's, which may be longer; the last entry is ``n``.
    """

    bid: np.ndarray
    ask: np.ndarray
    time_ms: np.ndarray
    first_bar: np.ndarray


class BarEvents(NamedTuple):
    """What a strategy asks for, and its orders that wait.

    Attributes
    ----------
    bar : int64 array, shape (n_events,)
        Rising; the bar at whose opening each acts.
    side : int8 array, shape (n_events,)
        BUY, SELL, or one of the three that close.
    state : int8 array, shape (n_events,)
        MAY_ENTER, OUTSIDE or STALE.
    trigger : int64 array, shape (n_events, 2)
        Of the order to buy and of that to sell: the quote, as the position would see it, from which on it fills; FAR
        for none.
    dies_tick : int64 array, shape (n_events,)
        Where they are no longer there; ticks are two to a bar.
    """

    bar: np.ndarray
    side: np.ndarray
    state: np.ndarray
    trigger: np.ndarray
    dies_tick: np.ndarray


class BarLimits(NamedTuple):
    """The levels of every entry. Where a second axis has ``n_fills``, it is AT_QUOTE alone or all three.

    Attributes
    ----------
    offset, cost : float64 array, shape (n_events, n_fills)
        From the anchor to the price of the entry, and to the quote at which the position would come out even; points.
    stop_reach, stop_out_reach, target_reach, start_reach, even_reach, lock_reach : int64 array, (n_events, n_fills)
        Whole points from the anchor to where the level is reached: the stops below it, the others above it; the last
        three are where trailing begins, where break-even begins, and its level.
    partial_reach : int64 array, shape (n_events, n_fills, n_partial)
        The same of partial targets, the nearest first.
    trail_reach : int64 array, shape (n_events,)
        Whole points from the best price.
    stop, stop_out, target, trail : float64 array, shape (n_events,)
        The exact distances, points.
    partial, fraction : float64 array, shape (n_partial,)
        The exact distances of partial targets, and what each closes.
    """

    offset: np.ndarray
    cost: np.ndarray
    stop_reach: np.ndarray
    stop_out_reach: np.ndarray
    target_reach: np.ndarray
    start_reach: np.ndarray
    even_reach: np.ndarray
    lock_reach: np.ndarray
    partial_reach: np.ndarray
    trail_reach: np.ndarray
    stop: np.ndarray
    stop_out: np.ndarray
    target: np.ndarray
    trail: np.ndarray
    partial: np.ndarray
    fraction: np.ndarray


class BarRules(NamedTuple):
    """What is the same for every entry.

    Attributes
    ----------
    entry : int
        MARKET, STOP_ENTRY or LIMIT_ENTRY.
    on_opposite : int
    slippage : float
        Points.
    lock : float
        Where break-even closes, points beyond the entry.
    step : int
        Points by which the best price has to grow before the level follows it.
    takes_all : bool
        Whether the partial targets close the whole position.
    max_bars, max_ms : int
        Zero for none.
    time_ms, session_ms : int64 array
        Rising: when positions close at a time of the clock, and where sessions end.
    """

    entry: int
    on_opposite: int
    slippage: float
    lock: float
    step: int
    takes_all: bool
    max_bars: int
    max_ms: int
    time_ms: np.ndarray
    session_ms: np.ndarray


class Guards(NamedTuple):
    """The levels of one position."""

    side: int
    anchor: int
    cost: float
    stop_reach: int
    stop_out_reach: int
    target_reach: int
    start_reach: int
    even_reach: int
    lock_reach: int
    trail_reach: int
    stop: float
    stop_out: float
    target: float
    trail: float
    lock: float
    step: int


class Moving(NamedTuple):
    """What follows the price: whether the stop trails and from which best price, and whether the entry is secured."""

    trails: bool
    base: int
    secured: bool


class Rows(NamedTuple):
    """The trades that were found, a row each; the first ``n_trades`` of each array are filled."""

    side: np.ndarray
    entry_tick: np.ndarray
    exit_tick: np.ndarray
    entry: np.ndarray
    points: np.ndarray
    reason: np.ndarray
    event: np.ndarray
    fraction: np.ndarray
