"""Ticks of one pair and year as the bytes of a Parquet file, and back without a copy too many.

Columns: ``time`` (milliseconds, UTC), ``bid`` and ``ask`` (DECIMAL(9, digits)), none of them ever null. A decimal is
stored as its whole number of points, so any reader sees true prices and this one sees the points.
"""

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from necrozma_core.instruments import Pair
from necrozma_core.storage.columns import array_of, arrow_column
from necrozma_core.storage.schemas import SCHEMA_KEY, schema_name, with_metadata
from necrozma_core.ticks import Int32Array, Int64Array, Ticks

MAX_STORED_POINTS: Final = 999_999_999
"""The largest price in points that nine digits hold."""

ROW_GROUP_ROWS: Final = 2**18
"""Rows that are decoded at once: some 5 ms, so that a throttle's pause is never waited for."""

_DIGITS: Final = 9
_COLUMNS: Final = ("time", "bid", "ask")

# Measured in benchmarks/tick_encoding.py: differences take 2.75 bytes a tick; compressing them as well saves a
# fourteenth of that and costs as much time again as reading.
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
    schema = ticks_schema(ticks.pair.name, ticks.digits)
    columns = [arrow_column(field.type, values) for field, values in zip(schema, _arrays(ticks), strict=True)]
    table = pa.Table.from_arrays(columns, schema=schema)
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, row_group_size=ROW_GROUP_ROWS, **_WRITING)
    return bytes(sink.getvalue())


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
    end = 0
    for group in decode_groups(content, into.pair, into.digits, len(into)):
        start, end = end, end + len(group)
        for target, values in zip(_arrays(into), _arrays(group), strict=True):
            target[start:end] = values
        if on_rows is not None:
            on_rows(end)


def decode_groups(content: bytes, pair: Pair, digits: int, ticks: int) -> Iterator[Ticks]:
    """Read the bytes of a year's file one row group after the other.

    Parameters
    ----------
    content : bytes
        As for `decode_ticks`, which says what is raised.
    pair : Pair
    digits, ticks : int
        What the file must have.

    Yields
    ------
    Ticks
        Some ten thousand to `ROW_GROUP_ROWS` ticks, read-only, to be copied by whoever keeps them.
    """
    try:
        # One thread, and no read-ahead: the worker that reads has the share of the machine that it was given.
        file = pq.ParquetFile(pa.BufferReader(content), pre_buffer=False)
        _check_file(file, ticks_schema(pair.name, digits), ticks)
        end = 0
        for group in range(file.num_row_groups):
            rows = file.metadata.row_group(group).num_rows
            table = file.read_row_group(group, use_threads=False)
            end += rows
            if end > ticks or table.num_rows != rows:
                raise ValueError(f"row group {group}: expected {rows} rows, found {table.num_rows}")
            time_ms, bid, ask = (_one_piece(column) for column in table.columns)
            yield Ticks(pair, digits, array_of(time_ms, np.int64), array_of(bid, np.int32), array_of(ask, np.int32))
    except (pa.ArrowException, OSError) as error:
        raise ValueError(str(error).partition("\n")[0]) from error
    if end != ticks:
        raise ValueError(f"expected {ticks} rows, found {end}")


def _one_piece(column: pa.ChunkedArray) -> pa.Array:
    # A column of a row group is one piece, but nothing says that it must be; combining copies even one.
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _check_file(file: pq.ParquetFile, schema: pa.Schema, ticks: int) -> None:
    if not file.schema_arrow.equals(schema, check_metadata=False) or schema_name(file.schema_arrow) != "ticks/1":
        raise ValueError(f"expected the columns {schema.to_string(show_schema_metadata=False)!r} of ticks/1")
    if file.metadata.num_rows != ticks:
        raise ValueError(f"expected {ticks} rows, found {file.metadata.num_rows}")
