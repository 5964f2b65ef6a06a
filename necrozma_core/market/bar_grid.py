"""Where bars begin: days that end at midnight UTC, at 17:00 New York or when another clock says so."""

import re
from dataclasses import dataclass
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np

from necrozma_core.errors import UsageError, shown
from necrozma_core.market.arrays import Int64Array
from necrozma_core.market.calendars import DAY_MS, NEW_YORK, ROLL_MS, clock_times_ms, trading_day
from necrozma_core.market.timeframes import format_timeframe, parse_timeframe

_CLOCK: Final = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)\s+(\S+)", re.ASCII)


class Days(NamedTuple):
    """The days that bars are cut from.

    Attributes
    ----------
    start_ms : int64 array, shape (n_days + 1,)
        Where each begins and the one before ends, milliseconds since 1970 UTC, rising.
    name_ms : int64 array, shape (n_days + 1,)
        The opening time of each day's daily bar; `start_ms`, but for Mondays that hold a weekend.
    """

    start_ms: Int64Array
    name_ms: Int64Array


@dataclass(frozen=True, slots=True)
class BarGrid:
    """The clock time at which days of bars end, and how far bars are shifted from it.

    Bars of a timeframe follow each other from the beginning of each day; where clocks change, the last of the day is
    cut off, or one more begins. Days that end at 17:00 New York are the market's own: a daily bar of Monday holds what
    was quoted since Friday's end, so that there are five a week.

    Attributes
    ----------
    zone : str
        An IANA name.
    day_end_ms : int
        After the zone's midnight, below a day.
    offset_ms : int
        Added to every beginning; below the timeframe.
    """

    zone: str = "UTC"
    day_end_ms: int = 0
    offset_ms: int = 0

    @classmethod
    def parse(cls, day_end: str, offset: str | None, timeframe_ms: int) -> "BarGrid":
        """Read what a user says.

        Parameters
        ----------
        day_end : str
            A time of the clock and a zone, ``17:00 America/New_York``.
        offset : str or None
            A length of time such as ``30min``, below the timeframe.
        timeframe_ms : int

        Raises
        ------
        UsageError
            It is no such text, the zone does not exist, or the offset reaches the next bar.
        """
        match = _CLOCK.fullmatch(day_end.strip())
        if match is None:
            raise UsageError(
                f"--day-end {shown(day_end, 40)}: expected a time and a zone, such as '17:00 America/New_York'"
            )
        try:
            ZoneInfo(match[3])
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise UsageError(
                f"--day-end {shown(day_end, 40)}: unknown zone {shown(match[3], 40)}; expected UTC or an IANA name"
            ) from error
        offset_ms = 0 if offset is None else parse_timeframe(offset)
        if offset_ms >= timeframe_ms:
            raise UsageError(
                f"--offset {shown(offset, 20)}: expected less than the timeframe, {format_timeframe(timeframe_ms)}"
            )
        return cls(match[3], (int(match[1]) * 60 + int(match[2])) * 60_000, offset_ms)

    @property
    def is_default(self) -> bool:
        """Whether days end at midnight UTC and nothing is shifted."""
        return self == BarGrid()

    def __str__(self) -> str:
        """Write the grid for people: ``days end at 17:00 America/New_York, bars shifted by 30min``."""
        minutes = self.day_end_ms // 60_000
        text = f"days end at {minutes // 60:02d}:{minutes % 60:02d} {self.zone}"
        return text if not self.offset_ms else f"{text}, bars shifted by {format_timeframe(self.offset_ms)}"

    def days(self, first_ms: int, last_ms: int, timeframe_ms: int) -> Days:
        """Return the days of a span, the last one ending after it.

        Parameters
        ----------
        first_ms, last_ms : int
            Milliseconds since 1970 UTC, in order.
        timeframe_ms : int
            Of the bars: weekends belong to Mondays where bars are whole days.
        """
        # A day's beginning may lie three days before its first tick, where a weekend is in it.
        span = (first_ms - 5 * DAY_MS, last_ms + 5 * DAY_MS)
        if self.zone == "UTC":
            starts = np.arange(span[0] // DAY_MS, span[1] // DAY_MS, dtype=np.int64) * DAY_MS + self.day_end_ms
        else:
            starts = clock_times_ms(*span, self.zone, self.day_end_ms)
        starts = starts + self.offset_ms
        names = starts
        if timeframe_ms == DAY_MS and (self.zone, self.day_end_ms, self.offset_ms) == (NEW_YORK, ROLL_MS, 0):
            weekday = (trading_day(starts) + 3) % 7  # Monday is 0: 1 January 1970 was a Thursday
            # The day of Saturday begins what is Monday's, which is called by the beginning of its own.
            begins = (weekday != 6) & (weekday != 0)
            monday = np.flatnonzero(weekday == 5) + 2
            names = starts.copy()
            names[monday[monday < len(starts)] - 2] = starts[monday[monday < len(starts)]]
            starts, names = starts[begins], names[begins]
        used = slice(max(int(np.searchsorted(starts, first_ms, side="right")) - 1, 0), None)
        return Days(np.ascontiguousarray(starts[used]), np.ascontiguousarray(names[used]))
