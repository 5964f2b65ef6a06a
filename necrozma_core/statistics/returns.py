"""Daily returns of many settings, as arrays of which little is in memory twice."""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from necrozma_core.market.arrays import FloatArray, Int64Array

Returns = NDArray[np.float32] | NDArray[np.float64]
"""Daily returns, shape (n_settings, n_days): fractions of the account, the days in order and the same for all rows. A
row with a value that is no number is of a setting without figures."""

_NUMBERS: Final = 1 << 19
"""In a piece: 4 MB as float64, which with a handful of copies stays in a processor's cache. Eight times as many took a
third longer, an eighth as many likewise."""


def pieces(returns: Returns, width: int = 1) -> Iterator[tuple[slice, FloatArray]]:
    """Yield the rows in pieces of a few megabytes, as float64.

    Parameters
    ----------
    returns : float32 or float64 array, shape (n_settings, n_days)
    width : int
        Numbers that will be made of each row, if those are more than its days.

    Yields
    ------
    (slice, float64 array of shape (n_rows, n_days))
        Which rows, and their values; not to be changed, for it may be the caller's array.
    """
    if returns.ndim != 2:
        raise ValueError(f"expected settings x days, found {returns.ndim} dimensions")
    settings, days = returns.shape
    rows = max(1, _NUMBERS // max(1, days, width))
    for first in range(0, settings, rows):
        some = slice(first, min(first + rows, settings))
        yield some, returns[some].astype(np.float64, copy=False)


def aligned(parts: Sequence[tuple[Int64Array, Returns]]) -> tuple[Int64Array, NDArray[np.float32]]:
    """Put the settings of several pairs on the same days: those on which any pair has quotes.

    Parameters
    ----------
    parts : sequence of (int64 array of shape (n_days,), float32 or float64 array of shape (n_settings, n_days))
        Rising dates of a pair, in days since 1970, and its settings' returns.

    Returns
    -------
    (int64 array of shape (n_dates,), float32 array of shape (all settings, n_dates))
        A setting earned 0 on a day of other pairs.
    """
    dates = np.unique(np.concatenate([np.empty(0, np.int64), *(part_dates for part_dates, _ in parts)]))
    matrix = np.zeros((sum(len(returns) for _, returns in parts), len(dates)), np.float32)
    first = 0
    for part_dates, returns in parts:
        columns = np.searchsorted(dates, part_dates)
        matrix[first : first + len(returns), columns] = returns
        first += len(returns)
    return dates, matrix
