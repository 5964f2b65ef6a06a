"""The engine's hot loop: from event to event, skipping whole bars, looking at ticks only where a level is hit.

Entries and reversals happen at the first tick of a bar, so their prices are the bars' opening prices. In
between, a stop or a target can be hit only inside a bar whose extremes reach it; every other bar is skipped by
two comparisons. The result is that of a walk over every tick, at the cost of a walk over the trades.
"""

import numpy as np
from numba import njit

STOP_LOSS, TAKE_PROFIT, SIGNAL, END_OF_DATA = 0, 1, 2, 3
TRAILING_STOP, BREAK_EVEN, TIME, SESSION, PARTIAL_TARGET, STOP_OUT = 5, 6, 7, 8, 9, 10

BUY, SELL, CLOSE, CLOSE_LONG, CLOSE_SHORT = 1, -1, 2, 3, 4
"""What an event may ask for; :mod:`necrozma_core.engine.instructions` says what each means."""

REVERSE, CLOSE_ONLY, IGNORE = 0, 1, 2
"""What an opposite signal does to an open position."""

LOWEST, HIGHEST = -(2**31), 2**31 - 1
"""Beyond any price, in points: levels are compared as 32 bits, like the prices."""

BEYOND = 2**33
"""Farther than any two prices are apart, in points: a level at this distance or beyond is not set."""

# Unsigned indices: numba does not test them for counting from the end. A plain literal would make an index signed.
ONE, TWO, THREE, FOUR = np.uint64(1), np.uint64(2), np.uint64(3), np.uint64(4)


@njit(cache=True, nogil=True)
def find_events(signals, words):
    """List the bars that carry a signal on which something can still act.

    Parameters
    ----------
    signals : int8 array, shape (n_bars,)
        +1, -1 or 0. The last bar's signal has no tick after it and is left out.
    words : int64 array, shape (n_bars // 8,)
        The same bytes, eight at a time: signals are rare, and a word of zeros is passed over at once.

    Returns
    -------
    bar : int32 array, shape (n_events,)
        The bar at whose first tick the event acts: the one after the signal's.
    side : int8 array, shape (n_events,)
    """
    n_bars = len(signals)
    whole = 8 * len(words)
    most = n_bars - whole
    for word in range(len(words)):
        most += 8 * (words[word] != 0)
    bar = np.empty(most + 1, np.int32)
    side = np.empty(most + 1, np.int8)
    found = np.uint64(0)
    # No branch: every bar is written, and the next one overwrites it unless it carries a signal. A mispredicted branch
    # costs more than a store.
    for word in range(len(words)):
        if words[word] == 0:
            continue
        for i in range(8 * word, 8 * word + 8):
            bar[found] = i + 1
            side[found] = signals[i]
            found += np.uint64(signals[i] != 0)
    for i in range(whole, n_bars):
        bar[found] = i + 1
        side[found] = signals[i]
        found += np.uint64(signals[i] != 0)
    if found > 0 and bar[found - ONE] == n_bars:
        found -= ONE
    return bar[:found].copy(), side[:found].copy()


@njit(cache=True, nogil=True)
def find_closing_event(event_side, event, side, on_opposite):
    """Return the first event from ``event`` on that closes a position, or their number.

    Parameters
    ----------
    event_side : int8 array, shape (n_events,)
    event : int
    side : int
        Of the position.
    on_opposite : int
        REVERSE, CLOSE_ONLY or IGNORE.
    """
    opposite = -side if on_opposite != IGNORE else CLOSE
    named_close = CLOSE_LONG if side > 0 else CLOSE_SHORT
    while event < len(event_side) and event_side[event] not in (opposite, CLOSE, named_close):
        event += 1
    return event


@njit(cache=True, nogil=True)
def find_entry(first_tick, event_bar, event_side, event, tick):
    """Return the first event from ``event`` on that enters, at ``tick`` or later, or their number.

    Parameters
    ----------
    first_tick : int64 array, shape (n_bars + 1,)
    event_bar : int32 array, shape (n_events,)
    event_side : int8 array, shape (n_events,)
    event, tick : int
    """
    # What closes says nothing where nothing is open.
    while event < len(event_side) and (event_side[event] > BUY or first_tick[event_bar[event]] < tick):
        event += 1
    return event


@njit(cache=True, nogil=True)
def first_bar_reaching(extremes, start, stop, lower, upper):
    """Return the first bar in ``[start, stop)`` with low <= lower or high >= upper, or ``stop``.

    Parameters
    ----------
    extremes : int32 array, shape (n_bars, 2)
        Low, high.
    start, stop : unsigned int
    lower, upper : int32
    """
    # Most bars reach neither, so four are tested at once, without a branch between them.
    bar = start
    while bar + FOUR <= stop:
        second, third, fourth = bar + ONE, bar + TWO, bar + THREE
        low = (extremes[bar, 0] <= lower) | (extremes[second, 0] <= lower)
        low |= (extremes[third, 0] <= lower) | (extremes[fourth, 0] <= lower)
        high = (extremes[bar, 1] >= upper) | (extremes[second, 1] >= upper)
        high |= (extremes[third, 1] >= upper) | (extremes[fourth, 1] >= upper)
        if low | high:
            break
        bar += FOUR
    while bar < stop and extremes[bar, 0] > lower and extremes[bar, 1] < upper:
        bar += ONE
    return bar


@njit(cache=True, nogil=True)
def _first_tick_reaching(price, start, stop, lower, upper):
    # Return the first tick in [start, stop) with price <= lower or price >= upper, or stop.
    tick = start
    while tick < stop and price[tick] > lower and price[tick] < upper:
        tick += ONE
    return tick


@njit(cache=True, nogil=True)
def _find_exit(price, opens, extremes, first_tick, entry_bar, last_bar, lower, upper):
    # Return the first tick that reaches a level, after the entry's tick and up to the first tick of last_bar, that one
    # included. Where none does, return the tick after that. Where last_bar is n_bars, every tick is looked at, and
    # n_ticks says that none does.
    lower = np.int32(max(lower, LOWEST))
    upper = np.int32(min(upper, HIGHEST))
    bar = np.uint64(entry_bar)
    last = np.uint64(last_bar)
    start = first_tick[bar] + 1
    while True:
        bar = first_bar_reaching(extremes, bar, last, lower, upper)
        if bar == last:
            break
        stop = np.uint64(first_tick[bar + ONE])
        tick = _first_tick_reaching(price, np.uint64(max(start, first_tick[bar])), stop, lower, upper)
        if tick < stop:
            return np.int64(tick)
        bar += ONE  # only the entry's own tick reached the level, which is live from the next tick
    tick = first_tick[last]
    if last < len(opens) and opens[last] > lower and opens[last] < upper:
        tick += 1
    return tick


@njit(cache=True, nogil=True)
def simulate_events(
    bid, ask, first_tick, bid_open, ask_open, bid_extremes, ask_extremes, event_bar, event_side, stop_points,
    target_points, target_level, cost, on_opposite,
):  # fmt: skip
    """Trade the events of one strategy.

    Parameters
    ----------
    bid, ask : int32 array, shape (n_ticks,)
        Points.
    first_tick : int64 array, shape (n_bars + 1,)
    bid_open, ask_open : int32 array, shape (n_bars,)
        Prices of the bars' first ticks: the ticks themselves lie far apart in memory.
    bid_extremes, ask_extremes : int32 array, shape (n_bars, 2)
        Low, high.
    event_bar : int32 array, shape (n_events,)
        Rising; the bar at whose first tick the event acts.
    event_side : int8 array, shape (n_events,)
        BUY, SELL, or one of the three that close.
    stop_points, target_points : int
        Whole points from the quote of the entry to the side price that reaches the level; a number above any price
        where there is no such level.
    target_level : float
        How far from the recorded entry price a take-profit fills, in points; a fraction where pips and points do not
        divide.
    cost : float
        Points by which every recorded price but a take-profit's is worse than the quote.
    on_opposite : int
        REVERSE, CLOSE_ONLY or IGNORE.

    Returns
    -------
    side : int8 array, shape (n_trades,)
    entry_tick, exit_tick : int64 array, shape (n_trades,)
    entry_points, exit_points, points : float64 array, shape (n_trades,)
        Recorded prices, and what was won.
    reason : int8 array, shape (n_trades,)
    entered_by : int64 array, shape (n_trades,)
        The event of each entry.
    """
    n_ticks = len(bid)
    n_bars = len(first_tick) - 1
    n_events = len(event_bar)
    side_out = np.empty(n_events, np.int8)
    entry_tick_out = np.empty(n_events, np.int64)
    exit_tick_out = np.empty(n_events, np.int64)
    entry_points_out = np.empty(n_events, np.float64)
    exit_points_out = np.empty(n_events, np.float64)
    points_out = np.empty(n_events, np.float64)
    reason_out = np.empty(n_events, np.int8)
    entered_by = np.empty(n_events, np.int64)
    has_levels = min(stop_points, target_points) < BEYOND
    trades = 0
    event = find_entry(first_tick, event_bar, event_side, 0, 0)
    while event < n_events:
        side = event_side[event]
        entry_bar = event_bar[event]
        entry_tick = first_tick[entry_bar]
        reversal = find_closing_event(event_side, event + 1, side, on_opposite)
        last_bar = event_bar[reversal] if reversal < n_events else n_bars
        # A long position closes at bid and a short one at ask, so these are the prices that are tested for its levels.
        exit_tick = n_ticks
        if side > 0:
            entry = np.int64(ask_open[entry_bar])
            if has_levels:
                lower, upper = entry - stop_points, entry + target_points
                exit_tick = _find_exit(bid, bid_open, bid_extremes, first_tick, entry_bar, last_bar, lower, upper)
        else:
            entry = np.int64(bid_open[entry_bar])
            if has_levels:
                lower, upper = entry - target_points, entry + stop_points
                exit_tick = _find_exit(ask, ask_open, ask_extremes, first_tick, entry_bar, last_bar, lower, upper)
        reversal_tick = first_tick[last_bar]
        by_level = exit_tick <= reversal_tick and exit_tick < n_ticks
        if not by_level and last_bar < n_bars:
            exit_tick = reversal_tick
            market = np.int64(bid_open[last_bar]) if side > 0 else np.int64(ask_open[last_bar])
            reason = SIGNAL
        else:
            exit_tick = min(exit_tick, n_ticks - 1)
            market = np.int64(bid[exit_tick]) if side > 0 else np.int64(ask[exit_tick])
            reason = END_OF_DATA
        if by_level:
            reason = STOP_LOSS if side * (market - entry) <= -stop_points else TAKE_PROFIT
        side_out[trades] = side
        entry_tick_out[trades] = entry_tick
        exit_tick_out[trades] = exit_tick
        # Widened, because without the compiler a plain number takes the 8 bits of what is multiplied with it.
        wide = np.int64(side)
        recorded = entry + wide * cost
        entry_points_out[trades] = recorded
        if reason == TAKE_PROFIT:
            exit_points_out[trades] = recorded + wide * target_level
            points_out[trades] = (exit_points_out[trades] - recorded) * wide
        else:
            exit_points_out[trades] = market - wide * cost
            points_out[trades] = wide * (market - entry) - 2.0 * cost
        reason_out[trades] = reason
        entered_by[trades] = event
        trades += 1
        if reason == END_OF_DATA:
            break
        # An event at the exit's own tick still acts: it is the reversal, or an entry due at the tick of a stop.
        event = reversal + 1 if reason == SIGNAL and on_opposite == CLOSE_ONLY else event + 1
        event = find_entry(first_tick, event_bar, event_side, event, exit_tick)
    return (
        side_out[:trades],
        entry_tick_out[:trades],
        exit_tick_out[:trades],
        entry_points_out[:trades],
        exit_points_out[:trades],
        points_out[:trades],
        reason_out[:trades],
        entered_by[:trades],
    )
