"""Probabilities of Sharpe ratios, against the numbers of the papers that they are from."""

import math
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from necrozma_core.statistics.deflated_sharpe import deflated_sharpe, expected_maximum
from necrozma_core.statistics.moments import Moments
from necrozma_core.statistics.normal import cdf, quantile, upper_tail
from necrozma_core.statistics.sharpe import (
    min_track_record_days,
    probabilistic_sharpe,
    sharpe_error,
    sharpe_p_values,
)

A_YEAR = 250
PAPER = np.array([2.5 / math.sqrt(A_YEAR)])
DEVIATION = math.sqrt(0.5 / A_YEAR)

sharpes = st.floats(-0.5, 0.5)
skews = st.floats(-3, 3)


def shapes():
    """Skews, and kurtoses that a distribution of that skew may have."""
    return skews.flatmap(lambda skew: st.tuples(st.just(skew), st.floats(skew**2 + 1, skew**2 + 20)))


@given(st.floats(-30, 30))
def test_normal_distribution_equals_the_standard_librarys(z):
    assert float(cdf(z)) == pytest.approx(NormalDist().cdf(z), abs=1e-15)
    assert float(cdf(z) + upper_tail(z)) == pytest.approx(1)


def test_normal_tail_is_exact_where_one_minus_the_rest_is_not():
    # Abramowitz and Stegun, table 26.2: Q(10).
    assert float(upper_tail(10.0)) == pytest.approx(7.619853024160527e-24, rel=1e-12)
    assert np.isnan(upper_tail(np.array([np.nan]))).all()
    assert upper_tail(np.array([np.inf, -np.inf])).tolist() == [0.0, 1.0]
    assert quantile(0.95) == pytest.approx(1.6448536269514722)


@pytest.mark.parametrize(
    ("trials", "threshold", "skew", "kurtosis", "expected"),
    [(100, 0.1132, -3.0, 10.0, 0.9004), (46, 0.1004, -3.0, 10.0, 0.9505), (88, 0.1111, 0.0, 3.0, 0.9505)],
)
def test_deflated_sharpe_equals_the_papers(trials, threshold, skew, kurtosis, expected):
    assert DEVIATION * expected_maximum(trials) == pytest.approx(threshold, abs=5e-5)
    assert deflated_sharpe(PAPER, 1250, skew, kurtosis, trials, DEVIATION)[0] == pytest.approx(expected, abs=5e-5)


@pytest.mark.parametrize(
    # Integrals of x n phi(x) Phi(x)^(n - 1); how far off the approximation is.
    ("trials", "exact", "off"),
    [
        (2, 0.56419, 0.08),
        (10, 1.53875, 0.024),
        (100, 2.50759, 0.01),
        (1_000, 3.24144, 0.005),
        (100_000, 4.38435, 0.003),
    ],
)
def test_expected_maximum_is_near_the_integral(trials, exact, off):
    assert expected_maximum(trials) == pytest.approx(exact, rel=off)


@pytest.mark.parametrize("trials", [-1.0, 0.0, 0.5, 1.0, 1.01, math.nan])
def test_expected_maximum_of_one_trial_is_zero(trials):
    assert expected_maximum(trials) == 0


@given(st.floats(1, 1e20), st.floats(1, 1e20))
def test_expected_maximum_rises_with_the_trials(one, other):
    assert (expected_maximum(one) <= expected_maximum(other)) == (one <= other) or math.isclose(
        expected_maximum(one), expected_maximum(other), rel_tol=1e-9
    )


def test_probabilistic_sharpe_equals_the_papers():
    # Bailey and Lopez de Prado (2012), section on hedge funds: 24 months, skew -2.448, kurtosis 10.164, a Sharpe ratio
    # of 1.585 a year: 0.982 were the returns normal, 0.913 as they are.
    monthly = np.array([0.458])
    assert probabilistic_sharpe(monthly, 24, 0.0, 3.0)[0] == pytest.approx(0.982, abs=5e-4)
    assert probabilistic_sharpe(monthly, 24, -2.448, 10.164)[0] == pytest.approx(0.913, abs=5e-4)


def test_min_track_record_equals_the_papers():
    # The same paper: a Sharpe ratio of 2 a year, daily, to be above 1 at 95 %, takes 2.73 years of normal returns; so
    # do 2.83 of weekly and 3.24 of monthly ones.
    for per_year, years in ((250, 2.73), (52, 2.83), (12, 3.24)):
        found = min_track_record_days(np.array([2.0]) / math.sqrt(per_year), 0.0, 3.0, 1 / math.sqrt(per_year))
        assert found[0] / per_year == pytest.approx(years, abs=0.01)


@given(sharpes, st.integers(2, 5_000), shapes(), sharpes)
def test_probabilistic_sharpe_equals_the_formula_a_number_at_a_time(sharpe, days, shape, benchmark):
    skew, kurtosis = shape
    variance = 1 - skew * sharpe + (kurtosis - 1) / 4 * sharpe**2
    if variance < 1e-9:
        return
    z = (sharpe - benchmark) * math.sqrt(days - 1) / math.sqrt(variance)
    found = probabilistic_sharpe(np.array([sharpe]), days, skew, kurtosis, benchmark)
    assert found[0] == pytest.approx(NormalDist().cdf(z), abs=1e-12)


@given(st.floats(0.01, 0.5), shapes())
def test_record_of_the_least_length_is_just_sure_enough(sharpe, shape):
    days = min_track_record_days(np.array([sharpe]), *shape)
    if days[0] > 1.001:
        found = probabilistic_sharpe(np.array([sharpe]), days, *shape)
        assert found[0] == pytest.approx(0.95, abs=1e-9)


def test_min_track_record_of_losers_and_of_nothing_is_undefined():
    assert np.isnan(min_track_record_days(np.array([-0.1, 0.0, np.nan, 5e-324]), 0.0, 3.0)).all()


@given(st.floats(0.001, 0.5), st.integers(30, 2_000), shapes(), st.integers(1, 10_000))
def test_deflated_is_never_above_probabilistic_and_falls_with_trials(sharpe, days, shape, trials):
    one = np.array([sharpe])
    plain = probabilistic_sharpe(one, days, *shape)
    few, many = (deflated_sharpe(one, days, *shape, count, 0.05) for count in (trials, trials + 50))
    assert many[0] <= few[0] <= plain[0]


@pytest.mark.parametrize("days", [0, 1])
def test_error_of_fewer_than_two_days_is_undefined(days):
    assert np.isnan(sharpe_error(np.array([0.1]), days, 0.0, 3.0)).all()
    assert np.isnan(probabilistic_sharpe(np.array([0.1]), days, 0.0, 3.0)).all()


def test_two_values_whose_ratio_has_no_error_are_certain():
    # Of returns that are one of two values with a skew of 2 / SR the formula knows the ratio exactly.
    sharpe, skew = np.array([0.5]), 4.0
    assert probabilistic_sharpe(sharpe, 100, skew, skew**2 + 1)[0] == 1


def test_p_value_of_normal_returns_is_what_the_probability_leaves():
    returns = np.random.default_rng(4).normal(0.001, 0.01, (300, 250))
    moments = Moments.of(returns)
    left = 1 - probabilistic_sharpe(moments.sharpe, moments.days, moments.skew, moments.kurtosis)
    found = sharpe_p_values(moments)
    assert (found >= left - 1e-12)[moments.sharpe > 0].all()
    np.testing.assert_allclose(found, left, atol=0.02)


def test_p_values_of_lucky_large_wins_are_no_smaller_than_luck_makes_them():
    """Of days of Student's t with three degrees of freedom, the published error gives far too many small p-values."""
    returns = np.random.default_rng(0).standard_t(3, (20_000, 250))
    found = sharpe_p_values(Moments.of(returns))
    for size in (0.05, 0.01, 0.001):
        assert np.mean(found <= size) <= 1.15 * size


def test_p_value_is_undefined_without_a_sharpe_ratio():
    assert np.isnan(sharpe_p_values(Moments.of(np.zeros((2, 100))))).all()
