"""Moments of local clocks, a second time: with Python's dates alone, a minute after another where clocks change."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import islice
from zoneinfo import ZoneInfo

MINUTE_MS = 60_000
SESSION_ENDS = {
    "tokyo": ("18:00", "Asia/Tokyo"),
    "london": ("16:30", "Europe/London"),
    "new_york": ("17:00", "America/New_York"),
}
ROLL = ("17:00", "America/New_York")
FRIDAY = 4


def local(time_ms: int, zone: str) -> datetime:
    """Return what the clocks of a zone show, without the zone."""
    utc = datetime.fromtimestamp(time_ms // 1000, UTC) + timedelta(milliseconds=time_ms % 1000)
    return utc.astimezone(ZoneInfo(zone)).replace(tzinfo=None, fold=0)


@cache
def moment_ms(day: date, clock: str, zone: str) -> int:
    """Return when the clocks first show a time on a day; where they jump over it, when they jump."""
    wanted = datetime.combine(day, time.fromisoformat(clock))
    found = round(wanted.replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)  # fold 0: the first of two
    if local(found, zone) == wanted:
        return found
    found -= 180 * MINUTE_MS
    while local(found, zone) < wanted:
        found += MINUTE_MS
    return found


def moments_after(time_ms: int, clock: str, zone: str, weekdays: range = range(7)) -> Iterator[int]:
    """Yield the moments later than a time at which the clocks show a time of the day, on some weekdays (Monday 0)."""
    day = local(time_ms, zone).date() - timedelta(days=1)
    while True:
        if day.weekday() in weekdays and (found := moment_ms(day, clock, zone)) > time_ms:
            yield found
        day += timedelta(days=1)


def moments_near(time_ms: int, clock: str, zone: str) -> list[int]:
    """Return those of the day at a time, and of the days before and after it."""
    return list(islice(moments_after(time_ms - 48 * 60 * MINUTE_MS, clock, zone), 5))


def read_clock(text: str) -> tuple[str, str]:
    """Split ``16:30@Europe/London``."""
    clock, _, zone = text.partition("@")
    return clock, zone


def is_within(time_ms: int, window: str) -> bool:
    """Say whether the clocks show a time of ``07:00-16:00@Europe/London``, whose end is not in it."""
    hours, zone = read_clock(window)
    begins, ends = (time.fromisoformat(clock) for clock in hours.split("-"))
    now = local(time_ms, zone).time()
    return begins <= now < ends if begins < ends else now >= begins or now < ends


@cache
def end_of_window(time_ms: int, window: str) -> int:
    """Return the first moment later than one within a window that is no longer in it."""
    later = time_ms // MINUTE_MS * MINUTE_MS
    while is_within(later, window):
        later += MINUTE_MS
    return later
