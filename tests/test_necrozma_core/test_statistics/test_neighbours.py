"""The settings beside a setting, against a search of the whole grid for each."""

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from necrozma_core.statistics.neighbours import neighbours_of


def naive(positions, figure):
    for one in positions:
        beside = [
            value
            for other, value in zip(positions, figure, strict=True)
            if sum(abs(a - b) for a, b in zip(one, other, strict=True)) == 1 and not math.isnan(value)
        ]
        yield (len(beside), np.median(beside), min(beside)) if beside else (0, math.nan, math.nan)


@given(st.sets(st.tuples(*[st.integers(0, 3)] * 3), min_size=1, max_size=64), st.data())
def test_neighbours_in_a_grid_with_holes_equal_those_of_a_search(found, data):
    positions = data.draw(st.permutations(sorted(found)))
    figure = np.array(data.draw(st.lists(st.one_of(st.just(math.nan), st.floats(-9, 9)), min_size=len(found),
                                         max_size=len(found))))  # fmt: skip
    seen = neighbours_of(np.array(positions), figure)
    expected = np.array(list(naive(positions, figure)))
    np.testing.assert_allclose(np.column_stack((seen.count, seen.median, seen.worst)), expected)


def test_constant_surface_has_neighbours_like_itself():
    positions = np.array(list(product(range(4), range(5))))
    seen = neighbours_of(positions, np.full(20, 1.25))
    assert set(seen.median) == set(seen.worst) == {1.25}
    assert sorted(set(seen.count.tolist())) == [2, 3, 4]


def test_spike_shows_by_its_neighbours():
    positions = np.array(list(product(range(5), range(5))))
    figure = np.where((positions == 2).all(axis=1), 3.0, -0.5)
    assert neighbours_of(positions, figure).median[12] == -0.5


def test_grid_of_one_setting_or_no_parameter_has_no_neighbours():
    for positions in (np.zeros((1, 3), np.int64), np.zeros((1, 0), np.int64), np.zeros((0, 2), np.int64)):
        seen = neighbours_of(positions, np.ones(len(positions)))
        assert np.isnan(seen.median).all()
        assert (seen.count == 0).all()


def test_setting_that_is_there_twice_is_refused():
    with pytest.raises(ValueError, match="two settings of one grid have the same values"):
        neighbours_of(np.array([[0, 1], [2, 2], [0, 1]]), np.ones(3))


def test_many_settings_are_looked_up_at_once():
    positions = np.array(list(product(range(10), range(10), range(10), range(10), range(5))))
    figure = positions.sum(axis=1).astype(float)
    seen = neighbours_of(np.random.default_rng(0).permutation(positions), np.zeros(len(positions)))
    assert seen.count.max() == 10
    inner = ((positions > 0) & (positions < [9, 9, 9, 9, 4])).all(axis=1)
    np.testing.assert_array_equal(neighbours_of(positions, figure).median[inner], figure[inner])
