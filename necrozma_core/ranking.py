"""All strategies of a run in order of merit."""

from collections.abc import Sequence
from typing import Final, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from necrozma_core.storage.columns import arrow_column
from necrozma_core.storage.schemas import METRICS_SCHEMA, RANKING_SCHEMA

NO_SHARPE, FEW_TRADES, ENOUGH_TRADES = 0, 1, 2
"""The three groups of a ranking; the highest comes first."""

_FALLING: Final = ("group", "sharpe", "net_profit")
_TIES: Final = tuple(dict.fromkeys(("pair", "strategy", *METRICS_SCHEMA.names)))
"""What decides between equal figures: in the end every column, so that the order of input never shows."""


class Figures(Protocol):
    """What a strategy is ranked by, see `necrozma_core.metrics.Metrics`."""

    @property
    def sharpe(self) -> float | None: ...  # noqa: D102

    @property
    def few_trades(self) -> bool: ...  # noqa: D102

    @property
    def net_profit(self) -> float: ...  # noqa: D102


def merit(metrics: Figures) -> tuple[int, float, float]:
    """Return what a strategy is ranked by; the greater, the better.

    Returns
    -------
    tuple of (int, float, float)
        Its group, its Sharpe ratio (0 where it has none) and its net profit.
    """
    if metrics.sharpe is None:
        return NO_SHARPE, 0.0, metrics.net_profit
    return FEW_TRADES if metrics.few_trades else ENOUGH_TRADES, metrics.sharpe, metrics.net_profit


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
