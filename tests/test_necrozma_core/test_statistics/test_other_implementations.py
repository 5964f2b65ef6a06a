"""The same questions put to other people's libraries, where they are installed."""

import numpy as np
import pytest

from necrozma_core.statistics.deflated_sharpe import deflated_sharpe, expected_maximum
from necrozma_core.statistics.overfitting import BlockSums, Score, overfitting_of
from necrozma_core.statistics.reality_check import spa_test
from necrozma_core.statistics.sharpe import min_track_record_days, probabilistic_sharpe


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("score", Score)
def test_pbo_equals_holdout_backtests(seed, score):
    pbo = pytest.importorskip("holdout.pbo")
    returns = np.random.default_rng(seed).standard_normal((240 + seed, 20 + seed))
    expected = pbo.probability_of_backtest_overfitting(returns, n_blocks=8, metric=score.value)
    assert overfitting_of(BlockSums.of(returns.T, 8), score).pbo == pytest.approx(expected.pbo, abs=1e-12)


@pytest.mark.parametrize("seed", range(6))
def test_pbo_of_an_even_number_of_settings_equals_purgedcvs(seed):
    """It counts logits below 0, we those of 0 as well, as the paper's integral does; of 20 settings none is 0."""
    purgedcv = pytest.importorskip("purgedcv")
    returns = np.random.default_rng(seed).standard_normal((240, 20))
    for score, metric in ((Score.MEAN, np.mean), (Score.SHARPE, lambda days: np.mean(days) / np.std(days, ddof=1))):
        expected = purgedcv.probability_of_backtest_overfitting(returns.T, n_splits=8, metric=metric)
        assert overfitting_of(BlockSums.of(returns.T, 8), score).pbo == pytest.approx(expected.pbo, abs=1e-12)


def test_sharpe_probabilities_equal_holdout_backtests():
    deflated = pytest.importorskip("holdout.deflated")
    for sharpe, days, skew, kurtosis in ((0.1, 250, -1.0, 6.0), (0.02, 1250, 0.5, 4.0), (0.3, 60, 0.0, 3.0)):
        one = np.array([sharpe])
        expected = deflated.probabilistic_sharpe_ratio(sharpe, days, skewness=skew, kurtosis=kurtosis)
        assert probabilistic_sharpe(one, days, skew, kurtosis)[0] == pytest.approx(expected, abs=1e-12)
        expected = deflated.minimum_track_record_length(sharpe, skewness=skew, kurtosis=kurtosis)
        assert min_track_record_days(one, skew, kurtosis)[0] == pytest.approx(expected, rel=1e-12)
        threshold = 0.05 * expected_maximum(77)
        expected = deflated.probabilistic_sharpe_ratio(
            sharpe, days, benchmark=threshold, skewness=skew, kurtosis=kurtosis
        )
        assert deflated_sharpe(one, days, skew, kurtosis, 77, 0.05)[0] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_spa_of_one_day_blocks_is_near_archs(seed):
    """Its studentisation is another one (see the module); with blocks of a day the two differ by little."""
    bootstrap = pytest.importorskip("arch.bootstrap")
    returns = np.random.default_rng(seed).standard_normal((10, 500))
    returns[3] += 0.05 * seed
    theirs = bootstrap.SPA(np.zeros(500), -returns.T, block_size=1, reps=2_000, seed=1)
    theirs.compute()
    assert spa_test(returns, resamples=2_000, block=1.0) == pytest.approx(theirs.pvalues["consistent"], abs=0.05)
