"""The longest part of a sequence that never falls."""

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def longest_rising(values):
    """Mark the members of a longest subsequence that never falls.

    Patience sorting with binary search: ``tails[k]`` is the position of the smallest value in which such a
    subsequence of ``k + 1`` members can end so far. Of several longest ones it is the one whose members, from the last
    to the first, come latest. Source: Fredman, "On computing the length of longest increasing subsequences", 1975.

    Parameters
    ----------
    values : int64 array, shape (n,)

    Returns
    -------
    bool array, shape (n,)
    """
    n = len(values)
    member = np.zeros(n, dtype=np.bool_)
    tails = np.empty(n, dtype=np.int64)
    before = np.empty(n, dtype=np.int64)
    length = 0
    for i in range(n):
        value = values[i]
        if length == 0 or values[tails[length - 1]] <= value:
            at = length
            length += 1
        else:
            low, high = 0, length - 1
            while low < high:
                middle = (low + high) // 2
                if values[tails[middle]] > value:
                    high = middle
                else:
                    low = middle + 1
            at = low
        tails[at] = i
        before[i] = tails[at - 1] if at > 0 else -1
    i = tails[length - 1] if length > 0 else -1
    while i >= 0:
        member[i] = True
        i = before[i]
    return member
