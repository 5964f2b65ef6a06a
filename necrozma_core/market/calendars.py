"""The two calendars that matter here: the currency trading day, and local clocks with daylight saving.

The currency day ends at 17:00 in New York, the whole year. Days counted so are five a week (Sunday evening
belongs to Monday), which is what annualising daily returns with 252 days assumes.
"""

from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from necrozma_core.market.arrays import Int64Array

DAY_MS: Final = 86_400_000
NEW_YORK: Final = "America/New_York"
ROLL_MS: Final = 17 * 3_600_000
_EPOCH: Final = date(1970, 1, 1)


@cache
def _clock_ms(day: int, zone: str, after_midnight_ms: int) -> int:
    # UTC milliseconds at which a zone's clock shows a time on a calendar day (days since 1970). Adding a timedelta to
    # an aware datetime is arithmetic of the wall clock: it ignores that clocks may change in between, as is wanted
    # here.
    midnight = datetime.combine(_EPOCH + timedelta(days=day), time.min, ZoneInfo(zone))
    return round((midnight + timedelta(milliseconds=after_midnight_ms)).timestamp() * 1000)


def clock_times_ms(first_ms: int, last_ms: int, zone: str, after_midnight_ms: int) -> Int64Array:
    """Return when a zone's clock shows one time, on every day of a span, weekends included.

    Parameters
    ----------
    first_ms, last_ms : int
        Milliseconds since 1970 UTC.
    zone : str
        An IANA name, ``Europe/London``.
    after_midnight_ms : int
        The time on the clock, below a day.

    Returns
    -------
    int64 array, shape (n_days,)
        Milliseconds since 1970 UTC in ``[first_ms, last_ms]``, rising. A time that the clock shows twice in a night
        counts the first time; one that it skips counts as if the clock had not changed yet.
    """
    days = range(first_ms // DAY_MS - 1, last_ms // DAY_MS + 2)
    times = np.array([_clock_ms(day, zone, after_midnight_ms) for day in days], dtype=np.int64)
    return times[(times >= first_ms) & (times <= last_ms)]


def roll_times_ms(first_ms: int, last_ms: int) -> Int64Array:
    """Return every 17:00 New York in ``[first_ms, last_ms]``, weekends included.

    Parameters
    ----------
    first_ms, last_ms : int
        Milliseconds since 1970 UTC.

    Returns
    -------
    int64 array, shape (n_rolls,)
        Milliseconds since 1970 UTC, rising; empty where the span holds none.
    """
    return clock_times_ms(first_ms, last_ms, NEW_YORK, ROLL_MS)


def trading_day(time_ms: Int64Array) -> Int64Array:
    """Return the trading day of each time: the calendar day, in New York, on which it closes.

    Parameters
    ----------
    time_ms : int64 array, shape (n,)
        Milliseconds since 1970 UTC, in any order.

    Returns
    -------
    int64 array, shape (n,)
        Days since 1970-01-01. A time at or after 17:00 New York belongs to the next day.
    """
    if not len(time_ms):
        return np.empty(0, dtype=np.int64)
    first_day = int(time_ms.min()) // DAY_MS - 1
    days = range(first_day, int(time_ms.max()) // DAY_MS + 2)
    closes = np.array([_clock_ms(day, NEW_YORK, ROLL_MS) for day in days], dtype=np.int64)
    return (first_day + np.searchsorted(closes, time_ms, side="right")).astype(np.int64)


@cache
def _offset_ms(utc_ms: int, zone: str) -> int:
    offset = datetime.fromtimestamp(utc_ms / 1000, UTC).astimezone(ZoneInfo(zone)).utcoffset()
    assert offset is not None, "a ZoneInfo always knows its offset"
    return round(offset.total_seconds()) * 1000


def _next_change_ms(after_ms: int, until_ms: int, zone: str) -> int:
    # Bisect for the first second with another UTC offset than at ``after_ms``; ``until_ms`` is known to have one.
    offset = _offset_ms(after_ms, zone)
    while until_ms - after_ms > 1000:
        middle = (after_ms + until_ms) // 2000 * 1000
        if _offset_ms(middle, zone) == offset:
            after_ms = middle
        else:
            until_ms = middle
    return until_ms


def offset_periods(first_ms: int, last_ms: int, zone: str) -> tuple[Int64Array, Int64Array]:
    """Return from when on a zone's local clock is how far ahead of UTC.

    Parameters
    ----------
    first_ms, last_ms : int
        Milliseconds since 1970 UTC, in order.
    zone : str
        An IANA name, ``Europe/London``.

    Returns
    -------
    start_ms, offset_ms : int64 array, shape (n_periods,)
        The first period begins before or at ``first_ms``; local time is ``time_ms + offset``. Exact to the second,
        unless clocks change there and back between one midnight UTC and the next.
    """
    first, last = first_ms // DAY_MS, last_ms // DAY_MS + 1
    starts, offsets = [first * DAY_MS], [_offset_ms(first * DAY_MS, zone)]
    for day in range(first, last):
        midnight = (day + 1) * DAY_MS
        while offsets[-1] != _offset_ms(midnight, zone):
            starts.append(_next_change_ms(max(starts[-1], day * DAY_MS), midnight, zone))
            offsets.append(_offset_ms(starts[-1], zone))
    return np.array(starts, dtype=np.int64), np.array(offsets, dtype=np.int64)


def utc_offset_ms(time_ms: Int64Array, zone: str) -> Int64Array:
    """Return how far a zone's local clock is ahead of UTC at each time, daylight saving included.

    Parameters
    ----------
    time_ms : int64 array, shape (n,)
        Milliseconds since 1970 UTC, in any order.
    zone : str
        An IANA name, ``Europe/London``.

    Returns
    -------
    int64 array, shape (n,)
        Milliseconds; local time is ``time_ms + offset``. Exact to the second, wherever in the day the clocks change,
        unless they change there and back between one midnight UTC and the next.
    """
    if not len(time_ms):
        return np.empty(0, dtype=np.int64)
    starts, offsets = offset_periods(int(time_ms.min()), int(time_ms.max()), zone)
    return offsets[np.searchsorted(starts, time_ms, side="right") - 1]
