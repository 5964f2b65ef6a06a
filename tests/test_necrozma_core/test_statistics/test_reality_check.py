"""Tests on resampled days: against every resample by itself, on noise, and with a winner planted."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from necrozma_core.statistics import returns as rows_in_pieces
from necrozma_core.statistics.bootstrap import day_weights, mean_block, resampled_days
from necrozma_core.statistics.reality_check import spa_test, step_m


def noise(settings, days=200, seed=0):
    return np.random.default_rng(seed).standard_normal((settings, days)) * 0.01


def naive_spa(returns, resamples, block, seed):
    """Hansen's consistent p-value, a resample and a setting at a time."""
    days = returns.shape[1]
    hopeless = -math.sqrt(2 * math.log(math.log(days)) / days)
    best = max(0.0, *(row.mean() / row.std() for row in returns))
    as_good = 0
    for drawn in resampled_days(days, resamples, block, seed):
        by_luck = 0.0
        for row in returns:
            centre = row.mean() if row.mean() / row.std() >= hopeless else 0.0
            deviation = max(row[drawn].std(), row.std() / 2)
            by_luck = max(by_luck, (row[drawn].mean() - centre) / deviation)
        as_good += by_luck >= best
    return (1 + as_good) / (1 + resamples)


@settings(max_examples=15)
@given(st.integers(0, 1_000), st.integers(1, 6), st.sampled_from([20, 57]), st.sampled_from([1.0, 4.5]))
def test_spa_equals_that_of_every_resample_by_itself(seed, count, days, block):
    returns = noise(count, days, seed) + np.linspace(-0.01, 0.002, count)[:, None]
    assert spa_test(returns, resamples=50, block=block, seed=seed) == naive_spa(returns, 50, block, seed)


@pytest.mark.parametrize(("count", "block"), [(1, None), (20, None), (20, 1.0)])
def test_spa_p_values_under_noise_are_no_smaller_than_uniform(count, block):
    found = np.array([spa_test(noise(count, seed=seed), resamples=200, block=block) for seed in range(300)])
    for size in (0.05, 0.1, 0.25):
        error = math.sqrt(size * (1 - size) / 300)
        assert np.mean(found <= size) <= 1.3 * size + 2 * error
    if count > 1:
        assert np.mean(found <= 0.5) > 0.35  # nor are they far larger


@pytest.mark.slow
def test_spa_of_many_settings_under_noise_keeps_its_size():
    found = [spa_test(noise(1_000, 250, seed), resamples=300) for seed in range(80)]
    assert np.mean(np.array(found) <= 0.05) <= 0.12


def test_spa_with_a_planted_winner_is_small_and_step_m_names_it():
    returns = noise(200)
    returns[17] += 0.006
    assert spa_test(returns) <= 0.005
    assert np.flatnonzero(step_m(returns)).tolist() == [17]


def test_step_m_finds_a_winner_that_a_greater_one_hides():
    """Each step leaves the found ones out, so that the bar comes down to the next."""
    returns = noise(100, 400, seed=5)
    # Rare large gains, which resamples double: they raise the bar for as long as they are in the race.
    returns[3] = np.where(np.arange(400) % 20 == 0, 0.2, 0.01) + noise(1, 400, 9)[0] / 10
    returns[4] += 0.0021
    found = set(np.flatnonzero(step_m(returns)).tolist())
    assert 3 in found
    assert found <= {3, 4}


def test_step_m_under_noise_is_mostly_empty():
    found = [step_m(noise(20, seed=seed), resamples=200).any() for seed in range(200)]
    assert np.mean(found) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 200)


def test_hopeless_settings_do_not_raise_the_bar():
    good = noise(5, seed=1)
    good[0] += 0.0022
    bad = noise(500, seed=2) - 0.01
    assert spa_test(np.concatenate((good, bad))) == spa_test(good)


def test_setting_of_small_wins_and_rare_losses_does_not_drown_the_others():
    """In a resample without its losses its deviation is almost nothing, and its ratio would be beyond all bounds."""
    returns = noise(20)
    returns[17] += 0.006
    rare = np.full((1, 200), 0.0001)
    rare[0, [50, 150]] = -0.01
    rare += noise(1, seed=3) / 1_000
    assert spa_test(np.concatenate((returns, rare))) <= 0.05


def test_best_that_is_below_nothing_has_a_p_value_of_one():
    assert spa_test(noise(10) - 0.02) == 1
    assert not step_m(noise(10) - 0.02).any()


def test_settings_without_figures_are_left_out():
    returns = noise(6)
    padded = np.concatenate((returns, np.zeros((2, 200)), np.full((1, 200), np.nan)))
    assert spa_test(padded) == spa_test(returns)
    assert not step_m(padded)[6:].any()
    assert spa_test(np.zeros((3, 200))) is None
    assert spa_test(np.empty((0, 200))) is None
    assert not step_m(np.zeros((3, 200))).any()


def test_tests_in_pieces_are_the_same(monkeypatch):
    returns = noise(50).astype(np.float32)
    whole = spa_test(returns)
    monkeypatch.setattr(rows_in_pieces, "_NUMBERS", 7 * 1_000)
    assert spa_test(returns) == whole


def test_days_are_drawn_in_blocks_of_the_mean_length_that_wrap_around():
    drawn = resampled_days(100, 400, 8.0)
    follows = (drawn[:, 1:] - drawn[:, :-1]) % 100 == 1
    # A new block begins at any day, of which one in a hundred is the next anyway.
    assert np.mean(~follows) == pytest.approx(1 / 8 * 0.99, rel=0.05)
    assert (drawn[:, 1:][follows] == 0).any()
    counts = np.bincount(drawn.ravel(), minlength=100)
    assert counts.min() > 0.7 * counts.mean()


@given(st.integers(1, 30), st.integers(1, 20), st.floats(1, 10), st.integers(0, 99))
def test_weights_give_the_mean_of_each_resample(days, resamples, block, seed):
    drawn = resampled_days(days, resamples, block, seed)
    row = np.random.default_rng(seed).standard_normal(days)
    weights = day_weights(drawn)
    np.testing.assert_allclose(row @ weights, row[drawn].mean(axis=1), atol=1e-12)
    np.testing.assert_allclose(weights.sum(axis=0), 1)


def test_draws_follow_the_seed_alone():
    np.testing.assert_array_equal(resampled_days(50, 10, 5.0, 1), resampled_days(50, 10, 5.0, 1))
    assert (resampled_days(50, 10, 5.0, 1) != resampled_days(50, 10, 5.0, 2)).any()
    assert (mean_block(400), mean_block(0)) == (20, 1)
