"""Text of quotes by a compiled loop, as far as its lines are plain; what reads all of CSV goes on from there.

Large files are nearly always plain from the first line to the last. The loop reads them several times faster than a
table of text cells can be made and converted, and gives the same rows.
"""

import csv
import io
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from necrozma_core.errors import DataError
from necrozma_core.feeds.reading.cells import Cells, integers
from necrozma_core.feeds.reading.rows import RowBatch
from necrozma_core.feeds.reading.times import TimeStyle
from necrozma_core.feeds.reading.unpacking import Readable
from necrozma_core.feeds.reading.zones import assume_zone
from necrozma_core.market.arrays import Int64Array

_BLOCK_BYTES: Final = 2**20
_SHORTEST_LINE: Final = 6  # 1,1,1 and its end


@dataclass(frozen=True, slots=True)
class PlainTable:
    """What a text must be for its lines to be read by the loop.

    Attributes
    ----------
    fields : int
        Cells of a line.
    time, bid, ask : int
        Their columns.
    symbol : int or None
        The column of the pair's name.
    is_symbol : callable
        Tells whether a name is the pair's.
    delimiter : str
    has_header : bool
    style : TimeStyle
    zone : str or None
        Of the times; None where a Z stands behind each.
    """

    fields: int
    time: int
    bid: int
    ask: int
    symbol: int | None
    is_symbol: Callable[[str], bool]
    delimiter: str
    has_header: bool
    style: TimeStyle
    zone: str | None


@dataclass(frozen=True, slots=True)
class Rest:
    """What the loop left: bytes already taken from the stream, and the line at which they begin; 1 for everything."""

    content: bytes
    row: int


class JoinedStream(io.RawIOBase):
    """Bytes taken already, and behind them those still in a stream."""

    def __init__(self, content: bytes, stream: Readable) -> None:
        self._content = content
        self._stream = stream

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def readinto(self, buffer: Any, /) -> int:
        """Take bytes into a buffer, and tell how many."""
        content = self.read(len(buffer))
        buffer[: len(content)] = content
        return len(content)

    def read(self, size: int = -1, /) -> bytes:
        """Take bytes: as many as were asked for, unless the stream ends."""
        taken, self._content = (self._content, b"") if size < 0 else (self._content[:size], self._content[size:])
        return taken + self._stream.read(size if size < 0 else size - len(taken)) if not self._content else taken


def read_plain_lines(stream: Readable, table: PlainTable) -> Generator[RowBatch, None, Rest]:
    """Read lines while they are plain.

    Parameters
    ----------
    stream : Readable
        At its start.
    table : PlainTable

    Yields
    ------
    RowBatch

    Returns
    -------
    Rest
        Begins with a line that was plain, unless none was; so whatever stands at the very end, or breaks the rules, is
        read with a line before it.
    """
    from necrozma_core.kernels.quote_lines import read_quote_lines  # noqa: PLC0415 -- large files alone need it

    whole = content = stream.read(_BLOCK_BYTES)
    row = 2 if table.has_header else 1
    if table.has_header:
        header, _, content = content.partition(b"\n")
        # An empty line is no header; what reads all of CSV looks for the one below it.
        if not header.strip() or header.count(b'"') % 2 or b"\r" in header[:-1]:
            return Rest(whole, 1)
    symbol = _symbol(content, table)
    kind = _kind(table)
    if symbol is None or kind is None:
        return Rest(whole, 1)
    columns = np.array([table.fields, table.time, table.bid, table.ask, _or_none(table.symbol)], dtype=np.int64)
    is_first = True
    while True:
        lines = np.frombuffer(content, np.uint8)
        most = len(lines) // _SHORTEST_LINE + 1
        starts = np.empty(most + 1, np.int64)
        time_ns, bid, ask = (np.empty(most, np.int64) for _ in range(3))
        rows = read_quote_lines(lines, columns, symbol, ord(table.delimiter), *kind, starts, time_ns, bid, ask)
        # The last one is read once more, with what follows.
        keep = max(0, rows - 1)
        times = _in_utc(time_ns[:keep], table)
        if not rows or times is None:
            return Rest(whole, 1) if is_first else Rest(content, row)
        if keep:
            original = partial(_cells_of, content, starts, table.delimiter)
            numbers = np.arange(row, row + keep, dtype=np.int64)
            yield RowBatch(numbers, times, _cells(bid[:keep]), _cells(ask[:keep]), original)
        is_over = content.find(b"\n", int(starts[rows])) >= 0
        content, row, is_first, whole = content[int(starts[keep]) :], row + keep, False, b""
        if is_over or not (chunk := stream.read(_BLOCK_BYTES)):
            return Rest(content, row)
        content += chunk


def _kind(table: PlainTable) -> tuple[int, int, bool] | None:
    """Tell how the loop reads the times; None where it cannot."""
    from necrozma_core.kernels.quote_lines import COMPACT, COUNTED, DASHED, DOTTED  # noqa: PLC0415 -- as above

    if (decimals := table.style.decimals) is not None:
        return COUNTED, int(10 ** (9 - decimals)), False
    layout = {TimeStyle.ISO: DASHED, TimeStyle.DOTTED: DOTTED, TimeStyle.COMPACT: COMPACT}.get(table.style)
    if layout is None or (table.zone is None and layout != DASHED):
        return None
    return layout, 1, table.zone is None


def _symbol(content: bytes, table: PlainTable) -> NDArray[np.uint8] | None:
    """Return the first line's name of the pair, which those of all lines must be; None where it is another pair's."""
    if table.symbol is None:
        return np.empty(0, np.uint8)
    try:
        cells = next(csv.reader([content.partition(b"\n")[0].decode("ascii")], delimiter=table.delimiter), [])
    except (UnicodeDecodeError, csv.Error):
        return None
    name = cells[table.symbol] if len(cells) == table.fields else ""
    return np.frombuffer(name.encode(), np.uint8) if table.is_symbol(name) else None


def _or_none(column: int | None) -> int:
    return -1 if column is None else column


def _in_utc(time_ns: Int64Array, table: PlainTable) -> Cells | None:
    if table.zone is not None and table.zone != "UTC" and table.style.decimals is None:
        try:
            time_ns = integers(assume_zone(pa.array(time_ns).cast(pa.timestamp("ns")), table.zone))
        except DataError:
            return None  # the other reader says which time it is that does not exist
    return _cells(time_ns)


def _cells(values: Int64Array) -> Cells:
    return Cells(values, np.zeros(len(values), dtype=np.uint8))


def _cells_of(content: bytes, starts: Int64Array, delimiter: str, position: int) -> Sequence[str]:
    line = content[int(starts[position]) : int(starts[position + 1])].decode("ascii").rstrip("\r\n")
    return next(csv.reader([line], delimiter=delimiter))
