"""The walk over bars without ticks with every order; :mod:`necrozma_core.engine.bar_order_simulation` has its rules.

Prices are seen from the position: of a short one with the other sign, so that up is what pays. A level is compared as
a whole number of points from the anchor, which is the quote at which an entry fills, so that no comparison rounds.
"""

import numpy as np
from numba import njit

from necrozma_core.kernels.bar_orders import (
    AT_BUY_LEVEL,
    AT_QUOTE,
    AT_SELL_LEVEL,
    EQUAL,
    FAR,
    MARKET,
    MAY_ENTER,
    NO_EXIT,
    STALE,
    STOP_ENTRY,
    Guards,
    Moving,
)
from necrozma_core.kernels.bar_simulation import CLOSE, HIGH, LOW, OPEN
from necrozma_core.kernels.simulation import (
    BREAK_EVEN,
    BUY,
    CLOSE_LONG,
    CLOSE_ONLY,
    END_OF_DATA,
    PARTIAL_TARGET,
    SELL,
    SESSION,
    SIGNAL,
    STOP_LOSS,
    STOP_OUT,
    TAKE_PROFIT,
    TIME,
    TRAILING_STOP,
    find_closing_event,
)
from necrozma_core.kernels.simulation import CLOSE as CLOSE_ANY


@njit(cache=True, nogil=True)
def _guards(limits, rules, event, fill, side, anchor):
    return Guards(
        side,
        anchor,
        limits.cost[event, fill],
        limits.stop_reach[event, fill],
        limits.stop_out_reach[event, fill],
        limits.target_reach[event, fill],
        limits.start_reach[event, fill],
        limits.even_reach[event, fill],
        limits.lock_reach[event, fill],
        limits.trail_reach[event],
        limits.stop[event],
        limits.stop_out[event],
        limits.target[event],
        limits.trail[event],
        rules.lock,
        rules.step,
    )


@njit(cache=True, nogil=True)
def _follow(moving, guards, gain):
    # Move the levels by a price, which is counted from the anchor.
    trails, base = moving.trails, moving.base
    if trails:
        base = gain if gain - base >= guards.step else base
    elif gain >= guards.start_reach:
        trails, base = True, gain
    return Moving(trails, base, moving.secured or gain >= guards.even_reach)


@njit(cache=True, nogil=True)
def _nearest_level(moving, guards, gain, has_fixed):
    # Return the reason and the level of the stop-like order that a price has passed first on its way to `gain`: the
    # nearest, for a price on its way to the others passes it. Of equal ones the first of these.
    reason, level = NO_EXIT, -np.inf
    if has_fixed and gain <= -guards.stop_reach:
        reason, level = STOP_LOSS, -guards.stop
    if has_fixed and gain <= -guards.stop_out_reach and -guards.stop_out > level + EQUAL:
        reason, level = STOP_OUT, -guards.stop_out
    if moving.secured and gain <= guards.lock_reach and guards.lock > level + EQUAL:
        reason, level = BREAK_EVEN, guards.lock
    trailing = moving.base - guards.cost - guards.trail
    if moving.trails and moving.base - gain >= guards.trail_reach and trailing > level + EQUAL:
        reason, level = TRAILING_STOP, trailing
    return reason, level


@njit(cache=True, nogil=True)
def _fixed_stop(guards, gain):
    # Return the reason of the fixed stop that a price reaches, or NO_EXIT.
    if gain <= -guards.stop_reach:
        return STOP_LOSS
    return STOP_OUT if gain <= -guards.stop_out_reach else NO_EXIT


@njit(cache=True, nogil=True)
def _first_opening(time_ms, moment):
    # Return the first bar that opens at a moment or later: openings are the even ticks.
    return (np.searchsorted(time_ms, moment) + 1) // 2


@njit(cache=True, nogil=True)
def _scheduled(quotes, rules, entry_tick):
    # Return the bars at whose opening a position closes by the time and by a session's end.
    n = len(quotes.bid)
    entered = quotes.time_ms[entry_tick]
    by_time, by_session = n, n
    if rules.max_bars:
        entry_bar = np.searchsorted(quotes.first_bar, entry_tick // 2, side="right") - 1
        if entry_bar + rules.max_bars < len(quotes.first_bar):
            by_time = min(by_time, quotes.first_bar[entry_bar + rules.max_bars])
    if rules.max_ms:
        by_time = min(by_time, _first_opening(quotes.time_ms, entered + rules.max_ms))
    moment = np.searchsorted(rules.time_ms, entered, side="right")
    if moment < len(rules.time_ms):
        by_time = min(by_time, _first_opening(quotes.time_ms, rules.time_ms[moment]))
    moment = np.searchsorted(rules.session_ms, entered, side="right")
    if moment < len(rules.session_ms):
        by_session = _first_opening(quotes.time_ms, rules.session_ms[moment])
    return by_time, by_session


@njit(cache=True, nogil=True)
def _write(rows, row, side, position, exit_tick, points, reason, fraction):
    entry_tick, entry, event, _ = position
    rows.side[row] = side
    rows.entry_tick[row] = entry_tick
    rows.exit_tick[row] = exit_tick
    rows.entry[row] = entry
    rows.points[row] = points
    rows.reason[row] = reason
    rows.event[row] = event
    rows.fraction[row] = fraction
    return row + 1


@njit(cache=True, nogil=True)
def _take_targets(limits, rules, guards, position, gain, at_level, exit_tick, rows, row, partial, rest):
    # Write a row for every target that a price reaches, the nearest first; return the row after them, the first partial
    # target that is left, and what is left of the position.
    _, _, event, fill = position
    n_partial = len(limits.partial)
    while partial < n_partial and gain >= limits.partial_reach[event, fill, partial]:
        part = rest if rules.takes_all and partial == n_partial - 1 else limits.fraction[partial]
        won = limits.partial[partial] if at_level else gain - guards.cost
        row = _write(rows, row, guards.side, position, exit_tick, won, PARTIAL_TARGET, part)
        partial += 1
        rest -= part
    if rest > 0.0 and gain >= guards.target_reach:
        won = guards.target if at_level else gain - guards.cost
        row = _write(rows, row, guards.side, position, exit_tick, won, TAKE_PROFIT, rest)
        rest = 0.0
    return row, partial, rest


@njit(cache=True, nogil=True)
def _market_reason(moving, guards, gain, bar, closings):
    # Return why a position closes at an opening after its targets were looked at, or NO_EXIT.
    by_time, by_session, by_signal = closings
    reason, _ = _nearest_level(moving, guards, gain, False)
    if reason == NO_EXIT and bar >= by_time:
        reason = TIME
    if reason == NO_EXIT and bar >= by_session:
        reason = SESSION
    if reason == NO_EXIT and bar >= by_signal:
        reason = SIGNAL
    return reason


@njit(cache=True, nogil=True)
def _walk_position(quotes, limits, rules, guards, position, by_signal, rows, row):
    # Write the rows of one position; return the row after them, the tick of the last exit and its reason.
    entry_tick = position[0]
    prices = quotes.bid if guards.side > 0 else quotes.ask
    worst, best = (LOW, HIGH) if guards.side > 0 else (HIGH, LOW)
    by_time, by_session = _scheduled(quotes, rules, entry_tick)
    closings = by_time, by_session, by_signal
    moving = Moving(False, 0, False)
    start, partial, rest = entry_tick // 2, 0, 1.0
    for bar in range(start, len(prices)):
        opening = guards.side * np.int64(prices[bar, OPEN]) - guards.anchor
        lowest = guards.side * np.int64(prices[bar, worst]) - guards.anchor
        if bar > start:
            reason = _fixed_stop(guards, opening)
            if reason == NO_EXIT:
                row, partial, rest = _take_targets(
                    limits, rules, guards, position, opening, False, 2 * bar, rows, row, partial, rest
                )
                if rest <= 0.0:
                    return row, 2 * bar, TAKE_PROFIT
                reason = _market_reason(moving, guards, opening, bar, closings)
            if reason != NO_EXIT:
                won = opening - guards.cost - rules.slippage
                return _write(rows, row, guards.side, position, 2 * bar, won, reason, rest), 2 * bar, reason
        if 2 * bar < entry_tick:
            # What of this bar came before the entry is not known: the worst is assumed of the stop, nothing of others.
            reason, level = _nearest_level(moving, guards, lowest, True)
            followed = CLOSE
        else:
            moving = _follow(moving, guards, opening)
            reason, level = _nearest_level(moving, guards, lowest, True)
            # With a spread wider than the stop the entry's own opening lies beyond it.
            level = min(level, opening - guards.cost)
            followed = best
        if reason != NO_EXIT:
            won = level - rules.slippage
            return _write(rows, row, guards.side, position, 2 * bar + 1, won, reason, rest), 2 * bar + 1, reason
        gain = guards.side * np.int64(prices[bar, followed]) - guards.anchor
        if followed == best:
            row, partial, rest = _take_targets(
                limits, rules, guards, position, gain, True, 2 * bar + 1, rows, row, partial, rest
            )
            if rest <= 0.0:
                return row, 2 * bar + 1, TAKE_PROFIT
        moving = _follow(moving, guards, gain)
    last = len(prices) - 1
    won = guards.side * np.int64(prices[last, CLOSE]) - guards.anchor - guards.cost - rules.slippage
    return _write(rows, row, guards.side, position, 2 * last + 1, won, END_OF_DATA, rest), 2 * last + 1, END_OF_DATA


@njit(cache=True, nogil=True)
def _fills(quotes, events, rules, event, side, bar, column):
    # Whether a price of a bar reaches the order of a side: a stop from below, a limit from above, as the side sees it.
    trigger = events.trigger[event, 0 if side > 0 else 1]
    if trigger == FAR:
        return False
    price = side * np.int64(quotes.ask[bar, column] if side > 0 else quotes.bid[bar, column])
    return price >= trigger if rules.entry == STOP_ENTRY else price <= trigger


@njit(cache=True, nogil=True)
def _fill_side(quotes, events, rules, event, dropped, bar, at_opening):
    # Return the side whose waiting order a bar fills, the signal's first, or 0.
    first = np.int64(events.side[event])
    for side in (first, -first):
        if at_opening:
            column = OPEN
        else:
            column = HIGH if (side > 0) == (rules.entry == STOP_ENTRY) else LOW
        if side != dropped and _fills(quotes, events, rules, event, side, bar, column):
            return side
    return 0


@njit(cache=True, nogil=True)
def _wait(quotes, events, rules, event):
    # Follow the waiting orders of an event. Return the tick at which one fills, or -1, its side, and the first event
    # that has not been heard by then.
    n_events, later, dropped = len(events.bar), event + 1, 0
    for bar in range(events.bar[event], len(quotes.bid)):
        if events.dies_tick[event] <= 2 * bar:
            return -1, 0, later
        if later < n_events and events.bar[later] == bar:
            asked = events.side[later]
            if asked in (BUY, SELL):
                return -1, 0, later
            # The other one of a pair was dropped before, if the close of this side's leaves none.
            closes = 0 if asked == CLOSE_ANY else 1 if asked == CLOSE_LONG else -1
            if closes in (0, -dropped):
                return -1, 0, later + 1
            dropped = closes
            later += 1
        side = _fill_side(quotes, events, rules, event, dropped, bar, True)
        if side:
            return 2 * bar, side, later
        if events.dies_tick[event] <= 2 * bar + 1:
            return -1, 0, later
        side = _fill_side(quotes, events, rules, event, dropped, bar, False)
        if side:
            return 2 * bar + 1, side, later
    return -1, 0, n_events


@njit(cache=True, nogil=True)
def _next_entry(events, event, tick):
    # Return the first event from `event` on, at a tick or later, that may enter, and how many before it were too old.
    stale = 0
    while event < len(events.bar):
        if events.side[event] <= BUY and 2 * events.bar[event] >= tick:
            if events.state[event] == MAY_ENTER:
                break
            stale += events.state[event] == STALE
        event += 1
    return event, stale


@njit(cache=True, nogil=True)
def walk_bar_orders(quotes, events, limits, rules, rows):
    """Trade the events of one strategy with its orders.

    Parameters
    ----------
    quotes : BarQuotes
    events : BarEvents
    limits : BarLimits
    rules : BarRules
    rows : Rows
        Written to; ``n_events * (n_partial + 1)`` rows are enough.

    Returns
    -------
    n_trades : int
    stale : int
        Entries not taken because their quote was too old.
    """
    n_events, row, stale, tick, event = len(events.bar), 0, 0, 0, 0
    while True:
        event, passed = _next_entry(events, event, tick)
        stale += passed
        if event >= n_events:
            return row, stale
        if rules.entry == MARKET:
            entry_tick, side, later = 2 * events.bar[event], np.int64(events.side[event]), event + 1
        else:
            entry_tick, side, later = _wait(quotes, events, rules, event)
            if entry_tick < 0:
                event = later
                continue
        bar, fill = entry_tick // 2, AT_QUOTE
        anchor = side * np.int64(quotes.ask[bar, OPEN] if side > 0 else quotes.bid[bar, OPEN])
        if entry_tick % 2:
            fill = AT_BUY_LEVEL if side > 0 else AT_SELL_LEVEL
            anchor = events.trigger[event, fill - 1]
        guards = _guards(limits, rules, event, fill, side, anchor)
        closing = find_closing_event(events.side, later, side, rules.on_opposite)
        by_signal = events.bar[closing] if closing < n_events else len(quotes.bid)
        position = entry_tick, side * (anchor + limits.offset[event, fill]), event, fill
        row, tick, reason = _walk_position(quotes, limits, rules, guards, position, by_signal, rows, row)
        event = closing + 1 if reason == SIGNAL and rules.on_opposite == CLOSE_ONLY else later
