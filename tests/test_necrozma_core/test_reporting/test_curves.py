"""The account by closed trades, from memory and from stored trades."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from storage_samples import KEY, METADATA, random_table

from necrozma_core.errors import DamagedError
from necrozma_core.reporting import curves
from necrozma_core.reporting.charts import equity_svg
from necrozma_core.reporting.curves import balance_curve, read_curve
from necrozma_core.storage.results.schemas import TRADES_SCHEMA
from necrozma_core.storage.results.store import ResultStore

NEW_YORK = ZoneInfo("America/New_York")
# Three years around the changes of the clock.
TIMES = st.integers(1_672_531_200_000, 1_767_225_600_000)


def closing_day(time_ms: int) -> int:
    """By the wall clock in New York: from 17:00 on it is the next day."""
    local = datetime.fromtimestamp(time_ms / 1000, UTC).astimezone(NEW_YORK)
    return local.date().toordinal() + (local.hour >= 17)


def test_balance_curve_without_trades_is_empty():
    curve = balance_curve(np.empty(0, np.int64), np.empty(0), 10_000.0)
    assert len(curve.time_ms) == len(curve.day_end) == len(curve.path) == 0
    assert equity_svg(curve, "nothing").startswith("<svg")


@given(st.lists(st.tuples(TIMES, st.integers(-500, 500)), min_size=1, max_size=60))
def test_balance_curve_has_the_last_balance_of_each_trading_day(exits):
    exits = sorted(exits)
    expected, balance = {}, 10_000.0
    for time_ms, net in exits:
        balance += net
        expected[closing_day(time_ms)] = (time_ms, balance)
    curve = balance_curve(np.array([time for time, _ in exits]), np.array([net for _, net in exits], float), 10_000.0)
    assert list(zip(curve.time_ms.tolist(), curve.day_end.tolist(), strict=True)) == list(expected.values())
    assert curve.initial_balance == 10_000.0
    assert curve.path[-1] == balance


@pytest.fixture
def store(tmp_path):
    store = ResultStore(tmp_path / "store")
    with store.open_writer("EURUSD", KEY, METADATA) as writer:
        writer.write_trades(random_table(TRADES_SCHEMA, 200))
    return store


def test_read_curve_follows_the_trades_of_one_strategy(store):
    rows = [row for row in store.read_trades("EURUSD", KEY).to_pylist() if row["strategy"] == "alpha"]
    curve = read_curve(store, "EURUSD", KEY, "alpha", 500.0)
    net = [row["profit"] - row["commission"] + row["swap"] for row in rows]
    assert curve.balance.path.tolist() == pytest.approx((500 + np.cumsum(net)).tolist())
    assert (curve.title, curve.note) == ("EURUSD alpha: balance after its closed trades", "")
    assert f"<title>{curve.title}</title>" in curve.svg()


def test_read_curve_of_a_strategy_without_stored_trades_is_none(store):
    assert read_curve(store, "EURUSD", KEY, "another", 500.0) is None


def test_read_curve_of_very_many_trades_reads_none_of_them_and_says_so(store, monkeypatch):
    monkeypatch.setattr(curves, "MOST_TRADES", 199)
    (store.folder("EURUSD", KEY) / "trades.parquet").unlink()
    curve = read_curve(store, "EURUSD", KEY, "alpha", 500.0)
    assert (curve.balance, curve.svg()) == (None, "")
    assert curve.note == "not drawn: 200 trades of this pair are stored, too many to read for a picture"


def test_read_curve_of_damaged_trades_is_refused(store):
    (store.folder("EURUSD", KEY) / "trades.parquet").write_bytes(b"torn")
    with pytest.raises(DamagedError, match=r"trades\.parquet"):
        read_curve(store, "EURUSD", KEY, "alpha", 500.0)
