"""Whether the best of many settings beats doing nothing, once it is known that it is the best of many.

The days are drawn anew a thousand times, in blocks, with every setting's returns moved to a mean of 0. How good the
best is by luck is then seen, correlations, fat tails and quiet weeks included, and the best of the real days is
compared with it.

A setting's statistic is its mean by its deviation, and so is that of each resample, with the deviation of its days
(Romano and Wolf 2005, section 4.2, recommend it). Hansen's paper and the library ``arch`` divide both by one estimate
from the autocovariances, which varies so much from setting to setting that the best is one for which it is too small:
of twenty settings without skill on 250 days, with blocks of sixteen, 15 % of the tests found something at 5 %, of a
thousand 65 %, of ten thousand all. Divided as here it was 5 %, 7 % and none.
"""

import math
from typing import Final

import numpy as np

from necrozma_core.market.arrays import BoolArray, FloatArray
from necrozma_core.statistics.bootstrap import SEED, day_weights, mean_block, resampled_days
from necrozma_core.statistics.moments import Moments
from necrozma_core.statistics.returns import Returns, pieces

RESAMPLES: Final = 1_000
"""A p-value of 0.05 is then known to 0.007."""
SIZE: Final = 0.05
"""How often Romano and Wolf's set may hold a setting without skill."""
_LEAST: Final = 0.5
"""A resample's deviation counts as at least so much of that of the real days. Where the days of a setting are all alike
but for a few large losses, a resample without these has almost none, and would be better than anything."""
_MOST_STEPS: Final = 20
"""Of the stepwise test: each but the last finds a setting more, and few find any after the third."""


def spa_test(
    returns: Returns, *, resamples: int = RESAMPLES, block: float | None = None, seed: int = SEED
) -> float | None:
    """Return the p-value of superior predictive ability: how often luck gives a best as good as the one found.

    Parameters
    ----------
    returns : float32 or float64 array, shape (n_settings, n_days)
        What each setting earned beyond doing nothing. A setting that did not trade on a day has a 0.
    resamples : int
    block : float, optional
        Mean length of the blocks of days; the root of the number of days by default.
    seed : int

    Returns
    -------
    float or None
        Above 0 and at most 1: (1 + resamples as good) / (1 + resamples). None without a setting whose returns vary.

    References
    ----------
    Hansen, "A Test for Superior Predictive Ability", Journal of Business and Economic Statistics 23 (2005): the
    consistent p-value, for which settings that are worse than nothing by more than sqrt(2 log log n) standard errors
    count as no chance. The one added to both counts keeps a p-value from being 0: Davison and Hinkley, Bootstrap
    Methods (1997), 4.2.3.
    """
    statistics = _statistics(returns)
    tested = ~np.isnan(statistics)
    if not tested.any():
        return None
    best = max(0.0, float(statistics[tested].max()))
    by_luck = np.maximum(0.0, _best_by_luck(returns, _weights(returns, resamples, block, seed), tested))
    return (1 + int(np.count_nonzero(by_luck >= best))) / (1 + resamples)


def step_m(
    returns: Returns,
    *,
    size: float = SIZE,
    resamples: int = RESAMPLES,
    block: float | None = None,
    seed: int = SEED,
) -> BoolArray:
    """Tell which settings beat doing nothing, so that a single false one among them is as rare as ``size``.

    Parameters
    ----------
    returns, resamples, block, seed
        As of :func:`spa_test`.
    size : float
        Chance that the set holds a setting without skill.

    Returns
    -------
    bool array, shape (n_settings,)

    References
    ----------
    Romano and Wolf, "Stepwise Multiple Testing as Formalized Data Snooping", Econometrica 73 (2005), algorithm 4.1;
    settings far below nothing are left out as in Hansen's test, which Hsu, Hsu and Kuan, "Testing the Predictive
    Ability of Technical Analysis Using a New Stepwise Test", Journal of Empirical Finance 17 (2010), show to keep the
    size.
    """
    statistics = _statistics(returns)
    weights = _weights(returns, resamples, block, seed)
    rest = ~np.isnan(statistics)
    better = np.zeros(len(statistics), np.bool_)
    for _ in range(_MOST_STEPS):
        if not rest.any():
            break
        bar = max(0.0, _bar(_best_by_luck(returns, weights, rest), size))
        found = rest & (np.where(rest, statistics, -np.inf) > bar)
        if not found.any():
            break
        better |= found
        rest &= ~found
    return better


def _weights(returns: Returns, resamples: int, block: float | None, seed: int) -> FloatArray:
    days = returns.shape[1]
    return day_weights(resampled_days(days, resamples, mean_block(days) if block is None else block, seed))


def _bar(values: FloatArray, size: float) -> float:
    """Return a value that at most a share ``size`` of the values, counting one more, passes."""
    kept = math.ceil((1 - size) * (len(values) + 1))
    return float(np.partition(values, kept - 1)[kept - 1]) if kept <= len(values) else math.inf


def _statistics(returns: Returns) -> FloatArray:
    """Return mean by deviation, which is by n, for it is compared with that of resamples; NaN where undefined."""
    days = returns.shape[1]
    return Moments.of(returns).sharpe * math.sqrt(days / max(1, days - 1))


def _best_by_luck(returns: Returns, weights: FloatArray, among: BoolArray) -> FloatArray:
    """Return the best statistic of each resample among some settings, from which their skill is taken.

    Parameters
    ----------
    returns : float32 or float64 array, shape (n_settings, n_days)
    weights : float64 array, shape (n_days, n_resamples)
    among : bool array, shape (n_settings,)
        Settings whose returns vary.

    Returns
    -------
    float64 array, shape (n_resamples,)
    """
    days, resamples = weights.shape
    best = np.full(resamples, -np.inf)
    hopeless = -math.sqrt(2 * math.log(max(1.0, math.log(max(days, 3)))) / days)
    for some, every in pieces(returns, resamples):
        rows = every[among[some]]
        mean, deviation = rows.mean(axis=1), rows.std(axis=1)
        centre = np.where(mean >= hopeless * deviation, mean, 0.0)
        means = rows @ weights
        deviations = np.square(rows) @ weights
        deviations -= np.square(means)
        np.maximum(deviations, np.square(_LEAST * deviation)[:, None], out=deviations)
        means -= centre[:, None]
        means /= np.sqrt(deviations, out=deviations)
        np.maximum(best, means.max(axis=0, initial=-np.inf), out=best)
    return best
