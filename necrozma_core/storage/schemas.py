"""The columns of the Parquet files of results, by name, type and null rule; ``docs/parquet.md`` gives their units.

A schema carries its version in its metadata (``necrozma.schema = "trades/1"``). Columns may be added at the end
within a version; a column that goes, or changes its meaning, makes the next one.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from necrozma_core.storage.columns import arrow_column, coded_column, column_of

if TYPE_CHECKING:
    # Reading results must not cost the start of the compiler, which these modules load.
    from necrozma_core.costs import Money
    from necrozma_core.metrics import Metrics
    from necrozma_core.simulation import Trades

SCHEMA_KEY: Final = b"necrozma.schema"
"""The metadata key under which a file names its schema and version."""

SIDES: Final = ("short", "long")
EXIT_REASONS: Final = ("stop_loss", "take_profit", "signal", "end_of_data")
"""As stored; the position is the value of ``simulation.ExitReason``."""

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
    ],
    metadata={SCHEMA_KEY: b"trades/1"},
)
"""One row a trade, strategy by strategy, in order of entry. Pair and timeframe are in the file's metadata."""

METRICS_SCHEMA: Final = pa.schema(
    [*_SETTINGS_FIELDS, *_FIGURE_FIELDS, _NOTE_FIELD], metadata={SCHEMA_KEY: b"metrics/1"}
)
"""One row a strategy on a pair. A figure that is undefined is null, never 0, infinity or NaN."""

RANKING_SCHEMA: Final = pa.schema(
    [pa.field("rank", pa.int32(), nullable=False), *METRICS_SCHEMA], metadata={SCHEMA_KEY: b"ranking/1"}
)
"""One row a strategy on a pair, over all pairs of a run, best first; ``rank`` counts from 1."""

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


@dataclass(frozen=True, slots=True)
class MetricsRow:
    """One strategy's line of the metrics file.

    Attributes
    ----------
    strategy : str
    params : mapping
        The strategy's settings; stored as JSON with sorted keys.
    stop_loss_pips, take_profit_pips : float or None
    metrics : Metrics
    note : str or None
        Why there is no trade, or why a figure is null.
    """

    strategy: str
    params: Mapping[str, str | int | float | bool]
    stop_loss_pips: float | None
    take_profit_pips: float | None
    metrics: "Metrics"
    note: str | None = None


def metrics_table(pair: str, timeframe: str, lots: float, rows: Sequence[MetricsRow]) -> pa.Table:
    """Lay out the figures of some strategies on one pair as METRICS_SCHEMA asks.

    Parameters
    ----------
    pair, timeframe : str
        ``EURUSD``, ``5min``.
    lots : float
        Size of every trade.
    rows : sequence of MetricsRow

    Returns
    -------
    pyarrow.Table
        One row each, in their order. A figure that is not a finite number becomes null.
    """
    values: dict[str, Sequence[Any]] = {
        "pair": [pair] * len(rows),
        "timeframe": [timeframe] * len(rows),
        "strategy": [row.strategy for row in rows],
        "params": [json.dumps(dict(row.params), sort_keys=True, allow_nan=False) for row in rows],
        "stop_loss_pips": [row.stop_loss_pips for row in rows],
        "take_profit_pips": [row.take_profit_pips for row in rows],
        "lots": [lots] * len(rows),
    }
    for field in _FIGURE_FIELDS:
        values[field.name] = [_defined(getattr(row.metrics, field.name)) for row in rows]
    values[_NOTE_FIELD.name] = [row.note for row in rows]
    columns = [column_of(field.type, values[field.name]) for field in METRICS_SCHEMA]
    return pa.Table.from_arrays(columns, schema=METRICS_SCHEMA)


def trades_table(strategy: str, trades: "Trades", money: "Money", lots: float, points_per_pip: float) -> pa.Table:
    """Lay out the trades of one strategy as TRADES_SCHEMA asks, with dictionaries for strings.

    Parameters
    ----------
    strategy : str
    trades : Trades
    money : Money
        The same trades in the account's currency.
    lots : float
        Size of every trade.
    points_per_pip : float
        Of the ticks that were traded.

    Returns
    -------
    pyarrow.Table
        One row a trade, in order of entry; none where there is no trade.
    """
    count = len(trades)
    columns = {
        "strategy": coded_column(np.zeros(count, np.int32), [strategy]),
        "side": coded_column(np.where(trades.side > 0, 1, 0), SIDES),
        "entry_time": arrow_column(_TIME, trades.entry_time_ms),
        "exit_time": arrow_column(_TIME, trades.exit_time_ms),
        "entry_price": _numbers(trades.entry_price),
        "exit_price": _numbers(trades.exit_price),
        "lots": _numbers(np.full(count, lots)),
        "pips": _numbers(trades.points / points_per_pip),
        "profit": _numbers(money.profit),
        "commission": _numbers(money.commission),
        "swap": _numbers(money.swap),
        "exit_reason": coded_column(trades.reason, EXIT_REASONS),
    }
    return pa.Table.from_arrays(list(columns.values()), schema=coded(TRADES_SCHEMA))


def coded(schema: pa.Schema) -> pa.Schema:
    """Return a schema with a dictionary in the place of every string: how labels that repeat are held in memory."""
    dictionary = pa.dictionary(pa.int32(), pa.string())
    fields = [field.with_type(dictionary) if pa.types.is_string(field.type) else field for field in schema]
    return pa.schema(fields, metadata=schema.metadata)


def _numbers(values: "np.typing.NDArray[np.float64]") -> pa.Array:
    return arrow_column(pa.float64(), values)


def with_metadata(schema: pa.Schema, metadata: Mapping[str, str]) -> pa.Schema:
    """Add ``necrozma.<name>`` entries (pair, timeframe, currency) to a schema's metadata, in order of name."""
    extra = {f"necrozma.{name}".encode(): value.encode() for name, value in sorted(metadata.items())}
    return schema.with_metadata({**extra, SCHEMA_KEY: schema.metadata[SCHEMA_KEY]})


def schema_name(schema: pa.Schema) -> str:
    """Return the name and version that a schema carries, ``trades/1``; empty where it carries none."""
    return bytes((schema.metadata or {}).get(SCHEMA_KEY, b"")).decode("utf-8", "replace")


def _defined(value: float | None) -> float | None:
    return value if value is None or math.isfinite(value) else None
