"""By how much one feed's clock is after another's: the lag at which their minute returns go together best."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from necrozma_core.feeds.minutes import MINUTE_MS, MinuteFeed
from necrozma_core.market.arrays import FloatArray, Int64Array

MOST_MINUTES: Final = 26 * 60
"""As far apart as two zones can be."""

_LEAST_MINUTES: Final = 500
"""Of fewer shared minutes, the best of three thousand lags may be chance."""

_LEAST_CORRELATION: Final = 0.1
_LEAST_SIGMAS: Final = 8.0
_MOST_USUAL: Final = 20.0
"""A return of so many usual ones is clipped: one slipped digit would outweigh a month."""


@dataclass(frozen=True, slots=True)
class Shift:
    """What a month says of two clocks.

    Attributes
    ----------
    month : numpy.datetime64
    minutes : int or None
        By how much the second is after the first; None where the two do not go together at any lag.
    correlation : float
        Of their minute returns there.
    """

    month: np.datetime64
    minutes: int | None
    correlation: float


def find_shifts(first: MinuteFeed, second: MinuteFeed) -> tuple[Shift, ...]:
    """Estimate the shift in each month (UTC) that both have; a month with too few minutes for it is left out.

    Parameters
    ----------
    first, second : MinuteFeed
        Of one span.

    Returns
    -------
    tuple of Shift
        In order.
    """
    found = []
    months = (months_of(first.minute), months_of(second.minute))
    for month in np.intersect1d(*months):
        parts = [
            (feed.minute[of_month == month], feed.mid[of_month == month])
            for feed, of_month in zip((first, second), months, strict=True)
        ]
        if min(len(minute) for minute, _ in parts) >= _LEAST_MINUTES:
            found.append(Shift(month, *_best_lag(*parts)))
    return tuple(found)


def months_of(minute: Int64Array) -> np.ndarray:
    """Return the month of each minute as ``datetime64[M]``."""
    return (minute * MINUTE_MS).view("datetime64[ms]").astype("datetime64[M]")


def _best_lag(first: tuple[Int64Array, FloatArray], second: tuple[Int64Array, FloatArray]) -> tuple[int | None, float]:
    start = int(min(first[0][0], second[0][0]))
    length = int(max(first[0][-1], second[0][-1])) - start + 1
    one, other = (_returns(minute - start, mid, length) for minute, mid in (first, second))
    norm = float(np.sqrt(np.sum(one**2) * np.sum(other**2)))
    if norm == 0.0:
        return None, 0.0
    size = 1 << (length + MOST_MINUTES).bit_length()
    product = np.fft.irfft(np.conj(np.fft.rfft(one, size)) * np.fft.rfft(other, size), size) / norm
    lags = np.arange(-MOST_MINUTES, MOST_MINUTES + 1)
    # A negative lag is found at the end of the circle.
    best = int(lags[product[lags].argmax()])
    correlation = float(product[best])
    active = min(int(np.count_nonzero(one)), int(np.count_nonzero(other)))
    if correlation < max(_LEAST_CORRELATION, _LEAST_SIGMAS / np.sqrt(max(active, 1))):
        return None, correlation
    return best, correlation


def _returns(minute: Int64Array, mid: FloatArray, length: int) -> FloatArray:
    """Return the return of every minute of a span; 0 in those without a tick."""
    returns = np.zeros(length)
    steps = np.diff(np.log(mid))
    # What happened over a longer silence belongs to no minute.
    steps[np.diff(minute) > 5] = 0.0
    usual = float(np.median(np.abs(steps[steps != 0.0]))) if steps.any() else 0.0
    returns[minute[1:]] = np.clip(steps, -_MOST_USUAL * usual, _MOST_USUAL * usual)
    return returns
