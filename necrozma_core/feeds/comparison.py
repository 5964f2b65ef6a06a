"""Two feeds of a pair side by side: how far prices and clocks are apart, and what one has that the other lacks."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from necrozma_core.errors import DataError
from necrozma_core.feeds.minutes import MINUTE_MS, MinuteFeed, reduce_to_minutes
from necrozma_core.feeds.shifts import Shift, find_shifts, months_of
from necrozma_core.market.arrays import FloatArray, Int64Array
from necrozma_core.market.instruments import get_pair
from necrozma_core.storage.ticks.manifest import PairSummary, format_span
from necrozma_core.storage.ticks.store import TickStore
from necrozma_core.storage.ticks.summary import GAP_MS

_GAP_MINUTES: Final = GAP_MS // MINUTE_MS
_LEAST_THERE: Final = 3
"""Minutes that the other feed has in a gap, for it to be one feed's lack and not the market's silence."""

_CLOSE_SPREADS: Final = 1.0
"""Two brokers' mids differ by up to a spread without either being wrong."""

_CLOSE_CORRELATION: Final = 0.5
"""Two pairs that share a currency come to this; two feeds of one pair to more."""

_OTHER_PRICE: Final = 0.01
_OTHER_SPREAD: Final = 1.5
_OTHER_DENSITY: Final = 2.0
_QUANTILES: Final = (0.05, 0.5, 0.95)


@dataclass(frozen=True, slots=True)
class FeedFigures:
    """One of the feeds, in the span that both have.

    Attributes
    ----------
    name : str
        Where it is, and what it is stored as.
    first, last : str
        Of all that is stored of it.
    mid : float
        The median of its minutes' mid prices.
    ticks, days : int
        Ticks, and the trading days that have some.
    ticks_a_day : float
        Median of these days.
    spread_pips : tuple of float
        Median, 95 % and widest.
    lacks : int
        Gaps of more than ten minutes in which the other feed has ticks.
    longest_lack_minutes : int
    longest_lack_ms : int or None
        When the longest begins.
    """

    name: str
    first: str
    last: str
    mid: float
    ticks: int
    days: int
    ticks_a_day: float
    spread_pips: tuple[float, float, float]
    lacks: int
    longest_lack_minutes: int
    longest_lack_ms: int | None


@dataclass(frozen=True, slots=True)
class SharedDay:
    """A trading day that both have: ticks of each, and the median of second mid minus first, in pips."""

    day: np.datetime64
    ticks: tuple[int, int]
    difference_pips: float


@dataclass(frozen=True, slots=True)
class FeedComparison:
    """Two feeds of a pair, the first called A and the second B.

    Attributes
    ----------
    pair : str
    feeds : tuple of FeedFigures
    first_ms, last_ms : int
        What both cover.
    minutes : int
        Minutes in which both have ticks, by the same clock.
    shifts : tuple of Shift
        By how much B's clock is after A's, month by month.
    difference_pips : tuple of float
        5 %, 50 % and 95 % quantile of B's mid minus A's, at the ends of these minutes; NaN where there are none.
    widest_pips : float
        The largest difference of the two, either way.
    days : tuple of SharedDay
    """

    pair: str
    feeds: tuple[FeedFigures, FeedFigures]
    first_ms: int
    last_ms: int
    minutes: int
    shifts: tuple[Shift, ...]
    difference_pips: tuple[float, float, float]
    widest_pips: float
    days: tuple[SharedDay, ...]

    @property
    def is_moved(self) -> bool:
        """Tell whether the clocks differ in any month."""
        return any(shift.minutes for shift in self.shifts)

    @property
    def is_alike(self) -> bool:
        """Tell whether the two go together in any month that says something; True where none does."""
        return not self.shifts or any(shift.minutes is not None for shift in self.shifts)

    def rows(self) -> Iterator[tuple[str, str, str]]:
        """Write the figures for people: what, A's, B's."""
        first, second = self.feeds
        yield "stored from", first.first, second.first
        yield "to", first.last, second.last
        for name, one, other in (
            ("ticks in the shared span", first.ticks, second.ticks),
            ("trading days with ticks", first.days, second.days),
            ("ticks a day, median", first.ticks_a_day, second.ticks_a_day),
        ):
            yield name, f"{one:,.0f}", f"{other:,.0f}"
        for position, name in enumerate(("median", "95 %", "widest")):
            yield f"spread, {name}, pips", f"{first.spread_pips[position]:,.2f}", f"{second.spread_pips[position]:,.2f}"
        yield "gaps that the other has", f"{first.lacks:,}", f"{second.lacks:,}"
        yield "the longest of them", _minutes(first.longest_lack_minutes), _minutes(second.longest_lack_minutes)

    def verdict(self) -> Iterator[str]:
        """Say how the two compare, the worst first, a sentence each."""
        if not self.is_alike:
            best = max(shift.correlation for shift in self.shifts)
            yield (
                f"The two do not move together, at any lag up to 26 hours (correlation {best:.2f} at best): they are "
                "not feeds of one pair."
            )
            return
        if self.is_moved:
            yield from _clocks(self.shifts)
        if self.shifts and max(shift.correlation for shift in self.shifts) < _CLOSE_CORRELATION:
            best = max(shift.correlation for shift in self.shifts)
            yield f"They move together loosely (correlation {best:.2f} of their minutes at best)."
        if not self.minutes:
            yield "They share no minute, so their prices cannot be compared."
            return
        yield from self._prices()
        yield from self._densities()
        for name, feed, other in (("A", self.feeds[0], "B"), ("B", self.feeds[1], "A")):
            if feed.lacks:
                times = "once" if feed.lacks == 1 else f"{feed.lacks:,} times"
                since = np.datetime64(feed.longest_lack_ms, "ms").astype("datetime64[m]")
                yield (
                    f"{name} is silent {times} for more than ten minutes while {other} has ticks, the longest "
                    f"{_minutes(feed.longest_lack_minutes)} from {since}Z."
                )

    def _prices(self) -> Iterator[str]:
        low, middle, high = self.difference_pips
        usual = max(feed.spread_pips[0] for feed in self.feeds)
        once = ", once the clocks agree" if self.is_moved else ""
        if max(abs(low), abs(high)) <= _CLOSE_SPREADS * usual:
            yield (
                f"Their prices agree{once}: in nine of ten minutes B's mid is {low:+.2f} to {high:+.2f} pips from A's, "
                f"within the usual spread of {usual:.2f}."
            )
        elif abs(self.feeds[1].mid / self.feeds[0].mid - 1) > _OTHER_PRICE:
            share = 100 * (self.feeds[1].mid / self.feeds[0].mid - 1)
            yield f"B's prices are {share:+.3g} % from A's{once}: they are not of one pair, or of another scale."
        elif abs(middle) > _CLOSE_SPREADS * usual:
            side = "above" if middle > 0 else "below"
            yield f"B's mid is usually {abs(middle):.2f} pips {side} A's{once}, more than a spread of {usual:.2f}."
        else:
            yield (
                f"Their prices differ by more than the usual spread of {usual:.2f} pips{once}: in nine of ten minutes "
                f"B's mid is {low:+.2f} to {high:+.2f} pips from A's."
            )

    def _densities(self) -> Iterator[str]:
        first, second = self.feeds
        for name, one, other, least in (
            ("spread", first.spread_pips[0], second.spread_pips[0], _OTHER_SPREAD),
            ("number of ticks a day", first.ticks_a_day, second.ticks_a_day, _OTHER_DENSITY),
        ):
            larger, smaller = max(one, other), min(one, other)
            if smaller == 0.0 < larger and name == "spread":
                yield f"{'A' if one == 0.0 else 'B'} has no spread at its median: a raw feed, beside one with it."
            elif smaller and larger >= least * smaller:
                whose, whoses = ("A", "B") if one > other else ("B", "A")
                yield f"{whose}'s {name} is {larger / smaller:.1f} times {whoses}'s."


def compare_feeds(
    first: tuple[TickStore, str], second: tuple[TickStore, str], names: tuple[str, str] | None = None
) -> FeedComparison:
    """Compare two feeds in the span that both cover.

    Parameters
    ----------
    first, second : tuple of (TickStore, str)
        Data folders, and what the pair is stored as in each.
    names : tuple of str, optional
        What they are called; the folders and pairs if not given.

    Raises
    ------
    DataError
        One has no ticks, or they share no time.
    DamagedError, StorageError
        What is stored cannot be read.
    """
    sides = (first, second)
    summaries = [store.summary(pair) for store, pair in sides]
    spans = [format_span(summary.first_ms, summary.last_ms) for summary in summaries]
    names = names or (f"{first[0].data_dir}:{first[1]}", f"{second[0].data_dir}:{second[1]}")
    first_ms = max(summary.first_ms for summary in summaries)
    last_ms = min(summary.last_ms for summary in summaries)
    if first_ms > last_ms:
        raise DataError(f"{names[0]} has {spans[0]}, {names[1]} has {spans[1]}: they share no time to be compared in")
    one, other = (_read(store, pair, first_ms, last_ms) for store, pair in sides)
    shifts = find_shifts(one, other)
    moved = _with_clock_of_first(other, shifts)
    _, mine, theirs = np.intersect1d(one.minute, moved.minute, assume_unique=True, return_indices=True)
    pip = float(one.pair.pip)
    difference = (moved.mid[theirs] - one.mid[mine]) / pip
    quantiles = np.quantile(difference, _QUANTILES).tolist() if len(difference) else [float("nan")] * 3
    return FeedComparison(
        pair=first[1] if first[1] == second[1] else f"{first[1]} and {second[1]}",
        feeds=(
            _figures(names[0], summaries[0], one, _lacks(one.minute, moved.minute)),
            _figures(names[1], summaries[1], other, _lacks(moved.minute, one.minute)),
        ),
        first_ms=first_ms,
        last_ms=last_ms,
        minutes=len(difference),
        shifts=shifts,
        difference_pips=(quantiles[0], quantiles[1], quantiles[2]),
        widest_pips=float(np.abs(difference).max(initial=0.0)),
        days=tuple(_shared_days(one, moved, mine, difference)),
    )


def _read(store: TickStore, pair_name: str, first_ms: int, last_ms: int) -> MinuteFeed:
    pair = get_pair(pair_name)
    return store.scan_years(
        pair_name,
        lambda manifest, read: reduce_to_minutes(
            pair,
            (
                piece
                for year in manifest.years
                if year.first_ms <= last_ms and year.last_ms >= first_ms
                for piece in read(year)
            ),
            first_ms,
            last_ms,
        ),
    )


def _with_clock_of_first(second: MinuteFeed, shifts: Sequence[Shift]) -> MinuteFeed:
    """Move the second feed's minutes onto the first one's clock; a month that says nothing as the usual one."""
    known = {shift.month: shift.minutes for shift in shifts if shift.minutes is not None}
    if not any(known.values()):
        return second
    usual = Counter(known.values()).most_common(1)[0][0]
    months, of_month = np.unique(months_of(second.minute), return_inverse=True)
    by_month = np.array([known.get(month, usual) for month in months], dtype=np.int64)
    return second.moved(-by_month[of_month])


def _lacks(minute: Int64Array, other: Int64Array) -> tuple[int, int, int | None]:
    """Count the gaps in one feed's minutes that the other has; the longest, and when it begins."""
    before = np.flatnonzero(np.diff(minute) > _GAP_MINUTES + 1)
    starts, ends = minute[before] + 1, minute[before + 1]
    there = np.searchsorted(other, ends) - np.searchsorted(other, starts)
    lacking = there >= _LEAST_THERE
    if not lacking.any():
        return 0, 0, None
    lasts = (ends - starts)[lacking]
    longest = int(lasts.argmax())
    return int(lacking.sum()), int(lasts[longest]), int(starts[lacking][longest]) * MINUTE_MS


def _figures(name: str, stored: PairSummary, feed: MinuteFeed, lacks: tuple[int, int, int | None]) -> FeedFigures:
    by_day = _ticks_by_day(feed)
    first, last = (str(np.datetime64(ms // 1000, "s")).replace("T", " ") for ms in (stored.first_ms, stored.last_ms))
    return FeedFigures(
        name=name,
        first=first,
        last=last,
        mid=float(np.median(feed.mid)) if len(feed) else 0.0,
        ticks=int(feed.ticks.sum()),
        days=len(by_day),
        ticks_a_day=float(np.median(list(by_day.values()))) if by_day else 0.0,
        spread_pips=feed.spread_pips,
        lacks=lacks[0],
        longest_lack_minutes=lacks[1],
        longest_lack_ms=lacks[2],
    )


def _ticks_by_day(feed: MinuteFeed) -> dict[int, int]:
    days, of_day = np.unique(feed.day, return_inverse=True)
    return dict(zip(days.tolist(), np.bincount(of_day, weights=feed.ticks).astype(np.int64).tolist(), strict=True))


def _shared_days(one: MinuteFeed, other: MinuteFeed, mine: Int64Array, difference: FloatArray) -> Iterator[SharedDay]:
    ticks = _ticks_by_day(one), _ticks_by_day(other)
    of_day = one.day[mine]
    for day in np.unique(of_day).tolist():
        median = float(np.median(difference[of_day == day]))
        yield SharedDay(np.datetime64(day, "D"), (ticks[0][day], ticks[1].get(day, 0)), median)


def _clocks(shifts: Sequence[Shift]) -> Iterator[str]:
    known = [shift for shift in shifts if shift.minutes is not None]
    counts = Counter(shift.minutes for shift in known)
    if len(counts) == 1:
        yield f"B's clock is {_apart(known[0].minutes)} A's: one of them was imported with a wrong zone."
        return
    parts = []
    for minutes, count in counts.most_common():
        months = [str(shift.month) for shift in known if shift.minutes == minutes]
        parts.append(f"{_apart(minutes)} A's in {count} of {len(known)} months ({months[0]} to {months[-1]})")
    yield (
        f"B's clock is {', '.join(parts)}: one of them was imported with a zone whose daylight saving is not its "
        "feed's."
    )


def _apart(minutes: int | None) -> str:
    if not minutes:
        return "level with"
    return f"{_minutes(abs(minutes))} {'after' if minutes > 0 else 'before'}"


def _minutes(minutes: int) -> str:
    hours, rest = divmod(minutes, 60)
    parts = [f"{hours} hour{'s' if hours != 1 else ''}"] if hours else []
    if rest or not hours:
        parts.append(f"{rest} minute{'s' if rest != 1 else ''}")
    return " ".join(parts)
