"""The probability of backtest overfitting, where it is known, and against every half counted by itself."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from necrozma_core.statistics import overfitting
from necrozma_core.statistics.overfitting import BlockSums, Score, block_starts, overfitting_of


def naive(returns, blocks, score):
    """Count every half by itself, from the days."""
    parts = np.array_split(np.arange(returns.shape[1]), blocks)
    logits, losses = [], []
    for chosen in combinations(range(blocks), blocks // 2):
        halves = [
            returns[:, np.concatenate([parts[block] for block in range(blocks) if (block in chosen) is inside])]
            for inside in (True, False)
        ]
        first, second = (
            half.mean(axis=1) if score is Score.MEAN else half.mean(axis=1) / half.std(axis=1, ddof=1)
            for half in halves
        )
        best = int(first.argmax())
        rank = np.count_nonzero(second < second[best]) + (np.count_nonzero(second == second[best]) + 1) / 2
        omega = rank / (len(returns) + 1)
        logits.append(np.log(omega / (1 - omega)))
        losses.append(halves[1][best].mean() < 0)
    return np.mean(np.array(logits) <= 0), np.mean(losses)


@pytest.mark.parametrize(("seed", "expected"), [(0, 0.4000), (1, 0.4571), (2, 0.2714)])
def test_pbo_of_known_noise_equals_other_implementations(seed, expected):
    # Drawn a day at a time: days are the rows of the draw.
    returns = np.random.default_rng(seed).standard_normal((240, 20)).T
    found = overfitting_of(BlockSums.of(returns, 8))
    assert found.pbo == pytest.approx(expected, abs=5e-5)
    assert found.halves == 70


@pytest.mark.parametrize(("blocks", "halves"), [(2, 2), (8, 70), (16, 12_870)])
def test_pbo_of_columns_without_a_mean_is_one(blocks, halves):
    returns = np.random.default_rng(3).standard_normal((12, 160))
    found = overfitting_of(BlockSums.of(returns - returns.mean(axis=1, keepdims=True), blocks), Score.MEAN)
    assert (found.pbo, found.mean_rank, found.halves) == (1, 0, halves)


@pytest.mark.parametrize("score", Score)
def test_pbo_with_one_setting_best_in_every_block_is_zero(score):
    returns = np.random.default_rng(3).standard_normal((12, 160))
    returns[5] = abs(returns[5]) / 10 + 3
    found = overfitting_of(BlockSums.of(returns), score)
    assert (found.pbo, found.loss_probability, found.mean_rank) == (0, 0, 1)


@settings(max_examples=30)
@given(
    st.integers(0, 1_000), st.integers(2, 9), st.sampled_from([2, 4, 6]), st.integers(24, 31), st.sampled_from(Score)
)
def test_pbo_equals_that_of_every_half_counted_by_itself(seed, count, blocks, days, score):
    returns = np.random.default_rng(seed).normal(0.1, 1, (count, days))
    found = overfitting_of(BlockSums.of(returns, blocks), score)
    assert (found.pbo, found.loss_probability) == pytest.approx(naive(returns, blocks, score))


def test_pbo_with_settings_that_are_copies_shares_their_ranks():
    rows = np.random.default_rng(8).standard_normal((4, 64))
    found = overfitting_of(BlockSums.of(np.repeat(rows, 2, axis=0), 4))
    assert found.pbo == pytest.approx(naive(np.repeat(rows, 2, axis=0), 4, Score.SHARPE)[0])
    same = overfitting_of(BlockSums.of(np.repeat(rows[:1], 6, axis=0), 4))
    assert (same.pbo, same.mean_rank) == (1, 0.5)  # nothing was chosen: all stand in the middle


def test_setting_that_did_not_trade_in_a_half_is_neither_good_nor_bad_there():
    returns = np.random.default_rng(9).standard_normal((3, 40)) - 5
    returns[1] = 0
    returns[1, 0] = 1e-9
    found = overfitting_of(BlockSums.of(returns, 4))
    assert (found.pbo, found.loss_probability) == (0, 0)


def test_pbo_of_fewer_than_two_settings_is_undefined():
    returns = np.random.default_rng(9).standard_normal((2, 40))
    returns[1, 3] = np.nan
    assert overfitting_of(BlockSums.of(returns, 4)) is None
    assert overfitting_of(BlockSums.of(returns[:0], 4)) is None


def test_pbo_in_little_memory_is_the_same(monkeypatch):
    sums = BlockSums.of(np.random.default_rng(2).standard_normal((30, 64)).astype(np.float32), 8)
    whole = overfitting_of(sums)
    monkeypatch.setattr(overfitting, "_NUMBERS", 100)
    assert overfitting_of(sums) == whole


def test_sums_of_pairs_join():
    returns = np.random.default_rng(2).standard_normal((30, 64))
    joined = BlockSums.joined([BlockSums.of(returns[:10]), BlockSums.of(returns[10:])])
    np.testing.assert_array_equal(joined.squares, BlockSums.of(returns).squares)


@given(st.integers(1, 50), st.integers(0, 500))
def test_blocks_are_those_of_numpys_split(blocks, more):
    days = blocks + more
    expected = [part[0] for part in np.array_split(np.arange(days), blocks)]
    assert block_starts(days, blocks).tolist() == expected


@pytest.mark.parametrize(("days", "blocks"), [(15, 16), (10, 0), (0, 2)])
def test_days_that_are_too_few_are_refused(days, blocks):
    with pytest.raises(ValueError, match=f"{days} days cannot be cut into {blocks} blocks"):
        BlockSums.of(np.zeros((2, days)), blocks)


def test_blocks_that_cannot_be_halved_are_refused():
    with pytest.raises(ValueError, match="3 blocks cannot be halved"):
        overfitting_of(BlockSums.of(np.ones((2, 9)), 3))
