"""How sure a Sharpe ratio is. Sharpe ratios are of one day, days are daily returns, kurtosis is 3 for a normal one."""

from typing import Final

import numpy as np

from necrozma_core.market.arrays import FloatArray, Int32Array
from necrozma_core.statistics.moments import Moments
from necrozma_core.statistics.normal import cdf, quantile, upper_tail

CONFIDENCE: Final = 0.95
"""What a record is asked for: one in twenty of those that earn nothing looks as good by luck."""


def sharpe_error(
    sharpe: FloatArray, days: Int32Array | int, skew: FloatArray | float, kurtosis: FloatArray | float
) -> FloatArray:
    """Return the standard error of Sharpe ratios.

    It grows with losses that are rare and large (skew below 0) and with tails (kurtosis above 3).

    Parameters
    ----------
    sharpe, skew, kurtosis : float64 array, shape (n_settings,)
    days : int32 array, shape (n_settings,), or int

    Returns
    -------
    float64 array, shape (n_settings,)
        NaN for fewer than two days.

    References
    ----------
    Mertens, "Comments on Variance of the IID Estimator in Lo (2002)" (2002):
    sqrt((1 - skew SR + (kurtosis - 1) / 4 SR^2) / (T - 1)), the divisor as in Bailey and Lopez de Prado (2012), eq. 8.
    It holds for returns whose days do not depend on each other.
    """
    variance = 1 - skew * sharpe + (np.asarray(kurtosis) - 1) / 4 * np.square(sharpe)
    after_first = np.where(np.asarray(days) > 1, np.asarray(days, np.float64) - 1, np.nan)
    # The variance is a square or more in exact arithmetic; rounding may bring it below 0.
    error: FloatArray = np.sqrt(np.maximum(variance, 0.0) / after_first)
    return error


def probabilistic_sharpe(
    sharpe: FloatArray,
    days: Int32Array | int,
    skew: FloatArray | float,
    kurtosis: FloatArray | float,
    benchmark: FloatArray | float = 0.0,
) -> FloatArray:
    """Return the probability that the true Sharpe ratio is above a benchmark.

    Parameters
    ----------
    sharpe, skew, kurtosis : float64 array, shape (n_settings,)
    days : int32 array, shape (n_settings,), or int
    benchmark : float64 array, shape (n_settings,), or float
        A Sharpe ratio of one day.

    Returns
    -------
    float64 array, shape (n_settings,)
        NaN where the Sharpe ratio is, and for fewer than two days.

    References
    ----------
    Bailey and Lopez de Prado, "The Sharpe Ratio Efficient Frontier", Journal of Risk 15 (2012), eq. 11.
    """
    error = sharpe_error(sharpe, days, skew, kurtosis)
    with np.errstate(divide="ignore", invalid="ignore"):
        return cdf((sharpe - benchmark) / error)


def sharpe_p_values(moments: Moments) -> FloatArray:
    """Return how often a setting that earns nothing would show such a Sharpe ratio or a better one, one-sided.

    The standard error is that of :func:`sharpe_error`, but never below what it is for a Sharpe ratio of 0. A record
    that owes its gain to a few large wins has a small error by the formula, because its skew is above 0, and was still
    lucky to have them: by the formula alone, some setting has a q-value of at most 0.05 in half of the sweeps whose
    thousand settings earn nothing and have days of Student's t with three degrees of freedom; so in one of twenty.

    Returns
    -------
    float64 array, shape (n_settings,)
        NaN where the Sharpe ratio is. Exact where 1 - :func:`probabilistic_sharpe` is rounded to 0.
    """
    error = sharpe_error(moments.sharpe, moments.days, moments.skew, moments.kurtosis)
    at_zero = sharpe_error(np.zeros(len(moments)), moments.days, 0.0, 3.0)
    return upper_tail(moments.sharpe / np.maximum(error, at_zero))


def min_track_record_days(
    sharpe: FloatArray,
    skew: FloatArray | float,
    kurtosis: FloatArray | float,
    benchmark: FloatArray | float = 0.0,
    confidence: float = CONFIDENCE,
) -> FloatArray:
    """Return how many days a record of these figures must have for its Sharpe ratio to be above a benchmark.

    Parameters
    ----------
    sharpe, skew, kurtosis : float64 array, shape (n_settings,)
    benchmark : float64 array, shape (n_settings,), or float
        A Sharpe ratio of one day.
    confidence : float
        Above one half and below 1.

    Returns
    -------
    float64 array, shape (n_settings,)
        Days, not rounded. NaN where the Sharpe ratio is, and where it is not above the benchmark: no length suffices.

    References
    ----------
    Bailey and Lopez de Prado (2012), eq. 13: 1 + (1 - skew SR + (kurtosis - 1) / 4 SR^2) (Z / (SR - SR*))^2.
    """
    above = np.asarray(sharpe - benchmark)
    variance = np.square(sharpe_error(sharpe, 2, skew, kurtosis))
    with np.errstate(divide="ignore", over="ignore"):
        days = 1 + variance * np.square(quantile(confidence) / np.where(above > 0, above, np.nan))
    return np.where(np.isfinite(days), days, np.nan)
