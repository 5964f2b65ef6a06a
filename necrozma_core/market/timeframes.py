"""The names of bar lengths; apart from the bars so that reading a setting does not load the compiler."""

import re
from typing import Final

from necrozma_core.errors import UsageError, shown

_UNITS_MS: Final = {"s": 1_000, "sec": 1_000, "min": 60_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_MAX_TIMEFRAME_MS: Final = 86_400_000


def parse_timeframe(text: str) -> int:
    """Return the milliseconds of a timeframe such as ``30s``, ``5min``, ``1h`` or ``1d``.

    Raises
    ------
    UsageError
        If the text is no whole number of seconds, minutes, hours or days, or does not divide a day: bars
        start at midnight UTC, and a timeframe that does not divide the day would drift across it.
    """
    match = re.fullmatch(r"([1-9]\d{0,4})\s*([a-z]+)", text.strip().lower())
    unit_ms = _UNITS_MS.get(match[2]) if match else None
    if match is None or unit_ms is None:
        raise UsageError(
            f"timeframe {shown(text, 40)}: expected a number and s, min, h or d, such as 30s, 5min, 1h or 1d"
        )
    timeframe_ms = int(match[1]) * unit_ms
    if _MAX_TIMEFRAME_MS % timeframe_ms:
        raise UsageError(f"timeframe {shown(text, 40)} does not divide a day: use 1min, 5min, 15min, 1h, 4h or 1d")
    return timeframe_ms


def format_timeframe(timeframe_ms: int) -> str:
    """Return the shortest name of a timeframe: ``5min`` for 300,000 ms."""
    for unit, unit_ms in (("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1_000)):
        if timeframe_ms % unit_ms == 0:
            return f"{timeframe_ms // unit_ms}{unit}"
    return f"{timeframe_ms}ms"
