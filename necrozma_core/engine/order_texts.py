"""The texts in which orders are given: times of the clock, hours of entry, partial targets, sessions."""

import re
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from necrozma_core.errors import UsageError, nearest, shown

_HOUR_MS: Final = 3_600_000
_TIME: Final = r"([01]?\d|2[0-3]):([0-5]\d)"
_ZONE: Final = r"(?:\s*@\s*|\s+)(\S+)"
_CLOCK: Final = re.compile(rf"{_TIME}(?:{_ZONE})?", re.ASCII)
_WINDOW: Final = re.compile(rf"{_TIME}\s*-\s*{_TIME}(?:{_ZONE})?", re.ASCII)
_NUMBER: Final = r"(\d{1,9}(?:\.\d{1,9})?|\.\d{1,9})"
_TARGET: Final = re.compile(rf"{_NUMBER}\s*:\s*{_NUMBER}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Clock:
    """A time on the clock of a zone, as it comes every day.

    Attributes
    ----------
    zone : str
        An IANA name.
    after_midnight_ms : int
    """

    zone: str
    after_midnight_ms: int


@dataclass(frozen=True, slots=True)
class Window:
    """Hours of a zone's clock, the first of which is meant and the last is not; they may hold midnight.

    Attributes
    ----------
    zone : str
        An IANA name.
    from_ms, until_ms : int
        After midnight.
    """

    zone: str
    from_ms: int
    until_ms: int


SESSION_ENDS: Final = MappingProxyType(
    {
        "tokyo": Clock("Asia/Tokyo", 18 * _HOUR_MS),
        "london": Clock("Europe/London", 33 * _HOUR_MS // 2),
        "new_york": Clock("America/New_York", 17 * _HOUR_MS),
    }
)
"""When each trading session ends, Monday to Friday: 18:00 Tokyo, 16:30 London, 17:00 New York."""


def parse_clock(text: str, name: str = "clock") -> Clock:
    """Read a time of the clock.

    Parameters
    ----------
    text : str
        ``16:30@Europe/London`` or ``16:30 Europe/London``; ``16:30`` alone is in UTC.
    name : str
        What it was given for, for the message.

    Raises
    ------
    UsageError
        It is no such text, or the zone does not exist.
    """
    match = _CLOCK.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"{name} {shown(text, 40)}: expected a time of the clock, such as 16:30@Europe/London")
    return Clock(_zone(match[3], text, name), _after_midnight_ms(match[1], match[2]))


def parse_window(text: str, name: str = "entry_window") -> Window:
    """Read hours of the clock.

    Parameters
    ----------
    text : str
        ``07:00-16:00@Europe/London``, zones as in :func:`parse_clock`; ``22:00-06:00`` holds midnight.
    name : str
        What it was given for, for the message.

    Raises
    ------
    UsageError
        It is no such text, the zone does not exist, or the hours end where they begin.
    """
    match = _WINDOW.fullmatch(text.strip())
    if match is None:
        raise UsageError(
            f"{name} {shown(text, 40)}: expected two times of the clock, such as 07:00-16:00@Europe/London"
        )
    since, until = _after_midnight_ms(match[1], match[2]), _after_midnight_ms(match[3], match[4])
    if since == until:
        raise UsageError(f"{name} {shown(text, 40)}: it ends where it begins; expected two times that differ")
    return Window(_zone(match[5], text, name), since, until)


def parse_targets(text: str, name: str = "targets") -> tuple[tuple[float, float], ...]:
    """Read partial targets.

    Parameters
    ----------
    text : str
        ``10:0.5+20:0.25``: at 10 pips half of the lot, at 20 a quarter.
    name : str
        What it was given for, for the message.

    Returns
    -------
    tuple of (float, float)
        Pips and the fraction closed there; pips rising, fractions above zero with a sum of at most 1.

    Raises
    ------
    UsageError
        It is no such text, the distances do not rise, or the fractions are more than the whole.
    """
    matches = [_TARGET.fullmatch(part.strip()) for part in text.split("+")]
    found = [(Decimal(match[1]), Decimal(match[2])) for match in matches if match]
    if len(found) < len(matches) or any(pips <= 0 or fraction <= 0 for pips, fraction in found):
        raise UsageError(
            f"{name} {shown(text, 60)}: expected pips and fractions above zero, such as 10:0.5+20:0.25 for a half at "
            "10 pips and a quarter at 20"
        )
    if any(later <= earlier for (earlier, _), (later, _) in pairwise(found)):
        raise UsageError(f"{name} {shown(text, 60)}: expected distances that rise, each farther than the one before")
    total = sum(fraction for _, fraction in found)
    if total > 1:
        raise UsageError(f"{name} {shown(text, 60)}: expected fractions of at most 1 together, found {total}")
    return tuple((float(pips), float(fraction)) for pips, fraction in found)


def parse_session(text: str, name: str = "close_session") -> Clock:
    """Return when a trading session ends; UsageError, with the nearest known name, where there is no such session."""
    if text not in SESSION_ENDS:
        hint = nearest(text, SESSION_ENDS, ", ".join(SESSION_ENDS))
        raise UsageError(f"{name} {shown(text, 40)}: {hint}")
    return SESSION_ENDS[text]


def _after_midnight_ms(hours: str, minutes: str) -> int:
    return (int(hours) * 60 + int(minutes)) * 60_000


def _zone(zone: str | None, text: str, name: str) -> str:
    if zone is None:
        return "UTC"
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UsageError(
            f"{name} {shown(text, 40)}: unknown zone {shown(zone, 40)}; expected UTC or an IANA name such as "
            "Europe/London"
        ) from error
    return zone
