"""What the walk of orders over bars reads, holds and writes, in groups; the rest is in ``order_arrays``."""

from typing import NamedTuple

import numpy as np

from necrozma_core.kernels.walks.order_arrays import Guards


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


class BarFills(NamedTuple):
    """The levels of positions, by how their entry filled.

    Attributes
    ----------
    at_quote, at_level : Guards
        Of entries at an opening, whose base is its quote; and of orders filled at their level inside a bar.
    stop_out : float64 array, shape (n_events,)
        The exact distance of each stop-out, points.
    slippage : float
        Points.
    on_opposite : int
        REVERSE, CLOSE_ONLY or IGNORE.
    """

    at_quote: Guards
    at_level: Guards
    stop_out: np.ndarray
    slippage: float
    on_opposite: int


class Rows(NamedTuple):
    """The trades that were found, a row each.

    Attributes
    ----------
    side, reason : int8 array, shape (n_rows,)
    entry_tick, exit_tick, event : int64 array, shape (n_rows,)
    entry, points, fraction, stop : float64 array, shape (n_rows,)
        The price of the entry, the result, what was closed, and the distance of the stop.
    """

    side: np.ndarray
    reason: np.ndarray
    entry_tick: np.ndarray
    exit_tick: np.ndarray
    event: np.ndarray
    entry: np.ndarray
    points: np.ndarray
    fraction: np.ndarray
    stop: np.ndarray


class Held(NamedTuple):
    """One position: its entry, and its row of both tables of guards, in numbers; arrays are slow to hand around.

    Attributes
    ----------
    side, event, entry_tick, base, line : int
        ``line`` is its row of the tables.
    stop_at, stop_out_at, target_at, trail_by, trail_from, arm_at, lock_at : int
    extra, cost, target, stop, trail, lock, stop_out, slippage : float
    step : int
    trails_at_once : bool
    """

    side: np.int64
    event: int
    entry_tick: int
    base: np.int64
    line: int
    stop_at: int
    stop_out_at: int
    target_at: int
    trail_by: int
    trail_from: int
    arm_at: int
    lock_at: int
    extra: float
    cost: float
    target: float
    stop: float
    trail: float
    lock: float
    stop_out: float
    slippage: float
    step: int
    trails_at_once: bool


class Moving(NamedTuple):
    """What follows the price: whether the stop trails and from which best price, and whether break-even is armed."""

    trails: bool
    best: int
    armed: bool
