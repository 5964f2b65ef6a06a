"""How else a record could have gone: its daily returns in another order, or drawn anew.

Returns are moved, not money: a day that earned one per cent earns one per cent of what the account holds when it comes.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from necrozma_core.market.arrays import FloatArray, Int64Array
from necrozma_core.statistics.bootstrap import SEED, mean_block, resampled_days
from necrozma_core.statistics.moments import Moments

PERCENTILES: Final = (5, 25, 50, 75, 95)
RESAMPLES: Final = 1_000
"""The fifth percentile is then the fiftieth record from the bottom."""


class Order(StrEnum):
    """What is done to the days."""

    RESHUFFLE = "reshuffle"
    """Each day once, in a random order: the same profit by another way, so that it shows drawdowns alone."""
    BLOCKS = "blocks"
    """Days drawn anew in blocks, some twice and some not at all: another year of the same kind."""


@dataclass(frozen=True, slots=True)
class OtherRecords:
    """What an account would have come to. Arrays have the shape (5,), one number for each of ``PERCENTILES``.

    Attributes
    ----------
    total_return : float64 array
        A fraction of the first balance.
    max_drawdown : float64 array
        Zero or below, as a fraction of the highest value before; the fifth percentile is the worst of twenty.
    sharpe : float64 array
        Of one day; NaN where no record varies.
    loss_probability : float
        Share of records that ended below the first balance.
    """

    total_return: FloatArray
    max_drawdown: FloatArray
    sharpe: FloatArray
    loss_probability: float


def other_records(
    returns: FloatArray, order: Order, *, resamples: int = RESAMPLES, block: float | None = None, seed: int = SEED
) -> OtherRecords | None:
    """Draw other records of the same days.

    Parameters
    ----------
    returns : float64 array, shape (n_days,)
        Daily returns of one setting, fractions of the account.
    order : Order
    resamples : int
    block : float, optional
        Mean length of the blocks; the root of the number of days by default. Only for ``Order.BLOCKS``.
    seed : int

    Returns
    -------
    OtherRecords or None
        None for fewer than two days.

    References
    ----------
    Politis and Romano, "The Stationary Bootstrap", Journal of the American Statistical Association 89 (1994), for the
    blocks; Aronson, Evidence-Based Technical Analysis (2006), ch. 5, for both.
    """
    days = len(returns)
    if days < 2:
        return None
    if order is Order.BLOCKS:
        drawn = resampled_days(days, resamples, mean_block(days) if block is None else block, seed)
    else:
        drawn = _reshuffled(days, resamples, seed)
    records = returns[drawn]
    equity = np.cumprod(1 + records, axis=1)
    peak = np.maximum(np.maximum.accumulate(equity, axis=1), 1.0)
    total = equity[:, -1] - 1
    sharpe = Moments.of(records).sharpe
    varied = sharpe[~np.isnan(sharpe)]
    return OtherRecords(
        total_return=np.percentile(total, PERCENTILES),
        max_drawdown=np.percentile((equity / peak).min(axis=1).clip(max=1.0) - 1, PERCENTILES),
        sharpe=np.percentile(varied, PERCENTILES) if len(varied) else np.full(len(PERCENTILES), np.nan),
        loss_probability=int(np.count_nonzero(total < 0)) / resamples,
    )


def _reshuffled(days: int, resamples: int, seed: int) -> Int64Array:
    order = np.broadcast_to(np.arange(days, dtype=np.int64), (resamples, days))
    return np.random.default_rng(seed).permuted(order, axis=1)
