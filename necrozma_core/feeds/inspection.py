"""What is doubtful about well-formed ticks: another pair's level, slipped digits, wild spreads, a wrong zone."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from necrozma_core.errors import DataError
from necrozma_core.market.arrays import BoolArray, FloatArray, Int64Array
from necrozma_core.market.calendars import roll_times_ms, trading_day
from necrozma_core.market.levels import LEVELS
from necrozma_core.market.ticks import Ticks, format_quote

_JUMP: Final = 0.02
"""A quote that leaves the two around it by this share and comes back. The Swiss franc's 15 January 2015 moved by 15 %
within minutes, but from quote to quote by less."""

_WIDE: Final = 0.01
"""A spread of this share of the price: 100 pips of EURUSD; the roll's widest are a tenth of it."""

_WEEKEND_MS: Final = 40 * 3_600_000
_DAY_MS: Final = 86_400_000
_MINUTE_MS: Final = 60_000
_LATE_MS: Final = 30 * _MINUTE_MS
_TOGETHER_MS: Final = 20 * _MINUTE_MS
_LEAST_WEEKS: Final = 2
_METALS_OPEN_LATER_MS: Final = 60 * _MINUTE_MS


class Doubt(StrEnum):
    """What may be wrong with ticks."""

    JUMP = "jump"
    WIDE_SPREAD = "wide spread"
    ZONE = "zone"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something doubtful.

    Attributes
    ----------
    doubt : Doubt
    count : int
        Of ticks, or of weeks.
    text : str
        One line: what, how often, the worst and when.
    """

    doubt: Doubt
    count: int
    text: str


def check_level(ticks: Ticks, source: str) -> None:
    """Refuse ticks whose prices this pair has never had.

    Raises
    ------
    DataError
        The middle one of all bids, or that of all asks, lies outside `LEVELS`.
    """
    low, high = LEVELS[ticks.pair.name]
    bid, ask = (float(np.median(side)) / ticks.scale for side in (ticks.bid, ticks.ask))
    price = ask if low <= bid <= high else bid
    if not low <= price <= high:
        raise DataError(
            f"{source}: prices around {price:g} are not {ticks.pair.name}'s, which has been between {low:g} and "
            f"{high:g} since 1990: check the pair and the scale of the prices"
        )


def inspect(ticks: Ticks) -> tuple[Finding, ...]:
    """Look for what is doubtful.

    Parameters
    ----------
    ticks : Ticks
        At least one.

    Returns
    -------
    tuple of Finding
        At most one of each kind; none where nothing is.
    """
    mid = (ticks.bid.astype(np.int64) + ticks.ask).astype(np.float64)
    spread = ticks.ask - ticks.bid
    found = [
        _jumps(ticks, mid),
        _wide_spreads(ticks, 2.0 * spread / mid > _WIDE),
        _openings(ticks),
    ]
    return tuple(finding for finding in found if finding is not None)


def _jumps(ticks: Ticks, mid: FloatArray) -> Finding | None:
    if len(mid) < 3:
        return None
    around = np.stack([mid[:-2], mid[1:-1], mid[2:]])
    middle = np.median(around, axis=0)
    leaves = np.abs(mid[1:-1] - middle) / middle
    count = int(np.count_nonzero(leaves > _JUMP))
    if not count:
        return None
    worst = int(leaves.argmax()) + 1
    ticks_jump = "tick jumps" if count == 1 else "ticks jump"
    return Finding(
        Doubt.JUMP,
        count,
        f"{count:,} {ticks_jump} by more than {100 * _JUMP:g} % and back: {format_quote(ticks, worst)}",
    )


def _wide_spreads(ticks: Ticks, wide: BoolArray) -> Finding | None:
    count = int(np.count_nonzero(wide))
    if not count:
        return None
    spread = ticks.ask - ticks.bid
    worst = int(spread.argmax())
    pips = float(spread[worst]) / ticks.points_per_pip
    have = "tick has" if count == 1 else "ticks have"
    return Finding(
        Doubt.WIDE_SPREAD,
        count,
        f"{count:,} {have} a spread over {100 * _WIDE:g} % of the price: {pips:,.0f} pips, "
        f"{format_quote(ticks, worst)}",
    )


def _openings(ticks: Ticks) -> Finding | None:
    """Compare the first quote after each weekend with 17:00 in New York."""
    opens = ticks.time_ms[1:][np.diff(ticks.time_ms) > _WEEKEND_MS]
    if len(opens) < _LEAST_WEEKS:
        return None
    late = opens - _nearest_opening(opens)
    usual = int(np.median(late))
    together = np.abs(late - usual) <= _TOGETHER_MS
    allowed = _METALS_OPEN_LATER_MS if ticks.pair.base in {"XAU", "XAG"} else 0
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
