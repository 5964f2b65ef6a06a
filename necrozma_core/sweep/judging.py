"""All pairs of a run judged together: how much of what their settings earned is luck."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from necrozma_core.backtest.daily_returns import described_trials
from necrozma_core.backtest.request import Receipt
from necrozma_core.errors import DamagedError
from necrozma_core.market.arrays import BoolArray, FloatArray, Int64Array
from necrozma_core.statistics.findings import Findings, judge
from necrozma_core.statistics.moments import Moments
from necrozma_core.statistics.overfitting import BLOCKS, BlockSums, overfitting_of
from necrozma_core.statistics.reality_check import spa_test
from necrozma_core.statistics.returns import aligned
from necrozma_core.statistics.trials import Trials
from necrozma_core.statistics.verdicts import enough_data
from necrozma_core.storage.disk.columns import array_of, arrow_column, column_of
from necrozma_core.storage.results.returns_tables import (
    KeptReturns,
    block_sums_of,
    kept_returns,
    moments_of,
    nullable_numbers,
)
from necrozma_core.storage.results.schemas import FINDINGS_COLUMNS
from necrozma_core.storage.results.store import ResultStore

_MOST_NUMBERS: Final = 4_000_000
"""Daily returns that are tested together: 16,000 settings of a year, 16 MB, and about a second of resampling."""
_MOST_HALVED: Final = 4_000
"""Settings whose halves are compared, which takes a second; of more, so many are drawn."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is said of a run's settings, and of the run.

    Attributes
    ----------
    columns : pyarrow.Table
        The columns of a ranking that metrics lack, one row a row of the metrics and in their order.
    run : dict of str to float or None
        ``pbo``, ``spa_p_value``, ``effective_trials``; None where undefined.
    """

    columns: pa.Table
    run: dict[str, float | None]


@dataclass(frozen=True, slots=True)
class _Pair:
    """What is kept of a pair's daily returns."""

    moments: Moments
    sums: BlockSums | None
    kept: KeptReturns

    @property
    def keeps_all(self) -> bool:
        return len(self.kept.strategies) == int(np.count_nonzero(self.moments.days))


def judge_run(store: ResultStore, receipts: Sequence[Receipt], metrics: Sequence[pa.Table]) -> Judgement:
    """Judge all settings of a run's pairs together.

    Parameters
    ----------
    store : ResultStore
    receipts : sequence of Receipt
        In order of the pairs, so that it does not show in which one they were computed.
    metrics : sequence of pyarrow.Table
        Of the same pairs, METRICS_SCHEMA.

    Raises
    ------
    DamagedError
        A stored result is not what was committed.
    StorageError
        It cannot be read.
    """
    pairs = [_read(store, receipt, table) for receipt, table in zip(receipts, metrics, strict=True)]
    trials = described_trials([store.commit_of(receipt.pair, receipt.key)["details"]["trials"] for receipt in receipts])
    moments = Moments.joined([pair.moments for pair in pairs])
    trades = np.concatenate([array_of(table["trades"].combine_chunks(), np.int64) for table in metrics])
    enough = enough_data(moments, trades)
    seed = int.from_bytes(sha256("".join(receipt.key for receipt in receipts).encode()).digest()[:4])
    run = {
        "pbo": _overfitting(pairs, seed),
        "spa_p_value": _superiority(pairs, enough, seed),
        "effective_trials": trials.effective,
    }
    return Judgement(_columns(judge(moments, trades, trials), trials), run)


def _read(store: ResultStore, receipt: Receipt, metrics: pa.Table) -> _Pair:
    table = store.read_moments(receipt.pair, receipt.key)
    if len(table) != len(metrics):
        raise DamagedError(
            f"{store.folder(receipt.pair, receipt.key)}: expected the moments of {len(metrics)} strategies, "
            f"found {len(table)}; remove the entry and run again"
        )
    kept = kept_returns(store.read_returns(receipt.pair, receipt.key))
    return _Pair(moments_of(table), block_sums_of(table), kept)


def _overfitting(pairs: Sequence[_Pair], seed: int) -> float | None:
    sums = _block_sums(pairs)
    if sums is None:
        return None
    if len(sums.returns) > _MOST_HALVED:
        drawn = np.random.default_rng(seed).choice(len(sums.returns), _MOST_HALVED, replace=False)
        drawn.sort()
        sums = BlockSums(sums.returns[drawn], sums.squares[drawn])
    found = overfitting_of(sums)
    return None if found is None else found.pbo


def _block_sums(pairs: Sequence[_Pair]) -> BlockSums | None:
    """Return sums of all settings over blocks of the same dates; None where they cannot be had."""
    matrix = _matrix(pairs)
    if matrix is not None:
        return BlockSums.of(matrix) if matrix.shape[1] >= BLOCKS else None
    dates = [pair.kept.dates for pair in pairs if pair.sums is not None]
    sums = [pair.sums for pair in pairs if pair.sums is not None]
    if not sums or any(not np.array_equal(dates[0], others) for others in dates[1:]):
        return None
    return BlockSums.joined(sums)


def _superiority(pairs: Sequence[_Pair], enough: BoolArray, seed: int) -> float | None:
    matrix = _matrix(pairs)
    if matrix is None:
        return None
    has_returns = np.concatenate([pair.moments.days > 0 for pair in pairs])
    return spa_test(matrix[enough[has_returns]], seed=seed)


def _matrix(pairs: Sequence[_Pair]) -> NDArray[np.float32] | None:
    """Return the daily returns of all settings on the same days; None where not all are kept, or they are too many."""
    days = len(_all_dates(pairs))
    settings = sum(len(pair.kept.strategies) for pair in pairs)
    if settings * days > _MOST_NUMBERS or not all(pair.keeps_all for pair in pairs):
        return None
    return aligned([(pair.kept.dates, pair.kept.returns) for pair in pairs if pair.kept.strategies])[1]


def _all_dates(pairs: Sequence[_Pair]) -> Int64Array:
    dates: Int64Array = np.unique(np.concatenate([np.empty(0, np.int64), *(pair.kept.dates for pair in pairs)]))
    return dates


def _columns(found: Findings, trials: Trials) -> pa.Table:
    settings = len(found.verdict)
    undefined: FloatArray = np.full(settings, np.nan)
    columns = {
        "probabilistic_sharpe": nullable_numbers(found.probabilistic_sharpe),
        "deflated_sharpe": nullable_numbers(found.deflated_sharpe),
        "effective_trials": arrow_column(pa.float64(), np.full(settings, trials.effective)),
        "min_track_record_days": nullable_numbers(found.min_track_record_days),
        "q_value": nullable_numbers(found.q_value),
        "neighbours_sharpe": nullable_numbers(undefined),
        "verdict": column_of(pa.string(), found.verdict.tolist()),
    }
    return pa.Table.from_arrays([columns[name] for name in FINDINGS_COLUMNS], names=list(FINDINGS_COLUMNS))
