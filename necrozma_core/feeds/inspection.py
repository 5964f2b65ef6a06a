"""What is doubtful about well-formed ticks: slipped digits, wild spreads, frozen quotes, a wrong zone."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from necrozma_core.feeds.days import JUMP, WIDE, DayReport, report_days
from necrozma_core.market.arrays import Int64Array
from necrozma_core.market.calendars import roll_times_ms, trading_day
from necrozma_core.market.instruments import Pair
from necrozma_core.market.ticks import Ticks

_WEEKEND_MS: Final = 40 * 3_600_000
_DAY_MS: Final = 86_400_000
_MINUTE_MS: Final = 60_000
_LATE_MS: Final = 30 * _MINUTE_MS
_TOGETHER_MS: Final = 20 * _MINUTE_MS
_LEAST_WEEKS: Final = 2
_METALS_OPEN_LATER_MS: Final = 60 * _MINUTE_MS
_FROZEN_MS: Final = 60 * _MINUTE_MS
"""Frozen for an hour: pegged and thin pairs keep a quote for ten minutes of a quiet night."""


class Doubt(StrEnum):
    """What may be wrong with ticks, the worst first."""

    JUMP = "jump"
    BREAK = "break"
    WIDE_SPREAD = "wide spread"
    ZONE = "zone"
    WEEKEND = "weekend"
    STALE = "stale"
    DIGITS = "digits"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something doubtful.

    Attributes
    ----------
    doubt : Doubt
    count : int
        Of ticks, days or weeks.
    text : str
        One line: what, how often, the worst and when.
    """

    doubt: Doubt
    count: int
    text: str


def inspect(ticks: Ticks) -> tuple[Finding, ...]:
    """Look for what is doubtful in ticks, at least one; see `find_doubts`."""
    return find_doubts(tuple(report_days([ticks])), ticks.pair, ticks.digits)


def find_doubts(days: Sequence[DayReport], pair: Pair, digits: int) -> tuple[Finding, ...]:
    """Look for what is doubtful.

    Parameters
    ----------
    days : sequence of DayReport
        In order, at least one.
    pair : Pair
    digits : int
        Decimals of the prices.

    Returns
    -------
    tuple of Finding
        At most one of each kind, the worst first; none where nothing is.
    """
    found = [
        _jumps(days),
        _breaks(days),
        _wide_spreads(days),
        _openings(days, pair),
        _weekends(days),
        _frozen(days),
        _fine_digits(pair, digits),
    ]
    return tuple(finding for finding in found if finding is not None)


def _jumps(days: Sequence[DayReport]) -> Finding | None:
    count = sum(day.jumps for day in days)
    if not count:
        return None
    _, quote = max(day.worst_jump for day in days)
    ticks_jump = "tick jumps" if count == 1 else "ticks jump"
    return Finding(Doubt.JUMP, count, f"{count:,} {ticks_jump} by more than {100 * JUMP:g} % and back: {quote}")


def _breaks(days: Sequence[DayReport]) -> Finding | None:
    count = sum(day.breaks for day in days)
    if not count:
        return None
    share, quote = max(day.worst_break for day in days)
    times = "once" if count == 1 else f"{count:,} times"
    return Finding(
        Doubt.BREAK,
        count,
        f"the price moves {times} by more than {100 * JUMP:g} % from one tick to the next and stays, at most by "
        f"{100 * share:,.0f} %: {quote}",
    )


def _wide_spreads(days: Sequence[DayReport]) -> Finding | None:
    count = sum(day.wide for day in days)
    if not count:
        return None
    pips, quote = max(day.worst_wide for day in days)
    have = "tick has" if count == 1 else "ticks have"
    return Finding(
        Doubt.WIDE_SPREAD,
        count,
        f"{count:,} {have} a spread over {100 * WIDE:g} % of the price: {pips:,.0f} pips, {quote}",
    )


def _weekends(days: Sequence[DayReport]) -> Finding | None:
    count = sum(day.ticks for day in days if day.is_weekend)
    if not count:
        return None
    ticks = "1 tick" if count == 1 else f"{count:,} ticks"
    return Finding(Doubt.WEEKEND, count, f"{ticks} while the market is closed for the weekend: check the zone")


def _frozen(days: Sequence[DayReport]) -> Finding | None:
    frozen = [day for day in days if day.longest_stale_ms >= _FROZEN_MS]
    if not frozen:
        return None
    worst = max(frozen, key=lambda day: day.longest_stale_ms)
    on = "day" if len(frozen) == 1 else "days"
    return Finding(
        Doubt.STALE,
        len(frozen),
        f"on {len(frozen):,} {on} quotes came for an hour or more and none changed: for "
        f"{worst.longest_stale_ms / 3_600_000:.1f} hours on {worst.day}",
    )


def _fine_digits(pair: Pair, digits: int) -> Finding | None:
    most = pair.point_digits + 1
    if digits <= most:
        return None
    return Finding(
        Doubt.DIGITS,
        digits,
        f"prices have {digits} decimals, and feeds quote {pair.name} with at most {most}: they were computed",
    )


def _openings(days: Sequence[DayReport], pair: Pair) -> Finding | None:
    """Compare the first quote after each weekend with 17:00 in New York."""
    lasts = np.array([day.last_ms for day in days[:-1]], dtype=np.int64)
    firsts = np.array([day.first_ms for day in days[1:]], dtype=np.int64)
    opens = firsts[firsts - lasts > _WEEKEND_MS]
    if len(opens) < _LEAST_WEEKS:
        return None
    late = opens - _nearest_opening(opens)
    usual = int(np.median(late))
    together = np.abs(late - usual) <= _TOGETHER_MS
    allowed = _METALS_OPEN_LATER_MS if pair.is_metal else 0
    if abs(usual) < _LATE_MS or abs(usual - allowed) < _LATE_MS or 2 * int(together.sum()) <= len(opens):
        return None
    weeks = int(together.sum())
    # The first quote may be late and is never early, so the earliest tells the offset best.
    first = int(late[together].min())
    hours = round(abs(first) / 1_800_000) / 2
    side = "after" if first > 0 else "before"
    return Finding(
        Doubt.ZONE,
        weeks,
        f"{weeks:,} of {len(opens):,} weeks open {hours:g} hours {side} 17:00 New York: check the zone",
    )


def _nearest_opening(times_ms: Int64Array) -> Int64Array:
    rolls = roll_times_ms(int(times_ms[0]) - 8 * _DAY_MS, int(times_ms[-1]) + 8 * _DAY_MS)
    # The roll of a Sunday begins Monday's trading day; 1970-01-05 was a Monday.
    sundays = rolls[(trading_day(rolls) - 4) % 7 == 0]
    later = np.searchsorted(sundays, times_ms)
    before, after = sundays[later - 1], sundays[later]
    nearest: Int64Array = np.where(times_ms - before < after - times_ms, before, after)
    return nearest
