"""Bars and their average true range, a second time: whole numbers and fractions, one bar after the other."""

from collections.abc import Sequence
from fractions import Fraction

from naive_clocks import moments_near, read_clock
from naive_engine import NaiveBar


def average_true_range(bars: Sequence[tuple[int, int, int]], period: int) -> list[Fraction | None]:
    """Return Wilder's average from high, low and close; the first bar has no range, for want of a close before it."""
    found: list[Fraction | None] = [None] * len(bars)
    ranges: list[int] = []
    for number in range(1, len(bars)):
        (_, _, before), (high, low, _) = bars[number - 1], bars[number]
        ranges.append(max(high, before) - min(low, before))
        previous = found[number - 1]
        if previous is not None:
            found[number] = (previous * (period - 1) + ranges[-1]) / period
        elif number == period:
            found[number] = Fraction(sum(ranges), period)
    return found


def day_bars(times: Sequence[int], timeframe_ms: int, day_end: str) -> tuple[list[NaiveBar], list[int]]:
    """Group tick indices by bar, and return when each bar ends."""
    clock, ends, day_ends_at = read_clock(day_end), {}, 0
    groups: dict[int, list[int]] = {}
    for tick, time in enumerate(times):
        if time >= day_ends_at:
            day_starts_at = max(each for each in moments_near(time, *clock) if each <= time)
            day_ends_at = min(each for each in moments_near(time, *clock) if each > time)
        opens_at = day_starts_at + (time - day_starts_at) // timeframe_ms * timeframe_ms
        groups.setdefault(opens_at, []).append(tick)
        ends[opens_at] = min(opens_at + timeframe_ms, day_ends_at)
    return [NaiveBar(opens_at, tuple(ticks)) for opens_at, ticks in groups.items()], list(ends.values())
