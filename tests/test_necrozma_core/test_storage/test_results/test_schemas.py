"""Columns by name, type and null rule, and the tables built from the domain's values."""

import json
import math
from dataclasses import fields

import numpy as np
import pyarrow as pa
import pytest

from necrozma_core.engine.trades import ExitReason, Trades
from necrozma_core.metrics.account import AccountFigures
from necrozma_core.metrics.figures import Metrics
from necrozma_core.money.costs import Money
from necrozma_core.storage.disk.schema_names import schema_name, with_metadata
from necrozma_core.storage.results.schemas import (
    EARLIER,
    EXIT_REASONS,
    FINDINGS_COLUMNS,
    METRICS_SCHEMA,
    RANKING_SCHEMA,
    TRADES_SCHEMA,
)
from necrozma_core.storage.results.tables import MetricsRow, metrics_table, trades_table

PROMISED_TRADES = [
    "strategy", "side", "entry_time", "exit_time", "entry_price", "exit_price", "lots", "pips", "profit", "commission",
    "swap", "exit_reason", "mae_pips", "mfe_pips",
]  # fmt: skip
PROMISED_METRICS = [
    "pair", "timeframe", "strategy", "params", "stop_loss_pips", "take_profit_pips", "lots", "trades", "win_rate",
    "profit_factor", "net_profit", "total_return", "sharpe", "sortino", "calmar", "max_drawdown", "ulcer_index",
    "expectancy",
]  # fmt: skip


SIZES = AccountFigures(0.25, "risk:1%", 3, 12.5, None, -0.1)


def figures(**given: float | None) -> Metrics:
    """Make Metrics with every figure undefined and every count 0, but for what is given."""
    undefined = {field.name: None for field in fields(Metrics)}
    whole = {field.name for field in METRICS_SCHEMA if pa.types.is_integer(field.type) and not field.nullable}
    counts = dict.fromkeys(whole & undefined.keys(), 0)
    return Metrics(**(undefined | counts | {"few_trades": True} | given))  # type: ignore[arg-type]


def two_trades() -> tuple[Trades, Money]:
    """A long that hits its stop and a short that is open at the end, in EURUSD of five digits."""
    trades = Trades(
        side=np.array([1, -1], np.int8),
        entry_tick=np.array([0, 5], np.int64),
        exit_tick=np.array([3, 9], np.int64),
        entry_time_ms=np.array([0, 1_700_000_000_123], np.int64),
        exit_time_ms=np.array([999, 1_700_000_100_456], np.int64),
        entry_price=np.array([1.10012, 1.09]),
        exit_price=np.array([1.09912, 1.0885]),
        points=np.array([-100.0, 150.0]),
        reason=np.array([ExitReason.STOP_LOSS, ExitReason.END_OF_DATA], np.int8),
        event=np.array([0, 1]),
        fraction=np.ones(2),
        stop_points=np.full(2, np.nan),
    )
    money = Money(profit=np.array([-10.0, 15.0]), commission=np.array([0.7, 0.7]), swap=np.array([0.0, -0.25]))
    return trades, money


def test_trades_schema_begins_with_the_promised_columns() -> None:
    assert TRADES_SCHEMA.names == PROMISED_TRADES
    assert not any(field.nullable for field in TRADES_SCHEMA)


def test_metrics_schema_begins_with_the_promised_columns() -> None:
    assert METRICS_SCHEMA.names[: len(PROMISED_METRICS)] == PROMISED_METRICS


def test_metrics_schema_holds_every_figure_that_is_measured() -> None:
    assert {field.name for field in fields(Metrics)} <= set(METRICS_SCHEMA.names)


def test_ranking_schema_is_a_rank_the_metrics_and_what_was_found() -> None:
    assert RANKING_SCHEMA.names == ["rank", *METRICS_SCHEMA.names, *FINDINGS_COLUMNS]


@pytest.mark.parametrize(
    ("schema", "name"), [(TRADES_SCHEMA, "trades/2"), (METRICS_SCHEMA, "metrics/2"), (RANKING_SCHEMA, "ranking/2")]
)
def test_schema_name_survives_added_metadata(schema: pa.Schema, name: str) -> None:
    extended = with_metadata(schema, {"timeframe": "5min", "pair": "EURUSD"})

    assert schema_name(schema) == schema_name(extended) == name
    assert extended.metadata[b"necrozma.pair"] == b"EURUSD"


def test_schema_name_of_another_schema_is_empty() -> None:
    assert schema_name(pa.schema([])) == ""


def test_exit_reasons_are_stored_by_these_names_in_this_order() -> None:
    assert EXIT_REASONS == (
        "stop_loss", "take_profit", "signal", "end_of_data", "end_of_range", "trailing_stop", "break_even", "time",
        "session", "partial_target", "stop_out",
    )  # fmt: skip


def test_trades_table_lays_out_every_trade() -> None:
    trades, money = two_trades()

    excursions = np.array([-125.0, -3.0]), np.array([0.0, 170.0])
    table = trades_table("sma", trades, money, 0.1, excursions, points_per_pip=10.0).cast(TRADES_SCHEMA)

    assert table.schema.equals(TRADES_SCHEMA, check_metadata=True)
    rows = table.to_pylist()
    assert rows[0]["side"] == "long"
    assert rows[0]["exit_reason"] == "stop_loss"
    assert rows[0]["entry_time"].isoformat() == "1970-01-01T00:00:00+00:00"
    assert rows[1]["exit_time"].isoformat() == "2023-11-14T22:15:00.456000+00:00"
    del rows[1]["entry_time"], rows[1]["exit_time"]
    assert rows[1] == {
        "strategy": "sma",
        "side": "short",
        "entry_price": 1.09,
        "exit_price": 1.0885,
        "lots": 0.1,
        "pips": 15.0,
        "profit": 15.0,
        "commission": 0.7,
        "swap": -0.25,
        "exit_reason": "end_of_data",
        "mae_pips": -0.3,
        "mfe_pips": 17.0,
    }


def test_trades_table_without_trades_is_empty() -> None:
    trades, money = two_trades()
    none = Trades(
        **{field.name: getattr(trades, field.name)[:0] for field in fields(Trades) if field.name != "stale_entries"}
    )
    nothing = Money(money.profit[:0], money.commission[:0], money.swap[:0])

    table = trades_table("sma", none, nothing, 0.1, (np.empty(0), np.empty(0)), 10.0).cast(TRADES_SCHEMA)

    assert table.num_rows == 0
    assert table.schema.equals(TRADES_SCHEMA)


def test_metrics_table_lays_out_settings_and_figures() -> None:
    row = MetricsRow("sma", {"slow": 20, "fast": 5}, 20.0, None, figures(trades=3, sharpe=1.5), SIZES, "a note")

    table = metrics_table("EURUSD", "5min", [row])

    assert table.schema.equals(METRICS_SCHEMA, check_metadata=True)
    (stored,) = table.to_pylist()
    assert stored["params"] == '{"fast": 5, "slow": 20}'
    assert json.loads(stored["params"]) == {"fast": 5, "slow": 20}
    assert (stored["pair"], stored["timeframe"], stored["lots"]) == ("EURUSD", "5min", 0.25)
    assert (stored["size"], stored["entries_not_afforded"]) == ("risk:1%", 3)
    fixed = stored["fixed_net_profit"], stored["fixed_sharpe"], stored["fixed_max_drawdown"]
    assert fixed == (12.5, None, -0.1)
    assert (stored["stop_loss_pips"], stored["take_profit_pips"]) == (20.0, None)
    assert (stored["trades"], stored["sharpe"], stored["calmar"], stored["note"]) == (3, 1.5, None, "a note")


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_metrics_table_stores_what_is_not_finite_as_null(value: float) -> None:
    row = MetricsRow("sma", {}, None, None, figures(sharpe=value), SIZES)

    assert metrics_table("EURUSD", "5min", [row])["sharpe"].to_pylist() == [None]


def test_metrics_table_of_no_strategies_is_empty() -> None:
    assert metrics_table("EURUSD", "5min", []).num_rows == 0


def test_first_versions_figures_of_exits_are_not_read_as_lived_ones() -> None:
    first = pa.table({"max_drawdown": [-0.1], "calmar": [2.0], "recovery_factor": [3.0], "sharpe": [1.0]})

    for name in ("metrics/1", "ranking/1"):
        read = EARLIER[name](first).to_pylist()
        assert read == [{"max_drawdown_at_exits": -0.1, "calmar": None, "recovery_factor": None, "sharpe": 1.0}]
    assert EARLIER["trades/1"](first) is first
