"""How far prices went while positions were open: from the extremes of whole bars, and from ticks where they decide."""

import numpy as np
from numba import njit

LEAST, MOST = 1 - 2**31, 2**31 - 1
"""What an empty span has for its highest and its lowest price."""

OPEN, HIGH, LOW, CLOSE = 0, 1, 2, 3
"""Columns of bars."""

AT_STOP, AT_TARGET = 1, 2
"""What ended a span inside a bar: an order behind which the worst, or the best, price of the bar was not lived."""


@njit(cache=True, nogil=True)
def _last_at_or_before(rising, bar, tick):
    # Return the last position from ``bar`` on whose value is at or below ``tick``; that of ``bar`` is. Spans follow one
    # another, so that it is near: the step doubles until it is too far, and is halved from there.
    step = 1
    while bar + step < len(rising) and rising[bar + step] <= tick:
        bar += step
        step *= 2
    while step > 0:
        if bar + step < len(rising) and rising[bar + step] <= tick:
            bar += step
        step //= 2
    return bar


@njit(cache=True, nogil=True)
def _widen(price, low, high):
    # A loop that starts at index 0 is what the compiler turns into vector code.
    for i in range(len(price)):
        low, high = min(low, price[i]), max(high, price[i])
    return low, high


@njit(cache=True, nogil=True)
def _span_extremes(price, extremes, first_tick, first, last, start, stop):
    # Return the lowest and the highest price of the ticks in [start, stop). ``first`` and ``last`` are the bars in
    # which ``start`` and ``stop`` lie; the bars between them are whole.
    low, high = np.int32(MOST), np.int32(LEAST)
    if first == last:
        return _widen(price[start:stop], low, high)
    whole = first + (first_tick[first] < start)
    # A low is never above its high, so that both are found in the row of all of them.
    low, high = _widen(extremes.reshape(-1)[2 * whole : 2 * last], low, high)
    # The ticks at the ends are looked at only where their bars went farther.
    if whole > first and (extremes[first, 0] < low or extremes[first, 1] > high):
        low, high = _widen(price[start : first_tick[whole]], low, high)
    if first_tick[last] < stop and (extremes[last, 0] < low or extremes[last, 1] > high):
        low, high = _widen(price[first_tick[last] : stop], low, high)
    return low, high


@njit(cache=True, nogil=True)
def _first_equal(price, start, stop, wanted):
    tick = start
    while tick < stop and price[tick] != wanted:
        tick += 1
    return tick


@njit(cache=True, nogil=True)
def _first_tick_at(price, extremes, column, first_tick, first, last, start, stop, wanted):
    # Return the first tick in [start, stop) with the price that is the lowest (column 0) or the highest (column 1) of
    # them; the bars are as above.
    if first < last:
        if extremes[first, column] == wanted or first_tick[first] < start:
            tick = _first_equal(price, start, first_tick[first + 1], wanted)
            if tick < first_tick[first + 1]:
                return tick
        bar = first + 1
        while bar < last and extremes[bar, column] != wanted:
            bar += 1
        start = first_tick[bar]
    return _first_equal(price, start, stop, wanted)


@njit(cache=True, nogil=True)
def find_extremes(bid, ask, bid_extremes, ask_extremes, first_tick, start, stop, side):
    """Find the worst and the best price at which positions could have been closed.

    Parameters
    ----------
    bid, ask : int32 array, shape (n_ticks,)
        Points.
    bid_extremes, ask_extremes : int32 array, shape (n_bars, 2)
        Low, high.
    first_tick : int64 array, shape (n_bars + 1,)
        Never falling.
    start, stop : int64 array, shape (n_spans,)
        The ticks of each span, the last one not included. No span begins before the one before it ends; one may be
        empty.
    side : int8 array, shape (n_spans,)
        +1 for the bid, -1 for the ask.

    Returns
    -------
    worst, best : int32 array, shape (n_spans,)
        Lowest and highest bid, or highest and lowest ask; what an empty span has is beyond any price.
    """
    worst = np.empty(len(start), np.int32)
    best = np.empty(len(start), np.int32)
    last = 0
    for span in range(len(start)):
        first = _last_at_or_before(first_tick, last, start[span])
        last = _last_at_or_before(first_tick, first, stop[span])
        if side[span] > 0:
            low, high = _span_extremes(bid, bid_extremes, first_tick, first, last, start[span], stop[span])
            worst[span], best[span] = low, high
        else:
            low, high = _span_extremes(ask, ask_extremes, first_tick, first, last, start[span], stop[span])
            worst[span], best[span] = high, low
    return worst, best


@njit(cache=True, nogil=True)
def find_worst_ticks(bid, ask, bid_extremes, ask_extremes, first_tick, start, stop, side, worst):
    """Find the first tick of each span that has the span's worst price.

    Parameters
    ----------
    bid, ask, bid_extremes, ask_extremes, first_tick, start, stop, side
        As in `find_extremes`; no span is empty.
    worst : int32 array, shape (n_spans,)
        What that gave.

    Returns
    -------
    int64 array, shape (n_spans,)
    """
    ticks = np.empty(len(start), np.int64)
    last = 0
    for span in range(len(start)):
        first = _last_at_or_before(first_tick, last, start[span])
        last = _last_at_or_before(first_tick, first, stop[span])
        price, extremes, column = (bid, bid_extremes, 0) if side[span] > 0 else (ask, ask_extremes, 1)
        ticks[span] = _first_tick_at(
            price, extremes, column, first_tick, first, last, start[span], stop[span], worst[span]
        )
    return ticks


@njit(cache=True, nogil=True)
def find_bar_extremes(bid, ask, start, stop, side, ending):
    """Find the same on bars without ticks, where what happened inside a bar is not known in order.

    A span that begins inside a bar has its worst price and its last one. One that ends inside a bar has all of its
    prices, but for those behind the order that ended it.

    Parameters
    ----------
    bid, ask : int32 array, shape (n_bars, 4)
        Points: open, high, low, close.
    start, stop : int64 array, shape (n_spans,)
        As in `find_extremes`: twice the bar for its opening, and one more for what comes after it.
    side : int8 array, shape (n_spans,)
    ending : int8 array, shape (n_spans,)
        AT_STOP, AT_TARGET or 0, of spans that end inside a bar.

    Returns
    -------
    worst, best : int32 array, shape (n_spans,)
    worst_tick : int64 array, shape (n_spans,)
        As `find_extremes` gives them.
    """
    worst = np.empty(len(start), np.int32)
    best = np.empty(len(start), np.int32)
    worst_tick = start.copy()
    for span in range(len(start)):
        end = stop[span]
        sign = np.int64(side[span])
        prices = bid if sign > 0 else ask
        far, near = (LOW, HIGH) if sign > 0 else (HIGH, LOW)
        # Seen from the position, up is what pays: a short one sees prices with the other sign.
        least, most = np.int64(MOST), np.int64(LEAST)
        bar = start[span] // 2
        if start[span] % 2:
            if start[span] < end:
                least, most = sign * prices[bar, far], sign * prices[bar, CLOSE]
            bar += 1
        while 2 * bar < end:
            is_whole = 2 * bar + 1 < end
            opening = sign * prices[bar, OPEN]
            low = sign * prices[bar, far] if is_whole or ending[span] != AT_STOP else opening
            high = sign * prices[bar, near] if is_whole or ending[span] != AT_TARGET else opening
            if low < least:
                least, worst_tick[span] = low, 2 * bar + (low < opening)
            most = max(most, high)
            bar += 1
        worst[span], best[span] = sign * least, sign * most
    return worst, best, worst_tick


@njit(cache=True, nogil=True)
def widest_since_entry(trade, entry_tick, side, worst, best):
    """Gather the extremes of spans into those of each trade since its entry.

    Parameters
    ----------
    trade : int64 array, shape (n_spans,)
        Rising by at most one; the trade that ended with the span, or goes on.
    entry_tick : int64 array, shape (n_trades,)
        Equal for trades that are parts of one position.
    side : int8 array, shape (n_trades,)
    worst, best : int32 array, shape (n_spans,)

    Returns
    -------
    worst, best : int32 array, shape (n_trades,)
    """
    trade_worst = np.empty(len(entry_tick), np.int32)
    trade_best = np.empty(len(entry_tick), np.int32)
    before = -1
    for span in range(len(trade)):
        now = trade[span]
        if before < 0 or entry_tick[now] != entry_tick[before]:
            far, near = worst[span], best[span]
        elif side[now] > 0:
            far, near = min(far, worst[span]), max(near, best[span])
        else:
            far, near = max(far, worst[span]), min(near, best[span])
        trade_worst[now], trade_best[now] = far, near
        before = now
    return trade_worst, trade_best
