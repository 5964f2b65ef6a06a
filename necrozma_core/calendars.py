"""The two calendars that matter here: the currency trading day, and local clocks with daylight saving.

The currency day ends at 17:00 in New York, the whole year. Days counted so are five a week (Sunday evening
belongs to Monday), which is what annualising daily returns with 252 days assumes.
"""

from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from necrozma_core.ticks import Int64Array

DAY_MS: Final = 86_400_000
_NEW_YORK: Final = ZoneInfo("America/New_York")
_ROLL_HOUR: Final = 17
_EPOCH: Final = date(1970, 1, 1)


@cache
def _roll_ms(day: int) -> int:
    """UTC milliseconds of 17:00 New York on the calendar day ``day`` (days since 1970)."""
    local = datetime.combine(_EPOCH + timedelta(days=day), datetime.min.time(), _NEW_YORK).replace(hour=_ROLL_HOUR)
    return round(local.timestamp()) * 1000


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
    days = range(first_ms // DAY_MS - 1, last_ms // DAY_MS + 2)
    rolls = np.array([_roll_ms(day) for day in days], dtype=np.int64)
    return rolls[(rolls >= first_ms) & (rolls <= last_ms)]


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
    closes = np.array([_roll_ms(day) for day in range(first_day, int(time_ms.max()) // DAY_MS + 2)], dtype=np.int64)
    return (first_day + np.searchsorted(closes, time_ms, side="right")).astype(np.int64)


def _offset_ms(utc_ms: int, zone: ZoneInfo) -> int:
    offset = datetime.fromtimestamp(utc_ms / 1000, UTC).astimezone(zone).utcoffset()
    assert offset is not None, "a ZoneInfo always knows its offset"
    return round(offset.total_seconds()) * 1000


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
        Milliseconds; local time is ``time_ms + offset``. Right from the hour in which the clocks change:
        every rule since 1970 changes them on a full UTC hour.
    """
    if not len(time_ms):
        return np.empty(0, dtype=np.int64)
    hour_ms = 3_600_000
    clock = ZoneInfo(zone)
    first, last = int(time_ms.min()) // DAY_MS, int(time_ms.max()) // DAY_MS + 1
    starts, offsets = [first * DAY_MS], [_offset_ms(first * DAY_MS, clock)]
    for day in range(first, last):
        if _offset_ms((day + 1) * DAY_MS, clock) == offsets[-1]:
            continue
        changed = next(hour for hour in range(1, 25) if _offset_ms(day * DAY_MS + hour * hour_ms, clock) != offsets[-1])
        starts.append(day * DAY_MS + changed * hour_ms)
        offsets.append(_offset_ms(starts[-1], clock))
    found = np.searchsorted(np.array(starts, dtype=np.int64), time_ms, side="right") - 1
    return np.array(offsets, dtype=np.int64)[found]
