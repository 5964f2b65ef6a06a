"""Bars from ticks, in one pass."""

import numpy as np
from numba import njit


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
    bar = 0
    start = 0
    while start < n:
        opening = time_ms[start] - time_ms[start] % timeframe_ms
        closing = opening + timeframe_ms
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
