"""Other records of the same days."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from necrozma_core.metrics.formulas import max_drawdown, running_peak
from necrozma_core.statistics.bootstrap import resampled_days
from necrozma_core.statistics.monte_carlo import PERCENTILES, Order, other_records

YEAR = np.random.default_rng(3).normal(0.0005, 0.01, 250)


@given(st.lists(st.floats(-0.05, 0.05), min_size=2, max_size=60), st.integers(0, 99))
def test_days_in_another_order_keep_the_profit(returns, seed):
    found = other_records(np.array(returns), Order.RESHUFFLE, resamples=20, seed=seed)
    np.testing.assert_allclose(found.total_return, np.prod(1 + np.array(returns)) - 1, atol=1e-12)


def test_drawdowns_equal_those_of_each_record_alone():
    found = other_records(YEAR, Order.BLOCKS, resamples=50, block=5.0, seed=4)
    deepest, ends = [], []
    for drawn in resampled_days(250, 50, 5.0, 4):
        equity = np.cumprod(1 + YEAR[drawn])
        deepest.append(max_drawdown(equity, running_peak(equity, 1.0)))
        ends.append(equity[-1] - 1)
    np.testing.assert_allclose(found.max_drawdown, np.percentile(deepest, PERCENTILES))
    np.testing.assert_allclose(found.total_return, np.percentile(ends, PERCENTILES))
    assert found.loss_probability == np.mean(np.array(ends) < 0)


def test_records_of_days_drawn_anew_spread_like_a_sharpe_ratios_error():
    # Middle half of a normal number: 1.349 deviations, each 1 / sqrt(days).
    found = other_records(YEAR, Order.BLOCKS, block=1.0)
    assert found.sharpe[3] - found.sharpe[1] == pytest.approx(1.349 / np.sqrt(250), rel=0.15)


def test_days_that_never_lose_have_no_drawdown():
    found = other_records(np.full(30, 0.01), Order.RESHUFFLE)
    assert found.max_drawdown.tolist() == [0] * 5
    assert np.isnan(found.sharpe).all()
    assert found.loss_probability == 0


def test_one_day_has_no_other_record():
    assert other_records(YEAR[:1], Order.BLOCKS) is None
    assert other_records(YEAR[:0], Order.RESHUFFLE) is None


@pytest.mark.parametrize("order", Order)
def test_records_follow_the_seed_alone(order):
    one, same, other = (other_records(YEAR, order, resamples=50, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.max_drawdown, same.max_drawdown)
    assert (one.max_drawdown != other.max_drawdown).any()
