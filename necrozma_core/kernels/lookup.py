"""The last tick at or before a time, found without searching the whole year for each."""

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def index_times(time_ms, shift):
    """Note where each interval of ``2**shift`` milliseconds starts.

    Parameters
    ----------
    time_ms : int64 array, shape (n_ticks,)
        Never falling.
    shift : int

    Returns
    -------
    int32 array, shape (n_intervals + 1,)
        Index of the first tick at or after the start of each interval, counted from the first tick's time; the
        last entry is the number of ticks. One entry where there are no ticks.
    """
    n = len(time_ms)
    if n == 0:
        return np.zeros(1, np.int32)
    origin = time_ms[0]
    intervals = ((time_ms[-1] - origin) >> shift) + 1
    first = np.empty(intervals + 1, np.int32)
    filled = 0
    for tick in range(n):
        interval = (time_ms[tick] - origin) >> shift
        while filled <= interval:
            first[filled] = tick
            filled += 1
    first[intervals] = n
    return first


@njit(cache=True, nogil=True)
def last_at_or_before(time_ms, first, shift, wanted_ms):
    """Find the last tick at or before each wanted time.

    Parameters
    ----------
    time_ms : int64 array, shape (n_ticks,)
        Never falling.
    first : int32 array, shape (n_intervals + 1,)
        What :func:`index_times` gave for ``time_ms`` and ``shift``.
    shift : int
    wanted_ms : int64 array, shape (n,)
        In any order.

    Returns
    -------
    int64 array, shape (n,)
        Of ticks of equal time the last; -1 where every tick is later.
    """
    found = np.empty(len(wanted_ms), np.int64)
    intervals = len(first) - 1
    for i in range(len(wanted_ms)):
        wanted = wanted_ms[i]
        if intervals == 0 or wanted < time_ms[0]:
            found[i] = -1
            continue
        interval = (wanted - time_ms[0]) >> shift
        if interval >= intervals:
            found[i] = len(time_ms) - 1
            continue
        low = first[interval]
        high = first[interval + 1]
        while low < high:
            middle = (low + high) >> 1
            if time_ms[middle] <= wanted:
                low = middle + 1
            else:
                high = middle
        found[i] = low - 1
    return found
