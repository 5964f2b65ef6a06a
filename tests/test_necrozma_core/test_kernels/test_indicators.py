"""Indicators against pandas, published numbers, exact fractions and their own promises."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from bar_samples import first_bars, make_bars, walking_bars
from hypothesis import given
from hypothesis import strategies as st

from necrozma_core.kernels import indicators as kernels
from necrozma_core.market.arrays import Int32Array
from necrozma_core.strategies import indicators

PERIODS = [1, 2, 3, 14, 50, 200]
PRICES = st.lists(st.integers(1, 2_000_000_000), max_size=40)


def points(*values: int) -> Int32Array:
    return np.array(values, np.int32)


def seeded_ewm(values: pd.Series, period: int, alpha: float) -> pd.Series:
    """Smooth with pandas, from the mean of the first ``period`` values on."""
    start = values.first_valid_index()
    out = pd.Series(np.nan, values.index)
    if start is None or len(values) < start + period:
        return out
    tail = values.iloc[start + period - 1 :].copy()
    tail.iloc[0] = values.iloc[start : start + period].mean()
    out.iloc[start + period - 1 :] = tail.ewm(alpha=alpha, adjust=False).mean()
    return out


def test_ema_ta_lib_s_own_case_is_met_exactly() -> None:
    assert np.array_equal(
        kernels.ema(np.arange(10, dtype=np.int32), 3), [np.nan, np.nan, 1, 2, 3, 4, 5, 6, 7, 8], equal_nan=True
    )


@pytest.mark.parametrize("period", PERIODS)
def test_ema_random_walk_equals_pandas(period: int) -> None:
    bars = walking_bars(1_000)
    expected = seeded_ewm(pd.Series(indicators.close(bars), dtype=float), period, 2 / (period + 1))
    np.testing.assert_allclose(indicators.ema(bars, period), expected, rtol=1e-13)


@given(st.lists(st.floats(-1e9, 1e9), max_size=30), st.floats(0.01, 1.0), st.floats(-1e9, 1e9))
def test_smooth_any_stretch_equals_the_plain_recursion(values: list[float], weight: float, average: float) -> None:
    out = np.empty(len(values))
    last = kernels.smooth(np.array(values), weight, average, out)
    for i, value in enumerate(values):
        average = average + weight * (value - average)
        assert out[i] == pytest.approx(average, rel=1e-9, abs=1e-3)
    assert last == (out[-1] if values else average)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30), st.floats(0.01, 1.0), st.data())
def test_smooth_shorter_or_split_stretch_has_the_same_bits(
    values: list[float], weight: float, data: st.DataObject
) -> None:
    array, whole = np.array(values), np.empty(len(values))
    kernels.smooth(array, weight, 1.5, whole)
    count = data.draw(st.integers(0, len(values)))
    part = np.empty(count)
    kernels.smooth(array[:count], weight, 1.5, part)
    assert part.tobytes() == whole[:count].tobytes()
    split = data.draw(st.integers(0, len(values) // 4)) * 4
    pieces = np.empty(len(values))
    average = kernels.smooth(array[:split], weight, 1.5, pieces[:split])
    kernels.smooth(array[split:], weight, average, pieces[split:])
    assert pieces.tobytes() == whole.tobytes()


def test_rsi_published_series_gives_the_published_values() -> None:
    # The worked example of the StockCharts "Relative Strength Index" spreadsheet, closes times 10,000.
    closes = points(
        443389, 440902, 441497, 436124, 443278, 448264, 450955, 454245, 458433, 460826, 458931, 460328, 456140,
        462820, 462820, 460028, 460328, 464116, 462222, 456439,
    )  # fmt: skip
    found = kernels.rsi(closes, 14)
    assert np.isnan(found[:14]).all()
    np.testing.assert_allclose(found[14:], [70.53, 66.32, 66.55, 69.41, 66.36, 57.97], atol=0.006)


@pytest.mark.parametrize("period", PERIODS)
def test_rsi_random_walk_equals_pandas(period: int) -> None:
    bars = walking_bars(5_000, seed=1)
    change = pd.Series(indicators.close(bars), dtype=float).diff()
    gain = seeded_ewm(change.clip(lower=0), period, 1 / period)
    loss = seeded_ewm((-change).clip(lower=0), period, 1 / period)
    expected = (100 - 100 / (1 + gain / loss)).where(gain + loss > 0, 50.0).where(gain.notna())
    np.testing.assert_allclose(indicators.rsi(bars, period), expected, rtol=1e-10, atol=1e-10)


def test_rsi_only_rises_or_only_falls_or_nothing_gives_the_ends_and_the_middle() -> None:
    assert kernels.rsi(points(*range(100, 120)), 5)[5:].tolist() == [100.0] * 15
    assert kernels.rsi(points(*range(120, 100, -1)), 5)[5:].tolist() == [0.0] * 15
    assert kernels.rsi(points(*[100] * 20), 5)[5:].tolist() == [50.0] * 15


def exact_rsi(closes: list[int], period: int) -> list[tuple[int, int]]:
    """Wilder's averages as whole numbers: what rose, and what moved, both times the same power of the period."""
    changes = [b - a for a, b in pairwise(closes)]
    gain = sum(max(change, 0) for change in changes[:period])
    loss = sum(max(-change, 0) for change in changes[:period])
    found, scale = [(gain, gain + loss)], 1
    for change in changes[period:]:
        scale *= period
        gain = gain * (period - 1) + max(change, 0) * scale
        loss = loss * (period - 1) + max(-change, 0) * scale
        found.append((gain, gain + loss))
    return found


@pytest.mark.parametrize("period", [2, 3, 7, 14, 50, 200])
def test_rsi_market_that_stands_still_keeps_its_index_to_the_bit(period: int) -> None:
    # RSI(2) loses its averages to underflow after some 1,080 still bars, RSI(14) after some 10,000.
    moving = indicators.close(walking_bars(300, seed=5)).tolist()
    closes = [*moving, *[moving[-1]] * 12_000, moving[-1] + 7, *[moving[-1] + 4] * 50, *moving]
    found = kernels.rsi(points(*closes), period)
    assert set(found[299:12_300].tolist()) == {found[299]}
    expected = [100 * gain / moved if moved else 50.0 for gain, moved in exact_rsi(closes, period)]
    np.testing.assert_allclose(found[period:], expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("period", [2, 3, 14])
def test_rsi_index_that_repeats_a_round_number_does_not_leave_it_by_rounding(period: int) -> None:
    # Thirty rise and seventy fall in the first averages: exactly 30, and still so after any number of still bars.
    closes = [1_000, *[1_030] * (period - 1), *[960] * 12_000]
    found = kernels.rsi(points(*closes), period)
    assert set(found[period:].tolist()) == {30.0}


@pytest.mark.parametrize("period", PERIODS)
def test_atr_random_walk_equals_pandas(period: int) -> None:
    bars = walking_bars(1_000, seed=2)
    high, low, close = (
        pd.Series(line(bars), dtype=float) for line in (indicators.high, indicators.low, indicators.close)
    )
    before = close.shift()
    ranges = (
        pd.concat([high - low, (high - before).abs(), (low - before).abs()], axis=1).max(axis=1).where(before.notna())
    )
    expected = seeded_ewm(ranges, period, 1 / period)
    np.testing.assert_allclose(indicators.atr(bars, period), expected, rtol=1e-12)


@pytest.mark.parametrize("period", PERIODS[1:])
def test_zscore_random_walk_equals_pandas(period: int) -> None:
    bars = walking_bars(1_000, seed=3)
    close = pd.Series(indicators.close(bars), dtype=float)
    rolling = close.rolling(period)
    expected = ((close - rolling.mean()) / rolling.std(ddof=0)).fillna(0.0)  # pandas divides 0 by 0 in a flat window
    found = indicators.zscore(bars, period)
    assert np.isnan(found[: period - 1]).all()
    np.testing.assert_allclose(found[period - 1 :], expected[period - 1 :], rtol=1e-6, atol=1e-8)


@given(PRICES, st.integers(2, 12))
def test_zscore_any_prices_equal_exact_fractions(prices: list[int], period: int) -> None:
    found = indicators.zscore(make_bars(prices), period)
    for i in range(len(prices)):
        if i < period - 1:
            assert np.isnan(found[i])
            continue
        window = [Fraction(price) for price in prices[i - period + 1 : i + 1]]
        mean = sum(window) / period
        variance = sum((price - mean) ** 2 for price in window) / period
        expected = float(window[-1] - mean) / float(variance) ** 0.5 if variance else 0.0
        assert found[i] == pytest.approx(expected, rel=1e-9, abs=1e-9)


@given(st.lists(st.integers(1, 200), min_size=2, max_size=60), st.integers(2, 12))
def test_zscore_both_ways_of_computing_give_the_same_bits(prices: list[int], period: int) -> None:
    values = points(*prices)
    narrow = kernels.zscore(values, kernels.value_sums(values), kernels.square_sums(values), period)
    assert narrow.tobytes() == kernels.zscore_wide(values, period).tobytes()


@pytest.mark.parametrize("jump", [3, 10_737_417, 10_737_418, 10_737_419, 1_999_000_000])
def test_zscore_jump_to_any_price_changes_no_bit_before_it(jump: int) -> None:
    calm = walking_bars(600, seed=4)
    wild = make_bars([*indicators.close(calm).tolist(), 220_000 + jump, 220_000])
    found = indicators.zscore(wild, 200)
    assert found[:600].tobytes() == indicators.zscore(calm, 200).tobytes()
    assert np.isfinite(found[199:]).all()


def test_zscore_longest_period_and_widest_exact_range_do_not_overflow() -> None:
    # The bound that zscore's docstring claims, approached from below: n * range < 2**31 with the largest variance.
    period = 10_000
    span = (2**31 - 1) // period
    prices = points(*([1_900_000_000, 1_900_000_000 - span] * period))
    found = kernels.zscore(prices, kernels.value_sums(prices), kernels.square_sums(prices), period)
    np.testing.assert_allclose(np.abs(found[period - 1 :]), 1.0, rtol=1e-12)


def test_square_sums_that_wrap_around_still_give_exact_deviations() -> None:
    prices = np.tile(points(1_999_999_990, 2_000_000_000), 50)
    squares = kernels.square_sums(prices)
    assert (squares < 0).any()  # they did pass 2**63
    assert np.abs(kernels.zscore(prices, kernels.value_sums(prices), squares, 20)[19:]).tolist() == [1.0] * 81


@given(PRICES)
def test_sums_any_prices_equal_python_s(prices: list[int]) -> None:
    values = points(*prices)
    moves = [0] * bool(prices) + [abs(b - a) for a, b in pairwise(prices)]
    for found, terms in (
        (kernels.value_sums(values), prices),
        (kernels.move_sums(values), moves),
    ):
        assert found.tolist() == [sum(terms[:i]) for i in range(len(prices) + 1)]
    for found, terms in ((kernels.square_sums(values), prices), (kernels.move_square_sums(values), moves)):
        wrapped = [sum(term**2 for term in terms[:i]) % 2**64 for i in range(len(prices) + 1)]
        assert [int(value) % 2**64 for value in found] == wrapped


@given(st.lists(st.integers(1, 2_000_000_000), min_size=1, max_size=60), st.integers(1, 60))
def test_extremes_any_period_equal_python_s(prices: list[int], period: int) -> None:
    bars = make_bars(prices)
    highest, lowest, width = indicators.extremes(bars, period)
    assert width <= period < 2 * width
    for start in range(len(prices) - period + 1):
        window = prices[start : start + period]
        assert max(highest[start], highest[start + period - width]) == max(window)
        assert min(lowest[start], lowest[start + period - width]) == min(window)


@pytest.mark.parametrize("count", [0, 1, 2, 13, 14, 15, 64])
def test_indicators_few_bars_are_not_numbers_yet(count: int) -> None:
    bars = first_bars(walking_bars(64), count)
    for found, first in (
        (indicators.ema(bars, 14), 13),
        (indicators.zscore(bars, 14), 13),
        (indicators.rsi(bars, 14), 14),
        (indicators.atr(bars, 14), 14),
    ):
        assert found.shape == (count,)
        assert np.isnan(found[:first]).all()
        assert np.isfinite(found[first:]).all()


@given(st.integers(0, 3), st.integers(1, 30), st.integers(0, 400))
def test_indicators_fewer_bars_have_the_same_bits(seed: int, period: int, count: int) -> None:
    bars = walking_bars(400, seed)
    fewer = first_bars(bars, count)
    for indicator in (indicators.ema, indicators.rsi, indicators.atr, indicators.zscore):
        if indicator is indicators.zscore and period < 2:
            continue
        assert indicator(fewer, period).tobytes() == indicator(bars, period)[:count].tobytes()


def test_indicators_shared_arrays_cannot_be_changed() -> None:
    bars = walking_bars(100)
    assert indicators.ema(bars, 5) is indicators.ema(bars, 5)
    with pytest.raises(ValueError, match="read-only"):
        indicators.rsi(bars, 5)[0] = 1.0
