"""The obvious engine, compiled: it looks at every tick for every strategy. The real one is compared with it."""

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def walk_every_tick(bid, ask, first_tick, signals, stop_points, target_points, entry_ticks, exit_ticks, reasons):
    """Trade one strategy by looking at every tick; returns the number of trades.

    Parameters
    ----------
    bid, ask : int32 array, shape (n_ticks,)
    first_tick : int64 array, shape (n_bars + 1,)
    signals : int8 array, shape (n_bars,)
    stop_points, target_points : int
    entry_ticks, exit_ticks : int64 array; reasons : int8 array
        Filled with the trades, in order.
    """
    n_bars = len(signals)
    last = len(bid) - 1
    trades = 0
    side = 0
    entry = np.int64(0)
    for bar in range(n_bars):
        wanted = signals[bar - 1] if bar else 0
        for tick in range(first_tick[bar], first_tick[bar + 1]):
            if side:
                quote = np.int64(bid[tick]) if side > 0 else np.int64(ask[tick])
                result = (quote - entry) * side
                reason = -1
                if result <= -stop_points:
                    reason = 0
                elif result >= target_points:
                    reason = 1
                elif wanted == -side:
                    reason = 2
                if reason >= 0:
                    exit_ticks[trades] = tick
                    reasons[trades] = reason
                    trades += 1
                    side = 0
            if side == 0 and wanted:
                side = wanted
                entry_ticks[trades] = tick
                entry = np.int64(ask[tick]) if side > 0 else np.int64(bid[tick])
            wanted = 0
    if side:
        exit_ticks[trades] = last
        reasons[trades] = 3
        trades += 1
    return trades
