"""Sums of fractions without rounding, for the few comparisons that rounding would decide.

Fractions of whole points have as many denominators as there are ranges of prices; their common one fits no number of
64 bits.
"""

import numpy as np
from numba import njit


@njit(cache=True, nogil=True, error_model="numpy")
def sign_of_sum(numerators, denominators):
    """Tell the sign of a sum of fractions, exactly and in whole numbers of 64 bits.

    Long division of all fractions at once, 32 bits of their quotients a step. Before each step the sum is ``total``
    plus fractions of at least 0 and below 1 each. Where it is not 0, its size is at least one by the product of the
    denominators, so that it shows within one step a fraction and one more.

    Parameters
    ----------
    numerators : int64 array, shape (n,)
        Their quotients add up to less than 2**63. Overwritten.
    denominators : int64 array, shape (n,)
        From 1 to 2**31 - 1; n is from 1 to 250.

    Returns
    -------
    int
        -1, 0 or 1.
    """
    n = len(numerators)
    total = np.int64(0)
    for i in range(n):
        total += numerators[i] // denominators[i]
        numerators[i] %= denominators[i]
    for _ in range(n + 2):
        if total > 0:
            return 1
        if total <= -n:
            return -1
        rest = np.int64(0)
        total <<= 32
        for i in range(n):
            rest |= numerators[i]
            shifted = numerators[i] << 32
            total += shifted // denominators[i]
            numerators[i] = shifted % denominators[i]
        if rest == 0:
            return -1 if total < 0 else 0
    return 0
