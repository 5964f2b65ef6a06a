"""What is kept of every setting's daily returns: enough for all ratios, however many settings there are."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Final

import numpy as np

from necrozma_core.market.arrays import FloatArray, Int32Array
from necrozma_core.statistics.returns import Returns, pieces

_NOISE: Final = 1e-13
"""A deviation of daily returns below this is rounding, as in :mod:`necrozma_core.metrics.formulas`."""
_CONSTANT: Final = 0.01
"""A deviation below this part of the mean tells of the arithmetic, not of a market; likewise. Such returns have no
Sharpe ratio here, for theirs would be the best of all."""


@dataclass(frozen=True, slots=True)
class Moments:
    """The shape of each setting's daily returns. All arrays have the shape (n_settings,).

    Attributes
    ----------
    days : int32 array
        Daily returns; 0 for a row that had a value that is no number.
    winning_days, losing_days : int32 array
        Days above and below 0.
    sharpe : float64 array
        Mean by sample deviation, **of one day**; NaN for fewer than two days, for returns that do not vary and for
        those that vary by less than a hundredth of their mean.
    skew : float64 array
        Third central moment by the deviation cubed; 0 for a symmetric distribution. NaN where ``sharpe`` is.
    kurtosis : float64 array
        Fourth central moment by the square of the variance: **3**, not 0, for a normal distribution. NaN where
        ``sharpe`` is.
    """

    days: Int32Array
    winning_days: Int32Array
    losing_days: Int32Array
    sharpe: FloatArray
    skew: FloatArray
    kurtosis: FloatArray

    def __len__(self) -> int:
        return len(self.days)

    @classmethod
    def of(cls, returns: Returns) -> "Moments":
        """Take them from daily returns.

        Parameters
        ----------
        returns : float32 or float64 array, shape (n_settings, n_days)

        References
        ----------
        The central moments are those of the sample, divided by n, as in Bailey and Lopez de Prado, "The Sharpe Ratio
        Efficient Frontier", Journal of Risk 15 (2012). The Sharpe ratio divides by the deviation by n - 1, as the
        ranking's does.
        """
        found = [_of_piece(rows) for _, rows in pieces(returns)]
        return cls.joined(found) if found else _of_piece(np.empty((0, 0)))

    @classmethod
    def joined(cls, parts: Sequence["Moments"]) -> "Moments":
        """Return the moments of several matrices, pairs for instance, one after the other."""
        return cls(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(cls)))


def _of_piece(returns: FloatArray) -> Moments:
    settings, days = returns.shape
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        mean = returns.sum(axis=1) / days
        off = returns - mean[:, None]
        power = np.square(off)
        second = power.sum(axis=1) / days
        third = np.einsum("ij,ij->i", power, off) / days
        fourth = np.einsum("ij,ij->i", power, power) / days
        deviation = np.sqrt(second * (days / (days - 1))) if days > 1 else np.full(settings, np.nan)
        # A comparison with NaN is false, so a row with one is undefined.
        defined = deviation > np.maximum(_NOISE, _CONSTANT * np.abs(mean))
        figures = mean / deviation, third / second**1.5, fourth / np.square(second)
    sharpe, skew, kurtosis = (np.where(defined, figure, np.nan) for figure in figures)
    counted = np.where(np.isfinite(mean), days, 0).astype(np.int32)
    winning, losing = (np.count_nonzero(side, axis=1).astype(np.int32) for side in (returns > 0, returns < 0))
    return Moments(counted, winning, losing, sharpe, skew, kurtosis)
