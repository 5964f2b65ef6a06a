"""Ticks day by day: how many, which spreads, and what went wrong in them, in figures that add up to a pair's report."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from necrozma_core.market.arrays import Int32Array
from necrozma_core.market.calendars import trading_day
from necrozma_core.market.ticks import Ticks, find_repeats, format_quote
from necrozma_core.storage.ticks.spans import merge
from necrozma_core.storage.ticks.summary import GAP_MS, find_gaps

JUMP: Final = 0.02
"""A step of this share of the price from one quote to the next. The Swiss franc's 15 January 2015 moved by 15 % within
minutes, but from quote to quote by less."""

WIDE: Final = 0.01
"""A spread of this share of the price: 100 pips of EURUSD; the roll's widest are a tenth of it."""

STALE_MS: Final = 600_000
"""Quotes that come for ten minutes and do not change are stale: a live feed sends a quote because one has changed."""

_STALE_TICKS: Final = 10
_MOST_WILD: Final = 50
"""Quotes after which a price that left and has not come back is a new level."""

_MOST_STEPS: Final = 5_000
"""Of a day with more large steps every one is a break: two instruments in one file, or noise, and no slipped digits."""


@dataclass(frozen=True, slots=True)
class DayReport:
    """One trading day, which ends at 17:00 in New York.

    Attributes
    ----------
    day : numpy.datetime64
        On which it ends.
    ticks : int
    first_ms, last_ms : int
        Milliseconds since 1970 UTC.
    mid : float
        Median of the mid prices.
    spread_pips : tuple of float
        Median, 95 % quantile and widest.
    zero_spreads : int
        Ticks whose bid is their ask.
    repeated : int
        Ticks that are the one before them once more.
    gaps : int
        How often the open market was silent for more than ten minutes; `DataReport` adds the gap before the day.
    longest_gap_ms : int
    stale : int
        How often quotes came for more than ten minutes and none of them changed.
    longest_stale_ms : int
    jumps : int
        Ticks whose price leaves that of the others and comes back.
    worst_jump : tuple of (float, str)
        The largest share, and the tick; 0 and nothing where there is none.
    breaks : int
        How often the price jumps and stays.
    worst_break : tuple of (float, str)
    wide : int
        Ticks whose spread is more than a hundredth of their price.
    worst_wide : tuple of (float, str)
        Pips, and the tick.
    """

    day: np.datetime64
    ticks: int
    first_ms: int
    last_ms: int
    mid: float
    spread_pips: tuple[float, float, float]
    zero_spreads: int
    repeated: int
    gaps: int
    longest_gap_ms: int
    stale: int
    longest_stale_ms: int
    jumps: int
    worst_jump: tuple[float, str]
    breaks: int
    worst_break: tuple[float, str]
    wide: int
    worst_wide: tuple[float, str]

    @property
    def is_weekend(self) -> bool:
        """Whether the market is closed for the weekend then."""
        return bool(self.day.astype(object).weekday() >= 5)


def report_days(pieces: Iterable[Ticks]) -> Iterator[DayReport]:
    """Look at ticks day by day.

    Parameters
    ----------
    pieces : iterable of Ticks
        Of one pair, oldest first; only one day's are held.

    Yields
    ------
    DayReport
        In order; only days that have ticks.
    """
    held: list[Ticks] = []
    current: int | None = None
    before: Ticks | None = None
    for piece in pieces:
        days = trading_day(piece.time_ms)
        edges = [0, *(np.flatnonzero(np.diff(days)) + 1).tolist(), len(piece)]
        for start, end in pairwise(edges):
            if held and days[start] != current:
                yield _day(held, before)
                before = held[-1]
                held = []
            if end > start:
                current = int(days[start])
                held.append(_copied(piece, slice(start, end)))
    if held:
        yield _day(held, before)


def _copied(ticks: Ticks, part: slice) -> Ticks:
    # A piece is gone with the next.
    return Ticks(ticks.pair, ticks.digits, ticks.time_ms[part].copy(), ticks.bid[part].copy(), ticks.ask[part].copy())


def _day(parts: list[Ticks], before: Ticks | None) -> DayReport:
    ticks = merge(parts)
    spread = ticks.ask - ticks.bid
    mid2 = ticks.bid + ticks.ask
    median, most, widest = (np.quantile(spread, (0.5, 0.95, 1.0)) / ticks.points_per_pip).tolist()
    gaps, longest_gap_ms = find_gaps(ticks.time_ms, is_metal=ticks.pair.is_metal)
    stale, longest_stale_ms = _stale(ticks)
    jumps, breaks = _jumps(ticks, mid2, before)
    is_wide = 2.0 * spread > WIDE * mid2
    widest_at = int(np.where(is_wide, spread, -1).argmax())
    wide = _Wild(int(np.count_nonzero(is_wide)), float(spread[widest_at]) / ticks.points_per_pip, widest_at)
    return DayReport(
        day=np.datetime64(int(trading_day(ticks.time_ms[:1])[0]), "D"),
        ticks=len(ticks),
        first_ms=int(ticks.time_ms[0]),
        last_ms=int(ticks.time_ms[-1]),
        mid=float(np.median(mid2)) / (2 * ticks.scale),
        spread_pips=(median, most, widest),
        zero_spreads=len(spread) - int(np.count_nonzero(spread)),
        repeated=int(np.count_nonzero(find_repeats(ticks))),
        gaps=gaps,
        longest_gap_ms=longest_gap_ms,
        stale=stale,
        longest_stale_ms=longest_stale_ms,
        jumps=jumps.count,
        worst_jump=jumps.worst(ticks),
        breaks=breaks.count,
        worst_break=breaks.worst(ticks),
        wide=wide.count,
        worst_wide=wide.worst(ticks),
    )


def _stale(ticks: Ticks) -> tuple[int, int]:
    """Count the runs of unchanged quotes that are long both in time and in ticks, and measure the longest."""
    changes = np.flatnonzero((np.diff(ticks.bid) != 0) | (np.diff(ticks.ask) != 0)) + 1
    starts = np.concatenate(([0], changes))
    ends = np.concatenate((changes, [len(ticks)])) - 1
    lasts = ticks.time_ms[ends] - ticks.time_ms[starts]
    lasts = lasts[(lasts > STALE_MS) & (ends - starts + 1 >= _STALE_TICKS)]
    return len(lasts), int(lasts.max(initial=0))


@dataclass(slots=True)
class _Wild:
    """Wild ticks: how many, and which is the worst."""

    count: int = 0
    share: float = 0.0
    tick: int = 0

    def add(self, count: int, share: float, tick: int) -> None:
        self.count += count
        if share > self.share:
            self.share, self.tick = share, tick

    def worst(self, ticks: Ticks) -> tuple[float, str]:
        return (self.share, format_quote(ticks, self.tick)) if self.count else (0.0, "")


def _jumps(ticks: Ticks, mid2: Int32Array, before: Ticks | None) -> tuple[_Wild, _Wild]:
    """Tell prices that leave and come back from those that leave and stay, by their large steps."""
    jumps, breaks = _Wild(), _Wild()
    steps = np.abs(np.diff(mid2)) / np.minimum(mid2[1:], mid2[:-1])
    # After silence a price may be another one.
    large = np.flatnonzero((steps > JUMP) & (np.diff(ticks.time_ms) <= GAP_MS)).tolist()
    first = _before_first(ticks, before)
    if first is not None and abs(mid2[0] / first - 1) > JUMP:
        large = [-1, *large]
    if len(large) > _MOST_STEPS:
        breaks.add(len(large), float(steps.max()), int(steps.argmax()) + 1)
        return jumps, breaks
    price, position = mid2.astype(np.float64) if large else mid2, 0
    while position < len(large):
        left = large[position]
        usual = first if left < 0 and first is not None else float(price[left])
        shares = np.abs(price[left + 1 : left + 1 + _MOST_WILD] / usual - 1)
        later = position + 1
        # Gone until the first large step after which the price is what it was.
        while later < len(large) and large[later] - left < len(shares) and shares[large[later] - left] > JUMP:
            later += 1
        if later < len(large) and large[later] - left < len(shares):
            gone = shares[: large[later] - left]
            jumps.add(int(np.count_nonzero(gone > JUMP)), float(gone.max()), left + 1 + int(gone.argmax()))
            position = later + 1
        else:
            breaks.add(1, float(shares[0]), left + 1)
            position += 1
    return jumps, breaks


def _before_first(ticks: Ticks, before: Ticks | None) -> float | None:
    """Return twice the last price of the day before, where no silence lies between; else None."""
    if before is None or ticks.time_ms[0] - before.time_ms[-1] > GAP_MS:
        return None
    return float(int(before.bid[-1]) + int(before.ask[-1])) * 10.0 ** (ticks.digits - before.digits)


def join_days(first: DayReport, second: DayReport) -> DayReport:
    """Put two parts of one trading day together, whose quantiles become means by their ticks.

    The trading day that ends on 1 January lies in two years' files; the market is closed in nearly all of it.
    """
    ticks = first.ticks + second.ticks
    share = first.ticks / ticks
    median, most = (
        share * one + (1 - share) * other
        for one, other in zip(first.spread_pips[:2], second.spread_pips[:2], strict=True)
    )
    return DayReport(
        day=first.day,
        ticks=ticks,
        first_ms=first.first_ms,
        last_ms=second.last_ms,
        mid=share * first.mid + (1 - share) * second.mid,
        spread_pips=(median, most, max(first.spread_pips[2], second.spread_pips[2])),
        zero_spreads=first.zero_spreads + second.zero_spreads,
        repeated=first.repeated + second.repeated,
        gaps=first.gaps + second.gaps,
        longest_gap_ms=max(first.longest_gap_ms, second.longest_gap_ms),
        stale=first.stale + second.stale,
        longest_stale_ms=max(first.longest_stale_ms, second.longest_stale_ms),
        jumps=first.jumps + second.jumps,
        worst_jump=max(first.worst_jump, second.worst_jump),
        breaks=first.breaks + second.breaks,
        worst_break=max(first.worst_break, second.worst_break),
        wide=first.wide + second.wide,
        worst_wide=max(first.worst_wide, second.worst_wide),
    )
