"""Stored ticks as a file that anything reads: CSV or Parquet with timestamp (UTC), bid and ask."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from necrozma_core.errors import DataError, UsageError
from necrozma_core.market.arrays import Int32Array, Int64Array
from necrozma_core.market.ticks import Ticks
from necrozma_core.storage.disk.columns import arrow_column
from necrozma_core.storage.disk.errors import disk_errors
from necrozma_core.storage.disk.layer import DISK, FileLayer
from necrozma_core.storage.disk.publish import draft, seal
from necrozma_core.storage.ticks.manifest import TickManifest
from necrozma_core.storage.ticks.spans import within
from necrozma_core.storage.ticks.store import TickStore

SUFFIXES: Final = (".csv", ".parquet")
_DIGITS: Final = 9


def export_ticks(
    store: TickStore,
    pair_name: str,
    path: Path,
    from_ms: int | None = None,
    to_ms: int | None = None,
    *,
    files: FileLayer = DISK,
) -> int:
    """Write a pair's ticks in ``[from_ms, to_ms)`` to a file, exactly.

    Parameters
    ----------
    store : TickStore
    pair_name : str
    path : Path
        Ends in ``.csv`` or ``.parquet``; must not exist.
    from_ms, to_ms : int or None
        Milliseconds since 1970 UTC; None leaves that end open.
    files : FileLayer

    Returns
    -------
    int
        How many ticks were written.

    Raises
    ------
    UsageError
        The name has another end, or the file exists.
    DataError
        The pair has no ticks here, or none in the range.
    DamagedError
        A year is not what was stored.
    StorageError
        The disk does not take it; nothing of it stays.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(f"{path}: expected a name that ends in .csv or .parquet")
    if path.exists():
        raise UsageError(f"{path}: exists already; choose another name")
    with draft(path, files=files) as temporary:
        written = store.scan(
            pair_name, lambda manifest, pieces: _write(temporary, path, manifest, pieces, from_ms, to_ms)
        )
        if not written:
            raise DataError(f"{pair_name}: no ticks in that range")
        with disk_errors("publish", path):
            seal(temporary, path, files=files)
            files.rename(temporary, path)
            files.sync_folder(path.absolute().parent)
    return written


def _write(
    temporary: Path,
    path: Path,
    manifest: TickManifest,
    pieces: Iterator[Ticks],
    from_ms: int | None,
    to_ms: int | None,
) -> int:
    is_csv = path.suffix.lower() == ".csv"
    written = 0
    with ExitStack() as stack, disk_errors("write", path):
        schema = _schema(manifest.digits)
        if is_csv:
            text = pa.schema([(name, pa.string()) for name in schema.names])
            # The library quotes a header's names, whatever it is told of quotes.
            options = pa_csv.WriteOptions(quoting_style="none", include_header=False)
            sink = stack.enter_context(pa.OSFile(str(temporary), "wb"))
            sink.write(f"{','.join(schema.names)}\n".encode())
            writer = stack.enter_context(pa_csv.CSVWriter(sink, text, write_options=options))
        else:
            writer = stack.enter_context(pq.ParquetWriter(str(temporary), schema, compression="zstd"))
        for piece in pieces:
            part = within(piece, from_ms, to_ms)
            if len(part):
                table = _table(part, schema)
                writer.write(_as_text(table) if is_csv else table)
                written += len(part)
    return written


def _schema(digits: int) -> pa.Schema:
    price = pa.decimal32(_DIGITS, digits)
    return pa.schema([("timestamp", pa.timestamp("ms", "UTC")), ("bid", price), ("ask", price)])


def _table(ticks: Ticks, schema: pa.Schema) -> pa.Table:
    arrays: tuple[Int64Array | Int32Array, ...] = (ticks.time_ms, ticks.bid, ticks.ask)
    columns = [arrow_column(field.type, values) for field, values in zip(schema, arrays, strict=True)]
    return pa.Table.from_arrays(columns, schema=schema)


_TO_TEXT: Final[dict[str, Callable[[pa.ChunkedArray], pa.ChunkedArray]]] = {
    "timestamp": lambda column: pc.strftime(column, format="%Y-%m-%dT%H:%M:%SZ"),
    "bid": lambda column: column.cast(pa.string()),
    "ask": lambda column: column.cast(pa.string()),
}


def _as_text(table: pa.Table) -> pa.Table:
    return pa.table({name: to_text(table[name]) for name, to_text in _TO_TEXT.items()})
