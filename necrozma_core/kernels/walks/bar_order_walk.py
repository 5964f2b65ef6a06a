"""The walk over bars without ticks with every order; :mod:`necrozma_core.engine.bar_order_simulation` has its rules.

Ticks are two to a bar: its opening, and whatever comes after it. Prices are seen from the position and counted from the
base of its entry, as :mod:`necrozma_core.kernels.walks.order_arrays` says: up is what pays.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from necrozma_core.kernels.walks.bar_simulation import CLOSE, HIGH, LOW, OPEN
from necrozma_core.kernels.walks.order_arrays import (
    ARM_AT,
    COST,
    EXTRA,
    FAR,
    FIRST_PARTIAL,
    FIRST_PARTIAL_EXACT,
    LOCK_AT,
    LOCK_EXACT,
    MARKET,
    MAY_ENTER,
    STALE,
    STOP,
    STOP_AT,
    STOP_DISTANCE,
    STOP_OUT_AT,
    TARGET,
    TARGET_AT,
    TRAIL_BY,
    TRAIL_EXACT,
    TRAIL_FROM,
    Guards,
)
from necrozma_core.kernels.walks.simulation import (
    BREAK_EVEN,
    BUY,
    CLOSE_LONG,
    CLOSE_ONLY,
    CLOSE_SHORT,
    END_OF_DATA,
    PARTIAL_TARGET,
    SESSION,
    SIGNAL,
    STOP_LOSS,
    STOP_OUT,
    TAKE_PROFIT,
    TIME,
    TRAILING_STOP,
    find_closing_event,
)

NO_EXIT = -1
_EQUAL = 1e-9  # points by which the levels of two exits may differ for want of bits


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
    """One position: its entry, and its row of both tables of guards."""

    side: np.int64
    event: int
    entry_tick: int
    base: np.int64
    whole: np.ndarray
    exact: np.ndarray
    stop_out: float
    slippage: float


class Moving(NamedTuple):
    """What follows the price: whether the stop trails and from which best price, and whether break-even is armed."""

    trails: bool
    best: int
    armed: bool


@njit(cache=True, nogil=True)
def _follow(moving, held, guards, gain):
    trails, best = moving.trails, moving.best
    if trails:
        best = gain if gain - best >= guards.step else best
    elif guards.trails_at_once or gain >= held.whole[TRAIL_FROM]:
        trails, best = True, gain
    return Moving(trails, best, moving.armed or gain >= held.whole[ARM_AT])


@njit(cache=True, nogil=True)
def _fixed_stop(held, gain):
    if gain <= -held.whole[STOP_AT]:
        return STOP_LOSS
    return STOP_OUT if gain <= -held.whole[STOP_OUT_AT] else NO_EXIT


@njit(cache=True, nogil=True)
def _nearest_level(moving, held, gain, has_fixed):
    # Return the reason and the level of the stop of any kind that a price falling to `gain` passes first: the nearest.
    # Of equal ones the first of these.
    reason, level = NO_EXIT, -np.inf
    paid = held.exact[COST] - held.slippage
    if has_fixed and gain <= -held.whole[STOP_AT]:
        reason, level = STOP_LOSS, paid - held.exact[STOP_DISTANCE]
    if has_fixed and gain <= -held.whole[STOP_OUT_AT] and paid - held.stop_out > level + _EQUAL:
        reason, level = STOP_OUT, paid - held.stop_out
    if moving.armed and gain <= held.whole[LOCK_AT] and held.exact[LOCK_EXACT] > level + _EQUAL:
        reason, level = BREAK_EVEN, held.exact[LOCK_EXACT]
    trailing = moving.best - held.exact[TRAIL_EXACT]
    if moving.trails and moving.best - gain >= held.whole[TRAIL_BY] and trailing > level + _EQUAL:
        reason, level = TRAILING_STOP, trailing
    return reason, level


@njit(cache=True, nogil=True)
def _scheduled(quotes, limits, entry_tick):
    # Return the bars at whose opening a position closes by the time and by a session's end. Openings are even ticks.
    n = len(quotes.bid)
    by_time, by_session = n, n
    if limits.max_bars < FAR:
        entry_bar = np.searchsorted(quotes.first_bar, entry_tick // 2, side="right") - 1
        if entry_bar + limits.max_bars < len(quotes.first_bar):
            by_time = quotes.first_bar[entry_bar + limits.max_bars]
    if limits.max_ms < FAR:
        moment = quotes.time_ms[entry_tick] + limits.max_ms
        by_time = min(by_time, (np.searchsorted(quotes.time_ms, moment) + 1) // 2)
    close = np.searchsorted(limits.close_tick, entry_tick, side="right")
    while close < len(limits.close_tick):
        bar = (limits.close_tick[close] + 1) // 2
        if bar > min(by_time, by_session):
            break
        if limits.close_reason[close] == TIME:
            by_time = bar
        else:
            by_session = bar
        close += 1
    return by_time, by_session


@njit(cache=True, nogil=True)
def _write(rows, row, held, exit_tick, points, reason, fraction):
    rows.side[row] = held.side
    rows.reason[row] = reason
    rows.entry_tick[row] = held.entry_tick
    rows.exit_tick[row] = exit_tick
    rows.event[row] = held.event
    rows.entry[row] = held.side * (held.base + held.exact[EXTRA])
    rows.points[row] = points
    rows.fraction[row] = fraction
    rows.stop[row] = held.exact[STOP_DISTANCE]
    return row + 1


@njit(cache=True, nogil=True)
def _take_targets(held, guards, gain, at_level, exit_tick, rows, row, partial):
    # Write a row for every target that a price reaches, the nearest first; return the row after them, the first partial
    # target that is left, and what is left of the position.
    won = gain - (held.exact[COST] - held.slippage)
    while partial < len(guards.part) and gain >= held.whole[FIRST_PARTIAL + partial]:
        points = held.exact[FIRST_PARTIAL_EXACT + partial] if at_level else won
        # The last of those that close all closes what the others left.
        is_last = guards.rest[partial + 1] <= 0.0
        part = guards.rest[partial] if is_last else guards.part[partial]
        row = _write(rows, row, held, exit_tick, points, PARTIAL_TARGET, part)
        partial += 1
    rest = guards.rest[partial]
    if rest > 0.0 and gain >= held.whole[TARGET_AT]:
        row = _write(rows, row, held, exit_tick, held.exact[TARGET] if at_level else won, TAKE_PROFIT, rest)
        rest = 0.0
    return row, partial, rest


@njit(cache=True, nogil=True)
def _market_reason(moving, held, gain, bar, closings):
    # Return why a position closes at an opening after its targets were looked at, or NO_EXIT.
    by_time, by_session, by_signal = closings
    reason, _ = _nearest_level(moving, held, gain, False)
    if reason == NO_EXIT and bar >= by_time:
        reason = TIME
    if reason == NO_EXIT and bar >= by_session:
        reason = SESSION
    if reason == NO_EXIT and bar >= by_signal:
        reason = SIGNAL
    return reason


@njit(cache=True, nogil=True)
def _walk_position(quotes, limits, guards, held, by_signal, rows, row):
    # Write the rows of one position; return the row after them, the tick of the last exit and its reason.
    side, base, cost = held.side, held.base, held.exact[COST]
    prices = quotes.bid if side > 0 else quotes.ask
    worst, best = (LOW, HIGH) if side > 0 else (HIGH, LOW)
    by_time, by_session = _scheduled(quotes, limits, held.entry_tick)
    moving = Moving(False, 0, False)
    start, partial, rest = held.entry_tick // 2, 0, 1.0
    for bar in range(start, len(prices)):
        opening, lowest = side * prices[bar, OPEN] - base, side * prices[bar, worst] - base
        if bar > start:
            reason = _fixed_stop(held, opening)
            if reason == NO_EXIT:
                row, partial, rest = _take_targets(held, guards, opening, False, 2 * bar, rows, row, partial)
                if rest <= 0.0:
                    return row, 2 * bar, TAKE_PROFIT
                reason = _market_reason(moving, held, opening, bar, (by_time, by_session, by_signal))
            if reason != NO_EXIT:
                return _write(rows, row, held, 2 * bar, opening - cost, reason, rest), 2 * bar, reason
        if 2 * bar < held.entry_tick:
            # What of this bar came before the entry is not known: the worst is assumed of the stop, nothing of others.
            reason, level = _nearest_level(moving, held, lowest, True)
            followed = CLOSE
        else:
            moving = _follow(moving, held, guards, opening)
            reason, level = _nearest_level(moving, held, lowest, True)
            # With a spread wider than the stop the entry's own opening lies beyond it.
            level = min(level, float(opening))
            followed = best
        if reason != NO_EXIT:
            return _write(rows, row, held, 2 * bar + 1, level - cost, reason, rest), 2 * bar + 1, reason
        gain = side * prices[bar, followed] - base
        if followed == best:
            row, partial, rest = _take_targets(held, guards, gain, True, 2 * bar + 1, rows, row, partial)
            if rest <= 0.0:
                return row, 2 * bar + 1, TAKE_PROFIT
        moving = _follow(moving, held, guards, gain)
    last = len(prices) - 1
    gain = side * prices[last, CLOSE] - base
    return _write(rows, row, held, 2 * last + 1, gain - cost, END_OF_DATA, rest), 2 * last + 1, END_OF_DATA


@njit(cache=True, nogil=True)
def _filled_side(quotes, due, waiting, event, dropped, bar, at_opening):
    # Return the side whose waiting order a bar fills, the signal's first, or 0.
    first = np.int64(due.side[event])
    for side in (first, -first):
        up = side if waiting.kind == STOP else -side
        prices = quotes.ask if side > 0 else quotes.bid
        column = OPEN if at_opening else HIGH if up > 0 else LOW
        trigger = waiting.trigger[event, 0 if side > 0 else 1]
        if side != dropped and up * (np.int64(prices[bar, column]) - trigger) >= 0:
            return side
    return 0


@njit(cache=True, nogil=True)
def _wait(quotes, due, waiting, event):
    # Follow the waiting orders of an event. Return the tick at which one fills, or -1, its side, and the first event
    # that has not been heard by then.
    later, dropped = event + 1, 0
    for bar in range(due.tick[event] // 2, len(quotes.bid)):
        if waiting.end_tick[event] <= 2 * bar:
            return -1, 0, later
        if later < len(due.tick) and due.tick[later] == 2 * bar:
            asked = due.side[later]
            if asked <= BUY:
                return -1, 0, later
            closes = 1 if asked == CLOSE_LONG else -1 if asked == CLOSE_SHORT else 0
            # Of a pair of orders one may have been dropped before.
            if closes in (0, -dropped):
                return -1, 0, later + 1
            dropped = closes
            later += 1
        side = _filled_side(quotes, due, waiting, event, dropped, bar, True)
        if side:
            return 2 * bar, side, later
        if waiting.end_tick[event] <= 2 * bar + 1:
            return -1, 0, later
        side = _filled_side(quotes, due, waiting, event, dropped, bar, False)
        if side:
            return 2 * bar + 1, side, later
    return -1, 0, len(due.tick)


@njit(cache=True, nogil=True)
def _next_entry(due, event, tick):
    # Return the first event from `event` on, at a tick or later, that may enter, and how many before it were too old.
    stale = 0
    while event < len(due.tick):
        if due.side[event] <= BUY and due.tick[event] >= tick:
            if due.entry[event] == MAY_ENTER:
                break
            stale += due.entry[event] == STALE
        event += 1
    return event, stale


@njit(cache=True, nogil=True)
def walk_bar_orders(quotes, due, waiting, fills, limits, rows):
    """Trade the events of one strategy with its orders.

    Parameters
    ----------
    quotes : BarQuotes
    due : Due
        Events, each at the opening of a bar.
    waiting : Waiting
    fills : BarFills
    limits : TimeLimits
    rows : Rows
        Written to; one for each event and each of its partial targets and one more are enough.

    Returns
    -------
    n_rows : int
    stale : int
        Entries not taken because their quote was too old.
    """
    row, stale, tick, event = 0, 0, 0, 0
    while True:
        event, passed = _next_entry(due, event, tick)
        stale += passed
        if event >= len(due.tick):
            return row, stale
        if waiting.kind == MARKET:
            entry_tick, side, later = due.tick[event], np.int64(due.side[event]), event + 1
        else:
            entry_tick, side, later = _wait(quotes, due, waiting, event)
            if entry_tick < 0:
                event = later
                continue
        bar = entry_tick // 2
        base = side * np.int64(quotes.ask[bar, OPEN] if side > 0 else quotes.bid[bar, OPEN])
        guards = fills.at_quote
        if entry_tick % 2:
            guards = fills.at_level
            base = waiting.base[event, 0 if side > 0 else 1]
        line = 0 if len(guards.whole) == 1 else 2 * event + (side < 0)
        held = Held(
            side, event, entry_tick, base, guards.whole[line], guards.exact[line], fills.stop_out[event], fills.slippage
        )
        closing = find_closing_event(due.side, later, side, fills.on_opposite)
        by_signal = due.tick[closing] // 2 if closing < len(due.tick) else len(quotes.bid)
        row, tick, reason = _walk_position(quotes, limits, guards, held, by_signal, rows, row)
        event = closing + 1 if reason == SIGNAL and fills.on_opposite == CLOSE_ONLY else later
