"""All strategies of a run in order of merit."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from necrozma_core.metrics.merit import CONSTANT, ENOUGH, NO_SHARPE
from necrozma_core.storage.disk.columns import arrow_column, scalar_of
from necrozma_core.storage.results.schemas import FINDINGS_COLUMNS, HOLDOUT_PREFIX, METRICS_SCHEMA, RANKING_SCHEMA

_TIES: Final = tuple(
    name for name in dict.fromkeys(("pair", "strategy", *METRICS_SCHEMA.names)) if not name.startswith(HOLDOUT_PREFIX)
)
"""What decides between equal figures: every column but a hold-out's in the end; the order of input never shows."""


class RankBy(StrEnum):
    """What the strategies of a group are ordered by first."""

    DEFLATED_SHARPE = "deflated_sharpe"
    SHARPE = "sharpe"
    NET_PROFIT = "net_profit"


_FALLING: Final[Mapping[RankBy, tuple[str, ...]]] = {
    RankBy.DEFLATED_SHARPE: ("group", "deflated", "ratio", "net_profit"),
    RankBy.SHARPE: ("group", "ratio", "net_profit"),
    RankBy.NET_PROFIT: ("group", "net_profit", "ratio"),
}


def rank_metrics(
    tables: Sequence[pa.Table], judged: pa.Table | None = None, by: RankBy = RankBy.DEFLATED_SHARPE
) -> pa.Table:
    """Rank the strategies of all pairs.

    First come strategies with a Sharpe ratio of thirty trades and thirty days or more, then those that lack one of
    them, then those that lack both, then those of practically constant returns, then those without a Sharpe ratio.
    The first group is ordered by deflated Sharpe ratio, then each by Sharpe ratio (the last two by none), then by net
    profit, all falling, then by pair and name; what is asked for comes first. Where nothing was judged, that is the
    order of :func:`necrozma_core.metrics.merit.merit` of single strategies.

    Parameters
    ----------
    tables : sequence of pyarrow.Table
        Of ``METRICS_SCHEMA``, in any order; possibly none.
    judged : pyarrow.Table, optional
        The columns that say how much is luck (``FINDINGS_COLUMNS``) of the same rows; null in the ranking without.
    by : RankBy

    Returns
    -------
    pyarrow.Table
        Of ``RANKING_SCHEMA``: every row, with ``rank`` from 1.
    """
    table = pa.concat_tables(
        [pa.Table.from_batches([], METRICS_SCHEMA), *(table.cast(METRICS_SCHEMA) for table in tables)]
    )
    for name in FINDINGS_COLUMNS:
        field = RANKING_SCHEMA.field(name)
        table = table.append_column(field, pa.nulls(len(table), field.type) if judged is None else judged[name])
    group = _groups(table)
    ratio = pc.if_else(pc.greater(group, CONSTANT), table["sharpe"], 0.0)
    deflated = pc.if_else(pc.equal(group, ENOUGH), table["deflated_sharpe"], scalar_of(pa.float64(), None))
    keys = table.append_column("group", group).append_column("ratio", ratio).append_column("deflated", deflated)
    falling = [(name, "descending") for name in _FALLING[by]]
    rising = [(name, "ascending") for name in _TIES if name not in _FALLING[by]]
    order = pc.sort_indices(keys, sort_keys=falling + rising)
    ranks = arrow_column(pa.int32(), np.arange(1, len(table) + 1, dtype=np.int32))
    ranked = table.take(order).add_column(0, RANKING_SCHEMA.field("rank"), ranks)
    return ranked.cast(RANKING_SCHEMA).combine_chunks()


def best_of_pairs(ranking: pa.Table) -> pa.Table:
    """Return the first row of each pair, by the pairs' names; without rows where the ranking has none."""
    first: dict[str, int] = {}
    for row, pair in enumerate(ranking["pair"].to_pylist()):
        first.setdefault(pair, row)
    return ranking.take(arrow_column(pa.int64(), np.array([first[pair] for pair in sorted(first)], np.int64)))


def _groups(table: pa.Table) -> pa.ChunkedArray:
    """Return the group of each row, as `merit` numbers them."""
    lacking = pc.add(table["few_trades"].cast(pa.int8()), table["few_days"].cast(pa.int8()))
    group = pc.if_else(table["constant_returns"], CONSTANT, pc.subtract(ENOUGH, lacking))
    return pc.if_else(pc.is_null(table["sharpe"], nan_is_null=True), NO_SHARPE, group)
