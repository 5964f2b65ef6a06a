"""The columns of the Parquet files of results, by name, type and null rule; ``docs/parquet.md`` gives their units.

A schema carries its version in its metadata (``necrozma.schema = "trades/2"``). Columns may be added at the end
within a version; a column that goes, or changes its meaning, makes the next one.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import pyarrow as pa

from necrozma_core.engine.trades import ExitReason
from necrozma_core.storage.disk.schema_names import SCHEMA_KEY

SIDES: Final = ("short", "long")
EXIT_REASONS: Final = tuple(reason.label for reason in ExitReason)
"""As stored; the position is the value of `ExitReason`."""

_TIME: Final = pa.timestamp("ms", "UTC")
_SETTINGS_FIELDS: Final = (
    pa.field("pair", pa.string(), nullable=False),
    pa.field("timeframe", pa.string(), nullable=False),
    pa.field("strategy", pa.string(), nullable=False),
    pa.field("params", pa.string(), nullable=False),
    pa.field("stop_loss_pips", pa.float64()),
    pa.field("take_profit_pips", pa.float64()),
    pa.field("lots", pa.float64(), nullable=False),
)
_FIGURE_FIELDS: Final = (
    pa.field("trades", pa.int64(), nullable=False),
    pa.field("win_rate", pa.float64()),
    pa.field("profit_factor", pa.float64()),
    pa.field("net_profit", pa.float64()),
    pa.field("total_return", pa.float64()),
    pa.field("sharpe", pa.float64()),
    pa.field("sortino", pa.float64()),
    pa.field("calmar", pa.float64()),
    pa.field("max_drawdown", pa.float64()),
    pa.field("ulcer_index", pa.float64()),
    pa.field("expectancy", pa.float64()),
    pa.field("few_trades", pa.bool_(), nullable=False),
    pa.field("annual_return", pa.float64()),
    pa.field("annual_volatility", pa.float64()),
    pa.field("recovery_factor", pa.float64()),
    pa.field("average_win", pa.float64()),
    pa.field("average_loss", pa.float64()),
    pa.field("largest_win", pa.float64()),
    pa.field("largest_loss", pa.float64()),
    pa.field("commission", pa.float64()),
    pa.field("swap", pa.float64()),
    pa.field("exposure", pa.float64()),
    pa.field("exits_stop_loss", pa.int64(), nullable=False),
    pa.field("exits_take_profit", pa.int64(), nullable=False),
    pa.field("exits_signal", pa.int64(), nullable=False),
    pa.field("exits_end_of_data", pa.int64(), nullable=False),
)
_NOTE_FIELD: Final = pa.field("note", pa.string())
_DAYS_FIELDS: Final = (
    pa.field("days", pa.int64(), nullable=False),
    pa.field("few_days", pa.bool_(), nullable=False),
    pa.field("constant_returns", pa.bool_(), nullable=False),
)
"""Figures too, added later: columns come at the end."""
HOLDOUT_PREFIX: Final = "holdout_"
"""What columns begin with that say how a strategy did in a hold-out; nothing is ranked by them."""
_RANGE_FIELD: Final = pa.field("exits_end_of_range", pa.int64(), nullable=False)
_ORIGIN_FIELD: Final = pa.field("made_from", pa.string(), nullable=False)
_HOLDOUT_FIELDS: Final = (
    pa.field("holdout_trades", pa.int64()),
    pa.field("holdout_win_rate", pa.float64()),
    pa.field("holdout_profit_factor", pa.float64()),
    pa.field("holdout_net_profit", pa.float64()),
    pa.field("holdout_sharpe", pa.float64()),
    pa.field("holdout_max_drawdown", pa.float64()),
)
_ORDER_FIELDS: Final = (
    pa.field("exits_trailing_stop", pa.int64(), nullable=False),
    pa.field("exits_break_even", pa.int64(), nullable=False),
    pa.field("exits_time", pa.int64(), nullable=False),
    pa.field("exits_session", pa.int64(), nullable=False),
    pa.field("exits_partial_target", pa.int64(), nullable=False),
    pa.field("exits_stop_out", pa.int64(), nullable=False),
    pa.field("stale_entries", pa.int64(), nullable=False),
)
_EXITS_DRAWDOWN_FIELD: Final = pa.field("max_drawdown_at_exits", pa.float64())
_ACCOUNT_FIELDS: Final = (
    pa.field("size", pa.string()),
    pa.field("entries_not_afforded", pa.int64()),
    pa.field("fixed_net_profit", pa.float64()),
    pa.field("fixed_sharpe", pa.float64()),
    pa.field("fixed_max_drawdown", pa.float64()),
)
"""What sizes came to; null in files of releases that had fixed lots alone."""

TRADES_SCHEMA: Final = pa.schema(
    [
        pa.field("strategy", pa.string(), nullable=False),
        pa.field("side", pa.string(), nullable=False),
        pa.field("entry_time", _TIME, nullable=False),
        pa.field("exit_time", _TIME, nullable=False),
        pa.field("entry_price", pa.float64(), nullable=False),
        pa.field("exit_price", pa.float64(), nullable=False),
        pa.field("lots", pa.float64(), nullable=False),
        pa.field("pips", pa.float64(), nullable=False),
        pa.field("profit", pa.float64(), nullable=False),
        pa.field("commission", pa.float64(), nullable=False),
        pa.field("swap", pa.float64(), nullable=False),
        pa.field("exit_reason", pa.string(), nullable=False),
        pa.field("mae_pips", pa.float64(), nullable=False),
        pa.field("mfe_pips", pa.float64(), nullable=False),
    ],
    metadata={SCHEMA_KEY: b"trades/2"},
)
"""One row a trade, strategy by strategy, in order of entry. Pair and timeframe are in the file's metadata."""

METRICS_SCHEMA: Final = pa.schema(
    [
        *_SETTINGS_FIELDS,
        *_FIGURE_FIELDS,
        _NOTE_FIELD,
        *_DAYS_FIELDS,
        _RANGE_FIELD,
        _ORIGIN_FIELD,
        *_HOLDOUT_FIELDS,
        *_ORDER_FIELDS,
        _EXITS_DRAWDOWN_FIELD,
        *_ACCOUNT_FIELDS,
    ],
    metadata={SCHEMA_KEY: b"metrics/2"},
)
"""One row a strategy on a pair. A figure that is undefined is null, never 0, infinity or NaN."""

RETURNS_SCHEMA: Final = pa.schema(
    [
        pa.field("strategy", pa.string(), nullable=False),
        pa.field("day", pa.date32(), nullable=False),
        pa.field("return", pa.float32(), nullable=False),
    ],
    metadata={SCHEMA_KEY: b"returns/1"},
)
"""One row a trading day of a strategy, strategy by strategy, the same days for all; of some of the strategies."""

_BLOCKS: Final = pa.list_(pa.field("element", pa.float64(), nullable=False))
MOMENTS_SCHEMA: Final = pa.schema(
    [
        pa.field("strategy", pa.string(), nullable=False),
        pa.field("days", pa.int32(), nullable=False),
        pa.field("winning_days", pa.int32(), nullable=False),
        pa.field("losing_days", pa.int32(), nullable=False),
        pa.field("sharpe", pa.float64()),
        pa.field("skew", pa.float64()),
        pa.field("kurtosis", pa.float64()),
        pa.field("block_returns", _BLOCKS),
        pa.field("block_squares", _BLOCKS),
    ],
    metadata={SCHEMA_KEY: b"moments/1"},
)
"""One row a strategy: the shape of its daily returns, and their sums over blocks of days; rows as of the metrics."""

_FINDINGS_FIELDS: Final = (
    pa.field("probabilistic_sharpe", pa.float64()),
    pa.field("deflated_sharpe", pa.float64()),
    pa.field("effective_trials", pa.float64()),
    pa.field("min_track_record_days", pa.float64()),
    pa.field("q_value", pa.float64()),
    pa.field("neighbours_sharpe", pa.float64()),
    pa.field("verdict", pa.string()),
)
FINDINGS_COLUMNS: Final = tuple(field.name for field in _FINDINGS_FIELDS)
"""What says how much of a strategy's figures is luck; null in files of releases that did not judge."""

RANKING_SCHEMA: Final = pa.schema(
    [pa.field("rank", pa.int32(), nullable=False), *METRICS_SCHEMA, *_FINDINGS_FIELDS],
    metadata={SCHEMA_KEY: b"ranking/2"},
)
"""One row a strategy on a pair, over all pairs of a run, best first; ``rank`` counts from 1."""


def _as_it_was(table: pa.Table) -> pa.Table:
    return table


def _of_exits(table: pa.Table) -> pa.Table:
    # The drawdown was that at exits and day ends, and the figures that rest on it were.
    nothing = pa.nulls(len(table), pa.float64())
    names = [{"max_drawdown": "max_drawdown_at_exits"}.get(name, name) for name in table.schema.names]
    table = table.rename_columns(names)
    for name in ("calmar", "recovery_factor"):
        if name in names:
            table = table.set_column(names.index(name), name, nothing)
    return table


EARLIER: Final[Mapping[str, Callable[[pa.Table], pa.Table]]] = MappingProxyType(
    {"trades/1": _as_it_was, "metrics/1": _of_exits, "ranking/1": _of_exits}
)
"""Versions of these schemas that are read as well, and what makes their columns mean what they mean now.

Version 2 has the drawdown as it was lived, the size of each trade, and the exits of every order.
"""

GOVERNOR_SCHEMA: Final = pa.schema(
    [
        pa.field("time", _TIME, nullable=False),
        pa.field("capacity", pa.float64()),
        pa.field("total", pa.float64()),
        pa.field("steal", pa.float64()),
        pa.field("ours", pa.float64()),
        pa.field("workers", pa.float64()),
        pa.field("memory_available_mb", pa.float64()),
        pa.field("memory_workers_mb", pa.float64()),
        pa.field("temperature_c", pa.float64()),
        pa.field("battery_percent", pa.float64()),
        pa.field("pressure_percent", pa.float64()),
        pa.field("busy_workers", pa.float64(), nullable=False),
        pa.field("allowance", pa.float64(), nullable=False),
        pa.field("resting", pa.bool_(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("message", pa.string()),
    ],
    metadata={SCHEMA_KEY: b"governor/1"},
)
"""One row a look of the governor at the machine: what it read, null where a sensor had nothing, and what it decided."""
