"""All strategies of a run in order of merit."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from necrozma_core.metrics.merit import CONSTANT, ENOUGH, NO_SHARPE
from necrozma_core.storage.disk.columns import arrow_column
from necrozma_core.storage.results.schemas import HOLDOUT_PREFIX, METRICS_SCHEMA, RANKING_SCHEMA

_FALLING: Final = ("group", "ratio", "net_profit")
_TIES: Final = tuple(
    name for name in dict.fromkeys(("pair", "strategy", *METRICS_SCHEMA.names)) if not name.startswith(HOLDOUT_PREFIX)
)
"""What decides between equal figures: every column but a hold-out's in the end; the order of input never shows."""


def rank_metrics(tables: Sequence[pa.Table]) -> pa.Table:
    """Rank the strategies of all pairs.

    First come strategies with a Sharpe ratio of thirty trades and thirty days or more, then those that lack one of
    them, then those that lack both, then those of practically constant returns, then those without a Sharpe ratio.
    Each group is ordered by Sharpe ratio (the last two by none), then by net profit, both falling, then by pair and
    name; :func:`necrozma_core.metrics.merit.merit` is the same order of single strategies.

    Parameters
    ----------
    tables : sequence of pyarrow.Table
        Of ``METRICS_SCHEMA``, in any order; possibly none.

    Returns
    -------
    pyarrow.Table
        Of ``RANKING_SCHEMA``: every row, with ``rank`` from 1.
    """
    table = pa.concat_tables(
        [pa.Table.from_batches([], METRICS_SCHEMA), *(table.cast(METRICS_SCHEMA) for table in tables)]
    )
    group = _groups(table)
    ratio = pc.if_else(pc.greater(group, CONSTANT), table["sharpe"], 0.0)
    keys = table.append_column("group", group).append_column("ratio", ratio)
    falling = [(name, "descending") for name in _FALLING]
    rising = [(name, "ascending") for name in _TIES if name not in _FALLING]
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
