"""What a pair's ticks are like at a glance: gaps and spreads, counted once when they are stored."""

from typing import Final

import numpy as np

from necrozma_core.market.arrays import Int32Array, Int64Array
from necrozma_core.market.calendars import DAY_MS, roll_times_ms, trading_day

GAP_MS: Final = 600_000
"""Ten minutes of an open market without a quote are a gap."""

_ROLL_MS: Final = 3_600_000
_WEEKEND_MS: Final = 2 * DAY_MS
_MAX_SPREAD: Final = 65_535
_FRIDAY, _SATURDAY = 4, 5


def find_gaps(time_ms: Int64Array) -> tuple[int, int]:
    """Count the gaps in a series of times, and measure the longest.

    A gap is more than ten minutes of open market between two ticks. The market is closed from Friday to Sunday
    17:00 New York, and the hour after each day's 17:00, the roll, counts as closed too: many feeds rest then.
    Holidays are not known here; a closed Christmas is a gap.

    Parameters
    ----------
    time_ms : int64 array, shape (n_ticks,)
        Milliseconds since 1970 UTC, never falling.

    Returns
    -------
    count : int
    longest_ms : int
        Open market in the longest gap; 0 where there is none.
    """
    before = np.flatnonzero(np.diff(time_ms) > GAP_MS)
    if not len(before):
        return 0, 0
    edges = np.stack((time_ms[before], time_ms[before + 1]))
    starts, ends = edges - _closed_before(edges)
    gaps = (ends - starts)[ends - starts > GAP_MS]
    return len(gaps), int(gaps.max(initial=0))


def _closed_before(time_ms: Int64Array) -> Int64Array:
    """Sum the closed time up to each time, counted from the same moment for all of them."""
    week_ms = 7 * DAY_MS
    rolls = roll_times_ms(int(time_ms.min()) - week_ms, int(time_ms.max()) + week_ms)
    weekday = (trading_day(rolls) + 2) % 7  # of the day that ends at the roll: 1 January 1970 was a Thursday
    starts, weekday = rolls[weekday != _SATURDAY], weekday[weekday != _SATURDAY]
    # A weekend ends at Sunday's roll, an hour sooner or later where the clocks change.
    lasts = np.where(weekday == _FRIDAY, np.diff(starts, append=starts[-1] + _WEEKEND_MS), _ROLL_MS)
    total = np.concatenate(([0], np.cumsum(lasts)))
    window = np.searchsorted(starts, time_ms, side="right") - 1
    return np.asarray(total[window] + np.minimum(time_ms - starts[window], lasts[window]), dtype=np.int64)


class RunningSummary:
    """The figures of ticks that come piece by piece.

    Attributes
    ----------
    ticks : int
    highest : int
        The largest price, points.
    first_ms, last_ms : int
        Milliseconds since 1970 UTC.
    gaps, longest_gap_ms : int
        See `find_gaps`.
    """

    def __init__(self) -> None:
        self.ticks = self.highest = self.first_ms = self.last_ms = self.gaps = self.longest_gap_ms = 0
        self._spreads = np.zeros(_MAX_SPREAD + 1, dtype=np.int64)

    def add(self, time_ms: Int64Array, bid: Int32Array, ask: Int32Array) -> None:
        """Take the next ticks in, at least one."""
        before = [self.last_ms] if self.ticks else []
        gaps, longest_ms = find_gaps(np.concatenate([np.array(before, dtype=np.int64), time_ms]))
        self.first_ms = self.first_ms if self.ticks else int(time_ms[0])
        self.last_ms = int(time_ms[-1])
        self.ticks += len(time_ms)
        self.highest = max(self.highest, int(ask.max()))
        self.gaps, self.longest_gap_ms = self.gaps + gaps, max(self.longest_gap_ms, longest_ms)
        counts = np.bincount(np.minimum(ask - bid, _MAX_SPREAD))
        self._spreads[: len(counts)] += counts

    @property
    def spreads(self) -> dict[int, int]:
        """How often each spread occurs: points to ticks, narrowest first; above 65,535 points counted as that many."""
        return {int(spread): int(self._spreads[spread]) for spread in np.flatnonzero(self._spreads)}


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
