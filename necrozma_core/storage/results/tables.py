"""Figures and trades laid out as the schemas ask."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from necrozma_core.engine.trades import Trades
from necrozma_core.market.arrays import FloatArray
from necrozma_core.metrics.account import AccountFigures
from necrozma_core.metrics.figures import HoldoutFigures, Metrics
from necrozma_core.money.costs import Money
from necrozma_core.storage.disk.columns import arrow_column, coded_column, column_of
from necrozma_core.storage.disk.schema_names import coded
from necrozma_core.storage.results.schemas import (
    _ACCOUNT_FIELDS,
    _DAYS_FIELDS,
    _EXITS_DRAWDOWN_FIELD,
    _FIGURE_FIELDS,
    _HOLDOUT_FIELDS,
    _NOTE_FIELD,
    _ORDER_FIELDS,
    _ORIGIN_FIELD,
    _RANGE_FIELD,
    _TIME,
    EXIT_REASONS,
    HOLDOUT_PREFIX,
    METRICS_SCHEMA,
    SIDES,
    TRADES_SCHEMA,
)


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
    account : AccountFigures
        What sizes came to.
    note : str or None
        Why there is no trade, or why figures are null.
    holdout : HoldoutFigures or None
        None where nobody looked.
    """

    strategy: str
    params: Mapping[str, str | int | float | bool]
    stop_loss_pips: float | None
    take_profit_pips: float | None
    metrics: Metrics
    account: AccountFigures
    note: str | None = None
    holdout: HoldoutFigures | None = None


def metrics_table(pair: str, timeframe: str, rows: Sequence[MetricsRow], made_from: str = "ticks") -> pa.Table:
    """Lay out the figures of some strategies on one pair as METRICS_SCHEMA asks.

    Parameters
    ----------
    pair, timeframe : str
        ``EURUSD``, ``5min``.
    rows : sequence of MetricsRow
    made_from : str
        ``ticks``, or ``1h bars``.

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
        "lots": [row.account.lots for row in rows],
        "size": [row.account.size for row in rows],
    }
    for field in (*_FIGURE_FIELDS, *_DAYS_FIELDS, _RANGE_FIELD, *_ORDER_FIELDS, _EXITS_DRAWDOWN_FIELD):
        values[field.name] = [_defined(getattr(row.metrics, field.name)) for row in rows]
    for field in _ACCOUNT_FIELDS[1:]:
        values[field.name] = [_defined(getattr(row.account, field.name)) for row in rows]
    for field in _HOLDOUT_FIELDS:
        name = field.name.removeprefix(HOLDOUT_PREFIX)
        values[field.name] = [_defined(getattr(row.holdout, name)) if row.holdout else None for row in rows]
    values[_ORIGIN_FIELD.name] = [made_from] * len(rows)
    values[_NOTE_FIELD.name] = [row.note for row in rows]
    columns = [column_of(field.type, values[field.name]) for field in METRICS_SCHEMA]
    return pa.Table.from_arrays(columns, schema=METRICS_SCHEMA)


def trades_table(
    strategy: str,
    trades: Trades,
    money: Money,
    lots: FloatArray | float,
    excursions: tuple[FloatArray, FloatArray],
    points_per_pip: float,
) -> pa.Table:
    """Lay out the trades of one strategy as TRADES_SCHEMA asks, with dictionaries for strings.

    Parameters
    ----------
    strategy : str
    trades : Trades
    money : Money
        The same trades in the account's currency.
    lots : float64 array, shape (n_trades,), or float
        Size of each trade, or of every one.
    excursions : tuple of float64 arrays, shape (n_trades,)
        How far each trade went against the account and in its favour, points.
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
        "lots": _numbers(np.broadcast_to(np.asarray(lots, np.float64), (count,))),
        "pips": _numbers(trades.points / points_per_pip),
        "profit": _numbers(money.profit),
        "commission": _numbers(money.commission),
        "swap": _numbers(money.swap),
        "exit_reason": coded_column(trades.reason, EXIT_REASONS),
        "mae_pips": _numbers(excursions[0] / points_per_pip),
        "mfe_pips": _numbers(excursions[1] / points_per_pip),
    }
    return pa.Table.from_arrays(list(columns.values()), schema=coded(TRADES_SCHEMA))


def _numbers(values: "np.typing.NDArray[np.float64]") -> pa.Array:
    return arrow_column(pa.float64(), values)


def _defined(value: float | None) -> float | None:
    return value if value is None or math.isfinite(value) else None
