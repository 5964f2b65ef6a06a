"""Which phrase a setting gets, and what a whole sweep of luck is told."""

import numpy as np
import pytest

from necrozma_core.statistics.findings import judge
from necrozma_core.statistics.moments import Moments
from necrozma_core.statistics.trials import Trials
from necrozma_core.statistics.verdicts import Verdict, enough_data, verdicts_of

DATES = np.arange(19_000, 19_250)


def shape(days=250, winning=120, losing=110):
    one = np.array([1])
    return Moments(one * days, one * winning, one * losing, one * 0.2, one * 0.0, one * 3.0)


@pytest.mark.parametrize(
    ("moments", "trades", "deflated", "q_value", "expected"),
    [
        (shape(), 200, 0.95, 0.05, Verdict.STRONG),
        (shape(), 200, 0.949, 0.05, Verdict.PLAUSIBLE),
        (shape(), 200, 0.95, 0.051, Verdict.PLAUSIBLE),
        (shape(), 200, 0.5, 0.2, Verdict.PLAUSIBLE),
        (shape(), 200, 0.499, 0.01, Verdict.LIKELY_LUCK),
        (shape(), 200, 0.99, 0.201, Verdict.LIKELY_LUCK),
        (shape(), 30, 0.99, 0.01, Verdict.STRONG),
        (shape(), 29, 0.99, 0.01, Verdict.TOO_LITTLE_DATA),
        (shape(days=30), 200, 0.99, 0.01, Verdict.STRONG),
        (shape(days=29), 200, 0.99, 0.01, Verdict.TOO_LITTLE_DATA),
        (shape(losing=10), 200, 0.99, 0.01, Verdict.STRONG),
        (shape(losing=9), 200, 0.99, 0.01, Verdict.TOO_LITTLE_DATA),
        (shape(winning=9), 200, 0.99, 0.01, Verdict.TOO_LITTLE_DATA),
        (shape(), 200, np.nan, 0.01, Verdict.TOO_LITTLE_DATA),
        (shape(), 200, 0.99, np.nan, Verdict.TOO_LITTLE_DATA),
    ],
)
def test_verdict_follows_from_the_figures(moments, trades, deflated, q_value, expected):
    enough = enough_data(moments, np.array([trades]))
    found = verdicts_of(enough, np.array([deflated]), np.array([q_value]))
    assert Verdict(found[0]) is expected


def test_planted_edge_is_strong_and_the_rest_is_luck():
    returns = np.random.default_rng(0).standard_normal((500, 250)) * 0.01
    returns[77] += 0.0045
    returns[78] = 0
    found = judge(Moments.of(returns), np.full(500, 100), Trials.of(returns, DATES))
    assert np.flatnonzero(found.verdict == Verdict.STRONG.value).tolist() == [77]
    assert found.verdict[78] == Verdict.TOO_LITTLE_DATA.value
    assert 300 < found.effective_trials <= 499
    assert found.min_track_record_days[77] < 250
    for column in (found.probabilistic_sharpe, found.deflated_sharpe, found.min_track_record_days, found.q_value):
        assert np.isnan(column[78])
    ranked = ~np.isnan(found.deflated_sharpe)
    assert (found.deflated_sharpe[ranked] <= found.probabilistic_sharpe[ranked]).all()


def test_more_that_was_tried_makes_findings_weaker():
    returns = np.random.default_rng(0).standard_normal((500, 250)) * 0.01
    returns[77] += 0.0045
    moments, trades = Moments.of(returns), np.full(500, 100)
    now = Trials.of(returns, DATES)
    earlier = Trials.of(np.random.default_rng(1).standard_normal((20_000, 250)), DATES)
    alone, after = (judge(moments, trades, tried) for tried in (now, Trials.joined([now, earlier])))
    assert after.deflated_sharpe[77] < alone.deflated_sharpe[77]
    assert after.probabilistic_sharpe[77] == alone.probabilistic_sharpe[77]


def test_settings_with_too_little_data_make_no_room_for_others():
    """Their p-values are next to 0; counted among the findings, they would let one in twenty of the others pass."""
    returns = np.random.default_rng(0).standard_normal((500, 250)) * 0.01
    flawless = np.abs(np.random.default_rng(1).standard_normal((500, 250))) * 0.01
    both = np.concatenate((returns, flawless))
    found = judge(Moments.of(both), np.full(1_000, 100), Trials.of(both, DATES))
    assert set(found.verdict[500:]) == {Verdict.TOO_LITTLE_DATA.value}
    assert np.isnan(found.q_value[500:]).all()
    alone = judge(Moments.of(returns), np.full(500, 100), Trials.of(returns, DATES))
    np.testing.assert_array_equal(found.q_value[:500], alone.q_value)


def test_settings_that_lose_their_costs_do_not_change_what_is_said_of_the_others():
    returns = np.random.default_rng(0).standard_normal((500, 250)) * 0.01
    returns[77] += 0.0045
    alone = judge(Moments.of(returns), np.full(500, 100), Trials.of(returns, DATES))
    losing = returns[:250] - 0.02
    both = np.concatenate((returns, losing))
    found = judge(Moments.of(both), np.full(750, 100), Trials.of(both, DATES))
    np.testing.assert_allclose(found.deflated_sharpe[:500], alone.deflated_sharpe, atol=1e-6)


@pytest.mark.parametrize("kind", ["normal", "tails", "together", "rare losses"])
def test_sweep_without_skill_has_no_strong_setting(kind):
    """The whole table is in docs/statistics.md; this is a corner of it for every change."""
    strong = 0
    for seed in range(20):
        random = np.random.default_rng(seed)
        returns = random.standard_normal((300, 250))
        if kind == "tails":
            returns = random.standard_t(3, (300, 250))
        if kind == "together":
            returns = 3 * random.standard_normal((1, 250)) + returns
        if kind == "rare losses":
            returns = np.where(random.random((300, 250)) < 1 / 31, -30.0, 1.0) + returns / 10
        found = judge(Moments.of(returns), np.full(300, 100), Trials.of(returns, DATES))
        strong += bool((found.verdict == Verdict.STRONG.value).any())
    assert strong <= 2
