"""What came of comparing two feeds: the figures of each, how far they are apart, and a verdict in words."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from necrozma_core.feeds.shifts import Shift

_CLOSE_SPREADS: Final = 1.0
"""Two brokers' mids differ by up to a spread without either being wrong."""

_CLOSE_CORRELATION: Final = 0.5
"""Two pairs that share a currency come to this; two feeds of one pair to more."""

_OTHER_PRICE: Final = 0.01
_OTHER_SPREAD: Final = 1.5
_OTHER_DENSITY: Final = 2.0


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

    def shared(self) -> Iterator[str]:
        """Say what both have, and how far their prices are apart in it; a line each."""
        clock = " by one clock" if self.is_moved else ""
        yield f"shared: {len(self.days):,} trading days, {self.minutes:,} minutes with ticks of both{clock}"
        if self.minutes:
            low, middle, high = self.difference_pips
            yield (
                f"B's mid minus A's, pips: {low:+.2f} (5 %), {middle:+.2f} (median), {high:+.2f} (95 %), at most "
                f"{self.widest_pips:.2f} either way"
            )

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
