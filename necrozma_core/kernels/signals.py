"""Signals from indicators: where a condition becomes true.

Every kernel first fills the state of its rule, bar by bar: +1 where its long condition holds, -1 where its short
one does, 0 elsewhere. A signal is the state of a bar at which it differs from the state before (or, for rules
that wait for the way back, the state that was just left). The first bar with a state has none before it, and
gives no signal. Loops run over slices from index 0, which is what the compiler vectorises.
"""

import numpy as np
from numba import njit

from necrozma_core.kernels.exact_sums import sign_of_sum
from necrozma_core.kernels.indicators import BLOCK, smooth

ROUNDING = 1e-6
"""What two exponential averages may differ by, in half points, and still count as equal: in a market that stands
still they settle a few rounding errors apart, and without this margin the last bit would trade."""

ROUNDING_PERCENT = 1e-9
"""The same for means of stochastic values, in percent; and how near to a border such a mean is compared in whole
numbers. A sum of up to 200 terms errs by less than a hundredth of this."""

IN_DOUBT = np.int8(4)
"""Added to the state of a bar while it is in doubt."""

BORDER_PARTS = 10**9
"""A border in percent counts to nine decimals: 20.1 is 201/10, not the binary number next to it."""


@njit(cache=True, nogil=True)
def keep_entered(state):
    """Keep, in place, each state that differs from the one before; set the others, and the first, to 0."""
    before = state[0]
    state[0] = 0
    for i in range(1, len(state)):
        now = state[i]
        state[i] = now if now != before else 0
        before = now


@njit(cache=True, nogil=True)
def keep_left(state):
    """Set, in place, each bar whose state fell back to 0 to the state that it left; set the others to 0."""
    before = state[0]
    state[0] = 0
    for i in range(1, len(state)):
        now = state[i]
        state[i] = before if now == 0 else 0
        before = now


@njit(cache=True, nogil=True)
def cross_of_sums(sums, fast, slow):
    """Cross two moving averages, compared as whole numbers without division.

    ``fast_sum / fast > slow_sum / slow`` is ``fast_sum * slow > slow_sum * fast``. Values below 2**31 and periods
    up to 10,000 keep both products below 2**58.

    Parameters
    ----------
    sums : int64 array, shape (n + 1,)
        Sum of the values before each index.
    fast, slow : int
        ``1 <= fast < slow <= n``.

    Returns
    -------
    int8 array, shape (n,)
    """
    n = len(sums) - 1
    count = n - slow + 1
    out = np.zeros(n, np.int8)
    state = out[slow - 1 :]
    to, fast_from, slow_from = sums[slow:], sums[slow - fast :], sums[:count]
    for i in range(count):
        faster = (to[i] - fast_from[i]) * slow
        slower = (to[i] - slow_from[i]) * fast
        state[i] = np.int8(faster > slower) - np.int8(faster < slower)
    keep_entered(state)
    return out


@njit(cache=True, nogil=True)
def cross_of_lines(upper, lower, first):
    """Cross two lines: +1 where ``upper`` comes to lie above ``lower``, -1 where below, by more than :data:`ROUNDING`.

    Parameters
    ----------
    upper, lower : float64 array, shape (n,)
    first : int
        Index from which both are numbers, below n.

    Returns
    -------
    int8 array, shape (n,)
    """
    n = len(upper)
    a, b = upper[first:], lower[first:]
    out = np.zeros(n, np.int8)
    state = out[first:]
    for i in range(n - first):
        apart = a[i] - b[i]
        state[i] = np.int8(apart > ROUNDING) - np.int8(apart < -ROUNDING)
    keep_entered(state)
    return out


@njit(cache=True, nogil=True)
def fade_outside(values, first, low, high, on_return):
    """Go against extremes: long where ``values < low``, short where ``values > high``.

    Parameters
    ----------
    values : float64 array, shape (n,)
    first : int
        Index from which the values are numbers, below n.
    low, high : float
    on_return : bool
        False signals where the value goes outside, True where it is back inside.

    Returns
    -------
    int8 array, shape (n,)
    """
    n = len(values)
    value = values[first:]
    out = np.zeros(n, np.int8)
    state = out[first:]
    for i in range(n - first):
        state[i] = np.int8(value[i] < low) - np.int8(value[i] > high)
    if on_return:
        keep_left(state)
    else:
        keep_entered(state)
    return out


@njit(cache=True, nogil=True)
def macd_cross(fast, slow, first, period):
    """Cross the difference of two lines with its own exponential average.

    Parameters
    ----------
    fast, slow : float64 array, shape (n,)
    first : int
        Index from which both are numbers.
    period : int
        Of the average, which begins as the mean of the first ``period`` differences; ``first + period <= n``.

    Returns
    -------
    int8 array, shape (n,)
    """
    n = len(fast)
    out = np.zeros(n, np.int8)
    seed = first + period - 1
    average = 0.0
    for i in range(first, seed + 1):
        average += fast[i] - slow[i]
    average /= period
    apart = fast[seed] - slow[seed] - average
    out[seed] = np.int8(apart > ROUNDING) - np.int8(apart < -ROUNDING)
    lines, averages = np.empty(BLOCK, np.float64), np.empty(BLOCK, np.float64)
    for start in range(seed + 1, n, BLOCK):
        count = min(BLOCK, n - start)
        a, b, state = fast[start : start + count], slow[start:], out[start:]
        for i in range(count):
            lines[i] = a[i] - b[i]
        average = smooth(lines[:count], 2.0 / (period + 1), average, averages[:count])
        for i in range(count):
            apart = lines[i] - averages[i]
            state[i] = np.int8(apart > ROUNDING) - np.int8(apart < -ROUNDING)
    keep_entered(out[seed:])
    return out


@njit(cache=True, nogil=True)
def _window_sums(values, period, count, out):
    # The sum of each value and the period - 1 before it; values[0] is the first of the first window.
    first, second = values[:count], values[1:]
    if period == 1:
        # A loop, because assigning the slice takes five seconds longer to compile: it can raise an error with a text.
        for i in range(count):
            out[i] = first[i]
        return
    for i in range(count):
        out[i] = first[i] + second[i]
    for j in range(2, period):
        part = values[j:]
        for i in range(count):
            out[i] += part[i]


@njit(cache=True, nogil=True, error_model="numpy")
def _sign_from_border(close, highs, lows, bar, period, width, slowing, signal, border):
    # The sign of %D less a border at one bar of stochastic_turn, where the floating-point sum leaves it in doubt.
    count = slowing + signal - 1
    terms, spans = np.empty(count + 1, np.int64), np.empty(count + 1, np.int64)
    for j in range(count):
        i = bar - count + 1 + j
        highest = max(highs[i - period + 1], highs[i - width + 1])
        lowest = min(lows[i - period + 1], lows[i - width + 1])
        span = np.int64(highest) - lowest
        # How many of the sums of %K that make up %D the place is in.
        times = min(j + 1, count - j, slowing, signal)
        terms[j] = times * (100 * (np.int64(close[i]) - lowest) if span > 0 else 50)
        spans[j] = span if span > 0 else 1
    terms[count] = -np.int64(np.rint(border * BORDER_PARTS)) * slowing * signal
    spans[count] = BORDER_PARTS
    return sign_of_sum(terms, spans)


@njit(cache=True, nogil=True, error_model="numpy")
def stochastic_turn(close, highs, lows, period, width, slowing, signal, low, high):
    """Turn inside a zone: long where %K is above %D and %D below ``low``, short the reverse above ``high``.

    Parameters
    ----------
    close : int32 array, shape (n,)
    highs, lows : int32 array, shape (n - width + 1,)
        The highest high and the lowest low of the ``width`` bars from each index on.
    period, width : int
        ``width <= period <= 2 * width``: two such windows cover the period.
    slowing, signal : int
        %K is the mean of ``slowing`` places of the close in its range, %D the mean of ``signal`` values of %K;
        ``period + slowing + signal - 2 <= n``.
    low, high : float
        Counted to nine decimals.

    Returns
    -------
    int8 array, shape (n,)
    """
    n = len(close)
    out = np.zeros(n, np.int8)
    lead = slowing + signal - 2
    first = period - 1 + lead
    place = np.empty(BLOCK + lead, np.float64)
    line_sum, signal_sum = np.empty(BLOCK + signal - 1, np.float64), np.empty(BLOCK, np.float64)
    # Sums instead of means: equal values give equal sums, and nothing has to be divided.
    low_sum, high_sum = low * slowing * signal, high * slowing * signal
    # Either border is as far from their middle.
    middle_sum, reach_sum = 0.5 * (low_sum + high_sum), 0.5 * (high_sum - low_sum)
    margin = ROUNDING_PERCENT * slowing * signal
    for start in range(first, n, BLOCK):
        count = min(BLOCK, n - start)
        bar = start - lead
        last, state = close[bar : start + count], out[start:]
        high_old, high_new = highs[bar - period + 1 :], highs[bar - width + 1 :]
        low_old, low_new = lows[bar - period + 1 :], lows[bar - width + 1 :]
        for i in range(count + lead):
            highest = max(high_old[i], high_new[i])
            lowest = min(low_old[i], low_new[i])
            span = np.int32(highest - lowest)
            # In a range of one price the close is in the middle.
            place[i] = 100.0 * np.int32(last[i] - lowest) / span if span > 0 else 50.0
        _window_sums(place, slowing, count + signal - 1, line_sum)
        _window_sums(line_sum, signal, count, signal_sum)
        now = line_sum[signal - 1 :]
        for i in range(count):
            total = signal_sum[i]
            apart = now[i] * signal - total
            turn = np.int8((apart > margin) & (total < low_sum)) - np.int8((apart < -margin) & (total > high_sum))
            state[i] = turn + np.int8(abs(abs(total - middle_sum) - reach_sum) <= margin) * IN_DOUBT
        most = np.int8(0)
        for i in range(count):
            most = max(most, state[i])
        if most > 1:
            for i in range(count):
                if state[i] > 1:
                    state[i] = 0
                    apart = now[i] * signal - signal_sum[i]
                    side = np.int8(apart > margin) - np.int8(apart < -margin)
                    border = low if side > 0 else high
                    if (
                        side
                        and side
                        * _sign_from_border(close, highs, lows, start + i, period, width, slowing, signal, border)
                        < 0
                    ):
                        state[i] = side
    keep_entered(out[first:])
    return out
