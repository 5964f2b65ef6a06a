"""Spans of one pair's ticks: cut by year, put in order of time, and refused where they overlap."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

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


def describe(source: Source, ticks: Ticks) -> StoredSource:
    """Record a source with the number and the span of its ticks."""
    first_ms, last_ms = int(ticks.time_ms[0]), int(ticks.time_ms[-1])
    return StoredSource(source.name, source.sha256, source.zone, len(ticks), first_ms, last_ms)


def in_order(pair_name: str, stored: Sequence[StoredSource], added: Sequence[StoredSource]) -> tuple[StoredSource, ...]:
    """Sort sources by their spans; two may share the millisecond at which they meet.

    Raises
    ------
    DataError
        Two spans overlap; naming both.
    """
    ordered = sorted([*stored, *added], key=lambda source: (source.first_ms, source.last_ms))
    for earlier, later in pairwise(ordered):
        if later.first_ms < earlier.last_ms:
            new, other = (earlier, later) if later in stored else (later, earlier)
            raise DataError(
                f"{pair_name}: {new.name} ({new.span}) overlaps {'what is stored of ' if other in stored else ''}"
                f"{other.name} ({other.span}); bring each span once, or use another folder"
            )
    return tuple(ordered)
