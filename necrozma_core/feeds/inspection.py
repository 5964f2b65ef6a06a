"""What is doubtful about well-formed ticks: another pair's level, slipped digits, wild spreads, a wrong zone."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from necrozma_core.errors import DataError
from necrozma_core.market.arrays import FloatArray, Int64Array
from necrozma_core.market.calendars import roll_times_ms, trading_day
from necrozma_core.market.instruments import Pair
from necrozma_core.market.levels import LEVELS
from necrozma_core.market.ticks import Ticks, find_repeats, format_quote
from necrozma_core.storage.ticks.spans import joined, part_of

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
_SAMPLE: Final = 1_024
"""Of how many prices of a piece the middle one is taken: enough to tell a pair's level."""


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
        The middle one of all prices lies outside `LEVELS`.
    """
    low, high = LEVELS[ticks.pair.name]
    price = float(np.median(ticks.bid)) / ticks.scale
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
    inspection = Inspection(ticks.pair)
    inspection.add(ticks)
    return inspection.findings()


@dataclass(slots=True)
class _Worst:
    """How many ticks are so, how far the worst is, and its quote."""

    count: int = 0
    size: float = 0.0
    quote: str = ""

    def add(self, count: int, sizes: FloatArray, ticks: Ticks, first: int) -> None:
        """Count more of them; `sizes` are those of the ticks from `first` on."""
        if count and float(sizes.max()) > self.size:
            worst = int(sizes.argmax())
            self.size, self.quote = float(sizes[worst]), format_quote(ticks, first + worst)
        self.count += count


class Inspection:
    """Looks for what is doubtful in ticks that come piece by piece, in order.

    Parameters
    ----------
    pair : Pair

    Attributes
    ----------
    repeated : int
        Ticks that are the one before them once more.
    """

    def __init__(self, pair: Pair) -> None:
        self.repeated = 0
        self._pair = pair
        self._before: Ticks | None = None
        self._samples: list[Ticks] = []
        self._jumps = _Worst()
        self._wide = _Worst()
        self._opens: list[int] = []
        self._points_per_pip = 1.0

    def add(self, piece: Ticks) -> None:
        """Look at the next ticks, at least one, all in the same digits."""
        ticks, new = self._behind(piece)
        mid = (ticks.bid.astype(np.int64) + ticks.ask).astype(np.float64)
        self.repeated += int(np.count_nonzero(find_repeats(ticks)[new:]))
        lowest = float(mid.min())
        # Prices that lie closer together than a jump is wide have none; nearly all pieces are so.
        if len(mid) > 2 and float(mid.max()) - lowest > _JUMP * lowest:
            self._look_for_jumps(ticks, mid)
        points = piece.ask - piece.bid
        if 2.0 * float(points.max()) > _WIDE * lowest:
            spread = points.astype(np.float64)
            self._wide.add(int(np.count_nonzero(2.0 * spread / mid[new:] > _WIDE)), spread, piece, 0)
        self._points_per_pip = piece.points_per_pip
        gaps = np.flatnonzero(np.diff(ticks.time_ms) > _WEEKEND_MS)
        # Gaps between the ticks before were seen with them.
        self._opens += ticks.time_ms[gaps[gaps + 1 >= new] + 1].tolist()
        self._samples.append(_middle(piece))

    def middle(self) -> Ticks:
        """Return the middle one of each piece's prices."""
        return joined(self._samples)

    def findings(self) -> tuple[Finding, ...]:
        """Say what is doubtful, at most once of each kind."""
        found = [self._found_jumps(), self._found_wide(), _openings(self._pair, np.array(self._opens, np.int64))]
        return tuple(finding for finding in found if finding is not None)

    def _behind(self, piece: Ticks) -> tuple[Ticks, int]:
        """Put the last two ticks seen before a piece, and tell how many they are."""
        ticks = piece if self._before is None else joined([self._before, piece])
        # Copied: a piece may be gone with the next one.
        self._before = joined([part_of(ticks, slice(-2, None), ticks.digits)])
        return ticks, len(ticks) - len(piece)

    def _look_for_jumps(self, ticks: Ticks, mid: FloatArray) -> None:
        before, here, after = mid[:-2], mid[1:-1], mid[2:]
        middle = np.maximum(np.minimum(before, after), np.minimum(np.maximum(before, after), here))
        leaves = np.abs(here - middle) / middle
        self._jumps.add(int(np.count_nonzero(leaves > _JUMP)), leaves, ticks, 1)

    def _found_jumps(self) -> Finding | None:
        count = self._jumps.count
        if not count:
            return None
        ticks_jump = "tick jumps" if count == 1 else "ticks jump"
        text = f"{count:,} {ticks_jump} by more than {100 * _JUMP:g} % and back: {self._jumps.quote}"
        return Finding(Doubt.JUMP, count, text)

    def _found_wide(self) -> Finding | None:
        count = self._wide.count
        if not count:
            return None
        have = "tick has" if count == 1 else "ticks have"
        pips = self._wide.size / self._points_per_pip
        text = f"{count:,} {have} a spread over {100 * _WIDE:g} % of the price: {pips:,.0f} pips, {self._wide.quote}"
        return Finding(Doubt.WIDE_SPREAD, count, text)


def _middle(ticks: Ticks) -> Ticks:
    """Return the tick with the middle price among some evenly taken ones."""
    step = max(1, len(ticks) // _SAMPLE)
    row = step * int(np.argsort(ticks.bid[::step], kind="stable")[(len(ticks.bid[::step]) - 1) // 2])
    return joined([part_of(ticks, slice(row, row + 1), ticks.digits)])


def _openings(pair: Pair, opens: Int64Array) -> Finding | None:
    """Compare the first quote after each weekend with 17:00 in New York."""
    if len(opens) < _LEAST_WEEKS:
        return None
    late = opens - _nearest_opening(opens)
    usual = int(np.median(late))
    together = np.abs(late - usual) <= _TOGETHER_MS
    allowed = _METALS_OPEN_LATER_MS if pair.base in {"XAU", "XAG"} else 0
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
