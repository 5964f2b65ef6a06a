"""A range of dates: what of the data a backtest is about."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from necrozma_core.errors import UsageError


@dataclass(frozen=True, slots=True)
class DateRange:
    """The times in ``[from_ms, to_ms)``.

    Attributes
    ----------
    from_ms, to_ms : int or None
        Milliseconds since 1970 UTC; None leaves that end open.

    Raises
    ------
    UsageError
        If the range holds no time.
    """

    from_ms: int | None = None
    to_ms: int | None = None

    def __post_init__(self) -> None:
        if self.from_ms is not None and self.to_ms is not None and self.from_ms >= self.to_ms:
            raise UsageError(f"--from {format_moment(self.from_ms)} is not before --to {format_moment(self.to_ms)}")

    def holds(self, time_ms: int) -> bool:
        """Tell whether a time is in the range."""
        return (self.from_ms is None or self.from_ms <= time_ms) and (self.to_ms is None or time_ms < self.to_ms)

    @property
    def is_open(self) -> bool:
        """Whether every time is in it."""
        return self.from_ms is None and self.to_ms is None

    def meets(self, first_ms: int, last_ms: int) -> bool:
        """Tell whether data from ``first_ms`` to ``last_ms``, both included, may have something in the range."""
        return (self.to_ms is None or first_ms < self.to_ms) and (self.from_ms is None or last_ms >= self.from_ms)

    def __str__(self) -> str:
        """Write the range for people: ``2023-01-01 to 2024-01-01``; empty where every time is in it."""
        start = "" if self.from_ms is None else f"from {format_moment(self.from_ms)}"
        end = "" if self.to_ms is None else f"to {format_moment(self.to_ms)}"
        return f"{start.removeprefix('from ') if end else start} {end}".strip()


class Split(NamedTuple):
    """A range cut where a hold-out begins.

    Attributes
    ----------
    dates : DateRange
        What is ranked on.
    holdout : DateRange or None
        What is kept from it; None where nothing is.
    """

    dates: DateRange
    holdout: DateRange | None


def format_moment(time_ms: int) -> str:
    """Write a time as `parse_moment` reads it, the day alone where it is midnight UTC."""
    moment = datetime.fromtimestamp(time_ms // 1000, UTC).replace(tzinfo=None)
    text = moment.isoformat() + (f".{time_ms % 1000:03d}" if time_ms % 1000 else "")
    return text.removesuffix("T00:00:00") if text.endswith("T00:00:00") else f"{text}Z"
