"""Zones that times without one are read in: IANA names, fixed offsets, and a zone some hours ahead of another.

Most MetaTrader brokers keep a clock that is seven hours ahead of New York's all year, so that its midnight is the end
of the trading day, 17:00 in New York. No IANA zone does that: ``America/New_York+7`` says it.
"""

import re
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pyarrow as pa
import pyarrow.compute as pc

from necrozma_core.errors import DataError, UsageError, shown

ZONES: Final = "UTC, America/New_York, America/New_York+7 (most MetaTrader brokers) or -05:00"
"""What may be given, for messages and help."""

_OFFSET: Final = re.compile(r"[+-](0\d|1[0-4]):[0-5]\d", re.ASCII)
_AHEAD: Final = re.compile(r"(?P<zone>.+)(?P<hours>[+-]\d{1,2})", re.ASCII)
_HOUR_S: Final = 3_600
_MOST_HOURS: Final = 14


@cache
def split_zone(zone: str) -> tuple[str, int]:
    """Take a zone apart.

    Returns
    -------
    tuple of (str, int)
        An IANA name or an offset such as ``-05:00``, and the seconds that the clock is ahead of it.

    Raises
    ------
    UsageError
        It is unknown.
    """
    if _OFFSET.fullmatch(zone) or _is_name(zone):
        return zone, 0
    ahead = _AHEAD.fullmatch(zone)
    if ahead and abs(int(ahead["hours"])) <= _MOST_HOURS and _is_name(ahead["zone"]):
        return ahead["zone"], int(ahead["hours"]) * _HOUR_S
    raise UsageError(f"unknown zone {shown(zone, 40)}: expected a name or an offset such as {ZONES}")


def _is_name(zone: str) -> bool:
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


class ClockChangeError(DataError):
    """A time that its zone's clocks never showed, or showed twice.

    Attributes
    ----------
    position : int
        Among the times.
    trouble : str
    """

    def __init__(self, position: int, trouble: str, text: str = "a time") -> None:
        super().__init__(f"{text} {trouble}")
        self.position = position
        self.trouble = trouble


def assume_zone(times: pa.TimestampArray, zone: str) -> pa.TimestampArray:
    """Give times of a clock their zone.

    Parameters
    ----------
    times : timestamp array without a zone
    zone : str
        As `split_zone` takes it.

    Returns
    -------
    timestamp array with a zone, of the same unit

    Raises
    ------
    ClockChangeError
        A time does not exist in the zone, or exists twice.
    """
    name, ahead_s = split_zone(zone)
    if ahead_s:
        times = pc.subtract(times, pa.scalar(ahead_s, pa.duration("s")).cast(pa.duration(times.type.unit)))
    try:
        return pc.assume_timezone(times, name, ambiguous="raise", nonexistent="raise")
    except pa.ArrowInvalid as error:
        either = [pc.assume_timezone(times, name, ambiguous=side, nonexistent=side) for side in ("earliest", "latest")]
        position = pc.not_equal(*either).index(True).as_py()
        trouble = "exists twice" if _is_ambiguous(times[position], name) else "does not exist"
        raise ClockChangeError(position, f"{trouble} in {zone}") from error


def _is_ambiguous(time: pa.TimestampScalar, name: str) -> bool:
    try:
        pc.assume_timezone(time, name, ambiguous="raise", nonexistent="earliest")
    except pa.ArrowInvalid:
        return True
    return False
