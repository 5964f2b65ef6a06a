"""What a pair's ticks are like at a glance: gaps and spreads, counted once when they are stored."""

from typing import Final

import numpy as np

from necrozma_core.market.arrays import Int32Array, Int64Array
from necrozma_core.market.holidays import open_between

GAP_MS: Final = 600_000
"""Ten minutes of an open market without a quote are a gap."""

_MAX_SPREAD: Final = 65_535


def find_gaps(time_ms: Int64Array, *, is_metal: bool = False) -> tuple[int, int]:
    """Count the gaps in a series of times, and measure the longest.

    A gap is more than ten minutes of open market between two ticks; when the market is closed stands in
    `necrozma_core.market.holidays`.

    Parameters
    ----------
    time_ms : int64 array, shape (n_ticks,)
        Milliseconds since 1970 UTC, never falling.
    is_metal : bool
        Whether gold's and silver's holidays count.

    Returns
    -------
    count : int
    longest_ms : int
        Open market in the longest gap; 0 where there is none.
    """
    before = np.flatnonzero(np.diff(time_ms) > GAP_MS)
    if not len(before):
        return 0, 0
    gaps = open_between(time_ms[before], time_ms[before + 1], is_metal=is_metal)
    gaps = gaps[gaps > GAP_MS]
    return len(gaps), int(gaps.max(initial=0))


def count_spreads(bid: Int32Array, ask: Int32Array) -> dict[int, int]:
    """Count how often each spread occurs.

    Returns
    -------
    dict of int to int
        Points to ticks, narrowest first. Spreads above 65,535 points are counted as that many.
    """
    counts = np.bincount(np.minimum(ask - bid, _MAX_SPREAD))
    return {int(spread): int(counts[spread]) for spread in np.flatnonzero(counts)}


def median_of_counts(counts: dict[int, int]) -> float:
    """Return the median of counted values, the mean of the middle two where their number is even.

    Parameters
    ----------
    counts : dict of int to int
        Values to how often they occur; at least one.
    """
    values = np.array(sorted(counts), dtype=np.int64)
    upto = np.cumsum([counts[int(value)] for value in values])
    middle = [(int(upto[-1]) - 1) // 2, int(upto[-1]) // 2]
    return float(values[np.searchsorted(upto, middle, side="right")].mean())
