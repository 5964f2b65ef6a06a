"""Tables of ticks as text: where a row's time and prices stand in it, and what they mean."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from necrozma_core.errors import DataError, shown
from necrozma_core.feeds.formats.symbols import strip_symbol
from necrozma_core.feeds.reading.cells import NO_FAULT, Cells, Fault, to_bool
from necrozma_core.feeds.reading.delimited import ByteStream, TextBlock, read_blocks, read_head_lines
from necrozma_core.feeds.reading.plain_lines import JoinedStream, PlainTable, read_plain_lines
from necrozma_core.feeds.reading.prices import read_prices
from necrozma_core.feeds.reading.rows import COLUMN_NAMES, TIME_FORM, RowBatch, RowStream
from necrozma_core.feeds.reading.times import TimeStyle, ZoneError, read_times
from necrozma_core.market.arrays import BoolArray, Int64Array
from necrozma_core.market.instruments import Pair

_NS_PER_MS: Final = 1_000_000
_DAY_NS: Final = 86_400_000 * _NS_PER_MS
_DELIMITERS: Final = (",", ";", "\t")
_NUMBER: Final = re.compile(r"\s*[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?\s*", re.ASCII)
_NO_PRICE: Final = r"^\s*0*\.?0*\s*$"


@dataclass(frozen=True, slots=True)
class Head:
    """The beginning of a text, by which its layout is recognised.

    Attributes
    ----------
    source : str
        The path, for messages.
    path : Path
    name : str
        The name of what is read; in an archive that of the file inside.
    delimiter : str
    rows : tuple of tuple of str
        The cells of its first lines, stripped; the last line only where it is complete or the only one.
    """

    source: str
    path: Path
    name: str
    delimiter: str
    rows: tuple[tuple[str, ...], ...]

    @property
    def header(self) -> tuple[str, ...]:
        """The first line's cells."""
        return self.rows[0] if self.rows else ()

    @property
    def names(self) -> tuple[str, ...]:
        """The first line's cells in lower case, without the brackets that MetaTrader writes."""
        return tuple(name.lower().strip("<>") for name in self.header)

    @property
    def has_header(self) -> bool:
        """Tell whether the first line names columns: none of its cells is a number."""
        return bool(self.rows) and not any(_NUMBER.fullmatch(cell) for cell in self.header)

    @property
    def data(self) -> tuple[tuple[str, ...], ...]:
        """The rows that are no header and have a header's number of cells."""
        rows = self.rows[1:] if self.has_header else self.rows
        return tuple(row for row in rows if len(row) == len(self.header))

    def cells(self, column: int) -> list[str]:
        """Return what stands in a column of the rows that are no header, where something does."""
        return [row[column] for row in self.data if row[column]]


def read_head(stream: ByteStream, source: str, path: Path, name: str) -> Head:
    """Look at a text's first lines and leave the stream where it is.

    Raises
    ------
    DataError
        There is no UTF-8 text.
    """
    lines = read_head_lines(stream, source)
    first = next(filter(None, lines), "")
    delimiter = max(_DELIMITERS, key=first.count)
    rows = csv.reader([line for line in lines if line], delimiter=delimiter)
    try:
        cells = tuple(tuple(cell.strip() for cell in row) for row in rows)
    except csv.Error as error:
        raise DataError(f"{source}: could not be read as a CSV: {error}") from error
    return Head(source, path, name, delimiter, cells)


@dataclass(frozen=True, slots=True)
class Layout:
    """One way in which rows of text are ticks.

    Attributes
    ----------
    format : str
        Whose files are so, for people.
    reason : str
        What in the file shows it.
    header : tuple of str
        The columns' names, the file's own or, where it has none, ours.
    has_header : bool
    time : tuple of int
        The column of the time, or those of date and time.
    bid, ask : int
        Their columns.
    style : TimeStyle
    delimiter : str
    zone : str or None
        That of the format's times where they carry none; None where the user has to say it.
    symbol : int or None
        The column that names the pair.
    midnight_ns : int
        What is to be added to the times: they count from the midnight of the file's day.
    carries : bool
        A blank or zero side stands for the price that the side had before.
    """

    format: str
    reason: str
    header: tuple[str, ...]
    has_header: bool
    time: tuple[int, ...]
    bid: int
    ask: int
    style: TimeStyle
    delimiter: str = ","
    zone: str | None = None
    symbol: int | None = None
    midnight_ns: int = 0
    carries: bool = False


def read_layout(
    stream: ByteStream, layout: Layout, source: str, pair: Pair, zone: str | None, *, compiled: bool = False
) -> RowStream:
    """Read a text of ticks.

    Parameters
    ----------
    stream : ByteStream
        At its start.
    layout : Layout
    source : str
        For messages.
    pair : Pair
        What every row must be of, where rows name their pair.
    zone : str or None
        Of times that carry none, before the format's own.
    compiled : bool
        Read by a loop as far as the lines are plain: faster once the compiler and the loop are loaded.

    Returns
    -------
    RowStream
        Holds one block of the file at a time.

    Raises
    ------
    DataError
        From the batches, for what spoils more than a row: an encoding, a quote that is never closed, times without a
        zone, a row of another pair.
    """
    reader = _Reader(layout, source, pair, zone or layout.zone)

    def batches() -> Iterator[RowBatch]:
        rest = stream
        has_header, row = layout.has_header, 1
        if compiled and (table := reader.plain_table()) is not None:
            left = yield from read_plain_lines(stream, table)
            rest = io.BufferedReader(JoinedStream(left.content, stream))
            has_header, row = has_header and left.row == 1, left.row
        fields = len(layout.header)
        blocks = read_blocks(rest, source, fields, layout.delimiter, has_header=has_header, first_line=row)
        with closing(blocks):
            for block in blocks:
                yield reader.convert(block)

    return RowStream(layout.header, (layout.time[0], layout.bid, layout.ask), batches(), _time_form(layout))


def _time_form(layout: Layout) -> str:
    if layout.midnight_ns:
        return "milliseconds of the day, below 86,400,000"
    if layout.style is TimeStyle.ISO:
        return TIME_FORM
    if layout.style.decimals is not None:
        return f"a time such as {layout.style.value} (--unit)"
    return f"{'a time' if len(layout.time) == 1 else 'a date and a time'} such as {layout.style.value}"


@dataclass(slots=True)
class _Reader:
    layout: Layout
    source: str
    pair: Pair
    zone: str | None
    last: dict[int, tuple[int, int]] = field(default_factory=dict)

    def plain_table(self) -> PlainTable | None:
        """Describe the text for the compiled loop; None where the loop has no way to read it."""
        layout = self.layout
        if layout.carries or layout.midnight_ns or len(layout.time) != 1:
            return None
        return PlainTable(
            fields=len(layout.header),
            time=layout.time[0],
            bid=layout.bid,
            ask=layout.ask,
            symbol=layout.symbol,
            is_symbol=lambda name: strip_symbol(name) == self.pair.name,
            delimiter=layout.delimiter,
            has_header=layout.has_header,
            style=layout.style,
            zone=self.zone,
        )

    def convert(self, block: TextBlock) -> RowBatch:
        layout, table = self.layout, block.table
        self._check_symbols(block)
        bid, ask = self._prices(table, layout.bid, COLUMN_NAMES[1]), self._prices(table, layout.ask, COLUMN_NAMES[2])
        batch = RowBatch(block.row, self._times(block), bid, ask, _original(table, np.arange(len(table))), block.torn)
        return self._quoted(batch, table) if layout.carries else batch

    def _times(self, block: TextBlock) -> Cells:
        columns = [pc.utf8_trim_whitespace(block.table.column(column)) for column in self.layout.time]
        text = columns[0] if len(columns) == 1 else pc.binary_join_element_wise(*columns, " ")
        if self.layout.style is TimeStyle.ISO and len(columns) == 1:
            text = block.table.column(self.layout.time[0])
        try:
            cells = read_times(text, self.zone, self.layout.style)
        except ZoneError as error:
            row, name = block.row[error.position], self.layout.header[self.layout.time[0]]
            raise DataError(f"{self.source}: row {row}, column {name}: {error}") from error
        except DataError as error:
            raise DataError(f"{self.source}: column {self.layout.header[self.layout.time[0]]}: {error}") from error
        return _after_midnight(cells, self.layout.midnight_ns) if self.layout.midnight_ns else cells

    def _prices(self, table: pa.RecordBatch, column: int, side: str) -> Cells:
        try:
            cells = read_prices(table.column(column))
        except DataError as error:
            raise DataError(f"{self.source}: column {side}: {error}") from error
        if not self.layout.carries:
            return cells
        blank = to_bool(pc.match_substring_regex(table.column(column), _NO_PRICE))
        return _carry(cells, blank, self.last, column)

    def _quoted(self, batch: RowBatch, table: pa.RecordBatch) -> RowBatch:
        """Leave out the first rows, until both sides have had a price."""
        known = (batch.time.faults != NO_FAULT) | ((batch.bid.values != 0) | (batch.bid.faults != NO_FAULT)) & (
            (batch.ask.values != 0) | (batch.ask.faults != NO_FAULT)
        )
        if known.all():
            return batch
        rows = np.flatnonzero(known)
        time, bid, ask = (_take(cells, rows) for cells in (batch.time, batch.bid, batch.ask))
        skipped = len(known) - len(rows)
        return RowBatch(batch.row[rows], time, bid, ask, _original(table, rows), batch.torn, skipped)

    def _check_symbols(self, block: TextBlock) -> None:
        column = self.layout.symbol
        if column is None:
            return
        symbols, times = block.table.column(column), block.table.column(self.layout.time[0])
        others = [symbol for symbol in pc.unique(symbols).to_pylist() if strip_symbol(symbol) != self.pair.name]
        # A row without a time is bad anyway; an empty line among the rows has no symbol either.
        wrong = pc.and_(pc.is_in(symbols, pa.array(others, pa.string())), pc.not_equal(times, ""))
        if (first := wrong.index(True).as_py()) >= 0:
            raise DataError(
                f"{self.source}: row {block.row[first]}, column {self.layout.header[column]}: expected "
                f"{self.pair.name}, found {shown(symbols[first].as_py(), 40)}; import each pair from its own files"
            )


def _original(table: pa.RecordBatch, rows: "np.ndarray[tuple[int], np.dtype[np.intp]]"):  # type: ignore[no-untyped-def]
    def original(position: int) -> Sequence[str]:
        row = int(rows[position])
        return [str(column[row].as_py() or "") for column in table.columns]

    return original


def _after_midnight(cells: Cells, midnight_ns: int) -> Cells:
    """Let times count from the midnight of the file's day; what is no whole millisecond of it is no time."""
    outside = (cells.values >= _DAY_NS) | (cells.values % _NS_PER_MS != 0)
    faults = np.where(outside & (cells.faults == NO_FAULT), np.uint8(Fault.NOT_A_TIME.code), cells.faults)
    values = np.where(faults == NO_FAULT, cells.values + midnight_ns, 0)
    return Cells(values, faults)


def _take(cells: Cells, rows: "np.ndarray[tuple[int], np.dtype[np.intp]]") -> Cells:
    return Cells(cells.values[rows], cells.faults[rows], cells.rounded)


def _carry(cells: Cells, blank: BoolArray, last: dict[int, tuple[int, int]], column: int) -> Cells:
    """Put the cell before into each blank, with its fault if it has one; 0 where there was none yet.

    What a side was after a cell that is no price, nobody knows: rows that stand for it are as bad as that cell's own.
    """
    if not len(blank):
        return cells
    position: Int64Array = np.maximum.accumulate(np.where(blank, -1, np.arange(len(blank))))
    value, fault = last.get(column, (0, NO_FAULT))
    before = np.maximum(position, 0)
    values = np.where(position >= 0, cells.values[before], value).astype(np.int64)
    faults = np.where(position >= 0, cells.faults[before], np.uint8(fault)).astype(np.uint8)
    last[column] = int(values[-1]), int(faults[-1])
    return Cells(values, faults, cells.rounded)
