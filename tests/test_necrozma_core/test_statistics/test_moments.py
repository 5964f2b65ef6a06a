"""What is kept of daily returns, against numpy a row at a time."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from necrozma_core.metrics import formulas
from necrozma_core.statistics import returns as rows_in_pieces
from necrozma_core.statistics.moments import Moments
from necrozma_core.statistics.returns import aligned, pieces

daily = st.integers(2, 40).flatmap(
    lambda days: arrays(np.float64, (3, days), elements=st.floats(-0.1, 0.1, allow_subnormal=False))
)


@given(daily)
def test_moments_equal_those_of_each_row_alone(returns):
    moments = Moments.of(returns)
    for row, sharpe, skew, kurtosis in zip(returns, moments.sharpe, moments.skew, moments.kurtosis, strict=True):
        deviation = row.std()
        if not row.std(ddof=1) > max(1e-13, 0.01 * abs(row.mean())):
            assert np.isnan([sharpe, skew, kurtosis]).all()
            continue
        off = (row - row.mean()) / deviation
        assert sharpe == pytest.approx(row.mean() / row.std(ddof=1), rel=1e-9, abs=1e-12)
        assert skew == pytest.approx((off**3).mean(), rel=1e-7, abs=1e-7)
        assert kurtosis == pytest.approx((off**4).mean(), rel=1e-7)
        assert kurtosis >= skew**2 + 1 - 1e-6


@given(daily)
def test_sharpe_a_day_is_the_rankings_sharpe_before_it_is_annualised(returns):
    for row, sharpe in zip(returns, Moments.of(returns).sharpe, strict=True):
        if not np.isnan(sharpe):
            assert sharpe * np.sqrt(252) == pytest.approx(formulas.sharpe_ratio(row), rel=1e-9, abs=1e-10)


def test_counts_of_days_leave_out_flat_ones():
    moments = Moments.of(np.array([[0.1, -0.2, 0.0, 0.3]]))
    assert (moments.days[0], moments.winning_days[0], moments.losing_days[0]) == (4, 2, 1)


@pytest.mark.parametrize(
    "row",
    [
        [0.0] * 40,
        [0.01] * 40,
        [0.1, 0.1 + 1e-12] * 20,
        [0.1, np.nan] * 20,
        [0.1, np.inf] * 20,
        [0.1, -np.inf, np.inf, 0.2] * 10,
    ],
)
def test_returns_that_do_not_vary_or_are_no_numbers_have_no_figures(row):
    for dtype in (np.float32, np.float64):
        moments = Moments.of(np.array([row, np.linspace(-0.1, 0.2, 40)], dtype))
        assert np.isnan([moments.sharpe[0], moments.skew[0], moments.kurtosis[0]]).all()
        assert moments.sharpe[1] > 0
        assert moments.days.tolist() == [40 if np.isfinite(row).all() else 0, 40]


@pytest.mark.parametrize("days", [0, 1])
def test_fewer_than_two_days_have_no_figures(days):
    moments = Moments.of(np.full((2, days), 0.1))
    assert len(moments) == 2
    assert np.isnan(moments.sharpe).all()


def test_no_settings_have_no_moments():
    assert len(Moments.of(np.empty((0, 250), np.float32))) == 0


def test_pieces_join_to_the_whole_whatever_their_size(monkeypatch):
    returns = np.random.default_rng(1).normal(0, 0.01, (50, 30)).astype(np.float32)
    whole = Moments.of(returns)
    monkeypatch.setattr(rows_in_pieces, "_NUMBERS", 7 * 30)
    assert [some.stop - some.start for some, _ in pieces(returns)] == [7] * 7 + [1]
    assert [some.stop - some.start for some, _ in pieces(returns, 70)] == [3] * 16 + [2]
    again = Moments.of(returns)
    for name in ("days", "losing_days", "sharpe", "skew", "kurtosis"):
        np.testing.assert_array_equal(getattr(whole, name), getattr(again, name))


def test_array_of_another_shape_is_refused():
    with pytest.raises(ValueError, match="expected settings x days, found 1 dimensions"):
        Moments.of(np.zeros(5))


def test_pairs_on_different_days_are_put_on_all_of_them():
    first, second = np.array([[0.1, 0.2]]), np.array([[0.3, 0.4, 0.5], [0.6, 0.7, 0.8]], np.float32)
    dates, matrix = aligned([(np.array([3, 5]), first), (np.array([2, 3, 9]), second)])
    assert dates.tolist() == [2, 3, 5, 9]
    expected = [[0, 0.1, 0.2, 0], [0.3, 0.4, 0, 0.5], [0.6, 0.7, 0, 0.8]]
    np.testing.assert_array_equal(matrix, np.array(expected, np.float32))


def test_no_pairs_have_no_days():
    dates, matrix = aligned([])
    assert (len(dates), matrix.shape) == (0, (0, 0))
