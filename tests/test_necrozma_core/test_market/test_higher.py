"""Bars of a longer timeframe: those of the ticks themselves, and never one that had not closed."""

import ctypes

import numpy as np
import pytest
from bar_samples import first_bars, make_bars, walking_bars
from hypothesis import given
from hypothesis import strategies as st
from quote_bar_samples import make_bars as make_quote_bars

from necrozma_core.backtest.market_loading import _counted_from
from necrozma_core.errors import UsageError
from necrozma_core.market.bar_building import bars_from_quote_bars, bars_from_ticks
from necrozma_core.market.bar_grid import BarGrid
from necrozma_core.market.bars import Bars, HigherBars
from necrozma_core.market.instruments import get_pair
from necrozma_core.market.lending import LentBars
from necrozma_core.market.ticks import Ticks
from necrozma_core.market.timeframes import format_timeframe, parse_timeframe
from necrozma_core.strategies import indicators

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
MARCH_2026_MS = 1_772_323_200_000
"""New York and London change their clocks in this month, on different Sundays."""

ARRAYS = ("open_time_ms", "bid_points", "ask_points", "mid2_points", "tick_count")
GRIDS = ["00:00 UTC", "17:00 America/New_York", "22:00 UTC", "00:00 Europe/London", "09:30 Asia/Kolkata"]
PAIRS = [
    ("1min", "5min"), ("5min", "1h"), ("1h", "1h"), ("1h", "4h"), ("3min", "12h"), ("4h", "1d"), ("1d", "1d"),
    ("30min", "1d"),
]  # fmt: skip

prices = st.tuples(st.integers(0, 36 * DAY_MS), st.integers(1, 10**9 - 50), st.integers(0, 50))


def ticks_of(rows: list[tuple[int, int, int]]) -> Ticks:
    rows = sorted(rows, key=lambda row: row[0])
    bid = np.array([row[1] for row in rows], np.int32)
    ask = np.array([row[1] + row[2] for row in rows], np.int32)
    return Ticks(get_pair("EURUSD"), 5, np.array([MARCH_2026_MS + row[0] for row in rows], np.int64), bid, ask)


def assert_same(found: Bars, expected: Bars) -> None:
    """Every array of the bars that closed is that of bars made of the ticks."""
    count = len(found)
    for name in ARRAYS:
        one, other = getattr(found, name), getattr(expected, name)[:count]
        assert one.dtype == other.dtype
        assert one.flags.c_contiguous
        assert not one.flags.writeable
        assert one.tolist() == other.tolist()
    assert found.first_tick.dtype == np.int64
    assert found.first_tick.tolist() == expected.first_tick[: count + 1].tolist()
    assert found.close_time_ms.tolist() == expected.close_time_ms[:count].tolist()
    assert (found.timeframe_ms, found.digits, found.grid) == (expected.timeframe_ms, expected.digits, expected.grid)


@given(st.lists(prices, max_size=120), st.sampled_from(PAIRS), st.sampled_from(GRIDS), st.booleans())
def test_higher_bars_are_those_of_the_ticks_as_far_as_they_had_closed(
    rows: list[tuple[int, int, int]], timeframes: tuple[str, str], day_end: str, shifted: bool
) -> None:
    ticks, (low_ms, high_ms) = ticks_of(rows), map(parse_timeframe, timeframes)
    grid = BarGrid.parse(day_end, "30s" if shifted else None, low_ms)
    lower, expected = bars_from_ticks(ticks, low_ms, grid), bars_from_ticks(ticks, high_ms, grid)
    higher = lower.higher(timeframes[1])
    ends, closes = expected.close_time_ms.tolist(), lower.close_time_ms.tolist()
    last = [max((i for i, end in enumerate(ends) if end <= close), default=-1) for close in closes]
    assert higher.last.tolist() == last
    assert len(higher) == len(lower)
    assert len(higher.bars) == (last[-1] + 1 if last else 0)
    assert_same(higher.bars, expected)
    closing = [expected.mid_close[i] if i >= 0 else np.nan for i in last]
    np.testing.assert_array_equal(higher.mid_close, closing)
    assert higher.is_new.tolist() == [i > before for i, before in zip(last, [-1, *last], strict=False)]


@given(st.lists(prices, min_size=1, max_size=120), st.sampled_from(PAIRS), st.sampled_from(GRIDS))
def test_higher_bar_s_end_is_never_after_the_end_of_the_bar_that_sees_it(
    rows: list[tuple[int, int, int]], timeframes: tuple[str, str], day_end: str
) -> None:
    low_ms = parse_timeframe(timeframes[0])
    lower = bars_from_ticks(ticks_of(rows), low_ms, BarGrid.parse(day_end, None, low_ms))
    higher = lower.higher(timeframes[1])
    for bar, last in enumerate(higher.last.tolist()):
        if last >= 0:
            assert higher.bars.close_time_ms[last] <= lower.close_time_ms[bar]
            # And none that it is made of is one that this bar could not know.
            assert higher.bars.first_tick[last + 1] <= lower.first_tick[bar + 1]


@given(st.lists(prices, min_size=2, max_size=80), st.sampled_from(PAIRS), st.sampled_from(GRIDS), st.data())
def test_higher_bars_of_the_past_are_the_past_of_the_higher_bars(
    rows: list[tuple[int, int, int]], timeframes: tuple[str, str], day_end: str, data: st.DataObject
) -> None:
    ticks, low_ms = ticks_of(rows), parse_timeframe(timeframes[0])
    grid = BarGrid.parse(day_end, None, low_ms)
    lower = bars_from_ticks(ticks, low_ms, grid)
    count = data.draw(st.integers(1, len(lower)))
    known = int(lower.first_tick[count])
    past = Ticks(ticks.pair, 5, ticks.time_ms[:known], ticks.bid[:known], ticks.ask[:known])
    then, now = bars_from_ticks(past, low_ms, grid).higher(timeframes[1]), lower.higher(timeframes[1])
    for name in ("mid_open", "mid_high", "mid_low", "mid_close", "bid_high", "ask_low"):
        np.testing.assert_array_equal(getattr(then, name), getattr(now, name)[:count])


def test_higher_bars_known_answer() -> None:
    minute = 60_000
    lower = make_bars([10, 20, 30, 40, 50], open_time_ms=[0, minute, 4 * minute, 5 * minute, 12 * minute])
    higher = lower.higher("5min")
    assert higher.last.tolist() == [-1, -1, 0, 0, 1]  # the last one, of minute 10 to 15, has not closed
    assert higher.bars.mid2_points.tolist() == [[10, 30, 10, 30], [40, 40, 40, 40]]
    assert higher.bars.open_time_ms.tolist() == [0, 5 * minute]
    assert higher.is_new.tolist() == [False, False, True, False, True]
    assert higher.align(np.array([1, 2])).tolist()[2:] == [1.0, 1.0, 2.0]
    assert np.isnan(higher.align(np.array([True, False]))[:2]).all()


def test_higher_bars_before_a_range_have_their_first_tick_there() -> None:
    random = np.random.default_rng(3)
    rows = [(int(time), 100_000 + int(step), 2) for time, step in zip(
        np.sort(random.integers(0, DAY_MS, 2_000)), random.integers(-99, 99, 2_000), strict=True
    )]  # fmt: skip
    ticks = ticks_of(rows)
    lower, expected = bars_from_ticks(ticks, 300_000), bars_from_ticks(ticks, 4 * HOUR_MS)
    for start in (1, 700, 2_000):
        assert_same(_counted_from(lower, start).higher("4h").bars, _counted_from(expected, start))


@pytest.mark.parametrize("grid", [BarGrid(), BarGrid("America/New_York", 17 * HOUR_MS)])
def test_higher_bars_of_bars_without_ticks(grid: BarGrid) -> None:
    given_bars = make_quote_bars("2026-03-02", 500)
    lower, expected = (bars_from_quote_bars(given_bars, each, grid) for each in (HOUR_MS, 4 * HOUR_MS))
    found = lower.higher("4h").bars
    count = len(found)
    assert len(expected) - 1 <= count <= len(expected)
    for name in ("open_time_ms", "bid_points", "ask_points", "tick_count"):
        assert getattr(found, name).tolist() == getattr(expected, name)[:count].tolist()
    assert found.first_tick.tolist() == expected.first_tick[: count + 1].tolist()
    # Which extremes met is known to the hour, not only to the four hours.
    assert (found.mid2_points[:, 1] <= expected.mid2_points[:count, 1]).all()
    assert (found.mid2_points[:, 2] >= expected.mid2_points[:count, 2]).all()
    assert (found.mid2_points[:, ::3] == expected.mid2_points[:count, ::3]).all()


def test_higher_bars_of_no_bars_are_none() -> None:
    higher = make_bars([]).higher("1h")
    assert (len(higher), len(higher.bars), len(higher.bars.bid_points)) == (0, 0, 0)
    assert higher.mid_close.shape == (0,)
    assert higher.is_new.shape == (0,)


@pytest.mark.parametrize(
    ("lower", "timeframe", "message"),
    [
        ("5min", "1min", "higher timeframe 1min: expected 5min or a multiple of it"),
        ("8h", "12h", "higher timeframe 12h: expected 8h or a multiple of it"),
        ("1h", "1w", "expected a number and s, min, h or d"),
        ("1h", "7h", "does not divide a day"),
    ],
)
def test_higher_timeframe_that_cannot_be_is_refused(lower: str, timeframe: str, message: str) -> None:
    bars = make_bars([10, 20], timeframe_ms=parse_timeframe(lower))
    with pytest.raises(UsageError) as caught:
        bars.higher(timeframe)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("values", [np.zeros(3), np.zeros((2, 1)), np.array(["a", "b"]), np.zeros(2, "M8[ms]"), []])
def test_align_anything_but_a_number_for_each_higher_bar_is_refused(values: np.ndarray) -> None:
    higher = make_bars([10, 20, 30, 40], timeframe_ms=HOUR_MS).higher("2h")
    assert len(higher.bars) == 2
    with pytest.raises(UsageError, match="align: expected an array of 2 numbers"):
        higher.align(values)


def test_higher_bars_and_what_is_computed_on_them_are_remembered() -> None:
    bars = walking_bars(500)
    first, again = bars.higher("1h"), bars.higher("60min")
    assert first.bars.mid2_points is again.bars.mid2_points
    assert first.mid_close is again.mid_close
    assert indicators.ema(first.bars, 5) is indicators.ema(again.bars, 5)
    assert not np.array_equal(indicators.ema(first.bars, 5)[-1], indicators.ema(bars, 5)[-1])
    assert indicators.ema(bars.higher("4h").bars, 5)[-1] != indicators.ema(first.bars, 5)[-1]
    assert format_timeframe(first.bars.higher("4h").bars.timeframe_ms) == "4h"
    assert first.bars.higher("4h").mid_close.shape == (len(first.bars),)


def test_higher_bars_that_are_lent_lie_in_memory_of_their_own_and_are_watched() -> None:
    bars = walking_bars(500)
    lent = LentBars(bars)

    def arrays(higher: HigherBars) -> list[np.ndarray]:
        mine = higher.bars
        found = [getattr(mine, name) for name in (*ARRAYS, "first_tick", "close_time_ms", "mid_close")]
        return [*found, higher.last, higher.mid_close, indicators.ema(mine, 5)]

    for found, expected in zip(arrays(lent.bars.higher("1h")), arrays(bars.higher("1h")), strict=True):
        assert np.array_equal(found, expected, equal_nan=True)
        array = found
        while isinstance(array, np.ndarray):
            with pytest.raises(ValueError, match="cannot set WRITEABLE flag"):
                array.flags.writeable = True
            array = array.base
        assert isinstance(array, bytes)
    assert lent.take_back()
    for position in range(len(arrays(bars.higher("1h")))):
        array = arrays(lent.bars.higher("1h"))[position]
        ctypes.memset(array.ctypes.data, 1, array.nbytes)
        assert not lent.take_back()
        assert lent.take_back()


def test_higher_bars_compile_nothing_anew() -> None:
    bars = walking_bars(500)

    def all_of_them(bars: Bars) -> None:
        for indicator in (indicators.ema, indicators.rsi, indicators.atr):
            indicator(bars, 3)
        indicators.close_sums(bars)

    all_of_them(bars)
    kernels = (indicators.kernels.ema, indicators.kernels.rsi, indicators.kernels.atr, indicators.kernels.value_sums)
    known = [set(kernel.signatures) for kernel in kernels]
    all_of_them(bars.higher("1h").bars)
    all_of_them(LentBars(bars).bars.higher("1h").bars)
    assert [set(kernel.signatures) for kernel in kernels] == known


def test_higher_bars_with_little_memory_are_right_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = walking_bars(500).higher("1h").mid_close
    monkeypatch.setattr("necrozma_core.market.bars.MEMO_BYTES", 100)
    bars = walking_bars(500)
    np.testing.assert_array_equal(bars.higher("1h").mid_close, expected)
    np.testing.assert_array_equal(first_bars(bars, 300).higher("1h").mid_close, expected[:300])
