"""Two feeds of a pair side by side: how far prices and clocks are apart, and what one has that the other lacks."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from necrozma_core.errors import DataError
from necrozma_core.feeds.compared import FeedComparison, FeedFigures, SharedDay
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

_QUANTILES: Final = (0.05, 0.5, 0.95)


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
