"""All strategies of a run in order of merit."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from necrozma_core.storage.disk.columns import arrow_column
from necrozma_core.storage.results.schemas import METRICS_SCHEMA, RANKING_SCHEMA

_FALLING: Final = ("group", "sharpe", "net_profit")
_TIES: Final = tuple(dict.fromkeys(("pair", "strategy", *METRICS_SCHEMA.names)))
"""What decides between equal figures: in the end every column, so that the order of input never shows."""


def rank_metrics(tables: Sequence[pa.Table]) -> pa.Table:
    """Rank the strategies of all pairs.

    First come strategies with thirty trades or more and a Sharpe ratio, then those with fewer trades, then those
    without a Sharpe ratio; each group by Sharpe ratio, then by net profit, both falling, then by pair and name.

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
    # The groups' numbers: one for a Sharpe ratio, and one more for enough trades behind it.
    defined = pc.invert(pc.is_null(table["sharpe"], nan_is_null=True))
    enough = pc.and_(defined, pc.invert(table["few_trades"]))
    group = pc.add(defined.cast(pa.int8()), enough.cast(pa.int8()))
    keys = table.append_column("group", group)
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
