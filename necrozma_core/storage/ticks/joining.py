"""Ticks that are brought twice: what agrees with the stored ones is stored once, and what differs is named.

A file covers the span from its first tick to its last. Where the spans of two files meet, both must have the same
ticks; only at the millisecond at which one ends and the other begins may each have its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from necrozma_core.errors import DataError
from necrozma_core.market.arrays import BoolArray, Int64Array
from necrozma_core.market.ticks import Ticks, format_quote
from necrozma_core.storage.ticks.manifest import Source, format_span
from necrozma_core.storage.ticks.spans import part_of


@dataclass(frozen=True, slots=True, eq=False)
class Covered:
    """A span that has its ticks already.

    Attributes
    ----------
    name : str
        Of the file that brought it.
    first_ms, last_ms : int
        Both belong to it.
    is_stored : bool
        False for a file of the same import.
    """

    name: str
    first_ms: int
    last_ms: int
    is_stored: bool


def new_parts(source: Source, ticks: Ticks, known: Ticks, covered: Sequence[Covered]) -> list[Ticks]:
    """Return the ticks of a file that no other has brought.

    Parameters
    ----------
    source : Source
    ticks : Ticks
        Its, at least one.
    known : Ticks
        All ticks in the covered spans, as far as they meet this file's.
    covered : sequence of Covered
        In order of time.

    Returns
    -------
    list of Ticks
        Spans in order; none where everything is known.

    Raises
    ------
    DataError
        In a span that both have, they differ; with the first difference.
    """
    digits = max(ticks.digits, known.digits)
    wanted = np.ones(len(ticks), dtype=np.bool_)
    for span in covered:
        first, last = max(span.first_ms, int(ticks.time_ms[0])), min(span.last_ms, int(ticks.time_ms[-1]))
        if first > last:
            continue
        mine, theirs = _within(ticks, first, last), _within(known, first, last)
        if first == last and (span.first_ms == last or span.last_ms == first) and not _is_inside(ticks, span):
            wanted[mine] &= ~_also_in(part_of(ticks, mine, ticks.digits), part_of(known, theirs, known.digits), digits)
            continue
        _compare(source, part_of(ticks, mine, ticks.digits), span, part_of(known, theirs, known.digits), digits)
        wanted[mine] = False
    return [part_of(ticks, run, ticks.digits) for run in _runs(wanted)]


def _within(ticks: Ticks, first_ms: int, last_ms: int) -> slice:
    start, end = np.searchsorted(ticks.time_ms, [first_ms, last_ms + 1])
    return slice(int(start), int(end))


def _is_inside(ticks: Ticks, span: Covered) -> bool:
    return span.first_ms <= int(ticks.time_ms[0]) and int(ticks.time_ms[-1]) <= span.last_ms


def _also_in(mine: Ticks, theirs: Ticks, digits: int) -> BoolArray:
    """Tell which ticks of one millisecond the other side has too, as often as it has them."""
    left = [tuple(row) for row in _rows(theirs, digits).T.tolist()]
    found = np.zeros(len(mine), dtype=np.bool_)
    for position, row in enumerate(map(tuple, _rows(mine, digits).T.tolist())):
        if row in left:
            left.remove(row)
            found[position] = True
    return found


def _compare(source: Source, mine: Ticks, span: Covered, theirs: Ticks, digits: int) -> None:
    ours, others = _rows(mine, digits), _rows(theirs, digits)
    shared = min(ours.shape[1], others.shape[1])
    different = np.flatnonzero((ours[:, :shared] != others[:, :shared]).any(axis=0))
    if not len(different) and ours.shape == others.shape:
        return
    position = int(different[0]) if len(different) else shared
    first, last = max(mine.time_ms[0], theirs.time_ms[0]), min(mine.time_ms[-1], theirs.time_ms[-1])
    raise DataError(
        f"{mine.pair.name}: {source.name} and {'what is stored of ' if span.is_stored else ''}{span.name} both cover "
        f"{format_span(int(first), int(last))} and differ there: {_quote(mine, position)} in {source.name}, "
        f"{_quote(theirs, position)} in {span.name}; keep one of them"
        + (f", or `necrozma data remove {mine.pair.name}` with --from and --to first" if span.is_stored else "")
    )


def _rows(ticks: Ticks, digits: int) -> Int64Array:
    finer = 10 ** (digits - ticks.digits)
    return np.stack([ticks.time_ms, ticks.bid * np.int64(finer), ticks.ask * np.int64(finer)])


def _quote(ticks: Ticks, position: int) -> str:
    return format_quote(ticks, position) if position < len(ticks) else "no more quotes"


def _runs(wanted: BoolArray) -> list[slice]:
    edges = np.flatnonzero(np.diff(np.concatenate(([False], wanted, [False])).astype(np.int8)))
    return [slice(int(start), int(end)) for start, end in edges.reshape(-1, 2)]
