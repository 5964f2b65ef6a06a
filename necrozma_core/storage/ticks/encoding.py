"""Ticks of one pair and year as the bytes of a Parquet file, and back without a copy too many.

Columns: ``time`` (milliseconds, UTC), ``bid`` and ``ask`` (DECIMAL(9, digits)), none of them ever null. A decimal is
stored as its whole number of points, so any reader sees true prices and this one sees the points.
"""

import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import BinaryIO, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from necrozma_core.market.arrays import Int32Array, Int64Array
from necrozma_core.market.instruments import Pair
from necrozma_core.market.ticks import Ticks
from necrozma_core.storage.disk.columns import array_of, arrow_column
from necrozma_core.storage.disk.schema_names import SCHEMA_KEY, schema_name, with_metadata

MAX_STORED_POINTS: Final = 999_999_999
"""The largest price in points that nine digits hold."""

ROW_GROUP_ROWS: Final = 2**18
"""Rows that are decoded at once: some 5 ms, so that a throttle's pause is never waited for."""

_DIGITS: Final = 9
_COLUMNS: Final = ("time", "bid", "ask")

# Measured in benchmarks/tick_encoding.py: differences take 2.75 bytes a tick. Compressing them as well would save a
# fourteenth of that, and leave the decoding to the library.
_WRITING: Final = {
    "compression": "none",
    "use_dictionary": False,
    "column_encoding": dict.fromkeys(_COLUMNS, "DELTA_BINARY_PACKED"),
    "store_decimal_as_integer": True,
    "write_statistics": ["time"],
}


def ticks_schema(pair_name: str, digits: int) -> pa.Schema:
    """Return the schema of a year's file: the columns, and pair and digits in its metadata."""
    price = pa.decimal32(_DIGITS, digits)
    kinds = (pa.timestamp("ms", "UTC"), price, price)
    fields = [pa.field(name, kind, nullable=False) for name, kind in zip(_COLUMNS, kinds, strict=True)]
    schema = pa.schema(fields, metadata={SCHEMA_KEY: b"ticks/1"})
    return with_metadata(schema, {"pair": pair_name, "digits": str(digits)})


def encode_ticks(ticks: Ticks) -> bytes:
    """Write ticks as the bytes of a Parquet file; the same ticks give the same bytes.

    Parameters
    ----------
    ticks : Ticks
        Checked, with prices of at most `MAX_STORED_POINTS`.
    """
    sink = io.BytesIO()
    encode_pieces([ticks], ticks.pair, ticks.digits, sink)
    return sink.getvalue()


def encode_pieces(pieces: Iterable[Ticks], pair: Pair, digits: int, sink: BinaryIO) -> None:
    """Write ticks as they come as the bytes of a Parquet file, which do not tell how they were cut into pieces.

    Parameters
    ----------
    pieces : iterable of Ticks
        In order, checked, with prices of at most `MAX_STORED_POINTS`; a piece may be gone with the next one.
    pair : Pair
    digits : int
        Of every piece.
    sink : binary file
        Stays open.
    """
    schema = ticks_schema(pair.name, digits)
    group = [np.empty(ROW_GROUP_ROWS, dtype) for dtype in (np.int64, np.int32, np.int32)]
    filled = 0
    writer = pq.ParquetWriter(sink, schema, **_WRITING)
    try:
        for piece in pieces:
            taken = 0
            while taken < len(piece):
                more = min(ROW_GROUP_ROWS - filled, len(piece) - taken)
                for column, values in zip(group, _arrays(piece), strict=True):
                    column[filled : filled + more] = values[taken : taken + more]
                filled, taken = filled + more, taken + more
                if filled == ROW_GROUP_ROWS:
                    writer.write_table(_table(group, schema), ROW_GROUP_ROWS)
                    filled = 0
        if filled:
            writer.write_table(_table([column[:filled] for column in group], schema), ROW_GROUP_ROWS)
        writer.close()
    except BaseException:
        # The library writes the footer even now, and the disk may be what failed.
        with suppress(OSError, pa.ArrowException):
            writer.close()
        raise


def _table(columns: Sequence[NDArray[np.generic]], schema: pa.Schema) -> pa.Table:
    arrays = [arrow_column(field.type, values) for field, values in zip(schema, columns, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)


def _arrays(ticks: Ticks) -> tuple[Int64Array | Int32Array, ...]:
    return ticks.time_ms, ticks.bid, ticks.ask


def decode_ticks(content: bytes, into: Ticks, on_rows: Callable[[int], None] | None = None) -> None:
    """Read the bytes of a year's file into arrays that exist already.

    Parameters
    ----------
    content : bytes
        Nothing in it is trusted: whoever needs the very ticks that were stored compares its hash first.
    into : Ticks
        Its pair, digits and length are what the file must have; its arrays are filled.
    on_rows : callable, optional
        Called after each row group with the number of rows read so far; may wait.

    Raises
    ------
    ValueError
        The file is damaged, or holds other columns, digits or rows.
    """
    file = _open(content, into.pair, into.digits, len(into))
    for group, start, end in _row_groups(file):
        _fill(file, content, group, [array[start:end] for array in _arrays(into)])
        if on_rows is not None:
            on_rows(end)


def decode_groups(content: bytes, pair: Pair, digits: int, ticks: int, *, compiled: bool = True) -> Iterator[Ticks]:
    """Read the bytes of a year's file one row group after the other.

    Parameters
    ----------
    content : bytes
        As for `decode_ticks`, which says what is raised.
    pair : Pair
    digits, ticks : int
        What the file must have.
    compiled : bool
        Use our own loop where the file is laid out as we write it: faster than the library, once the compiler and the
        loop are loaded.

    Yields
    ------
    Ticks
        Up to `ROW_GROUP_ROWS` ticks, gone with the next ones: to be copied by whoever keeps them.
    """
    file = _open(content, pair, digits, ticks)
    groups = list(_row_groups(file))
    most = max((end - start for _, start, end in groups), default=0)
    time_ms, bid, ask = np.empty(most, np.int64), np.empty(most, np.int32), np.empty(most, np.int32)
    for group, start, end in groups:
        rows = slice(0, end - start)
        piece = Ticks(pair, digits, time_ms[rows], bid[rows], ask[rows])
        _fill(file, content, group, _arrays(piece), compiled)
        yield piece


@contextmanager
def _library_errors() -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        raise ValueError(str(error).partition("\n")[0]) from error


def _open(content: bytes, pair: Pair, digits: int, ticks: int) -> pq.ParquetFile:
    with _library_errors():
        # One thread, and no read-ahead: the worker that reads has the share of the machine that it was given.
        file = pq.ParquetFile(pa.BufferReader(content), pre_buffer=False)
        _check_file(file, ticks_schema(pair.name, digits), ticks)
    return file


def _row_groups(file: pq.ParquetFile) -> Iterator[tuple[int, int, int]]:
    # The number of each, and which rows it holds.
    end, rows = 0, file.metadata.num_rows
    for group in range(file.num_row_groups):
        start, end = end, end + file.metadata.row_group(group).num_rows
        if not start <= end <= rows:
            raise ValueError(f"row group {group}: expected at most {rows - start} rows, found {end - start}")
        yield group, start, end
    if end != rows:
        raise ValueError(f"expected {rows} rows, found {end}")


def _fill(
    file: pq.ParquetFile,
    content: bytes,
    group: int,
    targets: Sequence[Int64Array | Int32Array],
    compiled: bool = True,
) -> None:
    with _library_errors():
        columns = file.metadata.row_group(group)
        numbers = range(len(targets))
        if compiled and all(_fill_by_differences(content, columns.column(n), targets[n]) for n in numbers):
            return
        # Laid out as our writer never does: the library's work.
        table = file.read_row_group(group, use_threads=False)
    if table.num_rows != len(targets[0]):
        raise ValueError(f"row group {group}: expected {len(targets[0])} rows, found {table.num_rows}")
    for target, column in zip(targets, table.columns, strict=True):
        target[:] = array_of(column.combine_chunks(), target.dtype.type)


def _fill_by_differences(content: bytes, column: pq.ColumnChunkMetaData, target: Int64Array | Int32Array) -> bool:
    """Read a column as our writer lays it out, faster than the library; False where it is laid out otherwise."""
    from necrozma_core.kernels.deltas import decode_deltas  # noqa: PLC0415 -- only what reads ticks loads the compiler

    start, size = column.data_page_offset, column.total_compressed_size
    # Its size tells whether it is compressed: asked for a codec that it does not know, the library ends the process.
    is_ours = size == column.total_uncompressed_size and column.physical_type == f"INT{8 * target.itemsize}"
    if not is_ours or not 0 <= start <= start + size <= len(content):
        return False
    pages = np.frombuffer(content, np.uint8)
    words = np.frombuffer(content, "<u8", len(content) // 8)
    return bool(decode_deltas(pages, words, start, start + size, target) == len(target))


def _check_file(file: pq.ParquetFile, schema: pa.Schema, ticks: int) -> None:
    if not file.schema_arrow.equals(schema, check_metadata=False) or schema_name(file.schema_arrow) != "ticks/1":
        raise ValueError(f"expected the columns {schema.to_string(show_schema_metadata=False)!r} of ticks/1")
    if file.metadata.num_rows != ticks:
        raise ValueError(f"expected {ticks} rows, found {file.metadata.num_rows}")
