"""How often what was the best in one half of the time is among the worse half in the other.

The time is cut into blocks, sixteen by default. Every way to choose half of the blocks is a small experiment: the best
setting on those is looked up on the others. All that is needed of a setting is, for each block, the sum of its daily
returns and that of their squares.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations
from typing import Final

import numpy as np

from necrozma_core.market.arrays import FloatArray, Int64Array
from necrozma_core.statistics.returns import Returns, pieces

BLOCKS: Final = 16
"""Halves of sixteen blocks are 12,870, enough for a share to two digits; fewer days than five a block say little."""
_NUMBERS: Final = 1 << 21
"""Scores at a time: 16 MB an array, of which six are at work. With fewer, multiplying small matrices takes longer."""


class Score(StrEnum):
    """By what the best of a half is chosen."""

    SHARPE = "sharpe"
    MEAN = "mean"


@dataclass(frozen=True, slots=True)
class BlockSums:
    """Sums of each setting's daily returns over blocks of days.

    Attributes
    ----------
    returns, squares : float64 array, shape (n_settings, n_blocks)
        Of the returns, and of their squares; NaN for a setting without figures.
    """

    returns: FloatArray
    squares: FloatArray

    @classmethod
    def of(cls, returns: Returns, blocks: int = BLOCKS) -> "BlockSums":
        """Take them from daily returns, in blocks whose lengths differ by a day at most.

        Parameters
        ----------
        returns : float32 or float64 array, shape (n_settings, n_days)
        blocks : int
            Even, and no more than there are days.
        """
        settings, days = returns.shape
        if not 0 < blocks <= days:
            raise ValueError(f"{days} days cannot be cut into {blocks} blocks")
        starts = block_starts(days, blocks)
        sums, squares = np.empty((settings, blocks)), np.empty((settings, blocks))
        for some, rows in pieces(returns):
            sums[some] = np.add.reduceat(rows, starts, axis=1)
            squares[some] = np.add.reduceat(np.square(rows), starts, axis=1)
        return cls(sums, squares)

    @classmethod
    def joined(cls, parts: Sequence["BlockSums"]) -> "BlockSums":
        """Return the sums of several pairs, one after the other; their blocks must be of the same dates."""
        return cls(np.concatenate([part.returns for part in parts]), np.concatenate([part.squares for part in parts]))


@dataclass(frozen=True, slots=True)
class Overfitting:
    """What became of the best of one half in the other, over all halves.

    Attributes
    ----------
    pbo : float
        Probability of backtest overfitting: the share of halves whose best setting was at or below the middle of all
        settings in the other half. About one half where all is luck; near 0 where the best stays the best.
    loss_probability : float
        Share of halves whose best setting lost money in the other half.
    mean_rank : float
        Where the chosen settings stood among all in the other half, on average: 0 is last, 1 is first.
    halves : int
        How many there were.
    """

    pbo: float
    loss_probability: float
    mean_rank: float
    halves: int


def block_starts(days: int, blocks: int) -> Int64Array:
    """Return the first day of each block; where the days do not divide evenly, the first blocks have one more."""
    block = np.arange(blocks, dtype=np.int64)
    starts: Int64Array = block * (days // blocks) + np.minimum(block, days % blocks)
    return starts


def overfitting_of(sums: BlockSums, score: Score = Score.SHARPE) -> Overfitting | None:
    """Measure how much the choice of the best setting overfits, by combinatorially symmetric cross-validation.

    Parameters
    ----------
    sums : BlockSums
        An even number of blocks.
    score : Score

    Returns
    -------
    Overfitting or None
        None for fewer than two settings with figures. A setting that did not trade in a half has a score of 0 there.
        Among equals the first is chosen, and the rank of equals is the middle one of theirs.

    References
    ----------
    Bailey, Borwein, Lopez de Prado and Zhu, "The Probability of Backtest Overfitting", Journal of Computational Finance
    20 (2017), section 2: the relative rank is rank / (n + 1), the share that of logits of at most 0, which is that of
    relative ranks of at most one half. They cut the days into equal blocks and leave out what remains; these blocks
    differ by a day at most and leave out none.
    """
    defined = ~np.isnan(sums.returns).any(axis=1)
    returns, squares = (np.ascontiguousarray(values[defined].T) for values in (sums.returns, sums.squares))
    blocks, settings = returns.shape
    if blocks % 2:
        raise ValueError(f"{blocks} blocks cannot be halved")
    if settings < 2:
        return None
    ranks, losses = [], []
    for halves in _halves(blocks, max(1, _NUMBERS // settings)):
        scores = _scores(halves, returns, squares, score), _scores(1 - halves, returns, squares, score)
        # Each half chooses once and is looked at once.
        for chosen_by, looked_up in (scores, scores[::-1]):
            rank, loss = _fate(chosen_by, looked_up)
            ranks.append(rank)
            losses.append(loss)
    rank, loss = np.concatenate(ranks), np.concatenate(losses)
    # Twice a rank is a whole number, so that the comparison is exact.
    pbo = int(np.count_nonzero(2 * rank <= settings + 1)) / len(rank)
    mean_rank = float((rank - 1).sum()) / (len(rank) * (settings - 1))
    return Overfitting(pbo, int(np.count_nonzero(loss)) / len(rank), mean_rank, len(rank))


def _halves(blocks: int, at_once: int) -> Iterator[FloatArray]:
    """Yield which blocks are in each half that holds the first block, 1 or 0; the other halves are the rest."""
    chosen = np.array([(0, *others) for others in combinations(range(1, blocks), blocks // 2 - 1)])
    halves = np.zeros((len(chosen), blocks))
    np.put_along_axis(halves, chosen, 1.0, axis=1)
    for first in range(0, len(halves), at_once):
        yield halves[first : first + at_once]


def _scores(halves: FloatArray, returns: FloatArray, squares: FloatArray, score: Score) -> FloatArray:
    """Return each setting's score on each half, shape (n_halves, n_settings).

    Of settings on the same days, the Sharpe ratio rises with sum / sqrt(sum of squares), which takes one step less and
    is defined for returns that do not vary: s / sqrt(n q) = u gives a Sharpe ratio of u / sqrt(1 - u^2), but for a
    factor. Each half is added up, not taken from a total: where a setting did not trade both sums are exactly 0.
    """
    total: FloatArray = halves @ returns
    if score is Score.SHARPE:
        square = halves @ squares
        np.maximum(square, np.finfo(np.float64).tiny, out=square)
        total /= np.sqrt(square, out=square)
    return total


def _fate(chosen_by: FloatArray, looked_up: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the rank in the other half of the best of each half, from 1, and whether it lost."""
    rows = np.arange(len(chosen_by))
    found = looked_up[rows, chosen_by.argmax(axis=1)]
    below = np.count_nonzero(looked_up < found[:, None], axis=1)
    equal = np.count_nonzero(looked_up == found[:, None], axis=1)
    return below + (equal + 1) / 2, found < 0
