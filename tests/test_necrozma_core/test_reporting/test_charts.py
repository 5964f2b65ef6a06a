"""The balance by closed trades; the picture itself is tested with the report that shows it."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from necrozma_core.reporting.charts import balance_curve, equity_svg

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
