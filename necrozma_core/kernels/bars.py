"""Bars from ticks, in one pass."""

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def _next_bar(time_ms, day, day_start_ms, day_name_ms, timeframe_ms):
    # Return the day of a time, the bar's opening time, and its end. A bar of a day or more is the whole day.
    while day_start_ms[day + 1] <= time_ms:
        day += 1
    start, end = day_start_ms[day], day_start_ms[day + 1]
    if timeframe_ms >= 86_400_000:
        return day, day_name_ms[day], end
    opening = start + (time_ms - start) // timeframe_ms * timeframe_ms
    return day, opening, min(opening + timeframe_ms, end)


@njit(cache=True, nogil=True)
def build_bars(time_ms, bid, ask, timeframe_ms, day_start_ms, day_name_ms):
    """Build the bars of rising tick times.

    Parameters
    ----------
    time_ms : int64 array, shape (n_ticks,)
        Never falling.
    bid, ask : int32 array, shape (n_ticks,)
        Points; their sum fits int32.
    timeframe_ms : int
    day_start_ms, day_name_ms : int64 array, shape (n_days + 1,)
        The days that bars are cut from, see `necrozma_core.market.bar_grid.Days`: the first begins at or before the
        first tick, and the last one ends after the last.

    Returns
    -------
    open_time_ms : int64 array, shape (n_bars,)
    bid, ask, mid2 : int32 array, shape (n_bars, 4)
        Open, high, low, close; mid2 of bid + ask.
    tick_count : int32 array, shape (n_bars,)
    first_tick : int64 array, shape (n_bars + 1,)
    """
    n = len(time_ms)
    most = 0
    if n:
        # A day may begin one bar more than its length holds.
        most = min(n, (time_ms[-1] - time_ms[0]) // timeframe_ms + 1 + len(day_start_ms))
    open_time_ms = np.empty(most, np.int64)
    bid_bars = np.empty((most, 4), np.int32)
    ask_bars = np.empty((most, 4), np.int32)
    mid2_bars = np.empty((most, 4), np.int32)
    tick_count = np.empty(most, np.int32)
    first_tick = np.empty(most + 1, np.int64)
    bar = 0
    start = 0
    day = 0
    while start < n:
        day, opening, closing = _next_bar(time_ms[start], day, day_start_ms, day_name_ms, timeframe_ms)
        stop = start + 1
        while stop < n and time_ms[stop] < closing:
            stop += 1
        # Sliced: a loop that starts at index 0 is what the compiler turns into vector code.
        bids = bid[start:stop]
        asks = ask[start:stop]
        bid_high = bid_low = bids[0]
        ask_high = ask_low = asks[0]
        mid2_high = mid2_low = np.int32(bids[0] + asks[0])
        for i in range(len(bids)):
            mid2 = np.int32(bids[i] + asks[i])
            bid_high, bid_low = max(bid_high, bids[i]), min(bid_low, bids[i])
            ask_high, ask_low = max(ask_high, asks[i]), min(ask_low, asks[i])
            mid2_high, mid2_low = max(mid2_high, mid2), min(mid2_low, mid2)
        open_time_ms[bar] = opening
        bid_bars[bar, 0], bid_bars[bar, 1], bid_bars[bar, 2], bid_bars[bar, 3] = bids[0], bid_high, bid_low, bids[-1]
        ask_bars[bar, 0], ask_bars[bar, 1], ask_bars[bar, 2], ask_bars[bar, 3] = asks[0], ask_high, ask_low, asks[-1]
        mid2_bars[bar, 0], mid2_bars[bar, 3] = bids[0] + asks[0], bids[-1] + asks[-1]
        mid2_bars[bar, 1], mid2_bars[bar, 2] = mid2_high, mid2_low
        tick_count[bar] = stop - start
        first_tick[bar] = start
        bar += 1
        start = stop
    first_tick[bar] = n
    return (
        open_time_ms[:bar].copy(),
        bid_bars[:bar].copy(),
        ask_bars[:bar].copy(),
        mid2_bars[:bar].copy(),
        tick_count[:bar].copy(),
        first_tick[: bar + 1].copy(),
    )


@njit(cache=True, nogil=True)
def _gather_one(bars, into):
    into[0], into[1], into[2], into[3] = bars[0, 0], bars[:, 1].max(), bars[:, 2].min(), bars[-1, 3]


@njit(cache=True, nogil=True)
def gather_bars(open_time_ms, bid, ask, tick_count, timeframe_ms, day_start_ms, day_name_ms):
    """Gather bars into longer ones, each by its opening time.

    Parameters
    ----------
    open_time_ms : int64 array, shape (n,)
        Rising.
    bid, ask : int32 array, shape (n, 4)
        Points: open, high, low, close.
    tick_count : int32 array, shape (n,)
    timeframe_ms : int
    day_start_ms, day_name_ms : int64 array, shape (n_days + 1,)
        As for `build_bars`.

    Returns
    -------
    open_time_ms : int64 array, shape (n_bars,)
    bid, ask, mid2 : int32 array, shape (n_bars, 4)
        mid2 is the sum of bid and ask in each column: where one side was at the other's extremes is not known.
    tick_count : int32 array, shape (n_bars,)
    first : int64 array, shape (n_bars + 1,)
        Index of the first of the shorter bars in each; the last entry is their number.
    """
    n = len(open_time_ms)
    times = np.empty(n, np.int64)
    bids = np.empty((n, 4), np.int32)
    asks = np.empty((n, 4), np.int32)
    counts = np.empty(n, np.int32)
    first = np.empty(n + 1, np.int64)
    bar = 0
    start = 0
    day = 0
    while start < n:
        day, opening, closing = _next_bar(open_time_ms[start], day, day_start_ms, day_name_ms, timeframe_ms)
        stop = start + 1
        count = tick_count[start]
        while stop < n and open_time_ms[stop] < closing:
            count += tick_count[stop]
            stop += 1
        _gather_one(bid[start:stop], bids[bar])
        _gather_one(ask[start:stop], asks[bar])
        times[bar] = opening
        counts[bar] = count
        first[bar] = start
        bar += 1
        start = stop
    first[bar] = n
    return (
        times[:bar].copy(),
        bids[:bar].copy(),
        asks[:bar].copy(),
        bids[:bar] + asks[:bar],
        counts[:bar].copy(),
        first[: bar + 1].copy(),
    )
