"""What a pair's stored ticks are like, day by day, and a verdict in words."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from necrozma_core.feeds.inspection import Finding, inspect
from necrozma_core.market.arrays import Int64Array
from necrozma_core.market.calendars import trading_day
from necrozma_core.market.ticks import Ticks, find_repeats
from necrozma_core.storage.ticks.manifest import format_span
from necrozma_core.storage.ticks.summary import find_gaps

_SATURDAY: Final = 5
_RAW_SHARE: Final = 0.5
_MANY_GAPS: Final = 1.0
"""Gaps a day beyond which a feed is thin, or has holes."""


@dataclass(frozen=True, slots=True)
class DayReport:
    """One trading day, which ends at 17:00 in New York.

    Attributes
    ----------
    day : numpy.datetime64
        On which it ends.
    ticks : int
    spread_pips : tuple of float
        Median, 95 % quantile and widest.
    zero_spreads : int
        Ticks whose bid is their ask.
    repeated : int
        Ticks that are the one before them once more.
    gaps : int
        How often the open market was silent for more than ten minutes.
    longest_gap_ms : int
    """

    day: np.datetime64
    ticks: int
    spread_pips: tuple[float, float, float]
    zero_spreads: int
    repeated: int
    gaps: int
    longest_gap_ms: int


@dataclass(frozen=True, slots=True)
class DataReport:
    """A pair's ticks.

    Attributes
    ----------
    pair : str
    span : str
    ticks : int
    days : tuple of DayReport
    weekend_ticks : int
        Ticks of trading days that end on a Saturday or Sunday, when the market is closed.
    findings : tuple of Finding
    """

    pair: str
    span: str
    ticks: int
    days: tuple[DayReport, ...]
    weekend_ticks: int
    findings: tuple[Finding, ...]

    @property
    def is_doubtful(self) -> bool:
        """Tell whether something should be looked at before these ticks are traded on."""
        return bool(self.findings) or bool(self.weekend_ticks)

    def verdict(self) -> Iterator[str]:
        """Say what the ticks are like, the worst first, a sentence each."""
        yield from (f"Doubtful: {finding.text}." for finding in self.findings)
        if self.weekend_ticks:
            yield f"Doubtful: {self.weekend_ticks:,} ticks while the market is closed for the weekend: check the zone."
        gaps = sum(day.gaps for day in self.days)
        if gaps > _MANY_GAPS * len(self.days):
            longest = max(day.longest_gap_ms for day in self.days) / 3_600_000
            days = len(self.days)
            yield f"Thin: {gaps:,} gaps of more than ten minutes in {days:,} days, the longest {longest:.1f} hours."
        if repeated := sum(day.repeated for day in self.days):
            yield f"{repeated:,} ticks repeat the one before them in time and prices."
        zero = sum(day.zero_spreads for day in self.days)
        if zero > _RAW_SHARE * self.ticks:
            share = 100 * zero / self.ticks
            yield f"{share:.0f} % of the ticks have no spread: a raw feed, whose costs are the commission."
        if not self.is_doubtful:
            yield "Nothing doubtful."


def report_data(ticks: Ticks) -> DataReport:
    """Look at a pair's ticks day by day.

    Parameters
    ----------
    ticks : Ticks
        At least one.

    Returns
    -------
    DataReport
    """
    days = trading_day(ticks.time_ms)
    starts = np.concatenate(([0], np.flatnonzero(np.diff(days)) + 1, [len(ticks)]))
    repeated = np.concatenate(([0], np.cumsum(find_repeats(ticks))))
    reports = tuple(
        _day(ticks, int(days[start]), slice(start, end), repeated) for start, end in pairwise(starts.tolist())
    )
    weekday = (days + 3) % 7  # 1 January 1970 was a Thursday
    return DataReport(
        pair=ticks.pair.name,
        span=format_span(int(ticks.time_ms[0]), int(ticks.time_ms[-1])),
        ticks=len(ticks),
        days=reports,
        weekend_ticks=int(np.count_nonzero(weekday >= _SATURDAY)),
        findings=inspect(ticks),
    )


def _day(ticks: Ticks, day: int, part: slice, repeated: Int64Array) -> DayReport:
    spread = (ticks.ask[part] - ticks.bid[part]) / ticks.points_per_pip
    gaps, longest = find_gaps(ticks.time_ms[part])
    median, most, widest = np.quantile(spread, (0.5, 0.95, 1.0)).tolist()
    return DayReport(
        day=np.datetime64(day, "D"),
        ticks=len(spread),
        spread_pips=(median, most, widest),
        zero_spreads=int(np.count_nonzero(spread == 0.0)),
        repeated=int(repeated[part.stop] - repeated[part.start]),
        gaps=gaps,
        longest_gap_ms=longest,
    )
