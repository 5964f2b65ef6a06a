"""How many settings settings are, where that is known."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from necrozma_core.statistics.deflated_sharpe import expected_maximum
from necrozma_core.statistics.moments import Moments
from necrozma_core.statistics.trials import (
    DRAWS,
    Trials,
    draws_of,
    effective_trials,
    luck_deviation,
    observed_deviation,
)

DATES = np.arange(19_000, 19_250)


def noise(settings, days=250, seed=0):
    return np.random.default_rng(seed).standard_normal((settings, days)) * 0.01


def common(settings, correlation, seed=0):
    """Settings of which each two have the same correlation."""
    shared = noise(1, seed=seed + 1_000)
    return math.sqrt(correlation) * shared + math.sqrt(1 - correlation) * noise(settings, seed=seed)


@pytest.mark.parametrize("count", [10, 100, 1_000])
def test_independent_settings_count_as_about_as_many(count):
    # The mean of the draws is known to 0.02, which in effective trials is some 5 to 10 %, and days are but 250.
    assert Trials.of(noise(count), DATES).effective == pytest.approx(count, rel=0.3)


def test_copies_count_once():
    rows = noise(20)
    twenty, many = Trials.of(rows, DATES), Trials.of(np.repeat(rows, 50, axis=0), DATES)
    assert many.effective == twenty.effective
    assert (twenty.count, many.count) == (20, 1_000)


def test_one_setting_is_one_trial_exactly():
    assert Trials.of(noise(1), DATES).effective == 1
    assert Trials.of(np.repeat(noise(1), 1_000, axis=0) * np.linspace(1, 2, 1_000)[:, None], DATES).effective == 1


def test_size_of_returns_does_not_matter():
    rows = noise(50)
    assert Trials.of(rows * np.linspace(0.1, 5, 50)[:, None] + 0.01, DATES).effective == pytest.approx(
        Trials.of(rows, DATES).effective, rel=1e-3
    )


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.9])
def test_expected_best_is_that_of_settings_without_skill(correlation):
    best = [Moments.of(common(300, correlation, seed)).sharpe.max() * math.sqrt(249) for seed in range(60)]
    found = [Trials.of(common(300, correlation, seed), DATES).expected_best for seed in range(5)]
    assert np.mean(found) == pytest.approx(np.mean(best), abs=4 * np.std(best) / math.sqrt(60))


def test_parts_join_to_the_whole():
    rows = noise(90)
    parts = [Trials.of(rows[some], DATES) for some in (slice(0, 7), slice(7, 60), slice(60, 90))]
    joined, whole = Trials.joined(parts), Trials.of(rows, DATES)
    assert joined.count == whole.count
    assert joined.expected_best == pytest.approx(whole.expected_best, abs=1e-4)


def test_settings_of_pairs_that_move_together_are_seen_to_across_different_days():
    rows = noise(40)
    all_days = Trials.of(rows, DATES)
    again = Trials.joined([all_days, Trials.of(rows[:, 1:], DATES[1:])])
    others = Trials.joined([all_days, Trials.of(rows, DATES + 1_000)])
    assert again.effective < 1.3 * all_days.effective < others.effective


def test_settings_without_a_sharpe_ratio_do_not_count():
    rows = noise(5)
    padded = np.concatenate((rows, np.zeros((3, 250)), np.full((1, 250), np.nan)))
    assert Trials.of(padded, DATES).count == 5
    assert Trials.of(padded, DATES).effective == Trials.of(rows, DATES).effective
    nothing = Trials.of(np.zeros((3, 250)), DATES)
    assert (nothing.count, nothing.effective, nothing.expected_best) == (0, 0, 0)
    assert Trials.joined([nothing, Trials.of(rows, DATES)]).effective == Trials.of(rows, DATES).effective
    assert Trials.joined([]).effective == 0


def test_draws_of_a_day_are_the_same_wherever_it_stands_and_differ_between_days():
    draws = draws_of(DATES)
    assert draws.shape == (250, DRAWS // 2)
    np.testing.assert_array_equal(draws_of(DATES[[7, 3]]), draws[[7, 3]])
    assert abs(np.corrcoef(draws)[np.triu_indices(250, 1)]).max() < 0.35
    assert draws.std() == pytest.approx(1, abs=0.02)
    assert draws_of(np.array([-400])).shape == (1, DRAWS // 2)


@given(st.floats(1.3, 1e9))
def test_effective_trials_undo_the_expected_maximum(trials):
    assert effective_trials(expected_maximum(trials), 10**10) == pytest.approx(trials, rel=1e-6)


def test_effective_trials_are_one_at_least_and_all_at_most():
    assert [effective_trials(best, 100) for best in (-1.0, 0.0, 5.0)] == [1, 1, 100]
    assert [effective_trials(3.0, count) for count in (0, 1)] == [0, 1]


def test_deviations_of_sharpe_ratios_without_skill_agree():
    sharpe = Moments.of(noise(5_000)).sharpe
    assert observed_deviation(sharpe) == pytest.approx(luck_deviation(np.array([250]))[0], rel=0.05)
    assert math.isnan(observed_deviation(np.array([np.nan, 0.1])))
    assert np.isnan(luck_deviation(np.array([0, 1]))).all()


def test_any_order_and_any_cut_gives_the_same_bits():
    returns, dates = noise(100), np.arange(250) + 19_000
    whole = Trials.of(returns, dates)
    for cuts in ([1], [33, 34], [5, 50, 99]):
        parts = [Trials.of(part, dates) for part in np.split(returns[::-1], cuts)]
        assert Trials.joined(parts).maxima.tolist() == whole.maxima.tolist()
    order = np.random.default_rng(1).permutation(250)
    assert Trials.of(returns[:, order], dates[order]).maxima == pytest.approx(whole.maxima, abs=1e-6)
