"""The last quote at or before a time, from an index that takes six bytes a quote.

Time is cut into intervals of 2**16 ms, about a minute, so that two bytes hold a quote's time within its interval. A
search bisects inside one interval, whose quotes lie side by side: it reads about one cache line, where bisecting the
times themselves would read several.
"""

import numpy as np
from numba import njit

INTERVAL_BITS = 16
_REST = 2**INTERVAL_BITS - 1


@njit(cache=True, nogil=True)
def note_quotes(time_ms, bid, ask, origin_ms, at, offset, twice_mid, ends):
    """Add quotes to the index.

    Parameters
    ----------
    time_ms : int64 array, shape (n,)
        Never falling.
    bid, ask : int32 array, shape (n,)
        Points.
    origin_ms : int
        Time of the very first quote.
    at : int
        How many quotes the index holds already.
    offset : uint16 array, twice_mid : int32 array, shape (n_quotes,)
        Milliseconds since the interval began, and bid + ask; filled from ``at`` on.
    ends : int32 array, shape (n_intervals,)
        How many quotes there are up to the end of each interval; filled for intervals that have quotes.
        ``np.maximum.accumulate`` then fills in the others.
    """
    for i in range(len(time_ms)):
        since = time_ms[i] - origin_ms
        offset[at + i] = since & _REST
        twice_mid[at + i] = bid[i] + ask[i]
        ends[since >> INTERVAL_BITS] = at + i + 1


@njit(cache=True, nogil=True)
def last_quotes(offset, twice_mid, ends, origin_ms, wanted_ms, stale_ms):
    """Find the last quote at or before each wanted time.

    Parameters
    ----------
    offset : uint16 array, twice_mid : int32 array, shape (n_quotes,)
    ends : int32 array, shape (n_intervals,)
        As :func:`note_quotes` filled them; all empty where there is no quote.
    origin_ms : int
    wanted_ms : int64 array, shape (n,)
        In any order.
    stale_ms : int
        The age above which a quote does not count.

    Returns
    -------
    twice_mid : int32 array, shape (n,)
        Of quotes of equal time the last; 0 where none counts.
    time_ms : int64 array, shape (n,)
        When it was made; 0 where none counts.
    """
    found = np.zeros(len(wanted_ms), np.int32)
    time_ms = np.zeros(len(wanted_ms), np.int64)
    for i in range(len(wanted_ms)):
        since = wanted_ms[i] - origin_ms
        if since < 0 or len(ends) == 0:
            continue
        interval = min(since >> INTERVAL_BITS, len(ends) - 1)
        rest = min(since - (interval << INTERVAL_BITS), _REST)
        low = ends[interval - 1] if interval else 0
        high = ends[interval]
        while low < high:
            middle = (low + high) >> 1
            if offset[middle] <= rest:
                low = middle + 1
            else:
                high = middle
        # No quote of the interval is early enough: step back to the last interval that has one, or until all are stale.
        while interval and ends[interval - 1] >= low and since - (interval << INTERVAL_BITS) <= stale_ms:
            interval -= 1
        if interval and ends[interval - 1] >= low:
            continue
        # Widened first: without the compiler a plain number takes the 16 bits of what is added to it.
        quoted_ms = (interval << INTERVAL_BITS) + np.int64(offset[low - 1])
        if since - quoted_ms <= stale_ms:
            found[i] = twice_mid[low - 1]
            time_ms[i] = origin_ms + quoted_ms
    return found, time_ms


@njit(cache=True, nogil=True)
def quotes_of_ticks(time_ms, bid, ask, ticks):
    """Look up the last quote of the time of each of some ticks.

    Parameters
    ----------
    time_ms : int64 array, shape (n_ticks,)
        Never falling.
    bid, ask : int32 array, shape (n_ticks,)
        Points.
    ticks : int64 array, shape (n,)
        Indices into them.

    Returns
    -------
    int32 array, shape (n,)
        bid + ask of the last tick that is no later.
    """
    twice_mid = np.empty(len(ticks), np.int32)
    for i in range(len(ticks)):
        last = ticks[i]
        while last + 1 < len(time_ms) and time_ms[last + 1] == time_ms[last]:
            last += 1
        twice_mid[i] = bid[last] + ask[last]
    return twice_mid


@njit(cache=True, nogil=True)
def first_after(rising, value):
    """Return the first position whose number is above ``value``, or the number of positions.

    As `numpy.searchsorted` finds it, which takes several times as long to compile.

    Parameters
    ----------
    rising : int64 array, shape (n,)
        Never falling.
    value : int
    """
    low, high = 0, len(rising)
    while low < high:
        middle = (low + high) >> 1
        if rising[middle] <= value:
            low = middle + 1
        else:
            high = middle
    return low
