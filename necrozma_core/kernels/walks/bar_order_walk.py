"""The walk over bars without ticks with every order; :mod:`necrozma_core.engine.bar_order_simulation` has its rules.

Ticks are two to a bar: its opening, and whatever comes after it. Prices are seen from the position and counted from the
base of its entry, as :mod:`necrozma_core.kernels.walks.order_arrays` says: up is what pays.
"""

import numpy as np
from numba import njit

from necrozma_core.kernels.lookup import first_after
from necrozma_core.kernels.walks.bar_order_arrays import Held, Moving
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
# Typed, as the numbers that helpers are given: of a plain one numba compiles a variant for its value alone.
_YES, _NO = np.bool_(True), np.bool_(False)
_EQUAL = 1e-9  # points by which the levels of two exits may differ for want of bits


@njit(cache=True, nogil=True)
def _hold(fills, guards, side, event, entry_tick, base):
    line = 0 if len(guards.whole) == 1 else 2 * event + (side < 0)
    whole, exact = guards.whole[line], guards.exact[line]
    return Held(
        side,
        event,
        entry_tick,
        base,
        line,
        whole[STOP_AT],
        whole[STOP_OUT_AT],
        whole[TARGET_AT],
        whole[TRAIL_BY],
        whole[TRAIL_FROM],
        whole[ARM_AT],
        whole[LOCK_AT],
        exact[EXTRA],
        exact[COST],
        exact[TARGET],
        exact[STOP_DISTANCE],
        exact[TRAIL_EXACT],
        exact[LOCK_EXACT],
        fills.stop_out[event],
        fills.slippage,
        guards.step,
        guards.trails_at_once,
    )


@njit(cache=True, nogil=True)
def _follow(moving, held, gain):
    trails, best = moving.trails, moving.best
    if trails:
        best = gain if gain - best >= held.step else best
    elif held.trails_at_once or gain >= held.trail_from:
        trails, best = True, gain
    return Moving(trails, best, moving.armed or gain >= held.arm_at)


@njit(cache=True, nogil=True)
def _fixed_stop(held, gain):
    if gain <= -held.stop_at:
        return STOP_LOSS
    return STOP_OUT if gain <= -held.stop_out_at else NO_EXIT


@njit(cache=True, nogil=True)
def _nearest_level(moving, held, gain, has_fixed):
    # Return the reason and the level of the stop of any kind that a price falling to `gain` passes first: the nearest.
    # Of equal ones the first of these.
    reason, level = NO_EXIT, -np.inf
    paid = held.cost - held.slippage
    if has_fixed and gain <= -held.stop_at:
        reason, level = STOP_LOSS, paid - held.stop
    if has_fixed and gain <= -held.stop_out_at and paid - held.stop_out > level + _EQUAL:
        reason, level = STOP_OUT, paid - held.stop_out
    if moving.armed and gain <= held.lock_at and held.lock > level + _EQUAL:
        reason, level = BREAK_EVEN, held.lock
    trailing = moving.best - held.trail
    if moving.trails and moving.best - gain >= held.trail_by and trailing > level + _EQUAL:
        reason, level = TRAILING_STOP, trailing
    return reason, level


@njit(cache=True, nogil=True)
def _scheduled(quotes, limits, entry_tick):
    # Return the bars at whose opening a position closes by the time and by a session's end. Openings are even ticks.
    n = len(quotes.bid)
    by_time, by_session = n, n
    if limits.max_bars < FAR:
        entry_bar = first_after(quotes.first_bar, entry_tick // 2) - 1
        if entry_bar + limits.max_bars < len(quotes.first_bar):
            by_time = quotes.first_bar[entry_bar + limits.max_bars]
    if limits.max_ms < FAR:
        moment = quotes.time_ms[entry_tick] + limits.max_ms
        by_time = min(by_time, (first_after(quotes.time_ms, moment - 1) + 1) // 2)
    close = first_after(limits.close_tick, entry_tick)
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
    rows.entry[row] = held.side * (held.base + held.extra)
    rows.points[row] = points
    rows.fraction[row] = fraction
    rows.stop[row] = held.stop
    return row + 1


@njit(cache=True, nogil=True)
def _nearest_target(held, guards, partial):
    if partial < len(guards.part):
        return min(held.target_at, guards.whole[held.line, FIRST_PARTIAL + partial])
    return held.target_at


@njit(cache=True, nogil=True)
def _take_targets(held, guards, gain, at_level, exit_tick, rows, row, partial):
    # Write a row for every target that a price reaches, the nearest first; return the row after them, the first partial
    # target that is left, and what is left of the position.
    won = gain - (held.cost - held.slippage)
    while partial < len(guards.part) and gain >= guards.whole[held.line, FIRST_PARTIAL + partial]:
        points = guards.exact[held.line, FIRST_PARTIAL_EXACT + partial] if at_level else won
        # The last of those that close all closes what the others left.
        is_last = guards.rest[partial + 1] <= 0.0
        part = guards.rest[partial] if is_last else guards.part[partial]
        row = _write(rows, row, held, exit_tick, points, np.int64(PARTIAL_TARGET), part)
        partial += 1
    rest = guards.rest[partial]
    if rest > 0.0 and gain >= held.target_at:
        points = held.target if at_level else won
        row = _write(rows, row, held, exit_tick, points, np.int64(TAKE_PROFIT), rest)
        rest = 0.0
    return row, partial, rest


@njit(cache=True, nogil=True)
def _market_reason(reason, moving, held, gain, bar, closings):
    # Return why a position closes at an opening after its targets were looked at: the reason there is, another or
    # NO_EXIT.
    by_time, by_session, by_signal = closings
    if reason == NO_EXIT:
        reason, _ = _nearest_level(moving, held, gain, _NO)
    if reason == NO_EXIT and bar >= by_time:
        reason = TIME
    if reason == NO_EXIT and bar >= by_session:
        reason = SESSION
    if reason == NO_EXIT and bar >= by_signal:
        reason = SIGNAL
    return reason


@njit(cache=True, nogil=True)
def _quiet_between(moving, held, target_at):
    # Return the gains between which prices reach no level and move none, both excluded.
    lower = -min(held.stop_at, held.stop_out_at)
    upper = target_at
    if moving.armed:
        lower = max(lower, held.lock_at)
    else:
        upper = min(upper, held.arm_at)
    if moving.trails:
        lower = max(lower, moving.best - held.trail_by)
        upper = min(upper, moving.best + held.step)
    else:
        upper = min(upper, held.trail_from)
    return lower, upper


@njit(cache=True, nogil=True)
def _next_loud_bar(prices, side, base, bar, stop, lower, upper):
    # Return the first bar in [bar, stop) with a price that is not between both, or stop.
    worst, best = (LOW, HIGH) if side > 0 else (HIGH, LOW)
    while bar < stop:
        if side * prices[bar, worst] - base <= lower or side * prices[bar, best] - base >= upper:
            break
        bar += 1
    return bar


@njit(cache=True, nogil=True)
def _walk_position(quotes, limits, guards, held, by_signal, rows, row):
    # Write the rows of one position; return the row after them, the tick of the last exit and its reason.
    side, base, cost = held.side, held.base, held.cost
    prices = quotes.bid if side > 0 else quotes.ask
    worst, best = (LOW, HIGH) if side > 0 else (HIGH, LOW)
    by_time, by_session = _scheduled(quotes, limits, held.entry_tick)
    moving = Moving(False, 0, False)
    start, partial, rest = held.entry_tick // 2, np.int64(0), 1.0
    closes = min(by_time, by_session, by_signal)
    target_at = _nearest_target(held, guards, partial)
    bar = start
    while bar < len(prices):
        opening, lowest = side * prices[bar, OPEN] - base, side * prices[bar, worst] - base
        if bar > start:
            reason = _fixed_stop(held, opening)
            if reason == NO_EXIT and opening >= target_at:
                row, partial, rest = _take_targets(held, guards, opening, _NO, 2 * bar, rows, row, partial)
                if rest <= 0.0:
                    return row, 2 * bar, TAKE_PROFIT
                target_at = _nearest_target(held, guards, partial)
            reason = _market_reason(reason, moving, held, opening, bar, (by_time, by_session, by_signal))
            if reason != NO_EXIT:
                return _write(rows, row, held, 2 * bar, opening - cost, reason, rest), 2 * bar, reason
        if 2 * bar < held.entry_tick:
            # What of this bar came before the entry is not known: the worst is assumed of the stop, nothing of others.
            reason, level = _nearest_level(moving, held, lowest, _YES)
            followed = CLOSE
        else:
            moving = _follow(moving, held, opening)
            reason, level = _nearest_level(moving, held, lowest, _YES)
            # With a spread wider than the stop the entry's own opening lies beyond it.
            level = min(level, float(opening))
            followed = best
        if reason != NO_EXIT:
            return _write(rows, row, held, 2 * bar + 1, level - cost, reason, rest), 2 * bar + 1, reason
        gain = side * prices[bar, followed] - base
        if followed == best and gain >= target_at:
            row, partial, rest = _take_targets(held, guards, gain, _YES, 2 * bar + 1, rows, row, partial)
            if rest <= 0.0:
                return row, 2 * bar + 1, TAKE_PROFIT
            target_at = _nearest_target(held, guards, partial)
        moving = _follow(moving, held, gain)
        lower, upper = _quiet_between(moving, held, target_at)
        bar = _next_loud_bar(prices, side, base, bar + 1, closes, lower, upper)
    last = len(prices) - 1
    gain = side * prices[last, CLOSE] - base
    row = _write(rows, row, held, 2 * last + 1, gain - cost, np.int64(END_OF_DATA), rest)
    return row, 2 * last + 1, END_OF_DATA


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
    later, dropped = event + 1, np.int64(0)
    for bar in range(due.tick[event] // 2, len(quotes.bid)):
        if waiting.end_tick[event] <= 2 * bar:
            return -1, 0, later
        if later < len(due.tick) and due.tick[later] == 2 * bar:
            asked = due.side[later]
            if asked <= BUY:
                return -1, 0, later
            closes = np.int64(1 if asked == CLOSE_LONG else -1 if asked == CLOSE_SHORT else 0)
            # Of a pair of orders one may have been dropped before.
            if closes in (0, -dropped):
                return -1, 0, later + 1
            dropped = closes
            later += 1
        side = _filled_side(quotes, due, waiting, event, dropped, bar, _YES)
        if side:
            return 2 * bar, side, later
        if waiting.end_tick[event] <= 2 * bar + 1:
            return -1, 0, later
        side = _filled_side(quotes, due, waiting, event, dropped, bar, _NO)
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
    row, stale, tick, event = np.int64(0), np.int64(0), np.int64(0), np.int64(0)
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
        held = _hold(fills, guards, side, event, entry_tick, base)
        closing = find_closing_event(due.side, later, side, fills.on_opposite)
        by_signal = due.tick[closing] // 2 if closing < len(due.tick) else len(quotes.bid)
        row, tick, reason = _walk_position(quotes, limits, guards, held, by_signal, rows, row)
        event = closing + 1 if reason == SIGNAL and fills.on_opposite == CLOSE_ONLY else later
