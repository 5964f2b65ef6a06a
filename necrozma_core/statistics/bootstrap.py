"""Days drawn anew in blocks, so that what hangs together from day to day stays together."""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from necrozma_core.market.arrays import FloatArray, Int64Array

SEED: Final = 20_251


def mean_block(days: int) -> float:
    """Return the default mean length of a block: the root of the number of days, as in the library ``arch``."""
    return max(1.0, math.sqrt(days))


def resampled_days(days: int, resamples: int, block: float, seed: int = SEED) -> Int64Array:
    """Draw days in blocks of random length that wrap around at the end.

    Parameters
    ----------
    days, resamples : int
    block : float
        Mean length, at least 1; lengths are geometric.
    seed : int

    Returns
    -------
    int64 array, shape (resamples, days)
        Each row is the days of one resample, in order.

    References
    ----------
    Politis and Romano, "The Stationary Bootstrap", Journal of the American Statistical Association 89 (1994).
    """
    random = np.random.default_rng(seed)
    begins = random.random((resamples, days)) < 1 / block
    begins[:, :1] = True
    starts = random.integers(0, max(1, days), (resamples, days))
    day = np.arange(days)
    begun = np.maximum.accumulate(np.where(begins, day, 0), axis=1)
    drawn: Int64Array = (np.take_along_axis(starts, begun, axis=1) + day - begun) % max(1, days)
    return drawn


def day_weights(drawn: Int64Array) -> FloatArray:
    """Return how often each day is in each resample, as a share: the mean of a resample is returns @ weights.

    Parameters
    ----------
    drawn : int64 array, shape (resamples, days)

    Returns
    -------
    float64 array, shape (days, resamples)
        Each column sums to 1.
    """
    resamples, days = drawn.shape
    flat = drawn + np.arange(resamples)[:, None] * days
    counts: NDArray[np.int64] = np.bincount(flat.ravel(), minlength=resamples * days)
    return np.ascontiguousarray((counts / max(1, days)).reshape(resamples, days).T)
