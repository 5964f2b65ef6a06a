"""Indicators over bars: averages, deviations and ranges, each computed once a parameter and shared.

Values are half points (bid + ask in points, twice the mid): whole numbers above zero and below 2**31. Every
output at index i is made of inputs up to i alone, and has the same bits whatever follows.
"""

import numpy as np
from numba import njit

BLOCK = 2048
"""Bars that are worked on together, so that intermediate results stay in the nearest cache; a multiple of four, see
:func:`smooth`."""

EXACT_SPREAD = 2**31
"""A window's length times its range, in half points, below which its variance is computed in whole numbers."""

LARGEST_MOVE = 2**24
"""A change, in half points, up to which squares summed over 10,000 bars stay below 2**62."""


@njit(cache=True, nogil=True)
def value_sums(values):
    """Sum values before each index.

    Parameters
    ----------
    values : int32 array, shape (n,)

    Returns
    -------
    int64 array, shape (n + 1,)
    """
    out = np.empty(len(values) + 1, np.int64)
    total = np.int64(0)
    out[0] = 0
    rest = out[1:]
    for i in range(len(values)):
        total += values[i]
        rest[i] = total
    return out


@njit(cache=True, nogil=True)
def square_sums(values):
    """Sum squared values before each index, modulo 2**64.

    Parameters
    ----------
    values : int32 array, shape (n,)

    Returns
    -------
    int64 array, shape (n + 1,)
        Differences of two entries are right where they fit 64 bits; see :func:`zscore`.
    """
    out = np.empty(len(values) + 1, np.int64)
    total = np.int64(0)
    out[0] = 0
    rest = out[1:]
    for i in range(len(values)):
        value = np.int64(values[i])
        total += value * value
        rest[i] = total
    return out


@njit(cache=True, nogil=True)
def move_sums(values):
    """Sum absolute changes before each index; the first value has no change and counts 0.

    Parameters
    ----------
    values : int32 array, shape (n,)

    Returns
    -------
    int64 array, shape (n + 1,)
    """
    out = np.empty(len(values) + 1, np.int64)
    out[: min(2, len(out))] = 0
    total = np.int64(0)
    for i in range(1, len(values)):
        total += abs(np.int64(values[i]) - values[i - 1])
        out[i + 1] = total
    return out


@njit(cache=True, nogil=True)
def move_square_sums(values):
    """Sum squared changes before each index, modulo 2**64.

    Parameters
    ----------
    values : int32 array, shape (n,)

    Returns
    -------
    int64 array, shape (n + 1,)
        The difference of two entries up to 10,000 apart is right where no change is beyond :data:`LARGEST_MOVE`.
    """
    out = np.empty(len(values) + 1, np.int64)
    out[: min(2, len(out))] = 0
    total = np.int64(0)
    for i in range(1, len(values)):
        move = np.int64(values[i]) - values[i - 1]
        total += move * move
        out[i + 1] = total
    return out


@njit(cache=True, nogil=True)
def smooth(values, weight, average, out):
    """Continue an exponential average over a block of values.

    Four steps are taken at once, ``a[i+4] = kept**4 * a[i] + (what came since)``, because the time goes into a chain of
    additions, each of which waits for the one before. A remainder is computed by the same operations, so that an entry
    has the same bits wherever the block ends, as long as blocks are split at multiples of four.

    Parameters
    ----------
    values : array, shape (n,)
    weight : float
        Of the newest value.
    average : float
        Before the first value.
    out : float64 array, shape (n,)
        Filled with the average after each value.

    Returns
    -------
    float
        The last average.
    """
    n = len(values)
    kept = 1.0 - weight
    kept2 = kept * kept
    kept3 = kept2 * kept
    kept4 = kept3 * kept
    for i in range(0, n - n % 4, 4):
        since1 = weight * values[i]
        since2 = kept * since1 + weight * values[i + 1]
        since3 = kept * since2 + weight * values[i + 2]
        since4 = kept * since3 + weight * values[i + 3]
        out[i] = kept * average + since1
        out[i + 1] = kept2 * average + since2
        out[i + 2] = kept3 * average + since3
        average = kept4 * average + since4
        out[i + 3] = average
    since = 0.0
    faded = 1.0
    for i in range(n - n % 4, n):
        since = kept * since + weight * values[i]
        faded *= kept
        out[i] = faded * average + since
    return out[n - 1] if n else average


@njit(cache=True, nogil=True)
def _smooth_both(a, b, weight, average_a, average_b):
    # What smooth does to each of two lines, in place. In one loop neither waits for the other.
    n = len(a)
    kept = 1.0 - weight
    kept2 = kept * kept
    kept3 = kept2 * kept
    kept4 = kept3 * kept
    for i in range(0, n - n % 4, 4):
        a1, b1 = weight * a[i], weight * b[i]
        a2, b2 = kept * a1 + weight * a[i + 1], kept * b1 + weight * b[i + 1]
        a3, b3 = kept * a2 + weight * a[i + 2], kept * b2 + weight * b[i + 2]
        a4, b4 = kept * a3 + weight * a[i + 3], kept * b3 + weight * b[i + 3]
        a[i], b[i] = kept * average_a + a1, kept * average_b + b1
        a[i + 1], b[i + 1] = kept2 * average_a + a2, kept2 * average_b + b2
        a[i + 2], b[i + 2] = kept3 * average_a + a3, kept3 * average_b + b3
        average_a, average_b = kept4 * average_a + a4, kept4 * average_b + b4
        a[i + 3], b[i + 3] = average_a, average_b
    rest = n - n % 4
    smooth(a[rest:], weight, average_a, a[rest:])
    smooth(b[rest:], weight, average_b, b[rest:])
    return a[n - 1], b[n - 1]


@njit(cache=True, nogil=True, error_model="numpy")
def ema(values, period):
    """Smooth exponentially, seeded with the mean of the first ``period`` values.

    Parameters
    ----------
    values : int32 array, shape (n,)
    period : int
        At least 1; the weight of the newest value is ``2 / (period + 1)``.

    Returns
    -------
    float64 array, shape (n,)
        NaN before index ``period - 1``.
    """
    n = len(values)
    out = np.empty(n, np.float64)
    out[: min(period - 1, n)] = np.nan
    if n < period:
        return out
    total = np.int64(0)
    for i in range(period):
        total += values[i]
    out[period - 1] = total / period
    smooth(values[period:], 2.0 / (period + 1), out[period - 1], out[period:])
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def zscore(values, sums, squares, period):
    """Measure how many deviations each value lies from the mean of the last ``period`` values, itself included.

    With S and Q the sums of the window's values and of their squares, ``z = (n x - S) / sqrt(n Q - S**2)``.
    The sums may have wrapped around 64 bits: adding, subtracting and multiplying whole numbers modulo 2**64
    gives the right result whenever that result fits, and it does. The root is taken of n times n times the
    variance, at most ``(n * range)**2 / 4``, below 2**60 where ``n * range < EXACT_SPREAD``.

    Parameters
    ----------
    values : int32 array, shape (n,)
        Their range times ``period`` is below :data:`EXACT_SPREAD`; otherwise see :func:`zscore_wide`.
    sums, squares : int64 array, shape (n + 1,)
        Sums of the values, and of their squares, before each index.
    period : int
        At least 2.

    Returns
    -------
    float64 array, shape (n,)
        NaN before index ``period - 1``; 0 where the window is flat.
    """
    n = len(values)
    out = np.empty(n, np.float64)
    out[: min(period - 1, n)] = np.nan
    count = n - period + 1
    if count <= 0:
        return out
    value = values[period - 1 :]
    sum_to, sum_from = sums[period:], sums[:count]
    square_to, square_from = squares[period:], squares[:count]
    z = out[period - 1 :]
    for i in range(count):
        total = sum_to[i] - sum_from[i]
        deviation = period * np.int64(value[i]) - total
        spread = period * (square_to[i] - square_from[i]) - total * total
        # A flat window has deviation 0, so that dividing by 1 gives its 0 without a branch.
        z[i] = deviation / np.sqrt(max(spread, 1))
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def zscore_wide(values, period):
    """Do what :func:`zscore` does for values of any range, looking at every window anew.

    A window whose own range allows whole numbers gets the very bits of :func:`zscore`, so that a later, wilder
    price changes nothing before it.

    Parameters
    ----------
    values : int32 array, shape (n,)
    period : int

    Returns
    -------
    float64 array, shape (n,)
    """
    n = len(values)
    out = np.full(n, np.nan)
    for k in range(period - 1, n):
        window = values[k - period + 1 : k + 1]
        total = np.int64(0)
        widest = np.int64(0)
        rough = 0.0
        for i in range(period):
            distance = np.int64(window[i]) - window[period - 1]
            total += distance
            widest = max(widest, abs(distance))
            rough += np.float64(distance) * np.float64(distance)
        if widest * period < EXACT_SPREAD:
            squares = np.int64(0)
            for i in range(period):
                distance = np.int64(window[i]) - window[period - 1]
                squares += distance * distance
            spread = np.float64(period * squares - total * total)
        else:
            spread = period * rough - np.float64(total) * np.float64(total)
        out[k] = -total / np.sqrt(max(spread, 1.0))
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def rsi(values, period):
    """Compare average gains with average losses, both smoothed by Wilder's rule.

    A bar that does not move shrinks both averages by one factor, which leaves their ratio as it was. So such a bar
    repeats the index before it: computed anew it would differ by rounding, and after enough such bars both averages
    are too small for a number. With a period of 1 the factor is 0, and nothing is left to compare.

    Parameters
    ----------
    values : int32 array, shape (n,)
    period : int
        At least 1; the averages begin as plain means of the first ``period`` changes.

    Returns
    -------
    float64 array, shape (n,)
        0 to 100, NaN before index ``period``; 50 where both averages are 0.
    """
    n = len(values)
    out = np.empty(n, np.float64)
    out[: min(period, n)] = np.nan
    if n <= period:
        return out
    gain = np.int64(0)
    loss = np.int64(0)
    for i in range(1, period + 1):
        change = np.int64(values[i]) - values[i - 1]
        gain += max(change, 0)
        loss += max(-change, 0)
    average_gain = gain / period
    average_loss = loss / period
    # Of the sums, which are whole numbers: only the division rounds.
    out[period] = 100.0 * gain / (gain + loss) if gain + loss > 0 else 50.0
    last = out[period : period + 1].view(np.int64)[0]
    gains, losses = np.empty(BLOCK, np.float64), np.empty(BLOCK, np.float64)
    weight = 1.0 / period
    for start in range(period + 1, n, BLOCK):
        count = min(BLOCK, n - start)
        now, before, index = values[start : start + count], values[start - 1 :], out[start:]
        for i in range(count):
            change = np.float64(now[i]) - np.float64(before[i])
            gains[i] = max(change, 0.0)
            losses[i] = gains[i] - change
        average_gain, average_loss = _smooth_both(gains[:count], losses[:count], weight, average_gain, average_loss)
        for i in range(count):
            both = gains[i] + losses[i]
            index[i] = 100.0 * gains[i] / both if both > 0.0 else 50.0
        if period > 1:
            # Apart from the division, which the compiler vectorises only where no value waits for the one before.
            # As whole numbers of the same bits, because the processor chooses between those without a branch.
            bits = index.view(np.int64)
            for i in range(count):
                last = last if now[i] == before[i] else bits[i]
                bits[i] = last
    return out


@njit(cache=True, nogil=True)
def atr(high, low, close, period):
    """Average the true range, smoothed by Wilder's rule.

    Parameters
    ----------
    high, low, close : int32 array, shape (n,)
    period : int
        At least 1; the average begins as the plain mean of the first ``period`` true ranges.

    Returns
    -------
    float64 array, shape (n,)
        In the unit of the prices; NaN before index ``period``, since the first bar has no close before it.
    """
    n = len(close)
    out = np.empty(n, np.float64)
    out[: min(period, n)] = np.nan
    if n <= period:
        return out
    total = np.int64(0)
    for i in range(1, period + 1):
        total += np.int64(max(high[i], close[i - 1])) - min(low[i], close[i - 1])
    # In place: the output first holds the true ranges, then each is overwritten by its average.
    highs, lows, before, ranges = high[period + 1 :], low[period + 1 :], close[period : n - 1], out[period + 1 :]
    for i in range(len(ranges)):
        ranges[i] = np.int32(max(highs[i], before[i]) - min(lows[i], before[i]))
    out[period] = total / period
    smooth(ranges, 1.0 / period, out[period], ranges)
    return out
