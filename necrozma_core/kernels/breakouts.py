"""Signals of rules that follow a move: breakouts of channels, bands and sessions, bursts, efficient trends.

The shape is that of :mod:`necrozma_core.kernels.signals`: fill the state of the rule, keep the bars that enter it.
"""

import numpy as np
from numba import njit

from necrozma_core.kernels.signals import ROUNDING, keep_entered

_HALF_BITS = 31
_HALF = 2**_HALF_BITS - 1
_HALF_SIZE = float(2**_HALF_BITS)


@njit(cache=True, nogil=True)
def channel_breakout(close, highs, lows, period, width):
    """Leave the range of the ``period`` bars before: +1 where a close is above it, -1 where below.

    Parameters
    ----------
    close : int32 array, shape (n,)
    highs, lows : int32 array, shape (n - width + 1,)
        The highest high and the lowest low of the ``width`` bars from each index on.
    period, width : int
        ``width <= period <= 2 * width``, ``period < n``.

    Returns
    -------
    int8 array, shape (n,)
    """
    n = len(close)
    count = n - period
    last = close[period:]
    high_old, high_new = highs[:count], highs[period - width :]
    low_old, low_new = lows[:count], lows[period - width :]
    out = np.zeros(n, np.int8)
    state = out[period:]
    for i in range(count):
        above = last[i] > max(high_old[i], high_new[i])
        below = last[i] < min(low_old[i], low_new[i])
        state[i] = np.int8(above) - np.int8(below)
    keep_entered(state)
    return out


@njit(cache=True, nogil=True)
def band_breakout(close, middle, width, multiple, first):
    """Leave a band of ``multiple`` times ``width`` around ``middle``.

    Parameters
    ----------
    close : int32 array, shape (n,)
    middle, width : float64 array, shape (n,)
    multiple : float
    first : int
        Index from which all are numbers, below n.

    Returns
    -------
    int8 array, shape (n,)
    """
    n = len(close)
    price, centre, half = close[first:], middle[first:], width[first:]
    out = np.zeros(n, np.int8)
    state = out[first:]
    for i in range(n - first):
        reach = multiple * half[i] + ROUNDING
        away = price[i] - centre[i]
        state[i] = np.int8(away > reach) - np.int8(away < -reach)
    keep_entered(state)
    return out


@njit(cache=True, nogil=True)
def rate_of_change(close, period, up, down):
    """Follow a change over ``period`` bars that exceeds a threshold.

    Parameters
    ----------
    close : int32 array, shape (n,)
    period : int
        Below n.
    up, down : float
        Ratio of the close to the one ``period`` bars before above, or below, which the condition holds.

    Returns
    -------
    int8 array, shape (n,)
    """
    n = len(close)
    now = close[period:]
    out = np.zeros(n, np.int8)
    state = out[period:]
    for i in range(n - period):
        state[i] = np.int8(now[i] > close[i] * up) - np.int8(now[i] < close[i] * down)
    keep_entered(state)
    return out


@njit(cache=True, nogil=True)
def burst(close, squares, first_tick, period, sigmas, activity):
    """Follow a bar that moves ``sigmas`` deviations with ``activity`` times the usual number of ticks.

    Parameters
    ----------
    close : int32 array, shape (n,)
        No change is beyond :data:`necrozma_core.kernels.indicators.LARGEST_MOVE`; otherwise see :func:`burst_wide`.
    squares : int64 array, shape (n + 1,)
        Sums of the squared changes before each index.
    first_tick : int64 array, shape (n + 1,)
        Ticks before each bar.
    period : int
        The bars before that give deviation (about zero) and usual activity; below n - 1.
    sigmas, activity : float

    Returns
    -------
    int8 array, shape (n,)
    """
    n = len(close)
    first = period + 1
    count = n - first
    now, before = close[first:], close[period : n - 1]
    square_to, square_from = squares[first:], squares[1:]
    tick_end, tick_to, tick_from = first_tick[first + 1 :], first_tick[first:], first_tick[1:]
    wanted = sigmas * sigmas
    out = np.zeros(n, np.int8)
    state = out[first:]
    for i in range(count):
        moved = np.float64(np.int32(now[i] - before[i]))
        usual = np.float64(square_to[i] - square_from[i])
        state[i] = np.int8(moved * moved * period > wanted * usual)
    for i in range(count):
        # Few bars move so far, so the other conditions are tested only there. A window that never moved has no
        # deviation to compare with.
        if state[i]:
            ticks, ticks_before = tick_end[i] - tick_to[i], tick_to[i] - tick_from[i]
            busy = np.float64(ticks) * period >= activity * np.float64(ticks_before)
            if not busy or square_to[i] == square_from[i]:
                state[i] = 0
            elif now[i] < before[i]:
                state[i] = -1
    keep_entered(state)
    return out


@njit(cache=True, nogil=True)
def burst_wide(close, first_tick, period, sigmas, activity):
    """Do what :func:`burst` does for moves of any size, a tenth slower.

    Squares are summed in two halves of 31 bits, each of which fits a whole number over 10,000 bars. Put together they
    are rounded once, as in :func:`burst`, so that a later, wilder price changes nothing before it.

    Parameters
    ----------
    close : int32 array, shape (n,)
    first_tick : int64 array, shape (n + 1,)
    period : int
    sigmas, activity : float

    Returns
    -------
    int8 array, shape (n,)
    """
    n = len(close)
    first = period + 1
    wanted = sigmas * sigmas
    out = np.zeros(n, np.int8)
    high, low = np.int64(0), np.int64(0)
    for i in range(1, n):
        moved = np.int64(close[i]) - close[i - 1]
        square = moved * moved
        if i >= first and high + low > 0:
            here = np.float64((square >> _HALF_BITS) * period) * _HALF_SIZE + np.float64((square & _HALF) * period)
            usual = np.float64(high) * _HALF_SIZE + np.float64(low)
            ticks, ticks_before = first_tick[i + 1] - first_tick[i], first_tick[i] - first_tick[i - period]
            busy = np.float64(ticks) * period >= activity * np.float64(ticks_before)
            if here > wanted * usual and busy:
                out[i] = 1 if moved > 0 else -1
        high += square >> _HALF_BITS
        low += square & _HALF
        if i >= first:
            moved = np.int64(close[i - period]) - close[i - period - 1]
            square = moved * moved
            high -= square >> _HALF_BITS
            low -= square & _HALF
    keep_entered(out[first:])
    return out


@njit(cache=True, nogil=True)
def regime_switch(close, paths, zscores, period, trending, ranging, entry):
    """Follow the move of an efficient market and fade the extremes of an inefficient one.

    Parameters
    ----------
    close : int32 array, shape (n,)
    paths : int64 array, shape (n + 1,)
        Sum of the absolute changes before each index.
    zscores : float64 array, shape (n,)
        Over the same period.
    period : int
        Below n.
    trending, ranging : float
        Efficiency ratio above which the move is followed, and below which it is faded.
    entry : float
        Deviations from the mean at which to fade.

    Returns
    -------
    int8 array, shape (n,)
    """
    n = len(close)
    count = n - period
    now, z = close[period:], zscores[period:]
    path_to, path_from = paths[period + 1 :], paths[1:]
    out = np.zeros(n, np.int8)
    state = out[period:]
    for i in range(count):
        net = np.float64(np.int32(now[i] - close[i]))
        path = np.float64(path_to[i] - path_from[i])
        follow = abs(net) > trending * path
        fade = abs(net) < ranging * path
        long = (follow & (net > 0.0)) | (fade & (z[i] < -entry))
        short = (follow & (net < 0.0)) | (fade & (z[i] > entry))
        state[i] = np.int8(long) - np.int8(short)
    keep_entered(state)
    return out


@njit(cache=True, nogil=True)
def opening_range_breakout(open_time_ms, high, low, close, session_ms, first_bar, range_ms, trade_ms):
    """Follow the first close above, and the first below, the range in which a session began.

    Parameters
    ----------
    open_time_ms : int64 array, shape (n,)
    high, low, close : int32 array, shape (n,)
    session_ms : int64 array, shape (n_sessions,)
        Opening times of the sessions, rising.
    first_bar : int64 array, shape (n_sessions,)
        The first bar that opens at or after each; n where there is none.
    range_ms, trade_ms : int
        How long the range is gathered, and for how long after that it may be broken.

    Returns
    -------
    int8 array, shape (n,)
    """
    n = len(close)
    out = np.zeros(n, np.int8)
    for session in range(len(session_ms)):
        bar = first_bar[session]
        stop = first_bar[session + 1] if session + 1 < len(session_ms) else n
        range_end = session_ms[session] + range_ms
        trade_end = range_end + trade_ms
        if bar >= stop or open_time_ms[bar] >= range_end:
            continue
        highest, lowest = high[bar], low[bar]
        bar += 1
        while bar < stop and open_time_ms[bar] < range_end:
            highest = max(highest, high[bar])
            lowest = min(lowest, low[bar])
            bar += 1
        went_long = False
        went_short = False
        while bar < stop and open_time_ms[bar] < trade_end and not (went_long and went_short):
            if close[bar] > highest and not went_long:
                out[bar] = 1
                went_long = True
            elif close[bar] < lowest and not went_short:
                out[bar] = -1
                went_short = True
            bar += 1
    return out
