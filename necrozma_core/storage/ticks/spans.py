"""Spans of one pair's ticks: cut by year or range, and put in order of time."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

import numpy as np

from necrozma_core.errors import DataError
from necrozma_core.market.instruments import Pair
from necrozma_core.market.ticks import Ticks, check_ticks
from necrozma_core.storage.ticks.encoding import MAX_STORED_POINTS
from necrozma_core.storage.ticks.manifest import Source, StoredSource


def allocate(pair: Pair, digits: int, ticks: int) -> Ticks:
    """Return ticks whose arrays have yet to be filled."""
    prices = (np.empty(ticks, dtype=np.int32) for _ in ("bid", "ask"))
    return Ticks(pair, digits, np.empty(ticks, dtype=np.int64), *prices)


def part_of(ticks: Ticks, part: slice, digits: int) -> Ticks:
    """Return a view of some of the ticks, whose points are to be taken for `digits` decimals."""
    return Ticks(ticks.pair, digits, ticks.time_ms[part], ticks.bid[part], ticks.ask[part])


def joined(parts: Sequence[Ticks]) -> Ticks:
    """Return a copy of the parts, one after the other; all of one pair and in the same digits."""
    time_ms = np.concatenate([part.time_ms for part in parts])
    bid, ask = np.concatenate([part.bid for part in parts]), np.concatenate([part.ask for part in parts])
    return Ticks(parts[0].pair, parts[0].digits, time_ms, bid, ask)


def by_year(ticks: Ticks) -> Iterator[tuple[int, Ticks]]:
    """Cut ticks at the turns of the year, UTC.

    Yields
    ------
    tuple of (int, Ticks)
        The year, and a view of its ticks; only years that have some.
    """
    ends = ticks.time_ms[[0, -1]].view("datetime64[ms]").astype("datetime64[Y]")
    first, last = (ends.astype(np.int64) + 1970).tolist()
    turns = np.array([f"{year:04}" for year in range(first + 1, last + 1)], dtype="datetime64[ms]").astype(np.int64)
    edges = [0, *np.searchsorted(ticks.time_ms, turns, side="left").tolist(), len(ticks)]
    for year, (start, end) in enumerate(pairwise(edges), first):
        if start < end:
            yield year, part_of(ticks, slice(start, end), ticks.digits)


def merge(parts: Sequence[Ticks]) -> Ticks:
    """Put spans of one pair into one, in the digits of the finest.

    Parameters
    ----------
    parts : sequence of Ticks
        None of them empty. Where two share a millisecond, the quotes of the earlier span come first.
    """
    parts = sorted(parts, key=lambda part: (int(part.time_ms[0]), int(part.time_ms[-1])))
    if len(parts) == 1:
        return parts[0]
    digits = max(part.digits for part in parts)
    time_ms = np.concatenate([part.time_ms for part in parts])
    bid, ask = (
        np.concatenate([getattr(part, side) * np.int32(10 ** (digits - part.digits)) for part in parts])
        for side in ("bid", "ask")
    )
    if (np.diff(time_ms) < 0).any():  # a span that fills a hole in the stored year
        order = np.argsort(time_ms, kind="stable")
        time_ms, bid, ask = time_ms[order], bid[order], ask[order]
    return Ticks(parts[0].pair, digits, time_ms, bid, ask)


def year_of(time_ms: int) -> int:
    """Return the year of a time, UTC."""
    return int(np.datetime64(time_ms, "ms").astype("datetime64[Y]").astype(np.int64)) + 1970


def first_moment(year: int) -> int:
    """Return the time at which a year begins, UTC."""
    return int(np.datetime64(f"{year:04}", "ms").astype(np.int64))


def check_segment(source: Source, ticks: Ticks) -> None:
    """Refuse a segment that is empty, or is no ticks.

    Raises
    ------
    DataError
    """
    if not len(ticks):
        raise DataError(f"{source.name}: expected ticks of {ticks.pair.name}, found none")
    check_ticks(ticks, source.name)


def check_fit(where: str, prices: Sequence[tuple[int, int]]) -> None:
    """Refuse prices that cannot all be stored with the decimals of the finest.

    Parameters
    ----------
    where : str
    prices : sequence of (int, int)
        Digits and highest price, in points of these digits.

    Raises
    ------
    DataError
    """
    finest = max(digits for digits, _ in prices)
    for digits, highest in prices:
        if highest * 10 ** (finest - digits) > MAX_STORED_POINTS:
            raise DataError(
                f"{where}: expected at most nine digits, found prices of {finest} decimals beside one of "
                f"{highest / 10**digits:g}; import them into folders of their own, or round the finer ones"
            )


def in_order(stored: Sequence[StoredSource], added: Sequence[StoredSource]) -> tuple[StoredSource, ...]:
    """Sort sources by their spans."""
    return tuple(sorted([*stored, *added], key=lambda source: (source.first_ms, source.last_ms, source.sha256)))


def cut_sources(sources: Sequence[StoredSource], from_ms: int | None, to_ms: int | None) -> tuple[StoredSource, ...]:
    """Record that the ticks in ``[from_ms, to_ms)`` are gone.

    A source that has lost some is no longer known by its content, so that it can be imported again. What is left of it
    still covers its span.
    """
    start, end = _or_ends(from_ms, to_ms)
    left = []
    for source in sources:
        if source.last_ms < start or source.first_ms >= end:
            left.append(source)
            continue
        for first_ms, last_ms in ((source.first_ms, start - 1), (end, source.last_ms)):
            if source.first_ms <= first_ms <= last_ms <= source.last_ms:
                left.append(StoredSource(source.name, PART, source.zone, 0, first_ms, last_ms))
    return tuple(left)


PART: Final = "part"
"""Stands for the hash of a source of which only a part is stored."""


def within(ticks: Ticks, from_ms: int | None, to_ms: int | None) -> Ticks:
    """Return a view of the ticks in ``[from_ms, to_ms)``; perhaps none."""
    start, end = np.searchsorted(ticks.time_ms, _or_ends(from_ms, to_ms))
    return part_of(ticks, slice(int(start), int(end)), ticks.digits)


def outside(ticks: Ticks, from_ms: int | None, to_ms: int | None) -> list[Ticks]:
    """Return views of the ticks before and after ``[from_ms, to_ms)``; none of them empty."""
    start, end = np.searchsorted(ticks.time_ms, _or_ends(from_ms, to_ms))
    parts = [part_of(ticks, part, ticks.digits) for part in (slice(0, start), slice(end, len(ticks)))]
    return [part for part in parts if len(part)]


def _or_ends(from_ms: int | None, to_ms: int | None) -> tuple[int, int]:
    limits = np.iinfo(np.int64)
    return int(limits.min) if from_ms is None else from_ms, int(limits.max) if to_ms is None else to_ms
