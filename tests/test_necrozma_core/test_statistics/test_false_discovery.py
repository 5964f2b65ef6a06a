"""Benjamini and Hochberg's q-values against their rule, number by number."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from necrozma_core.statistics.false_discovery import q_values

values = st.lists(st.one_of(st.floats(0, 1), st.sampled_from([0.01, 0.5, np.nan])), max_size=40).map(np.array)


def found_at(p_values, level):
    """Which are found at a level by the step-up rule: all up to the last one that lies under the line."""
    tested = np.sort(p_values[~np.isnan(p_values)])
    under = [p for rank, p in enumerate(tested, 1) if p <= level * rank / len(tested)]
    return p_values <= max(under) if under else np.zeros(len(p_values), bool)


@given(values, st.floats(0.001, 0.999))
def test_q_values_at_most_a_level_are_what_the_rule_finds(p_values, level):
    p_values = p_values.astype(float)
    q = q_values(p_values)
    if not np.isclose(q[~np.isnan(q)], level, rtol=1e-9).any():
        np.testing.assert_array_equal(q <= level, found_at(p_values, level))


@given(values)
def test_q_values_rise_with_p_values_and_are_no_smaller(p_values):
    p_values = p_values.astype(float)
    q = q_values(p_values)
    np.testing.assert_array_equal(np.isnan(q), np.isnan(p_values))
    order = np.argsort(p_values)  # NaN last
    tested = q[order][: np.count_nonzero(~np.isnan(q))]
    assert (np.diff(tested) >= 0).all()
    assert (tested <= 1).all()
    assert (tested >= np.sort(p_values)[: len(tested)] * (1 - 1e-15)).all()


def test_q_values_of_the_papers_example_find_four():
    # Benjamini and Hochberg (1995), section 4.1: fifteen p-values, of which four are found at 0.05.
    p_values = np.array([0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262,
                         0.5719, 0.6528, 0.7590, 1.0])  # fmt: skip
    assert np.count_nonzero(q_values(p_values) <= 0.05) == 4
    assert q_values(p_values)[3] == pytest.approx(0.0095 * 15 / 4)


def test_no_p_values_have_no_q_values():
    assert len(q_values(np.array([]))) == 0
    assert np.isnan(q_values(np.array([np.nan, np.nan]))).all()
