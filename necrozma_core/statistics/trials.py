"""How many settings were tried, seen as independent ones.

Settings of a grid resemble each other: a thousand of them are not a thousand chances. What the deflated Sharpe ratio
needs of them is one number, the best that luck is expected to give, so that number is measured: every day of the data
gets a random factor, the same for all settings of all pairs, and the settings' standardised returns are added up with
it. The sums are normal numbers with the settings' correlations and without any skill. Their largest is taken, a few
hundred times; the effective trials are as many independent numbers as have a largest one of the same mean.

An eigenvalue says how much of the settings' movement is common, and not what is left over: a thousand settings with a
correlation of 0.9 count as 1.2 by the participation ratio, though their differences, which lie on top of what is
common, lift the best by a whole standard error. ``docs/statistics.md`` has the comparison. The largest of sums is also
joined by taking the larger, draw by draw: pairs, parts of pairs and earlier runs need to keep no more than those.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from necrozma_core.market.arrays import FloatArray, Int64Array
from necrozma_core.statistics.deflated_sharpe import expected_maximum
from necrozma_core.statistics.moments import Moments
from necrozma_core.statistics.returns import Returns, pieces

DRAWS: Final = 512
"""The mean of so many largest numbers is known to a fiftieth of a standard error: one of many is spread by a third of
one, and one alone cancels out, for the second half of the draws are the first half's negatives."""
_SEED: Final = 0x5EED_DA75
_DIGITS: Final = 4
_ROWS_STEPS: Final = 2.0**20
_DRAWS_STEPS: Final = 2.0**12
"""Returns and factors are rounded to so many steps of 1: products and sums of up to 8,000 days are then whole numbers
below 2**53, exact in whatever order a machine adds them, so that the same settings give the same bits."""
_STEPS: Final = 60
"""Halvings of a logarithm that lies between 0 and 35: to the last bit."""


@dataclass(frozen=True, slots=True)
class Trials:
    """Settings that were tried on the same days, or on overlapping ones.

    Attributes
    ----------
    count : int
        Settings with a Sharpe ratio.
    maxima : float64 array, shape (DRAWS,)
        The largest of the settings' sums, draw by draw; -inf without settings.
    """

    count: int
    maxima: FloatArray

    @classmethod
    def of(cls, returns: Returns, dates: Int64Array) -> "Trials":
        """Take them from daily returns.

        Parameters
        ----------
        returns : float32 or float64 array, shape (n_settings, n_days)
        dates : int64 array, shape (n_days,)
            The number of each day, in days since 1970. Trials of different pairs are only joined rightly if the same
            day has the same number.

        References
        ----------
        Chernozhukov, Chetverikov and Kato, "Gaussian Approximations and Multiplier Bootstrap for Maxima of Sums",
        Annals of Statistics 41 (2013): the largest of so drawn sums is distributed as the largest t statistic of
        settings without skill, also for many more settings than days.
        """
        draws = _whole_draws(np.ascontiguousarray(dates, np.int64).tobytes())
        largest, smallest = np.full(draws.shape[1], -np.inf), np.full(draws.shape[1], np.inf)
        count = 0
        for _, every in pieces(returns, DRAWS):
            rows = every[~np.isnan(Moments.of(every).sharpe)]
            if not len(rows):
                continue
            off = rows - rows.mean(axis=1, keepdims=True)
            off /= np.sqrt(np.einsum("ij,ij->i", off, off))[:, None]
            np.rint(off * _ROWS_STEPS, out=off)
            sums = off @ draws
            np.maximum(largest, sums.max(axis=0), out=largest)
            np.minimum(smallest, sums.min(axis=0), out=smallest)
            count += len(rows)
        return cls(count, np.concatenate((largest, -smallest)) / (_ROWS_STEPS * _DRAWS_STEPS))

    @classmethod
    def joined(cls, parts: Sequence["Trials"]) -> "Trials":
        """Return the trials of several pairs, parts or runs together; a setting in two of them counts once.

        Once, that is, in :attr:`effective`; in ``count`` it counts as often as it is given.
        """
        maxima = np.full(DRAWS, -np.inf)
        for part in parts:
            maxima = np.maximum(maxima, part.maxima)
        return cls(sum(part.count for part in parts), maxima)

    @property
    def expected_best(self) -> float:
        """The best that luck is expected to give, in standard errors of a Sharpe ratio; 0 or above.

        Rounded, far below its error: processors differ in the last digits of large products.
        """
        return max(0.0, round(float(self.maxima.mean()), _DIGITS)) if self.count else 0.0

    @property
    def effective(self) -> float:
        """How many independent settings have the same expected best: at least 1, at most ``count``; 0 without any."""
        return effective_trials(self.expected_best, self.count)


def draws_of(dates: Int64Array) -> NDArray[np.float32]:
    """Return the random factors of days: standard normal, and the same for a day wherever it is asked for.

    Parameters
    ----------
    dates : int64 array, shape (n_days,)
        Days since 1970.

    Returns
    -------
    float32 array, shape (n_days, DRAWS / 2)
        Half of the draws; the others are their negatives.
    """
    rows = [np.random.default_rng((_SEED, int(date) & 0xFFFF_FFFF)).standard_normal(DRAWS // 2) for date in dates]
    return np.array(rows, np.float32).reshape(len(rows), DRAWS // 2)


@lru_cache(maxsize=2)
def _whole_draws(dates: bytes) -> FloatArray:
    """Return `draws_of` in steps, for they are asked for again with every few settings of a pair."""
    return np.rint(draws_of(np.frombuffer(dates, np.int64)).astype(np.float64) * _DRAWS_STEPS)


def effective_trials(expected_best: float, count: int) -> float:
    """Return how many independent trials have an expected best, by the formula that turns them into it.

    Parameters
    ----------
    expected_best : float
        In standard errors.
    count : int
        Trials that there were, which are never exceeded.

    Returns
    -------
    float
        At least 1 where there was a trial.
    """
    if count <= 1 or expected_best <= 0:
        return float(min(count, 1))
    low, high = 0.0, float(np.log(count))
    if expected_maximum(count) <= expected_best:
        return float(count)
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if expected_maximum(float(np.exp(middle))) < expected_best:
            low = middle
        else:
            high = middle
    return float(np.exp(high))


def luck_deviation(days: NDArray[np.int32]) -> FloatArray:
    """Return how far Sharpe ratios of settings without skill lie from 0: 1 / sqrt(days - 1).

    Bailey and Lopez de Prado take the deviation among the trials themselves. Among a sweep's settings that is mostly
    not luck: fast rules that lose their costs every day lie far from the others, and raise the bar for all; good ones
    likewise; and settings that resemble each other lie close together, which lowers it. What luck alone does is known,
    and with the effective trials, which are counted with what the settings have in common, it gives the best of all
    as random walks do.

    Parameters
    ----------
    days : int32 array, shape (n_settings,)

    Returns
    -------
    float64 array, shape (n_settings,)
        Of one day's Sharpe ratio; NaN for fewer than two days.

    References
    ----------
    Lo, "The Statistics of Sharpe Ratios", Financial Analysts Journal 58 (2002), at a Sharpe ratio of 0.
    """
    return 1 / np.sqrt(np.where(days > 1, days - 1.0, np.nan))


def observed_deviation(sharpe: FloatArray) -> float:
    """Return the deviation of the trials' Sharpe ratios, as published; NaN for fewer than two that are defined.

    Parameters
    ----------
    sharpe : float64 array, shape (n_settings,)

    References
    ----------
    Bailey and Lopez de Prado (2014): the root of V[{SR_n}].
    """
    defined = sharpe[~np.isnan(sharpe)]
    return float(defined.std(ddof=1)) if len(defined) > 1 else float("nan")
