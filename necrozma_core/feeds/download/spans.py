"""The hours, days and months of a range that a source can have."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

import numpy as np

from necrozma_core.market.calendars import DAY_MS, roll_times_ms

HOUR_MS: Final = 3_600_000
_WEEK_MS: Final = 7 * DAY_MS
_SATURDAY: Final = 5
# 1 January 1970 was a Thursday.
_THURSDAY: Final = 3


@dataclass(frozen=True, slots=True)
class Span:
    """What one file is about: from its first millisecond to the one after its last, since 1970 UTC."""

    first_ms: int
    end_ms: int

    @property
    def first(self) -> datetime:
        """Its beginning."""
        return datetime.fromtimestamp(self.first_ms / 1000, UTC)


def open_hours(from_ms: int, to_ms: int) -> Iterator[Span]:
    """Yield the hours that touch ``[from_ms, to_ms)`` in which the market may be open.

    The weekend, from Friday's 17:00 in New York to Sunday's, is left out but for an hour at each of its ends.
    """
    first, end = from_ms // HOUR_MS * HOUR_MS, -(-to_ms // HOUR_MS) * HOUR_MS
    rolls = roll_times_ms(first - _WEEK_MS, end + _WEEK_MS)
    # In summer and in winter 17:00 in New York is of the same day in UTC.
    weekdays = (rolls // DAY_MS + _THURSDAY) % 7
    closes, opens = rolls[weekdays == _SATURDAY - 1], rolls[weekdays == _SATURDAY + 1]
    for hour in range(first, end, HOUR_MS):
        weekend = int(np.searchsorted(closes, hour, side="right")) - 1
        reopens = int(opens[np.searchsorted(opens, closes[weekend])])
        if not closes[weekend] + HOUR_MS <= hour < reopens - HOUR_MS:
            yield Span(hour, hour + HOUR_MS)


def days(from_ms: int, to_ms: int) -> Iterator[Span]:
    """Yield the days, UTC, that touch ``[from_ms, to_ms)``, but Saturdays."""
    for start in range(from_ms // DAY_MS * DAY_MS, to_ms, DAY_MS):
        if (start // DAY_MS + _THURSDAY) % 7 != _SATURDAY:
            yield Span(start, start + DAY_MS)


def months(from_ms: int, to_ms: int) -> Iterator[Span]:
    """Yield the months, UTC, that touch ``[from_ms, to_ms)``."""
    day = datetime.fromtimestamp(from_ms / 1000, UTC).date().replace(day=1)
    while _ms_of(day) < to_ms:
        following = (day + timedelta(days=31)).replace(day=1)
        yield Span(_ms_of(day), _ms_of(following))
        day = following


def _ms_of(day: date) -> int:
    return (day - date(1970, 1, 1)).days * DAY_MS
