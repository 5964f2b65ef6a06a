"""Bars against a naive grouping, and the rules of DESIGN: half-open, named by opening, no empty bars."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from naive_engine import naive_bars

from necrozma_core.errors import UsageError
from necrozma_core.market.bar_building import bars_from_ticks
from necrozma_core.market.instruments import get_pair
from necrozma_core.market.ticks import Ticks
from necrozma_core.market.timeframes import format_timeframe, parse_timeframe


def ticks_at(times: list[int], bids: list[int], spread: int = 2) -> Ticks:
    bid = np.array(bids, np.int32)
    return Ticks(get_pair("EURUSD"), 5, np.array(times, np.int64), bid, (bid + spread).astype(np.int32))


@given(
    st.lists(st.tuples(st.integers(0, 500_000), st.integers(1, 10**9 - 50), st.integers(0, 50)), max_size=200),
    st.sampled_from([1, 1_000, 60_000, 300_000]),
)
def test_bars_any_ticks_equal_naive_grouping(rows: list[tuple[int, int, int]], timeframe_ms: int) -> None:
    rows.sort(key=lambda row: row[0])
    time = np.array([row[0] for row in rows], np.int64)
    bid = np.array([row[1] for row in rows], np.int32)
    ask = np.array([row[1] + row[2] for row in rows], np.int32)
    ticks = Ticks(get_pair("EURUSD"), 5, time, bid, ask)
    bars = bars_from_ticks(ticks, timeframe_ms)
    expected = naive_bars(ticks, timeframe_ms)
    assert bars.open_time_ms.tolist() == [bar.opens_at for bar in expected]
    assert bars.tick_count.tolist() == [len(bar.ticks) for bar in expected]
    assert bars.first_tick.tolist() == [bar.ticks[0] for bar in expected] + [len(ticks)]
    sums = bid.astype(np.int64) + ask
    for points, series in ((bars.bid_points, bid), (bars.ask_points, ask), (bars.mid2_points, sums)):
        values = [[int(series[tick]) for tick in bar.ticks] for bar in expected]
        assert points.tolist() == [[group[0], max(group), min(group), group[-1]] for group in values]


def test_bars_tick_on_the_boundary_opens_the_next_bar() -> None:
    bars = bars_from_ticks(ticks_at([0, 59_999, 60_000], [10, 11, 12]), 60_000)
    assert bars.open_time_ms.tolist() == [0, 60_000]
    assert bars.bid_points[:, 3].tolist() == [11, 12]


def test_bars_weekend_makes_no_bars() -> None:
    friday, sunday = 1_700_254_740_000, 1_700_427_600_000
    assert len(bars_from_ticks(ticks_at([friday, sunday], [10, 11]), 60_000)) == 2


def test_bars_prices_are_float_views_of_the_points_and_cannot_be_changed() -> None:
    bars = bars_from_ticks(ticks_at([0, 1, 2], [100_000, 100_010, 99_990]), 60_000)
    assert (bars.bid_high[0], bars.bid_low[0], bars.ask_open[0]) == (1.0001, 0.9999, 1.00002)
    assert bars.mid_close[0] == 0.99991
    assert bars.mid_close is bars.mid_close
    with pytest.raises(ValueError, match="read-only"):
        bars.mid_close[0] = 2.0
    assert bars.open_time[0] == np.datetime64("1970-01-01T00:00:00.000")


def test_bars_memo_over_its_size_forgets_the_oldest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("necrozma_core.market.bars.MEMO_BYTES", 100)
    bars = bars_from_ticks(ticks_at([0], [10]), 60_000)
    calls: list[str] = []

    def compute(name: str) -> np.ndarray:
        calls.append(name)
        return np.zeros(8)

    for name in ("a", "b", "a"):
        bars.remember(name, lambda name=name: compute(name))
    assert calls == ["a", "b", "a"]


@pytest.mark.parametrize(
    ("text", "timeframe_ms"),
    [("30s", 30_000), ("1min", 60_000), ("5min", 300_000), ("5m", 300_000), ("1h", 3_600_000), ("1D", 86_400_000)],
)
def test_timeframe_known_text_is_read(text: str, timeframe_ms: int) -> None:
    assert parse_timeframe(text) == timeframe_ms
    assert parse_timeframe(format_timeframe(timeframe_ms)) == timeframe_ms


@pytest.mark.parametrize("text", ["", "5", "min", "0min", "-5min", "7min", "5 parsecs", "2d", "1.5h", "５min"])
def test_timeframe_anything_else_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="timeframe"):
        parse_timeframe(text)


@given(
    st.lists(st.tuples(st.integers(-3 * 86_400_000, 10 * 86_400_000), st.integers(1, 10**9 - 50), st.integers(0, 50)),
             min_size=1, max_size=200),
    st.sampled_from(["1s", "5s", "30s", "1min", "3min", "5min", "15min", "30min", "1h", "2h", "4h", "8h", "12h", "1d"]),
)  # fmt: skip
def test_bars_of_any_ticks_equal_those_of_pandas(rows: list[tuple[int, int, int]], timeframe: str) -> None:
    rows.sort(key=lambda row: row[0])
    times = [1_700_000_000_000 + row[0] for row in rows]
    bid = np.array([row[1] for row in rows], np.int32)
    ask = np.array([row[1] + row[2] for row in rows], np.int32)
    frame = pd.DataFrame({"bid": bid, "ask": ask, "mid2": bid.astype(np.int64) + ask}, pd.to_datetime(times, unit="ms"))

    bars = bars_from_ticks(
        Ticks(get_pair("EURUSD"), 5, np.array(times, np.int64), bid, ask), parse_timeframe(timeframe)
    )

    groups = frame.resample(timeframe.replace("d", "D"))
    counts = groups["bid"].count()
    full = counts > 0
    assert bars.tick_count.tolist() == counts[full].tolist()
    assert bars.open_time.astype("datetime64[ms]").tolist() == counts[full].index.to_numpy("datetime64[ms]").tolist()
    for points, series in ((bars.bid_points, "bid"), (bars.ask_points, "ask"), (bars.mid2_points, "mid2")):
        prices = groups[series].ohlc()[full]
        assert points.tolist() == prices.astype(np.int64).to_numpy().tolist()
