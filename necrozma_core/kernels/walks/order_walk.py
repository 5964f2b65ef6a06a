"""The walk of orders: from event to event, from order to fill, from entry to exit.

It does what a walk over every tick would do, see :mod:`necrozma_core.engine.order_simulation` for the rules, and looks
at ticks only where a bar may decide, see :mod:`necrozma_core.kernels.walks.order_triggers`.
"""

import numpy as np
from numba import njit

from necrozma_core.kernels.lookup import first_after
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
def _find_entry(due_tick, due_side, due_entry, event, tick, stale):
    # Return the first event from `event` on that may enter, at `tick` or later, or their number; and the count of those
    # that came too late for it.
    while event < len(due_tick):
        if due_side[event] <= BUY and due_tick[event] >= tick:
            if due_entry[event] == MAY_ENTER:
                break
            stale += due_entry[event] == STALE
        event += 1
    return event, stale


@njit(cache=True, nogil=True)
def _side_of_fill(bid, ask, kind, buy, sell, tick, signal):
    # Return the side of the order that a tick fills: the signal's where it reaches both.
    if kind == STOP:
        buys, sells = ask[tick] >= buy, bid[tick] <= sell
    else:
        buys, sells = ask[tick] <= buy, bid[tick] >= sell
    if buys and sells:
        return np.int64(signal)
    return np.int64(1 if buys else -1)


@njit(cache=True, nogil=True)
def _wait(
    bid, ask, bids, asks, time_ms, first_tick, opened_ms, due_tick, due_bar, due_side, due_entry, kind, trigger,
    end_tick, latency_ms, event, stale,
):  # fmt: skip
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
    n_events, n_ticks = len(due_tick), len(bid)
    none_to_buy, none_to_sell = (FAR, -FAR) if kind == STOP else (-FAR, FAR)
    placed, following = event, event + 1
    buy, sell = trigger[placed, 0], trigger[placed, 1]
    tick, bar = due_tick[placed], due_bar[placed]
    while buy != none_to_buy or sell != none_to_sell:
        end = end_tick[placed]
        stop = min(end, due_tick[following] if following < n_events else n_ticks)
        found, at = find_fill(bid, ask, bids, asks, first_tick, kind, buy, sell, bar, tick, stop)
        if found < stop:
            side = _side_of_fill(bid, ask, kind, buy, sell, found, due_side[placed])
            if kind == STOP and latency_ms > 0:
                found, at = tick_of_time(time_ms, first_tick, opened_ms, at, time_ms[found] + latency_ms)
            while following < n_events and due_tick[following] <= found:
                following += 1
            return side, found, at, placed, following, stale
        if stop == end:
            break
        # The following event acts while the orders wait.
        tick, bar = due_tick[following], due_bar[following]
        what = due_side[following]
        following += 1
        if what == CLOSE_LONG:
            buy = none_to_buy
        elif what == CLOSE_SHORT:
            sell = none_to_sell
        elif what != CLOSE and due_entry[following - 1] == MAY_ENTER:
            placed = following - 1
            buy, sell = trigger[placed, 0], trigger[placed, 1]
        else:
            stale += what != CLOSE and due_entry[following - 1] == STALE
            break
    return 0, np.int64(n_ticks), np.int64(0), placed, following, stale


@njit(cache=True, nogil=True)
def _time_limit(time_ms, first_tick, opened_ms, max_bars, max_ms, close_tick, close_bar, close_reason, tick, bar):
    # Return the first tick at which time ends a position that was entered at `tick`, its bar and the reason.
    n_ticks, n_bars = len(time_ms), len(first_tick) - 1
    limit, limit_bar, reason = np.int64(n_ticks), np.int64(n_bars), np.int64(TIME)
    if max_bars < n_bars - bar:
        limit_bar = bar + max_bars
        limit = first_tick[limit_bar]
    if max_ms < FAR:
        found, at = tick_of_time(time_ms, first_tick, opened_ms, bar, time_ms[tick] + max_ms)
        if found < limit:
            limit, limit_bar = found, at
    if len(close_tick):
        closing = first_after(close_tick, tick)
        if closing < len(close_tick) and close_tick[closing] < limit:
            limit, limit_bar = close_tick[closing], close_bar[closing]
            reason = np.int64(close_reason[closing])
    return limit, limit_bar, reason


@njit(cache=True, nogil=True)
def _quote(price, opens, first_tick, tick, bar):
    # At a bar's first tick from the opening prices, which lie together.
    return np.int64(opens[bar]) if tick == first_tick[bar] else np.int64(price[tick])


@njit(cache=True, nogil=True)
def _stop_reason(price, base, armed, start, whole, exact, row):
    # Return why a position closes whose side price has come down to a level, seen from the position.
    if price <= start - whole[row, STOP_AT]:
        return STOP_LOSS
    if price <= start - whole[row, STOP_OUT_AT]:
        return STOP_OUT
    if base == NOT_TRAILING:
        return BREAK_EVEN
    # Of two levels the nearer one closes.
    trails = not armed or base - exact[row, TRAIL_EXACT] > start + exact[row, LOCK_EXACT] + _SAME
    return TRAILING_STOP if trails else BREAK_EVEN


@njit(cache=True, nogil=True)
def _close(time_ms, first_tick, opened_ms, at, bar, reason, latency_ms):
    # Return where a position closes at the market, for a reason of a tick or a bar; the end of the data closes it where
    # there is no such tick.
    n_ticks = len(time_ms)
    if latency_ms > 0 and reason != SIGNAL and at < n_ticks:
        at, bar = tick_of_time(time_ms, first_tick, opened_ms, bar, time_ms[at] + latency_ms)
    if at >= n_ticks:
        return np.int64(n_ticks - 1), np.int64(len(first_tick) - 2), np.int64(END_OF_DATA)
    return at, bar, reason


@njit(cache=True, nogil=True)
def _levels(start, whole, step, row, target):
    # Return what `find_trigger` asks for; `target` is the column of the next one.
    return (
        start - min(whole[row, STOP_AT], whole[row, STOP_OUT_AT]),
        start + whole[row, target],
        whole[row, TRAIL_BY],
        start + whole[row, TRAIL_FROM],
        step,
        start + whole[row, ARM_AT],
        start + whole[row, LOCK_AT],
    )


@njit(cache=True, nogil=True)
def _hold(
    price, opens, extremes, time_ms, first_tick, opened_ms, side, tick, bar, start, row, limit, limit_bar, limit_reason,
    whole, exact, parts, rest, step, at_once, latency_ms, rows, side_out, reason_out, ticks_out, points_out, entered,
):  # fmt: skip
    # Follow a position from its entry to its last exit and write its trades down; return their number so far, and the
    # tick and the reason of the last one.
    part, reason, at, at_bar = 0, np.int64(PARTIAL_TARGET), tick + 1, bar
    # The entry's tick moves the levels that follow the price; the next one is the first that they close at.
    seen = side * _quote(price, opens, first_tick, tick, bar)
    base = seen if at_once or seen >= start + whole[row, TRAIL_FROM] else NOT_TRAILING
    armed = seen >= start + whole[row, ARM_AT]
    while reason == PARTIAL_TARGET and rest[part] > 0:
        # After a partial target its tick is looked at again: it may reach the next, and move what follows the price.
        levels = _levels(start, whole, step, row, FIRST_PARTIAL + part if part < len(parts) else TARGET_AT)
        at, at_bar, base, armed = find_trigger(
            price, opens, extremes, first_tick, side, at_bar, at, limit, limit_bar, base, armed, levels
        )
        fraction = rest[part]
        if at > limit or at == len(price):
            at, at_bar, reason = limit, limit_bar, limit_reason
        else:
            seen = side * _quote(price, opens, first_tick, at, at_bar)
            reason = np.int64(TAKE_PROFIT)
            if seen < levels[1]:
                reason = np.int64(_stop_reason(seen, base, armed, start, whole, exact, row))
        if reason != TAKE_PROFIT and (latency_ms > 0 or at == len(price)):
            at, at_bar, reason = _close(time_ms, first_tick, opened_ms, at, at_bar, reason, latency_ms)
        if reason != TAKE_PROFIT:
            won = side * _quote(price, opens, first_tick, at, at_bar) - start - exact[row, COST]
        elif part < len(parts):
            reason, fraction = np.int64(PARTIAL_TARGET), parts[part]
            won = exact[row, FIRST_PARTIAL_EXACT + part]
            part += 1
        else:
            won = exact[row, TARGET]
        entry = side * (start + exact[row, EXTRA])
        side_out[rows], reason_out[rows] = side, reason
        ticks_out[0, rows], ticks_out[1, rows], ticks_out[2, rows] = tick, at, entered
        points_out[0, rows], points_out[1, rows], points_out[2, rows] = entry, entry + side * won, won
        points_out[3, rows], points_out[4, rows] = fraction, exact[row, STOP_DISTANCE]
        rows += 1
    return rows, at, reason


@njit(cache=True, nogil=True)
def walk_orders(
    bid, ask, time_ms, first_tick, bid_open, ask_open, bid_extremes, ask_extremes, opened_ms, due_tick, due_bar,
    due_side, due_entry, kind, trigger, limit_base, end_tick, whole, exact, parts, rest, step, at_once, max_bars,
    max_ms, close_tick, close_bar, close_reason, on_opposite, latency_ms,
):  # fmt: skip
    """Trade the events of one strategy by its orders.

    Parameters
    ----------
    bid, ask, time_ms, first_tick, bid_open, ask_open, bid_extremes, ask_extremes, opened_ms
        The fields of `Prices`. All arrays come by themselves: numba counts references to the arrays of a tuple wherever
        one is taken out, and to those of a call in most functions, which took more than half of the time; and it
        compiles twice what a kernel hands on that takes them out.
    due_tick, due_bar, due_side, due_entry
        The fields of `Due`.
    kind, trigger, limit_base, end_tick
        The fields of `Waiting`.
    whole, exact, parts, rest, step, at_once
        The fields of `Guards`.
    max_bars, max_ms, close_tick, close_bar, close_reason
        The fields of `TimeLimits`.
    on_opposite, latency_ms
        The fields of `Rules`.

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
    n_events = len(due_tick)
    most = n_events * len(rest)
    side_out, reason_out = np.empty(most, np.int8), np.empty(most, np.int8)
    ticks_out, points_out = np.empty((3, most), np.int64), np.empty((5, most), np.float64)
    has_limits = max_bars < FAR or max_ms < FAR or len(close_tick) > 0
    rows, event, stale, free = np.int64(0), np.int64(0), np.int64(0), np.int64(0)
    reason = np.int64(SIGNAL)
    while reason != END_OF_DATA:
        event, stale = _find_entry(due_tick, due_side, due_entry, event, free, stale)
        if event == n_events:
            break
        side, tick, bar, entered = np.int64(due_side[event]), due_tick[event], due_bar[event], event
        if kind == MARKET:
            event += 1
        else:
            side, tick, bar, entered, event, stale = _wait(
                bid, ask, bid_extremes, ask_extremes, time_ms, first_tick, opened_ms, due_tick, due_bar, due_side,
                due_entry, kind, trigger, end_tick, latency_ms, event, stale,
            )  # fmt: skip
            if side == 0:
                continue
            if tick == len(bid):
                break
        limit, limit_bar, limit_reason = np.int64(len(bid)), np.int64(len(bid_open)), np.int64(TIME)
        if has_limits:
            limit, limit_bar, limit_reason = _time_limit(
                time_ms, first_tick, opened_ms, max_bars, max_ms, close_tick, close_bar, close_reason, tick, bar
            )
        closing = find_closing_event(due_side, event, side, on_opposite)
        if closing < n_events and due_tick[closing] < limit:
            limit, limit_bar, limit_reason = due_tick[closing], due_bar[closing], np.int64(SIGNAL)
        row = 0 if len(whole) == 1 else 2 * entered + (side < 0)
        # A long position enters at ask and closes at bid, a short one the other way round.
        price, opens, extremes, entered_at, opened_at = ask, ask_open, ask_extremes, bid, bid_open
        if side > 0:
            price, opens, extremes, entered_at, opened_at = bid, bid_open, bid_extremes, ask, ask_open
        start = side * _quote(entered_at, opened_at, first_tick, tick, bar)
        if kind == LIMIT:
            start = limit_base[entered, np.int64(side < 0)]
        rows, free, reason = _hold(
            price, opens, extremes, time_ms, first_tick, opened_ms, side, tick, bar, start, row, limit, limit_bar,
            limit_reason, whole, exact, parts, rest, step, at_once, latency_ms, rows, side_out, reason_out, ticks_out,
            points_out, entered,
        )  # fmt: skip
        event = closing + 1 if reason == SIGNAL and on_opposite == CLOSE_ONLY else event
    return (
        side_out[:rows], ticks_out[0, :rows], ticks_out[1, :rows], points_out[0, :rows], points_out[1, :rows],
        points_out[2, :rows], reason_out[:rows], ticks_out[2, :rows], points_out[3, :rows], points_out[4, :rows], stale,
    )  # fmt: skip
