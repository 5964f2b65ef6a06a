"""The Sharpe ratio against the best that luck alone was expected to give."""

import math
from typing import Final

import numpy as np

from necrozma_core.market.arrays import FloatArray, Int32Array
from necrozma_core.statistics.normal import quantile
from necrozma_core.statistics.sharpe import probabilistic_sharpe

_EULER: Final = float(np.euler_gamma)
_MOST: Final = 1e15
"""Trials beyond which the quantile at 1 - 1 / trials is no longer told from 1 in floating point."""


def expected_maximum(trials: float) -> float:
    """Return the expected largest of independent standard normal numbers.

    Parameters
    ----------
    trials : float
        How many, possibly a fraction; 0 is returned for one or fewer, and where the approximation falls below 0.

    References
    ----------
    Bailey and Lopez de Prado, "The Deflated Sharpe Ratio", Journal of Portfolio Management 40 (2014), eq. 1:
    (1 - g) Z(1 - 1/N) + g Z(1 - 1/(N e)), g Euler's constant. It is 8 % too small for two, 2 % too large for ten
    and 1 % for a hundred.
    """
    if not trials > 1:
        return 0.0
    trials = min(trials, _MOST)
    return max(0.0, (1 - _EULER) * quantile(1 - 1 / trials) + _EULER * quantile(1 - 1 / (trials * math.e)))


def deflated_sharpe(
    sharpe: FloatArray,
    days: Int32Array | int,
    skew: FloatArray | float,
    kurtosis: FloatArray | float,
    trials: float,
    deviation: FloatArray | float,
) -> FloatArray:
    """Return the probability that the true Sharpe ratio is above what the best of so many trials shows by luck.

    Parameters
    ----------
    sharpe, skew, kurtosis : float64 array, shape (n_settings,)
        Of one day; kurtosis is 3 for a normal distribution.
    days : int32 array, shape (n_settings,), or int
    trials : float
        How many independent settings were tried; see :mod:`necrozma_core.statistics.trials`.
    deviation : float64 array, shape (n_settings,), or float
        Standard deviation of the trials' Sharpe ratios, of one day.

    Returns
    -------
    float64 array, shape (n_settings,)
        NaN where the Sharpe ratio is, and for fewer than two days.

    References
    ----------
    Bailey and Lopez de Prado (2014), eq. 2. Their example: a Sharpe ratio of 2.5 a year of 250 days over 1,250 days,
    skew -3, kurtosis 10, a variance of 1/2 a year among 100 trials: a threshold of 0.1132 a day and 0.9004; with 46
    trials 0.9505; with 88 trials and normal returns 0.9505.
    """
    return probabilistic_sharpe(sharpe, days, skew, kurtosis, np.asarray(deviation) * expected_maximum(trials))
