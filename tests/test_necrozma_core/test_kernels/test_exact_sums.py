"""Sums of fractions in whole numbers of 64 bits, against Python's."""

from fractions import Fraction

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from necrozma_core.kernels.exact_sums import sign_of_sum

LARGEST = 2**31 - 1
DENOMINATORS = st.one_of(st.integers(1, 12), st.integers(1, LARGEST), st.sampled_from([LARGEST, LARGEST - 1, 10**9]))
NUMERATORS = st.one_of(st.integers(-40, 40), st.integers(-(2**50), 2**50))
TERMS = st.lists(st.tuples(NUMERATORS, DENOMINATORS), min_size=1, max_size=30)


def found_sign(terms: list[tuple[int, int]]) -> int:
    numerators, denominators = np.array(terms, np.int64).reshape(-1, 2).T.copy()
    return int(sign_of_sum(numerators, denominators))


@given(TERMS)
@example([(1, 3), (1, 6), (-1, 2)])
@example([(1, LARGEST), (-1, LARGEST - 1)])
@example([(-1, 1)])
def test_sign_of_sum_any_fractions_equals_python_s(terms: list[tuple[int, int]]) -> None:
    exact = sum((Fraction(*term) for term in terms), Fraction(0))
    assert found_sign(terms) == (exact > 0) - (exact < 0)


@given(TERMS, st.sampled_from([-1, 0, 1]))
def test_sign_of_sum_fractions_that_cancel_out_are_zero_and_the_least_more_is_not(
    terms: list[tuple[int, int]], more: int
) -> None:
    opposite = [(-2 * over, 2 * under) if 2 * under <= LARGEST else (-over, under) for over, under in terms]
    assert found_sign([*terms, *opposite, (more, LARGEST)]) == more


def test_sign_of_sum_two_hundred_fractions_within_the_last_bit_of_their_product_are_told_apart() -> None:
    terms = [(1, LARGEST - step) for step in range(99)]
    nearly = [(-1, LARGEST - step - 1) for step in range(99)]
    exact = sum((Fraction(*term) for term in [*terms, *nearly]), Fraction(0))
    assert found_sign([*terms, *nearly]) == (exact > 0) - (exact < 0) == -1
    assert found_sign([*terms, *[(-over, under) for over, under in reversed(terms)]]) == 0
