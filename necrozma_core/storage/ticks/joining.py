"""Ticks that are brought twice: what agrees with the stored ones is stored once, and what differs is named.

A file covers the span from its first tick to its last. Where the spans of two files meet, both must have the same
ticks; only at the millisecond at which one ends and the other begins may each have its own.
"""

from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, replace

import numpy as np

from necrozma_core.errors import DataError
from necrozma_core.market.arrays import BoolArray, Int64Array
from necrozma_core.market.instruments import get_pair
from necrozma_core.market.ticks import Ticks, format_quote
from necrozma_core.storage.ticks.manifest import Source, format_span
from necrozma_core.storage.ticks.spooling import AddedSpan


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

    def within(self, first_ms: int, last_ms: int) -> "Covered":
        """Return the part of the span between two times."""
        return replace(self, first_ms=max(self.first_ms, first_ms), last_ms=min(self.last_ms, last_ms))


def new_rows(
    source: Source, span: AddedSpan, known: Iterable[Ticks], covered: Sequence[Covered], digits: int
) -> list[tuple[int, int]]:
    """Return which ticks of a file no other has brought.

    Parameters
    ----------
    source : Source
    span : AddedSpan
        Its ticks.
    known : iterable of Ticks
        All ticks in the covered spans, as far as they meet this file's, in order and in `digits`.
    covered : sequence of Covered
        Those that meet the file's span, in order of time.
    digits : int
        Those of the finer side.

    Returns
    -------
    list of (int, int)
        Rows of the span, from the first to the one behind the last, in order; none where everything is known.

    Raises
    ------
    DataError
        In a span that both have, they differ; with the first difference.
    """
    first_ms, last_ms = span.first_ms, span.last_ms
    shared, edges = [], set()
    for other in covered:
        start, end = max(other.first_ms, first_ms), min(other.last_ms, last_ms)
        is_inside = other.first_ms <= first_ms and last_ms <= other.last_ms
        if start == end and end in {other.first_ms, other.last_ms} and not is_inside:
            edges.add(end)
        else:
            shared.append((start, end))
    shared = _united(shared)
    edges = {edge for edge in edges if not any(start <= edge <= end for start, end in shared)}
    rows = [(span.position(start), span.position(end + 1)) for start, end in shared]
    mine = (piece for start, end in rows if start < end for piece in span.rows(start, end).pieces())
    at_edges: list[Ticks] = []
    theirs = _split(known, shared, edges, at_edges)
    _compare(source, _Walk(mine, digits), [other.within(first_ms, last_ms) for other in covered], _Walk(theirs, digits))
    for edge in sorted(edges):
        rows += _known_at(span, edge, at_edges, digits)
    return _left(len(span), rows)


def _united(spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Put spans, in order of their beginnings, together where they share a millisecond."""
    united: list[tuple[int, int]] = []
    for start, end in spans:
        if united and start <= united[-1][1]:
            united[-1] = (united[-1][0], max(end, united[-1][1]))
        else:
            united.append((start, end))
    return united


def _split(
    known: Iterable[Ticks], shared: Sequence[tuple[int, int]], edges: Set[int], at_edges: list[Ticks]
) -> Iterator[Ticks]:
    """Pass the ticks of the shared spans on, and keep those at an edge."""
    starts, ends = np.array(shared, dtype=np.int64).reshape(-1, 2).T
    moments = np.array(sorted(edges), dtype=np.int64)
    for piece in known:
        number = np.searchsorted(starts, piece.time_ms, side="right") - 1
        inside = (number >= 0) & (piece.time_ms <= ends[number]) if len(starts) else np.zeros(len(piece), np.bool_)
        if edges and (at := np.isin(piece.time_ms, moments)).any():
            at_edges.append(_where(piece, at))
        if inside.any():
            yield piece if inside.all() else _where(piece, inside)


def _where(ticks: Ticks, chosen: BoolArray) -> Ticks:
    return Ticks(ticks.pair, ticks.digits, ticks.time_ms[chosen], ticks.bid[chosen], ticks.ask[chosen])


def _known_at(span: AddedSpan, edge: int, at_edges: Sequence[Ticks], digits: int) -> list[tuple[int, int]]:
    """Return the rows at one millisecond that the other side has too, as often as it has them."""
    left = [row for ticks in at_edges for row in map(tuple, _rows(ticks, digits).T.tolist()) if row[0] == edge]
    start, end = span.position(edge), span.position(edge + 1)
    found = []
    rows = [row for piece in span.rows(start, end).pieces() for row in _rows(piece, digits).T.tolist()] if left else []
    for position, row in enumerate(map(tuple, rows), start):
        if row in left:
            left.remove(row)
            found.append((position, position + 1))
    return found


def _left(length: int, taken: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the rows that are not taken."""
    left, end = [], 0
    for start, behind in sorted(taken):
        if end < start:
            left.append((end, start))
        end = max(end, behind)
    return [*left, (end, length)] if end < length else left


class _Walk:
    """Goes through pieces by numbers of ticks of the walker's choice."""

    def __init__(self, pieces: Iterator[Ticks], digits: int) -> None:
        self._pieces = pieces
        self._digits = digits
        self.rows = np.empty((3, 0), dtype=np.int64)
        self.pair_name = ""

    def fill(self) -> int:
        """Read the next piece where nothing is left; return how many ticks there are."""
        if not self.rows.shape[1] and (piece := next(self._pieces, None)) is not None:
            self.rows = _rows(piece, self._digits)
            self.pair_name = piece.pair.name
        return int(self.rows.shape[1])

    def quote(self, position: int, upto_ms: int) -> str:
        """Write a tick for people, if there is one up to a time."""
        if position >= self.fill() or self.rows[0, position] > upto_ms:
            return "no more quotes"
        return format_quote(Ticks(get_pair(self.pair_name), self._digits, *self.rows[:, position : position + 1]), 0)


def _compare(source: Source, mine: _Walk, covered: Sequence[Covered], theirs: _Walk) -> None:
    shared = min(mine.fill(), theirs.fill())
    while shared:
        different = np.flatnonzero((mine.rows[:, :shared] != theirs.rows[:, :shared]).any(axis=0))
        if len(different):
            raise _difference(source, mine, covered, theirs, int(different[0]))
        mine.rows, theirs.rows = mine.rows[:, shared:], theirs.rows[:, shared:]
        shared = min(mine.fill(), theirs.fill())
    if mine.fill() or theirs.fill():
        raise _difference(source, mine, covered, theirs, 0)


def _difference(source: Source, mine: _Walk, covered: Sequence[Covered], theirs: _Walk, position: int) -> DataError:
    times = [int(walk.rows[0, position]) for walk in (mine, theirs) if position < walk.fill()]
    span = next(span for span in covered if span.first_ms <= min(times) <= span.last_ms)
    pair_name = mine.pair_name or theirs.pair_name
    stored = "what is stored of " if span.is_stored else ""
    return DataError(
        f"{pair_name}: {source.name} and {stored}{span.name} both cover "
        f"{format_span(span.first_ms, span.last_ms)} and differ there: {mine.quote(position, span.last_ms)} in "
        f"{source.name}, {theirs.quote(position, span.last_ms)} in {span.name}; keep one of them"
        + (f", or `necrozma data remove {pair_name}` with --from and --to first" if span.is_stored else "")
    )


def _rows(ticks: Ticks, digits: int) -> Int64Array:
    finer = 10 ** (digits - ticks.digits)
    return np.stack([ticks.time_ms, ticks.bid * np.int64(finer), ticks.ask * np.int64(finer)])
