"""The first tick that reaches a level: of a position whose levels may move, and of orders that wait.

Bars whose extremes reach nothing are skipped; ticks are looked at only where a bar may decide.
"""

import numpy as np
from numba import njit

from necrozma_core.kernels.walks.order_arrays import FAR, STOP
from necrozma_core.kernels.walks.simulation import HIGHEST, LOWEST, first_bar_reaching

NOT_TRAILING = np.int64(-FAR)
"""The base of a trailing stop that has not begun."""

ONE, TWO, THREE, FOUR = np.uint64(1), np.uint64(2), np.uint64(3), np.uint64(4)


@njit(cache=True, nogil=True)
def tick_of_time(time_ms, first_tick, opened_ms, bar, wanted_ms):
    """Return the first tick with a time at or after ``wanted_ms``, and its bar; both counts where there is none.

    Parameters
    ----------
    time_ms : int64 array, shape (n_ticks,)
    first_tick : int64 array, shape (n_bars + 1,)
    opened_ms : int64 array, shape (n_bars,)
        Times of the bars' first ticks.
    bar : int
        Begins before that time.
    wanted_ms : int
    """
    low, high = bar + 1, len(opened_ms)
    while low < high:
        middle = (low + high) >> 1
        if opened_ms[middle] < wanted_ms:
            low = middle + 1
        else:
            high = middle
    start, stop = first_tick[low - 1], first_tick[low]
    while start < stop:
        middle = (start + stop) >> 1
        if time_ms[middle] < wanted_ms:
            start = middle + 1
        else:
            stop = middle
    return start, low if start == first_tick[low] else low - 1


@njit(cache=True, nogil=True)
def _skip_trailing(extremes, bar, last, side, lower, upper, base, distance):
    # Return the first bar in [bar, last) that may reach a level, or last, and the best price up to it. In any order of
    # a bar's ticks the trailing level is at most the best of it and what came before, less the distance.
    worst, best = (0, 1) if side > 0 else (1, 0)
    while bar + FOUR <= last:
        second, third, fourth = bar + ONE, bar + TWO, bar + THREE
        # In pairs, which numba compiles to what the processor does at once.
        lowest = min(extremes[bar, 0], extremes[second, 0])
        lowest = min(lowest, min(extremes[third, 0], extremes[fourth, 0]))  # noqa: PLW3301
        highest = max(extremes[bar, 1], extremes[second, 1])
        highest = max(highest, max(extremes[third, 1], extremes[fourth, 1]))  # noqa: PLW3301
        low, high = np.int64(lowest), np.int64(highest)
        if side < 0:
            low, high = -high, -low
        top = max(base, high)
        if (low <= max(lower, top - distance)) | (high >= upper):
            break
        base = top
        bar += FOUR
    while bar < last:
        low, high = side * np.int64(extremes[bar, worst]), side * np.int64(extremes[bar, best])
        top = max(base, high)
        if low <= max(lower, top - distance) or high >= upper:
            break
        base = top
        bar += ONE
    return bar, base


@njit(cache=True, nogil=True)
def _skip_fixed(extremes, bar, last, side, lower, upper):
    # Return the first bar in [bar, last) that reaches a level which does not move, or last.
    lower, upper = min(max(lower, LOWEST + 1), HIGHEST), min(max(upper, LOWEST + 1), HIGHEST)
    if side > 0:
        return first_bar_reaching(extremes, bar, last, np.int32(lower), np.int32(upper))
    return first_bar_reaching(extremes, bar, last, np.int32(-upper), np.int32(-lower))


@njit(cache=True, nogil=True)
def move_levels(price, base, armed, levels):
    """Return the base of the trailing stop, and whether break-even is armed, after a tick.

    Parameters
    ----------
    price : int
        The side price, seen from the position.
    base : int
        NOT_TRAILING before the trailing stop begins.
    armed : bool
    levels : tuple of int
        As :func:`find_trigger` takes them.
    """
    _, _, _, trail_from, step, arm_at, _ = levels
    if base == NOT_TRAILING:
        if price >= trail_from:
            base = np.int64(price)
    elif price - base >= step:
        base = np.int64(price)
    return base, armed or price >= arm_at


@njit(cache=True, nogil=True)
def _next_bounds(base, armed, levels):
    # Return up to which side price a level closes the position, and from which on something happens above.
    stop_at, target_at, distance, trail_from, step, arm_at, lock_at = levels
    lower = max(stop_at, base - distance)
    upper = min(target_at, trail_from if base == NOT_TRAILING else base + step)
    if armed:
        return max(lower, lock_at), upper
    return lower, min(upper, arm_at)


@njit(cache=True, nogil=True)
def _scan(price, tick, stop, side, base, armed, levels):
    # Return the first tick in [tick, stop) that closes something, or stop, and what earlier ticks moved.
    target_at = levels[1]
    while True:
        lower, upper = _next_bounds(base, armed, levels)
        low, high = (lower, upper) if side > 0 else (-upper, -lower)
        low, high = np.int32(min(max(low, LOWEST), HIGHEST)), np.int32(min(max(high, LOWEST), HIGHEST))
        while tick < stop and price[tick] > low and price[tick] < high:
            tick += ONE
        if tick >= stop:
            return tick, base, armed
        seen = side * np.int64(price[tick])
        if seen <= lower or seen >= target_at:
            return tick, base, armed
        base, armed = move_levels(seen, base, armed, levels)
        tick += ONE


@njit(cache=True, nogil=True)
def find_trigger(
    price, opens, extremes, first_tick, side, bar, tick, last_tick, last_bar, base, armed, levels,
):  # fmt: skip
    """Find the first tick that closes a position, or a part of it, by a level.

    Parameters
    ----------
    price : int32 array, shape (n_ticks,)
        The quote that the position closes at, points.
    opens : int32 array, shape (n_bars,)
        Its first in each bar.
    extremes : int32 array, shape (n_bars, 2)
        Its low and high.
    first_tick : int64 array, shape (n_bars + 1,)
    side : int
        +1 long, -1 short.
    bar, tick : int
        The first tick that counts, and the bar of it or of the tick before.
    last_tick, last_bar : int
        The last tick that counts, and its bar; their numbers where all do.
    base : int
        Of the trailing stop: the best price so far, or NOT_TRAILING.
    armed : bool
        Whether the break-even level is live.
    levels : tuple of int
        ``stop_at, target_at, distance, trail_from, step, arm_at, lock_at``: side prices seen from the position, but
        for the distance and step of the trailing stop.

    Returns
    -------
    tick, bar : int
        ``last_tick + 1`` where none does, or the number of ticks.
    base, armed : int, bool
        As ticks before that one left them.
    """
    stop_at, target_at, distance, _, step, arm_at, lock_at = levels
    n_ticks = len(price)
    at, last = np.uint64(bar), np.uint64(last_bar)
    here = np.uint64(tick)
    while at < last:
        # Of the bar of an entry inside it the extremes may lie before the entry: they tell that nothing happens in it,
        # and not how far the price went.
        is_whole = here <= np.uint64(first_tick[at]) + ONE
        lower, upper = _next_bounds(base, armed, levels)
        if base == NOT_TRAILING or step > 1 or not is_whole:
            stop = last if is_whole else at + ONE
            found = _skip_fixed(extremes, at, stop, side, lower, upper)
        else:
            lower = max(stop_at, lock_at) if armed else stop_at
            upper = target_at if armed else min(target_at, arm_at)
            # The one loop that is compiled for either side by itself: it passes over most of all bars.
            if side > 0:
                found, base = _skip_trailing(extremes, at, last, 1, lower, upper, base, distance)
            else:
                found, base = _skip_trailing(extremes, at, last, -1, lower, upper, base, distance)
        if found > at:
            at = found
            here = np.uint64(first_tick[at])
            continue
        stop = np.uint64(first_tick[at + ONE])
        here, base, armed = _scan(price, here, stop, side, base, armed, levels)
        if here < stop:
            return np.int64(here), np.int64(at), base, armed
        at += ONE
    if last_tick >= n_ticks:
        return np.int64(n_ticks), np.int64(last_bar), base, armed
    if last_tick == first_tick[last]:
        if here > np.uint64(last_tick):
            return last_tick + 1, np.int64(last_bar), base, armed
        lower, _ = _next_bounds(base, armed, levels)
        seen = side * np.int64(opens[last])
        reached = seen <= lower or seen >= target_at
        return (last_tick if reached else last_tick + 1), np.int64(last_bar), base, armed
    here, base, armed = _scan(price, here, np.uint64(last_tick + 1), side, base, armed, levels)
    return np.int64(here), np.int64(last_bar), base, armed


@njit(cache=True, nogil=True)
def find_fill(bid, ask, bids, asks, first_tick, kind, buy, sell, bar, tick, stop):
    """Find the first tick in ``[tick, stop)`` that reaches an order which waits.

    Parameters
    ----------
    bid, ask : int32 array, shape (n_ticks,)
    bids, asks : int32 array, shape (n_bars, 2)
        Low and high of the bars.
    first_tick : int64 array, shape (n_bars + 1,)
    kind : int
        STOP or LIMIT.
    buy, sell : int
        The asks and the bids at which the orders are reached, as in ``Waiting.trigger``.
    bar : int
        Of ``tick``.
    tick, stop : int

    Returns
    -------
    tick, bar : int
        ``stop`` where none does.
    """
    if kind == STOP:
        ask_low, ask_high = np.int32(LOWEST), np.int32(min(max(buy, LOWEST), HIGHEST))
        bid_low, bid_high = np.int32(max(min(sell, HIGHEST), LOWEST)), np.int32(HIGHEST)
    else:
        ask_low, ask_high = np.int32(max(min(buy, HIGHEST), LOWEST)), np.int32(HIGHEST)
        bid_low, bid_high = np.int32(LOWEST), np.int32(min(max(sell, LOWEST), HIGHEST))
    at, here, end = np.uint64(bar), np.uint64(tick), np.uint64(stop)
    while here < end:
        reached = (asks[at, 0] <= ask_low) | (asks[at, 1] >= ask_high)
        reached |= (bids[at, 0] <= bid_low) | (bids[at, 1] >= bid_high)
        next_bar = np.uint64(first_tick[at + ONE])
        if reached:
            until = min(next_bar, end)
            while here < until:
                reached = (ask[here] <= ask_low) | (ask[here] >= ask_high)
                if reached | (bid[here] <= bid_low) | (bid[here] >= bid_high):
                    return np.int64(here), np.int64(at)
                here += ONE
        here = next_bar
        at += ONE
    return stop, np.int64(at)
