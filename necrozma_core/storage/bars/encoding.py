"""Bars of one pair and timeframe as the bytes of a Parquet file, and back, compared with their hash.

Columns: ``time`` (opening time, milliseconds, UTC), ``bid_open`` to ``ask_close`` (DECIMAL(9, digits)) and ``ticks``,
none of them ever null. A decimal is stored as its whole number of points, so any reader sees true prices.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from necrozma_core.errors import DamagedError, not_a_file
from necrozma_core.market.arrays import Int32Array, Int64Array
from necrozma_core.market.instruments import get_pair
from necrozma_core.market.quote_bars import QuoteBars
from necrozma_core.storage.bars.manifest import BarManifest
from necrozma_core.storage.disk.columns import array_of, arrow_column
from necrozma_core.storage.disk.errors import disk_errors
from necrozma_core.storage.disk.schema_names import SCHEMA_KEY, schema_name, with_metadata

MAX_STORED_POINTS: Final = 999_999_999
"""The largest price in points that nine digits hold."""

ROW_GROUP_ROWS: Final = 2**16
"""Bars that are decoded at once: some milliseconds, so that a throttle's pause is never waited for."""

PRICE_COLUMNS: Final = tuple(f"{side}_{part}" for side in ("bid", "ask") for part in ("open", "high", "low", "close"))
_COLUMNS: Final = ("time", *PRICE_COLUMNS, "ticks")
_DIGITS: Final = 9
_HASH_BLOCK: Final = 8 * 2**20
_SCHEMA: Final = "bars/1"

_WRITING: Final = {
    "compression": "zstd",
    "compression_level": 1,
    "use_dictionary": False,
    "column_encoding": dict.fromkeys(_COLUMNS, "DELTA_BINARY_PACKED"),
    "store_decimal_as_integer": True,
    "write_statistics": ["time"],
    "write_page_checksum": True,
}


class MissingFileError(DamagedError):
    """The file that a manifest names is not there."""


def bars_schema(pair_name: str, timeframe_ms: int, digits: int) -> pa.Schema:
    """Return the schema of a file of bars: the columns, and pair, timeframe and digits in its metadata."""
    price = pa.decimal32(_DIGITS, digits)
    kinds = (pa.timestamp("ms", "UTC"), *[price] * len(PRICE_COLUMNS), pa.int32())
    fields = [pa.field(name, kind, nullable=False) for name, kind in zip(_COLUMNS, kinds, strict=True)]
    schema = pa.schema(fields, metadata={SCHEMA_KEY: _SCHEMA.encode()})
    return with_metadata(schema, {"pair": pair_name, "timeframe_ms": str(timeframe_ms), "digits": str(digits)})


def bars_table(bars: QuoteBars) -> pa.Table:
    """Return bars as a table of the columns that are stored."""
    schema = bars_schema(bars.pair.name, bars.timeframe_ms, bars.digits)
    columns = [arrow_column(field.type, values) for field, values in zip(schema, _arrays(bars), strict=True)]
    return pa.Table.from_arrays(columns, schema=schema)


def encode_bars(bars: QuoteBars) -> bytes:
    """Write bars as the bytes of a Parquet file; the same bars give the same bytes.

    Parameters
    ----------
    bars : QuoteBars
        Checked, with prices of at most `MAX_STORED_POINTS`.
    """
    sink = pa.BufferOutputStream()
    pq.write_table(bars_table(bars), sink, row_group_size=ROW_GROUP_ROWS, **_WRITING)
    return bytes(sink.getvalue())


def read_bars(folder: Path, manifest: BarManifest, on_chunk: Callable[[int], None] | None = None) -> QuoteBars:
    """Read the bars that a manifest names, compared with their hash before they are parsed.

    Parameters
    ----------
    folder : Path
        The timeframe's.
    manifest : BarManifest
    on_chunk : callable, optional
        Called every few milliseconds of work with the number of bars read so far; may wait.

    Raises
    ------
    MissingFileError
        The file is gone.
    DamagedError
        It is not what was stored.
    StorageError
        It cannot be read.
    """
    path = check_size(folder, manifest)
    with disk_errors("read", path):
        content = path.read_bytes()
    # These very bytes are hashed, then parsed: a file could change between two readings.
    digest = hashlib.sha256()
    for start in range(0, len(content), _HASH_BLOCK):
        digest.update(memoryview(content)[start : start + _HASH_BLOCK])
        if on_chunk is not None:
            on_chunk(0)
    if digest.hexdigest() != manifest.sha256:
        raise _damaged(path, f"sha256 {manifest.sha256[:12]}...", f"{digest.hexdigest()[:12]}...")
    try:
        return _decode(content, manifest, on_chunk)
    except (ValueError, pa.ArrowException, OSError) as error:
        raise _damaged(path, f"{manifest.bars} bars", str(error).partition("\n")[0]) from error


def check_size(folder: Path, manifest: BarManifest) -> Path:
    """Return the path of the bars' file, which is there and has its recorded size; errors as `read_bars`."""
    path = folder / manifest.file
    if found := not_a_file(path, absent="missing"):
        raise MissingFileError(f"{path}: {found}; restore it, or remove {folder} and import its files again")
    with disk_errors("read", path):
        size = path.stat().st_size
    if size != manifest.size:
        raise _damaged(path, f"{manifest.size} bytes", f"{size}")
    return path


def _arrays(bars: QuoteBars) -> list[Int64Array | Int32Array]:
    return [bars.open_time_ms, *bars.bid.T, *bars.ask.T, bars.tick_count]


def _decode(content: bytes, manifest: BarManifest, on_chunk: Callable[[int], None] | None) -> QuoteBars:
    schema = bars_schema(manifest.pair, manifest.timeframe_ms, manifest.digits)
    # One thread, and no read-ahead: the worker that reads has the share of the machine that it was given.
    file = pq.ParquetFile(pa.BufferReader(content), pre_buffer=False, page_checksum_verification=True)
    if not file.schema_arrow.equals(schema, check_metadata=False) or schema_name(file.schema_arrow) != _SCHEMA:
        raise ValueError(f"columns that are not those of {_SCHEMA}")
    if file.metadata.num_rows != manifest.bars:
        raise ValueError(f"{file.metadata.num_rows} rows")
    count = manifest.bars
    bars = QuoteBars(
        pair=get_pair(manifest.pair),
        timeframe_ms=manifest.timeframe_ms,
        digits=manifest.digits,
        open_time_ms=np.empty(count, np.int64),
        bid=np.empty((count, 4), np.int32),
        ask=np.empty((count, 4), np.int32),
        tick_count=np.empty(count, np.int32),
    )
    end = 0
    for group in range(file.num_row_groups):
        table = file.read_row_group(group, use_threads=False)
        start, end = end, end + len(table)
        for target, column in zip(_arrays(bars), table.columns, strict=True):
            target[start:end] = array_of(column.combine_chunks(), target.dtype.type)
        if on_chunk is not None:
            on_chunk(end)
    return bars


def _damaged(path: Path, expected: str, found: str) -> DamagedError:
    return DamagedError(
        f"{path}: expected {expected}, found {found}; restore it, or remove {path.parent} and import its files again"
    )
