"""Any table with columns called timestamp, bid and ask, in any order and among others: CSV and Parquet."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from necrozma_core.errors import DataError, shown
from necrozma_core.feeds.reading.delimited import ByteStream, read_blocks, read_header
from necrozma_core.feeds.reading.prices import read_prices
from necrozma_core.feeds.reading.rows import COLUMN_NAMES, RowBatch, RowStream, TornRow
from necrozma_core.feeds.reading.times import NaiveTimeError, read_times
from necrozma_core.market.arrays import Int64Array

TableCheck = Callable[[pa.RecordBatch, Int64Array], None]
"""Sees a batch's cells as text and its row numbers; raises what refuses the whole file."""

_PARQUET_BATCH: Final = 65_536
_LEAST_ROWS_ALLOWED: Final = 1_000_000
_ROWS_PER_BYTE: Final = 16


def find_columns(header: Sequence[str], source: str) -> tuple[int, int, int]:
    """Return where timestamp, bid and ask stand in a header; upper and lower case are the same.

    Raises
    ------
    DataError
        One is missing, or a name stands there twice.
    """
    names = [name.lower() for name in header]
    for name in COLUMN_NAMES:
        if name not in names:
            found = ", ".join(header)
            raise DataError(
                f"{source}: expected a header with the columns {', '.join(COLUMN_NAMES)}, separated by commas, "
                f"found {shown(found, 80)}"
            )
    for name in names:
        if names.count(name) > 1:
            raise DataError(f"{source}: expected every column once, found {shown(name, 40)} {names.count(name)} times")
    return names.index("timestamp"), names.index("bid"), names.index("ask")


def read_csv(stream: ByteStream, source: str, zone: str | None, check: TableCheck | None = None) -> RowStream:
    """Read a CSV whose header names timestamp, bid and ask.

    Parameters
    ----------
    stream : ByteStream
        UTF-8, with or without a byte-order mark.
    source : str
        For messages.
    zone : str or None
        Of times that carry none.
    check : callable or None
        What else has to hold for every row of the file.

    Returns
    -------
    RowStream
        Holds one block of the file at a time.

    Raises
    ------
    DataError
        Here for the header, and from the batches for what spoils more than a row: an encoding, a quote that is
        never closed, times without a zone.
    """
    header = read_header(stream, source)
    columns = find_columns(header, source)

    def batches() -> Iterator[RowBatch]:
        for block in read_blocks(stream, source, len(header)):
            if check is not None:
                check(block.table, block.row)
            yield _convert(block.table, columns, block.row, zone, source, block.torn)

    return RowStream(header, columns, batches())


def read_parquet(stream: ByteStream, size: int, source: str, zone: str | None) -> RowStream:
    """Read a Parquet file with the columns timestamp, bid and ask.

    Parameters
    ----------
    stream : ByteStream
        Seekable.
    size : int
        Bytes of the file. One that claims many more rows than so few bytes of quotes can hold is refused.
    source : str
        For messages.
    zone : str or None
        Of times that carry none.

    Returns
    -------
    RowStream
        Of these three columns; holds one batch of rows at a time.

    Raises
    ------
    DataError
        Here and from the batches, where the file is damaged or has columns of other types.
    """
    with _parquet_errors(source):
        file = pq.ParquetFile(stream, pre_buffer=False)
        names = file.schema_arrow.names
        rows = file.metadata.num_rows
    header = tuple(names[column] for column in find_columns(names, source))
    if rows > max(_LEAST_ROWS_ALLOWED, _ROWS_PER_BYTE * size):
        raise DataError(f"{source}: {rows:,} rows in {size:,} bytes: no quotes can be that alike; check the file")

    def batches() -> Iterator[RowBatch]:
        read = 0
        with _parquet_errors(source):
            for table in file.iter_batches(_PARQUET_BATCH, columns=list(header), use_threads=False):
                row = read + 1 + np.arange(len(table), dtype=np.int64)
                read += len(table)
                if read > rows:
                    break
                yield _convert(table.select(header), (0, 1, 2), row, zone, source)
        if read != rows:
            raise DataError(f"{source}: expected {rows:,} rows, found {read:,}; the file is damaged: get it again")

    return RowStream(header, (0, 1, 2), batches())


@contextmanager
def _parquet_errors(source: str) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        cause = str(error).partition("\n")[0]
        raise DataError(f"{source}: could not be read as Parquet: {cause[:120]}; get it again") from error


def _convert(
    table: pa.RecordBatch,
    columns: tuple[int, int, int],
    row: Int64Array,
    zone: str | None,
    source: str,
    torn: tuple[TornRow, ...] = (),
) -> RowBatch:
    """Convert a batch's three columns; whatever refuses them gets file, row and column."""

    def original(position: int) -> list[str]:
        return [_show(column[position]) for column in table.columns]

    name = COLUMN_NAMES[0]
    try:
        time = read_times(table.column(columns[0]), zone)
        name = COLUMN_NAMES[1]
        bid = read_prices(table.column(columns[1]))
        name = COLUMN_NAMES[2]
        ask = read_prices(table.column(columns[2]))
    except NaiveTimeError as error:
        position, text = error.args
        raise DataError(
            f"{source}: row {row[position]}, column {name}: expected a time with its zone, found {shown(text, 40)}; "
            "say which zone it is with --zone UTC, --zone America/New_York or --zone=-05:00"
        ) from error
    except DataError as error:
        raise DataError(f"{source}: column {name}: {error}") from error
    return RowBatch(row, time, bid, ask, original, torn)


def _show(cell: pa.Scalar) -> str:
    value = cell.as_py() if not pa.types.is_timestamp(cell.type) else cell.cast(pa.string()).as_py()
    return "" if value is None else str(value)
