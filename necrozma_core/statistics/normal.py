"""The standard normal distribution, by the standard library: the core does not depend on scipy."""

import math
from statistics import NormalDist
from typing import Final

import numpy as np

from necrozma_core.market.arrays import FloatArray

_STANDARD: Final = NormalDist()
_erfc = np.frompyfunc(math.erfc, 1, 1)


def upper_tail(z: FloatArray | float) -> FloatArray:
    """Return the probability of more than ``z``, exact in the far tail where 1 - cdf is rounded to 0.

    Parameters
    ----------
    z : float64 array of any shape, or float

    Returns
    -------
    float64 array of the same shape
        NaN where ``z`` is.

    References
    ----------
    Abramowitz and Stegun, Handbook of Mathematical Functions (1964), 26.2.29: Q(z) = erfc(z / sqrt(2)) / 2.
    """
    return np.asarray(_erfc(np.asarray(z, np.float64) / math.sqrt(2)), np.float64) / 2


def cdf(z: FloatArray | float) -> FloatArray:
    """Return the probability of at most ``z``; as :func:`upper_tail`, of -z."""
    return upper_tail(-np.asarray(z, np.float64))


def quantile(probability: float) -> float:
    """Return the value that is not passed with ``probability``, which lies above 0 and below 1."""
    return _STANDARD.inv_cdf(probability)
