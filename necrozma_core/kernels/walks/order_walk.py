"""The walk of orders: from event to event, from order to fill, from entry to exit.

It does what a walk over every tick would do, see :mod:`necrozma_core.engine.order_simulation` for the rules, and looks
at ticks only where a bar may decide, see :mod:`necrozma_core.kernels.walks.order_triggers`.
"""

import numpy as np
from numba import njit

from necrozma_core.kernels.walks.order_arrays import (
    ARM_AT,
    COST,
    EXTRA,
    FAR,
    FIRST_PARTIAL,
    FIRST_PARTIAL_EXACT,
    LIMIT,
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
from necrozma_core.kernels.walks.order_triggers import (
    NOT_TRAILING,
    find_fill,
    find_trigger,
    move_levels,
    tick_of_time,
)
from necrozma_core.kernels.walks.simulation import (
    BREAK_EVEN,
    BUY,
    CLOSE,
    CLOSE_LONG,
    CLOSE_ONLY,
    CLOSE_SHORT,
    END_OF_DATA,
    PARTIAL_TARGET,
    SIGNAL,
    STOP_LOSS,
    STOP_OUT,
    TAKE_PROFIT,
    TIME,
    TRAILING_STOP,
    find_closing_event,
)

_SAME = 1e-9  # points; two levels that a fraction's rounding tells apart are one


@njit(cache=True, nogil=True)
def _find_entry(due, event, tick, stale):
    # Return the first event from `event` on that may enter, at `tick` or later, or their number; and the count of those
    # that came too late for it.
    while event < len(due.tick):
        if due.side[event] <= BUY and due.tick[event] >= tick:
            if due.entry[event] == MAY_ENTER:
                break
            stale += due.entry[event] == STALE
        event += 1
    return event, stale


@njit(cache=True, nogil=True)
def _side_of_fill(prices, kind, buy, sell, tick, signal):
    # Return the side of the order that a tick fills: the signal's where it reaches both.
    if kind == STOP:
        buys, sells = prices.ask[tick] >= buy, prices.bid[tick] <= sell
    else:
        buys, sells = prices.ask[tick] <= buy, prices.bid[tick] >= sell
    if buys and sells:
        return np.int64(signal)
    return np.int64(1 if buys else -1)


@njit(cache=True, nogil=True)
def _wait(prices, due, waiting, latency_ms, event, stale):
    """Follow the orders that an event leaves, and those that replace them.

    Returns
    -------
    side : int
        Of the order that was filled; 0 where none was.
    tick, bar : int
        Of the fill; the number of ticks where it was set off and no tick came late enough.
    entered : int
        The event whose order it was.
    event : int
        The first one that may act after that.
    stale : int
    """
    n_events, n_ticks = len(due.tick), len(prices.bid)
    none_to_buy, none_to_sell = (FAR, -FAR) if waiting.kind == STOP else (-FAR, FAR)
    placed, following = event, event + 1
    buy, sell = waiting.trigger[placed, 0], waiting.trigger[placed, 1]
    tick, bar = due.tick[placed], due.bar[placed]
    while buy != none_to_buy or sell != none_to_sell:
        end = waiting.end_tick[placed]
        stop = min(end, due.tick[following] if following < n_events else n_ticks)
        found, at = find_fill(prices, waiting.kind, buy, sell, bar, tick, stop)
        if found < stop:
            side = _side_of_fill(prices, waiting.kind, buy, sell, found, due.side[placed])
            if waiting.kind == STOP and latency_ms > 0:
                found, at = tick_of_time(prices, at, prices.time_ms[found] + latency_ms)
            while following < n_events and due.tick[following] <= found:
                following += 1
            return side, found, at, placed, following, stale
        if stop == end:
            break
        # The following event acts while the orders wait.
        tick, bar = due.tick[following], due.bar[following]
        what = due.side[following]
        following += 1
        if what == CLOSE_LONG:
            buy = none_to_buy
        elif what == CLOSE_SHORT:
            sell = none_to_sell
        elif what != CLOSE and due.entry[following - 1] == MAY_ENTER:
            placed = following - 1
            buy, sell = waiting.trigger[placed, 0], waiting.trigger[placed, 1]
        else:
            stale += what != CLOSE and due.entry[following - 1] == STALE
            break
    return 0, np.int64(n_ticks), np.int64(0), placed, following, stale


@njit(cache=True, nogil=True)
def _time_limit(prices, limits, tick, bar):
    # Return the first tick at which time ends a position that was entered at `tick`, its bar and the reason.
    n_ticks, n_bars = len(prices.bid), len(prices.first_tick) - 1
    limit, limit_bar, reason = np.int64(n_ticks), np.int64(n_bars), np.int64(TIME)
    if limits.max_bars < n_bars - bar:
        limit_bar = bar + limits.max_bars
        limit = prices.first_tick[limit_bar]
    if limits.max_ms < FAR:
        found, at = tick_of_time(prices, bar, prices.time_ms[tick] + limits.max_ms)
        if found < limit:
            limit, limit_bar = found, at
    if len(limits.close_tick):
        closing = np.searchsorted(limits.close_tick, tick, side="right")
        if closing < len(limits.close_tick) and limits.close_tick[closing] < limit:
            limit, limit_bar = limits.close_tick[closing], limits.close_bar[closing]
            reason = np.int64(limits.close_reason[closing])
    return limit, limit_bar, reason


@njit(cache=True, nogil=True)
def _quote(prices, side, tick, bar):
    # Return the bid for side +1 and the ask for -1; at a bar's first tick from the opening prices, which lie together.
    if tick == prices.first_tick[bar]:
        return np.int64(prices.bid_open[bar]) if side > 0 else np.int64(prices.ask_open[bar])
    return np.int64(prices.bid[tick]) if side > 0 else np.int64(prices.ask[tick])


@njit(cache=True, nogil=True)
def _stop_reason(price, base, armed, start, whole, exact):
    # Return why a position closes whose side price has come down to a level, seen from the position.
    if price <= start - whole[STOP_AT]:
        return STOP_LOSS
    if price <= start - whole[STOP_OUT_AT]:
        return STOP_OUT
    if base == NOT_TRAILING:
        return BREAK_EVEN
    # Of two levels the nearer one closes.
    trails = not armed or base - exact[TRAIL_EXACT] > start + exact[LOCK_EXACT] + _SAME
    return TRAILING_STOP if trails else BREAK_EVEN


@njit(cache=True, nogil=True)
def _enter(prices, due, waiting, latency_ms, event, stale):
    # Return what `_wait` does, of an event that enters at the market or by orders.
    if waiting.kind == MARKET:
        return np.int64(due.side[event]), due.tick[event], due.bar[event], event, event + 1, stale
    return _wait(prices, due, waiting, latency_ms, event, stale)


@njit(cache=True, nogil=True)
def _close(prices, at, bar, reason, latency_ms):
    # Return where a position closes at the market, for a reason of a tick or a bar; the end of the data closes it where
    # there is no such tick.
    n_ticks = len(prices.bid)
    if latency_ms > 0 and reason != SIGNAL and at < n_ticks:
        at, bar = tick_of_time(prices, bar, prices.time_ms[at] + latency_ms)
    if at >= n_ticks:
        return np.int64(n_ticks - 1), np.int64(len(prices.first_tick) - 2), np.int64(END_OF_DATA)
    return at, bar, reason


@njit(cache=True, nogil=True)
def _levels(start, whole, target, guards):
    # Return what `find_trigger` asks for; `target` is the column of the next one.
    return (
        start - min(whole[STOP_AT], whole[STOP_OUT_AT]),
        start + whole[target],
        whole[TRAIL_BY],
        start + whole[TRAIL_FROM],
        guards.step,
        start + whole[ARM_AT],
        start + whole[LOCK_AT],
    )


@njit(cache=True, nogil=True)
def _rows(most):
    # Return room for so many trades: sides, reasons, ticks and event, prices.
    sides, reasons = np.empty(most, np.int8), np.empty(most, np.int8)
    return sides, reasons, np.empty((3, most), np.int64), np.empty((5, most), np.float64)


@njit(cache=True, nogil=True)
def _note(out, row, side, tick, at, reason, entered, points):
    # Write down a trade, and return the number of trades.
    side_out, reason_out, whole_out, points_out = out
    side_out[row], reason_out[row] = side, reason
    whole_out[0, row], whole_out[1, row], whole_out[2, row] = tick, at, entered
    for column in range(5):
        points_out[column, row] = points[column]
    return row + 1


@njit(cache=True, nogil=True)
def _find_end(prices, side, at, bar, limit, limit_bar, limit_reason, base, armed, levels, start, whole, exact):
    # Return the tick that closes a position or a part of it, its bar and the reason, which is TAKE_PROFIT for any
    # target; and what ticks before it moved.
    at, bar, base, armed = find_trigger(prices, side, bar, at, limit, limit_bar, base, armed, levels)
    if at > limit or at == len(prices.bid):
        return limit, limit_bar, limit_reason, base, armed
    seen = side * _quote(prices, side, at, bar)
    if seen >= levels[1]:
        return at, bar, np.int64(TAKE_PROFIT), base, armed
    return at, bar, np.int64(_stop_reason(seen, base, armed, start, whole, exact)), base, armed


@njit(cache=True, nogil=True)
def _hold(prices, guards, latency_ms, held, limit, limit_bar, limit_reason, out, rows):
    # Follow a position from its entry to its last exit and write its trades down; return their number so far, and the
    # tick and the reason of the last one.
    side, tick, bar, start, row, entered = held
    whole, exact, n_parts = guards.whole[row], guards.exact[row], len(guards.part)
    part, reason, at, at_bar = 0, np.int64(PARTIAL_TARGET), tick + 1, bar
    # The entry's tick moves the levels that follow the price; the next one is the first that they close at.
    seen = side * _quote(prices, side, tick, bar)
    base, armed = move_levels(seen, NOT_TRAILING, False, _levels(start, whole, TARGET_AT, guards))
    if guards.trails_at_once:
        base = seen
    while reason == PARTIAL_TARGET and guards.rest[part] > 0:
        # After a partial target its tick is looked at again: it may reach the next, and move what follows the price.
        levels = _levels(start, whole, FIRST_PARTIAL + part if part < n_parts else TARGET_AT, guards)
        at, at_bar, reason, base, armed = _find_end(
            prices, side, at, at_bar, limit, limit_bar, limit_reason, base, armed, levels, start, whole, exact
        )
        fraction = guards.rest[part]
        if reason == TAKE_PROFIT and part < n_parts:
            reason, won, fraction = np.int64(PARTIAL_TARGET), exact[FIRST_PARTIAL_EXACT + part], guards.part[part]
            part += 1
        elif reason == TAKE_PROFIT:
            won = exact[TARGET]
        else:
            at, at_bar, reason = _close(prices, at, at_bar, reason, latency_ms)
            won = side * _quote(prices, side, at, at_bar) - start - exact[COST]
        entry = side * (start + exact[EXTRA])
        points = entry, entry + side * won, won, fraction, exact[STOP_DISTANCE]
        rows = _note(out, rows, side, tick, at, reason, entered, points)
    return rows, at, reason


@njit(cache=True, nogil=True)
def walk_orders(prices, due, waiting, guards, limits, rules):
    """Trade the events of one strategy by its orders.

    Parameters
    ----------
    prices : Prices
    due : Due
    waiting : Waiting
    guards : Guards
    limits : TimeLimits
    rules : Rules

    Returns
    -------
    side : int8 array, shape (n_trades,)
    entry_tick, exit_tick : int64 array, shape (n_trades,)
    entry_points, exit_points, points : float64 array, shape (n_trades,)
        Recorded prices, and what was won, in points.
    reason : int8 array, shape (n_trades,)
    entered_by : int64 array, shape (n_trades,)
        The event of each entry.
    fraction : float64 array, shape (n_trades,)
        The part of the lots that each closed.
    stop_points : float64 array, shape (n_trades,)
    stale : int
        Entries that came too late.
    """
    n_events = len(due.tick)
    out = _rows(n_events * len(guards.rest))
    rows, event, stale, free = 0, 0, 0, np.int64(0)
    while True:
        event, stale = _find_entry(due, event, free, stale)
        if event == n_events:
            break
        side, tick, bar, entered, event, stale = _enter(prices, due, waiting, rules.latency_ms, event, stale)
        if side == 0:
            continue
        if tick == len(prices.bid):
            break
        row = 0 if len(guards.whole) == 1 else 2 * entered + (side < 0)
        start = side * _quote(prices, -side, tick, bar)
        if waiting.kind == LIMIT:
            start = waiting.base[entered, 0 if side > 0 else 1]
        limit, limit_bar, limit_reason = _time_limit(prices, limits, tick, bar)
        closing = find_closing_event(due.side, event, side, rules.on_opposite)
        if closing < n_events and due.tick[closing] < limit:
            limit, limit_bar, limit_reason = due.tick[closing], due.bar[closing], np.int64(SIGNAL)
        held = side, tick, bar, start, row, entered
        rows, at, reason = _hold(prices, guards, rules.latency_ms, held, limit, limit_bar, limit_reason, out, rows)
        if reason == END_OF_DATA:
            break
        free = at
        if reason == SIGNAL and rules.on_opposite == CLOSE_ONLY:
            event = closing + 1
    side_out, reason_out, whole_out, points_out = out
    return (
        side_out[:rows], whole_out[0, :rows], whole_out[1, :rows], points_out[0, :rows], points_out[1, :rows],
        points_out[2, :rows], reason_out[:rows], whole_out[2, :rows], points_out[3, :rows], points_out[4, :rows], stale,
    )  # fmt: skip
