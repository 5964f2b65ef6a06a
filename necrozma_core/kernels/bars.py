"""Bars from ticks, in one pass."""

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def _open_high_low_close(values, row):
    # The caller slices: a loop that starts at index 0 is what the compiler turns into vector code.
    high = values[0]
    low = values[0]
    for i in range(len(values)):
        value = values[i]
        high = max(high, value)
        low = min(low, value)
    row[0] = values[0]
    row[1] = high
    row[2] = low
    row[3] = values[-1]


@njit(cache=True, nogil=True)
def build_bars(time_ms, bid, ask, timeframe_ms):
    """Build the bars of rising tick times.

    Parameters
    ----------
    time_ms : int64 array, shape (n_ticks,)
        Never falling.
    bid, ask : int32 array, shape (n_ticks,)
        Points; their sum fits int32.
    timeframe_ms : int

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
        most = min(n, time_ms[-1] // timeframe_ms - time_ms[0] // timeframe_ms + 1)
    open_time_ms = np.empty(most, np.int64)
    bid_bars = np.empty((most, 4), np.int32)
    ask_bars = np.empty((most, 4), np.int32)
    mid2_bars = np.empty((most, 4), np.int32)
    tick_count = np.empty(most, np.int32)
    first_tick = np.empty(most + 1, np.int64)
    mid2 = np.empty(1024, np.int32)
    bar = 0
    start = 0
    while start < n:
        opening = time_ms[start] - time_ms[start] % timeframe_ms
        closing = opening + timeframe_ms
        stop = start + 1
        while stop < n and time_ms[stop] < closing:
            stop += 1
        count = stop - start
        if count > len(mid2):
            mid2 = np.empty(2 * count, np.int32)
        bids = bid[start:stop]
        asks = ask[start:stop]
        sums = mid2[:count]
        for i in range(count):
            sums[i] = bids[i] + asks[i]
        open_time_ms[bar] = opening
        _open_high_low_close(bids, bid_bars[bar])
        _open_high_low_close(asks, ask_bars[bar])
        _open_high_low_close(sums, mid2_bars[bar])
        tick_count[bar] = count
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
