"""CSV as it is: text cells with the line each row stands on, one block of the file at a time."""

import codecs
import io
import re
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Final, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from necrozma_core.errors import DataError
from necrozma_core.feeds.reading.cells import to_bool
from necrozma_core.feeds.reading.loans import Loans, without_frames
from necrozma_core.feeds.reading.quoting import QuoteCheck
from necrozma_core.feeds.reading.rows import TornRow
from necrozma_core.feeds.reading.unpacking import Readable
from necrozma_core.market.arrays import Int64Array

HEAD_BYTES: Final = 65_536
"""A header line is no longer than this."""

_BLOCK_BYTES: Final = 2**20
_TAIL_BYTES: Final = 65_536
_HEAD_LINES: Final = 200
MOST_TORN: Final = 10_000
"""Torn rows in one block, a third of the rows that it has, beyond which a file is no table of this header."""


class ByteStream(Readable, Protocol):
    """Bytes whose start can be looked at without taking it."""

    def peek(self, size: int, /) -> bytes:
        """Return bytes from here on, without taking them."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class TextBlock:
    """Some rows of a CSV: their cells as text, the line of each, and what is no row of the table."""

    table: pa.RecordBatch
    row: Int64Array
    torn: tuple[TornRow, ...]


def read_head_lines(stream: ByteStream, source: str) -> list[str]:
    """Look at the first lines of a text and leave the stream where it is.

    Returns
    -------
    list of str
        Without their ends; a last line that may go on is left out, unless it is the only one.

    Raises
    ------
    DataError
        It is not UTF-8 text.
    """
    head = stream.peek(HEAD_BYTES)[:HEAD_BYTES]
    *lines, rest = re.split(rb"\r\n|\r|\n", head)
    if not lines or len(head) < _TAIL_BYTES:
        lines.append(rest)
    if any(b"\0" in line for line in lines[:1]):
        raise DataError(f"{source}: expected UTF-8 text, found binary data; save it as UTF-8")
    texts = []
    for row, line in enumerate(lines[:_HEAD_LINES], 1):
        try:
            texts.append(line.decode("utf-8-sig" if row == 1 else "utf-8"))
        except UnicodeDecodeError as error:
            if row == 1:
                raise _other_encoding(source, 1) from error
            break
    return texts


def read_blocks(
    stream: ByteStream, source: str, fields: int, delimiter: str = ",", *, has_header: bool = True, first_line: int = 1
) -> Generator[TextBlock, None, None]:
    """Read the rows of a CSV.

    Parameters
    ----------
    stream : Readable
        At its start; UTF-8, with or without a byte-order mark.
    source : str
        For messages.
    fields : int
        How many a row has. One with more or fewer is torn.
    delimiter : str
    has_header : bool
        The first line that is not empty names the columns and is no row.
    first_line : int
        The number of the line at which the stream is; those before it have been read.

    Yields
    ------
    TextBlock

    Raises
    ------
    DataError
        For what spoils more than a row: another encoding, a quote that is never closed.
    """
    first_row = 2 + _count_empty_lines(stream, source) if has_header else 1
    lines = _Lines(source, first_row, delimiter, first_line - 1)
    watched = _Watched(stream, source, delimiter, first_line - 1)
    empty = pa.record_batch([pa.array([], pa.string())] * fields, names=_names(fields))
    try:
        with closing(_library_blocks(watched, fields, lines, delimiter)) as blocks:
            for block in blocks:
                table, row = lines.number(block)
                _refuse_line_breaks(table, row, source)
                yield TextBlock(table, row, lines.take_torn())
    except pa.ArrowInvalid as error:
        if lines.is_hopeless:
            raise lines.hopeless_error(fields) from error
        if "skip initial" not in str(error):  # a header without so much as a line break
            raise DataError(f"{source}: {_cause(error, first_line - 1)}") from error
    if torn := (*lines.take_torn(), *lines.take_commas(watched.tail)):
        yield TextBlock(empty, np.empty(0, dtype=np.int64), torn)


def _count_empty_lines(stream: ByteStream, source: str) -> int:
    """Return how many lines with nothing in them stand before the header."""
    lines = read_head_lines(stream, source)
    return next((number for number, line in enumerate(lines) if line), 0)


def _names(fields: int) -> list[str]:
    return [str(field) for field in range(fields)]


class _Watched:
    """A stream of UTF-8 that remembers how it ended.

    Arrow, too, refuses other encodings, but not in a row that is torn as well: there it prints a traceback.
    """

    def __init__(self, stream: ByteStream, source: str, delimiter: str, lines_before: int) -> None:
        self._stream = stream
        self._source = source
        self._quotes = QuoteCheck(source, delimiter, lines_before)
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._lines = lines_before
        self._is_stopped = False
        self.failure: Exception | None = None
        self.tail = b""

    def stop(self) -> None:
        """Let a reading ahead come to its end."""
        self._is_stopped = True

    def read(self, size: int = -1, /) -> bytes:
        """Take the next bytes; called by the library's own thread, which gets no exceptions to hold."""
        if self._is_stopped:
            return b""
        try:
            return self._take(size)
        except Exception as error:  # noqa: BLE001 - raised where the rows are asked for
            self.failure = without_frames(error)
            self.stop()
            return b""

    def _take(self, size: int) -> bytes:
        content = self._stream.read(size)
        self.tail = (self.tail + content[-_TAIL_BYTES:])[-_TAIL_BYTES:]
        self._check(content, is_last=not self._stream.peek(1))
        self._quotes.take(content)
        return content

    def _check(self, content: bytes, is_last: bool) -> None:
        """Refuse what is no UTF-8; characters may lie across two pieces, but not beyond the end."""
        if not content.isascii() or self._decoder.getstate()[0]:
            try:
                self._decoder.decode(content, final=is_last)
            except UnicodeDecodeError as error:
                row = self._lines + error.object.count(b"\n", 0, error.start) + 1
                raise _other_encoding(self._source, row) from error
        self._lines += content.count(b"\n")


class _Lent(io.RawIOBase):
    """The stream that the library gets, which is gone when the library is done with it."""

    def __init__(self, watched: _Watched) -> None:
        self._watched = watched

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        return self._watched.read(size)


def _library_blocks(
    watched: _Watched, fields: int, lines: "_Lines", delimiter: str
) -> Generator[pa.RecordBatch, None, None]:
    """Read a text with the library, and end with everything that was lent to it given back."""
    loans, names = Loans(), _names(fields)
    try:
        # Every cell is kept as the text it is; what it means is decided here, not by a guess of the library.
        yield from _each(
            pa_csv.open_csv(
                loans.lend(_Lent(watched)),
                read_options=pa_csv.ReadOptions(
                    use_threads=False,
                    block_size=_BLOCK_BYTES,
                    skip_rows=lines.first_row - 1,
                    column_names=names,
                    encoding="utf8",
                ),
                parse_options=pa_csv.ParseOptions(
                    delimiter=delimiter,
                    ignore_empty_lines=False,
                    invalid_row_handler=loans.lend(partial(lines.skip_torn)),
                ),
                convert_options=pa_csv.ConvertOptions(
                    column_types=dict.fromkeys(names, pa.string()),
                    strings_can_be_null=False,
                    quoted_strings_can_be_null=False,
                ),
            )
        )
    except pa.ArrowInvalid as error:
        raise watched.failure or without_frames(error)  # noqa: B904 - the one tells what the other does not know
    finally:
        watched.stop()
        loans.wait()
    if watched.failure is not None:
        raise watched.failure


def _each(reader: Iterator[pa.RecordBatch]) -> Generator[pa.RecordBatch, None, None]:
    """Give a reader's blocks, and hold the reader no longer than that."""
    yield from iter(reader.__next__, None)


class _Lines:
    """Knows on which line of the file each row stands, and keeps what is no row of the table."""

    def __init__(self, source: str, first_row: int, delimiter: str, lines_before: int) -> None:
        self.first_row = first_row
        self._delimiter = delimiter
        self._lines_before = lines_before
        self._source = source
        self._rows = 0
        self._before_torn: list[int] = []
        self._torn: list[TornRow] = []
        self._blank: list[TornRow] = []

    def skip_torn(self, row: pa_csv.InvalidRow) -> str:
        """Keep a line that has not the header's fields; pyarrow's handler, called while a block is parsed.

        A call takes ten microseconds and a line may be one byte, so a block that is full of them is given up.
        """
        if len(self._torn) >= MOST_TORN:
            return "error"
        self._before_torn.append(row.number - self.first_row - len(self._before_torn))
        self._torn.append(TornRow(self._lines_before + row.number, row.text, self._delimiter))
        return "skip"

    @property
    def is_hopeless(self) -> bool:
        """Tell whether a block was given up."""
        return len(self._torn) >= MOST_TORN

    def hopeless_error(self, fields: int) -> DataError:
        """Return the error that says so."""
        return DataError(
            f"{self._source}: row {self._torn[0].row}: expected {fields} fields, found another number in it and in "
            f"{len(self._torn):,} rows within {_BLOCK_BYTES:,} bytes: check that this is the right kind of file"
        )

    def number(self, block: pa.RecordBatch) -> tuple[pa.RecordBatch, Int64Array]:
        """Return a block without the empty lines at its end, and the line of each of its rows.

        Empty lines at the end of a file are no rows; once another row follows they were torn ones.
        """
        position = self._rows + np.arange(len(block), dtype=np.int64)
        self._rows += len(block)
        line = self._lines_before + (
            self.first_row + position + np.searchsorted(np.array(self._before_torn, dtype=np.int64), position, "right")
        )
        filled = np.zeros(len(block), dtype=np.bool_)
        for column in block.columns:
            filled |= to_bool(pc.not_equal(column, ""))
        end = int(np.flatnonzero(filled)[-1]) + 1 if filled.any() else 0
        if len(self._blank) + len(block) - end > MOST_TORN:
            raise DataError(
                f"{self._source}: row {line[end]}: expected rows, found more than {MOST_TORN:,} empty lines: check "
                "that this is the right kind of file"
            )
        if end:
            self._torn += self._blank
            self._blank = []
        self._blank += [TornRow(number, "") for number in line[end:].tolist()]
        return block.slice(0, end), line[:end]

    def take_torn(self) -> tuple[TornRow, ...]:
        """Hand over the torn rows met since the last call."""
        last = max((row.row for row in self._torn), default=0)
        self._torn += [row for row in self._blank if row.row < last]
        self._blank = [row for row in self._blank if row.row > last]
        torn, self._torn = tuple(self._torn), []
        for row in torn:
            if "\n" in row.text or "\r" in row.text:
                raise _line_break(self._source, row.row)
        return torn

    def take_commas(self, tail: bytes) -> tuple[TornRow, ...]:
        """Hand over the last lines as far as one of them is not empty after all, but commas between nothing."""
        texts = tail.splitlines()[-len(self._blank) :] if self._blank else []
        if len(texts) < len(self._blank):
            return tuple(self._blank)  # more of them than anyone leaves by accident
        while texts and not texts[-1]:
            texts.pop()
        lines = zip(self._blank, texts, strict=False)
        return tuple(TornRow(line.row, text.decode(errors="replace"), self._delimiter) for line, text in lines)


def _refuse_line_breaks(table: pa.RecordBatch, row: Int64Array, source: str) -> None:
    """Refuse a quote that was never closed: it has swallowed lines, and rows with them."""
    for column in table.columns:
        # The text of all cells in one piece, searched as bytes: a hundredth of the time of looking into each cell.
        text = column.buffers()[2].to_pybytes() if column.buffers()[2] else b""
        if b"\n" in text or b"\r" in text:
            broken = pc.match_substring_regex(column, r"[\r\n]").index(True).as_py()
            if broken >= 0:
                raise _line_break(source, int(row[broken]))


def _line_break(source: str, row: int) -> DataError:
    return DataError(f"{source}: row {row}: expected a row on one line, found a quote not closed on it; mend it")


def _other_encoding(source: str, row: int) -> DataError:
    return DataError(f"{source}: row {row}: expected UTF-8 text, found another encoding; save it as UTF-8")


def _cause(error: pa.ArrowInvalid, lines_before: int) -> str:
    text = str(error).partition("\n")[0]
    if "invalid UTF8" in text:
        row = re.search(r"Row #(\d+)", text)
        where = f"row {lines_before + int(row[1])}: " if row else ""
        return f"{where}expected UTF-8 text, found another encoding; save it as UTF-8"
    if "straddling" in text:
        return f"expected lines of text, found one of more than {_BLOCK_BYTES:,} bytes; check that this is a CSV"
    return f"could not be read as a CSV: {text}"
