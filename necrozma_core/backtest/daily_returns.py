"""Strategies' daily returns on their way to the store: their shape for all, the returns themselves for some."""

import heapq
from collections.abc import Collection, Sequence
from hashlib import sha256
from typing import Any, Final, Protocol

import numpy as np
import pyarrow as pa

from necrozma_core.backtest.outcome import Evaluated
from necrozma_core.market.arrays import FloatArray, Int64Array
from necrozma_core.metrics.merit import merit
from necrozma_core.statistics.moments import Moments
from necrozma_core.statistics.overfitting import BLOCKS, BlockSums
from necrozma_core.statistics.trials import Trials
from necrozma_core.storage.results.returns_tables import moments_table, returns_table

MOST_KEPT: Final = 1_000
"""Strategies of a pair whose daily returns are all kept. Where there are more, those of the best half as many are, and
of as many others that the key draws: a year of a pair is then 1 MB, and not 50 for fifty thousand strategies."""
_BATCH: Final = 256
"""Strategies whose returns are in memory at once: half a megabyte a year."""
_DIGITS: Final = 6
"""Of what is kept of the trials; rounding commutes with taking the larger, so parts join to the same number."""


class ReturnsWriter(Protocol):
    """Where daily returns go: an entry of the store, or a part of one."""

    def write_moments(self, table: pa.Table) -> None:
        """Add rows of MOMENTS_SCHEMA."""
        ...

    def write_returns(self, table: pa.Table) -> None:
        """Add rows of RETURNS_SCHEMA."""
        ...


class ReturnsShelf:
    """Daily returns of one pair's strategies, some at a time, so that memory does not grow with their number.

    Parameters
    ----------
    writer : ReturnsWriter
    dates : int64 array, shape (n_days,)
        On which the pair's trading days close, days since 1970.
    key : str
        Of the result; it draws which strategies are kept of more than can be.
    strategies : int
        How many there will be at most.
    """

    def __init__(self, writer: ReturnsWriter, dates: Int64Array, key: str, strategies: int) -> None:
        self._writer = writer
        self._dates = dates
        self._key = key
        self._keeps_all = keeps_all(strategies)
        self._batch: list[tuple[str, FloatArray]] = []
        self._best: list[tuple[tuple[float, ...], int, str, FloatArray]] = []
        self._drawn: list[tuple[int, int, str, FloatArray]] = []
        self._trials = Trials.joined([])

    def add(self, position: int, outcome: Evaluated) -> None:
        """Take what the strategy at some position came to; positions rise."""
        name, returns = outcome.strategy.name, outcome.returns
        self._batch.append((name, returns))
        if len(self._batch) == _BATCH:
            self._flush()
        if not len(returns):
            return
        if self._keeps_all:
            self._writer.write_returns(returns_table(name, self._dates, returns))
            return
        _push(self._best, (merit(outcome.metrics), -position, name, returns))
        _push(self._drawn, (-lot_of(self._key, name), -position, name, returns))

    def close(self) -> dict[str, Any]:
        """Write what is held back, and return what the commit says: ``trials``, see `describe_trials`."""
        self._flush()
        kept = {-position: (name, returns) for _, position, name, returns in (*self._best, *self._drawn)}
        for _, (name, returns) in sorted(kept.items()):
            self._writer.write_returns(returns_table(name, self._dates, returns))
        return {"trials": describe_trials(self._trials)}

    def _flush(self) -> None:
        if not self._batch:
            return
        days = len(self._dates)
        # A strategy without returns has a row of NaN, which has no figures.
        returns = np.full((len(self._batch), days), np.nan)
        for row, (_, found) in enumerate(self._batch):
            if len(found):
                returns[row] = found
        sums = BlockSums.of(returns) if days >= BLOCKS else None
        names = [name for name, _ in self._batch]
        self._writer.write_moments(moments_table(names, Moments.of(returns), sums))
        self._trials = Trials.joined([self._trials, Trials.of(returns, self._dates)])
        self._batch.clear()


def _push(heap: list[Any], entry: tuple[Any, ...]) -> None:
    heapq.heappush(heap, entry)
    if len(heap) > MOST_KEPT // 2:
        heapq.heappop(heap)


def keeps_all(strategies: int) -> bool:
    """Tell whether the daily returns of all of so many strategies are kept."""
    return strategies <= MOST_KEPT


def lot_of(key: str, strategy: str) -> int:
    """Return the lot that a strategy draws: the lowest ones are kept, whoever else draws."""
    return int.from_bytes(sha256(f"{key} {strategy}".encode("utf-8", "surrogatepass")).digest()[:8])


def kept_strategies(key: str, ranked: Sequence[tuple[tuple[float, ...], str]]) -> set[str]:
    """Return whose daily returns are kept of more strategies than all could be.

    Parameters
    ----------
    key : str
    ranked : sequence of (tuple, str)
        Merit and name of each strategy that has daily returns, by position.
    """
    half = MOST_KEPT // 2
    best = sorted(range(len(ranked)), key=lambda position: (ranked[position][0], -position), reverse=True)[:half]
    drawn = sorted(range(len(ranked)), key=lambda position: (lot_of(key, ranked[position][1]), position))[:half]
    return {ranked[position][1] for position in (*best, *drawn)}


def describe_trials(trials: Trials) -> dict[str, Any]:
    """Return trials as the commit has them: ``count``, and the 512 ``maxima``, none where there was no trial."""
    maxima = [round(number, _DIGITS) for number in trials.maxima.tolist()] if trials.count else []
    return {"count": trials.count, "maxima": maxima}


def described_trials(described: Collection[dict[str, Any]]) -> Trials:
    """Return what several commits or parts describe, joined."""
    found = [Trials(each["count"], np.array(each["maxima"])) for each in described if each["count"]]
    return Trials.joined(found)
