"""Parquet and Feather with a time, a bid and an ask under any of their known names, among other columns."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, Protocol, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from necrozma_core.errors import DataError, shown
from necrozma_core.feeds.formats.named import Columns, find_columns
from necrozma_core.feeds.formats.symbols import strip_symbol
from necrozma_core.feeds.reading.cells import Cells
from necrozma_core.feeds.reading.parquet_pages import check_pages
from necrozma_core.feeds.reading.prices import read_prices
from necrozma_core.feeds.reading.rows import RowBatch, RowStream
from necrozma_core.feeds.reading.times import TimeStyle, ZoneError, read_times, style_of
from necrozma_core.market.arrays import Int64Array
from necrozma_core.market.instruments import Pair

_BATCH_ROWS: Final = 65_536
_LEAST_ROWS_ALLOWED: Final = 1_000_000
_ROWS_PER_BYTE: Final = 16
_CELL_BYTES: Final = 100
_SEEN_ROWS: Final = 200


class TableReading:
    """How the rows of one Arrow table are read.

    Parameters
    ----------
    names : sequence of str
        Of all columns of the file.
    source : str
        For messages.
    pair : Pair
        What every row must be of, where rows name their pair.
    zone : str or None
        Of times that carry none.
    style : TimeStyle or None
        How text and whole numbers are times; None leaves it to the first rows.
    given : mapping of str to str or None
        Which columns to take, from the user.

    Raises
    ------
    DataError
        A column is missing, or two could be it.
    """

    def __init__(
        self,
        names: Sequence[str],
        source: str,
        pair: Pair,
        zone: str | None,
        style: TimeStyle | None = None,
        given: Mapping[str, str] | None = None,
    ) -> None:
        self.source = source
        self._pair = pair
        self._zone = zone
        self._style = style
        columns = _given(names, source, given) if given else find_columns([n.lower() for n in names], source, names)
        time, *more = columns.time
        if more:
            raise DataError(f"{source}: expected the time in one column, found {names[time]} and {names[more[0]]}")
        self.header = tuple(names[column] for column in (time, columns.bid, columns.ask))
        self.symbol = None if columns.symbol is None else names[columns.symbol]

    @property
    def read(self) -> list[str]:
        """The columns to be read."""
        return [*self.header, *([self.symbol] if self.symbol else [])]

    def convert(self, table: pa.RecordBatch, row: Int64Array) -> RowBatch:
        """Convert a batch; whatever refuses it gets file, row and column.

        Raises
        ------
        DataError
        """
        for name in self.read:
            check_cells(table.column(name), f"{self.source}: column {name}")
        self._check_symbols(table, row)
        time, bid, ask = (self._cells(table.column(name), name, row) for name in self.header)

        def original(position: int) -> list[str]:
            return [_show(table.column(name)[position]) for name in self.header]

        return RowBatch(row, time, bid, ask, original)

    def _cells(self, column: pa.Array, name: str, row: Int64Array) -> Cells:
        try:
            if name != self.header[0]:
                return read_prices(column)
            if self._style is None:
                self._style = _style(column)
            return read_times(column, self._zone, self._style)
        except ZoneError as error:
            raise DataError(f"{self.source}: row {row[error.position]}, column {name}: {error}") from error
        except DataError as error:
            raise DataError(f"{self.source}: column {name}: {error}") from error

    def _check_symbols(self, table: pa.RecordBatch, row: Int64Array) -> None:
        if self.symbol is None:
            return
        symbols = table.column(self.symbol)
        kind = symbols.type.value_type if pa.types.is_dictionary(symbols.type) else symbols.type
        if not (pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)):
            return
        for symbol in pc.unique(symbols).to_pylist():
            if strip_symbol(symbol or "") != self._pair.name:
                first = pc.equal(symbols.cast(pa.string()), symbol or "").index(True).as_py()
                raise DataError(
                    f"{self.source}: row {row[max(first, 0)]}, column {self.symbol}: expected {self._pair.name}, "
                    f"found {shown((symbol or ''), 40)}; import each pair from its own files"
                )


def read_parquet(file: Any, size: int, open_reading: "OpenReading") -> RowStream:
    """Read a Parquet file of ticks; see `parquet_tables`."""
    reading, tables = parquet_tables(file, size, open_reading.source, open_reading)
    return RowStream(reading.header, (0, 1, 2), _converted(reading, tables, "Parquet"))


def read_feather(file: Any, open_reading: "OpenReading") -> RowStream:
    """Read a Feather file of ticks; see `feather_tables`."""
    reading, tables = feather_tables(file, open_reading.source, open_reading)
    return RowStream(reading.header, (0, 1, 2), _converted(reading, tables, "Feather"))


def _converted(reading: TableReading, tables: "NumberedTables", kind: str) -> Iterator[RowBatch]:
    for table, row in tables:
        with library_errors(reading.source, kind):
            batch = reading.convert(table, row)
        yield batch


class Reading(Protocol):
    """What is known of a table once the names of its columns are."""

    @property
    def read(self) -> list[str]:
        """The columns to be read."""
        ...


NumberedTables = Iterator[tuple[pa.RecordBatch, Int64Array]]
"""Some rows of a table, with their numbers as the user counts them, from 1."""

R = TypeVar("R", bound=Reading)


def parquet_tables(
    file: Any, size: int, source: str, open_reading: Callable[[Sequence[str]], R]
) -> tuple[R, NumberedTables]:
    """Read a Parquet file.

    Parameters
    ----------
    file : binary file
        Seekable.
    size : int
        Bytes of the file. One that claims many more rows than so few bytes of quotes can hold is refused.
    source : str
        For messages.
    open_reading : callable
        Says what is to be read of a table with these columns.

    Returns
    -------
    tuple of (Reading, iterator of (RecordBatch, rows))
        Holds one batch of rows at a time.

    Raises
    ------
    DataError
        Here and from the batches, where the file is damaged (its pages' checksums are verified where it has them), has
        columns of other types, or unpacks to more than quotes do.
    """
    reading, parquet, rows = _open_parquet(file, size, source, open_reading)

    def tables() -> NumberedTables:
        read = 0
        with library_errors(source, "Parquet"):
            for table in parquet.iter_batches(_BATCH_ROWS, columns=reading.read, use_threads=False):
                row = read + 1 + np.arange(len(table), dtype=np.int64)
                read += len(table)
                if read > rows:
                    break
                yield table, row
        if read != rows:
            raise DataError(f"{source}: expected {rows:,} rows, found {read:,}; the file is damaged: get it again")

    return reading, tables()


def feather_tables(file: Any, source: str, open_reading: Callable[[Sequence[str]], R]) -> tuple[R, NumberedTables]:
    """Read a Feather file of version 2, which is Arrow's own file format; as `parquet_tables`."""
    with library_errors(source, "Feather"):
        arrow = pa.ipc.open_file(file)
        names = arrow.schema.names
    reading = open_reading(names)

    def tables() -> NumberedTables:
        read = 0
        with library_errors(source, "Feather"):
            for number in range(arrow.num_record_batches):
                table = arrow.get_batch(number)
                # The library takes lengths and offsets as they stand in the file, and would read beyond them.
                table.validate(full=True)
                for start in range(0, len(table), _BATCH_ROWS):
                    part = table.slice(start, _BATCH_ROWS)
                    yield part, read + 1 + np.arange(len(part), dtype=np.int64)
                    read += len(part)

    return reading, tables()


class OpenReading:
    """Makes a `TableReading` once the columns' names are known."""

    def __init__(
        self,
        source: str,
        pair: Pair,
        zone: str | None,
        style: TimeStyle | None = None,
        given: Mapping[str, str] | None = None,
    ) -> None:
        self.source = source
        self._rest = (source, pair, zone, style, given)

    def __call__(self, names: Sequence[str]) -> TableReading:
        """Return the reading of a table with these columns."""
        return TableReading(names, *self._rest)


def _open_parquet(
    file: Any, size: int, source: str, open_reading: Callable[[Sequence[str]], R]
) -> tuple[R, pq.ParquetFile, int]:
    with library_errors(source, "Parquet"):
        plain = pq.ParquetFile(file, pre_buffer=False)
        schema, metadata = plain.schema_arrow, plain.metadata
        reading = open_reading(schema.names)
        rows = metadata.num_rows
        if rows > max(_LEAST_ROWS_ALLOWED, _ROWS_PER_BYTE * size):
            raise DataError(f"{source}: {rows:,} rows in {size:,} bytes: no quotes can be that alike; check the file")
        check_pages(file, set(reading.read), size, source)
        # A text that stands in every row is held once: a page of a hundred bytes cannot become gigabytes of cells.
        text = [name for name in reading.read if _is_bytes(schema.field(name).type)]
        file.seek(0)
        parquet = pq.ParquetFile(file, pre_buffer=False, read_dictionary=text, page_checksum_verification=True)
    return reading, parquet, rows


def _is_bytes(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_binary(kind))


def check_cells(column: pa.Array, where: str) -> None:
    """Refuse cells longer than any time or price."""
    texts = column.dictionary if pa.types.is_dictionary(column.type) else column
    if _is_bytes(texts.type) and len(texts):
        longest = pc.max(pc.binary_length(texts)).as_py() or 0
        if longest > _CELL_BYTES:
            raise DataError(f"{where}: expected a time or a price, found a cell of {longest:,} bytes; check the file")


def _given(names: Sequence[str], source: str, given: Mapping[str, str]) -> Columns:
    lower = [name.lower() for name in names]
    found_at = {}
    for role in ("time", "bid", "ask", "symbol"):
        wanted = given.get(role, "").strip().lower()
        if wanted and wanted not in lower:
            raise DataError(f"{source}: --columns {role}={wanted[:40]}: no such column; found {', '.join(names)[:80]}")
        if wanted:
            found_at[role] = lower.index(wanted)
    if missing := [role for role in ("time", "bid", "ask") if role not in found_at]:
        raise DataError(f"{source}: --columns: expected {missing[0]} too, such as time=Date,bid=Bid,ask=Ask")
    return Columns((found_at["time"],), found_at["bid"], found_at["ask"], found_at.get("symbol"))


def _style(column: pa.Array) -> TimeStyle:
    if pa.types.is_timestamp(column.type):
        return TimeStyle.ISO
    seen = [str(cell) for cell in column.slice(0, _SEEN_ROWS).to_pylist() if cell is not None]
    styles = [style for style in map(style_of, seen) if style is not None]
    return max(set(styles), key=styles.count) if styles else TimeStyle.ISO


@contextmanager
def library_errors(source: str, kind: str) -> Iterator[None]:
    """Tell what a library cannot read as the file's damage; what the disk refuses passes through."""
    try:
        yield
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        cause = str(error).partition("\n")[0]
        raise DataError(f"{source}: could not be read as {kind}: {cause[:120]}; get it again") from error


def _show(cell: pa.Scalar) -> str:
    value = cell.as_py() if not pa.types.is_timestamp(cell.type) else cell.cast(pa.string()).as_py()
    return "" if value is None else str(value)
