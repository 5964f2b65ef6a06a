"""Indicators of a set of bars, computed once a parameter however many strategies use them.

Prices are in half points: bid + ask in points, twice the mid, a whole number. Divide by ``2 * 10**bars.digits``
for a price. Entry i of every array is made of bars up to i; entries that cannot be computed yet are NaN. The
arrays are shared and read-only.
"""

import numpy as np

from necrozma_core.kernels import indicators as kernels
from necrozma_core.market.arrays import FloatArray, Int32Array, Int64Array
from necrozma_core.market.bars import Bars


def _column(bars: Bars, name: str, column: int) -> Int32Array:
    return bars.remember(("mid", name), lambda: np.ascontiguousarray(bars.mid2_points[:, column]))


def close(bars: Bars) -> Int32Array:
    """Return the closing mid in half points, int32, shape (n_bars,)."""
    return _column(bars, "close", 3)


def high(bars: Bars) -> Int32Array:
    """Return the highest mid in half points, int32, shape (n_bars,)."""
    return _column(bars, "high", 1)


def low(bars: Bars) -> Int32Array:
    """Return the lowest mid in half points, int32, shape (n_bars,)."""
    return _column(bars, "low", 2)


def close_range(bars: Bars) -> int:
    """Return the highest close less the lowest, in half points; 0 without bars."""

    def compute() -> Int64Array:
        values = close(bars)
        return np.array([np.ptp(values) if len(values) else 0], np.int64)

    return int(bars.remember("close_range", compute)[0])


def close_sums(bars: Bars) -> Int64Array:
    """Return the sum of the closes before each index, int64, shape (n_bars + 1,)."""
    return bars.remember("close_sums", lambda: kernels.value_sums(close(bars)))


def move_sums(bars: Bars) -> Int64Array:
    """Return the sum of the absolute changes before each index, int64, shape (n_bars + 1,)."""
    return bars.remember("move_sums", lambda: kernels.move_sums(close(bars)))


def move_square_sums(bars: Bars) -> Int64Array:
    """Return the sum of the squared changes before each index, modulo 2**64, int64, shape (n_bars + 1,)."""
    return bars.remember("move_square_sums", lambda: kernels.move_square_sums(close(bars)))


def ema(bars: Bars, period: int) -> FloatArray:
    """Return the exponential average of the close, seeded with the mean of the first ``period``."""
    return bars.remember(("ema", period), lambda: kernels.ema(close(bars), period))


def zscore(bars: Bars, period: int) -> FloatArray:
    """Return how many standard deviations (of the population) the close lies from its moving average."""

    def compute() -> FloatArray:
        values = close(bars)
        if close_range(bars) * period >= kernels.EXACT_SPREAD:
            return np.asarray(kernels.zscore_wide(values, period))
        squares = bars.remember("close_square_sums", lambda: kernels.square_sums(values))
        return np.asarray(kernels.zscore(values, close_sums(bars), squares, period))

    return bars.remember(("zscore", period), compute)


def rsi(bars: Bars, period: int) -> FloatArray:
    """Return Wilder's relative strength index of the close, 0 to 100."""
    return bars.remember(("rsi", period), lambda: kernels.rsi(close(bars), period))


def atr(bars: Bars, period: int) -> FloatArray:
    """Return Wilder's average true range in half points."""
    return bars.remember(("atr", period), lambda: kernels.atr(high(bars), low(bars), close(bars), period))


def extremes(bars: Bars, period: int) -> tuple[Int32Array, Int32Array, int]:
    """Return tables from which the highest high and lowest low of ``period`` bars follow.

    Returns
    -------
    highest, lowest : int32 array, shape (n_bars - width + 1,)
        Of the ``width`` bars from each index on; two such windows, which may overlap, cover a period.
    width : int
        The largest power of two that is at most ``period``.
    """
    level = period.bit_length() - 1
    return _table(bars, "high", level), _table(bars, "low", level), 1 << level


def _table(bars: Bars, name: str, level: int) -> Int32Array:
    if level == 0:
        return high(bars) if name == "high" else low(bars)

    def compute() -> Int32Array:
        shorter, half = _table(bars, name, level - 1), 1 << (level - 1)
        if len(shorter) <= half:
            return shorter[:0]
        return (np.maximum if name == "high" else np.minimum)(shorter[:-half], shorter[half:])

    return bars.remember(("extremes", name, level), compute)


def stochastic_signal(bars: Bars, period: int, smooth: int, signal: int) -> FloatArray:
    """Return %D, the mean of the last ``signal`` values of the slow %K, 0 to 100, within a billionth."""

    def compute() -> FloatArray:
        highest, lowest, width = extremes(bars, period)
        count = len(bars) - period + 1
        out = np.full(len(bars), np.nan)
        if count < smooth + signal - 1:
            return out
        last = period - width
        high_of = np.maximum(highest[:count], highest[last : last + count])
        low_of = np.minimum(lowest[:count], lowest[last : last + count])
        span = high_of - low_of
        above = 100.0 * (close(bars)[period - 1 :] - low_of)
        place = np.where(span > 0, above / np.maximum(span, 1), 50.0)
        line = _means(_means(place, smooth), signal)
        out[len(bars) - len(line) :] = line
        return out

    return bars.remember(("stochastic_signal", period, smooth, signal), compute)


def _means(values: FloatArray, period: int) -> FloatArray:
    # Added term by term: running sums would carry the rounding of all that came before.
    count = len(values) - period + 1
    total = values[:count].copy()
    for j in range(1, period):
        total += values[j : j + count]
    return total / period


def tick_edges(bars: Bars) -> Int64Array:
    """Return how many ticks there were before each bar and, at the end, in all; int64, shape (n_bars + 1,).

    Counted by the bars themselves: where a feed gave bars it may have counted the ticks that we do not have.
    """
    return bars.remember("tick_edges", lambda: np.concatenate(([0], np.cumsum(bars.tick_count, dtype=np.int64))))
