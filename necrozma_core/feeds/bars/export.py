"""Stored bars as a file that anything reads: CSV or Parquet with timestamp (UTC), both sides and the ticks."""

from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from necrozma_core.errors import DataError, UsageError
from necrozma_core.market.timeframes import format_timeframe
from necrozma_core.storage.bars.encoding import bars_table
from necrozma_core.storage.bars.joining import part_of
from necrozma_core.storage.bars.store import BarStore
from necrozma_core.storage.disk.errors import disk_errors
from necrozma_core.storage.disk.layer import DISK, FileLayer
from necrozma_core.storage.disk.publish import publish_file

SUFFIXES: Final = (".csv", ".parquet")


def export_bars(
    store: BarStore,
    pair_name: str,
    timeframe_ms: int,
    path: Path,
    from_ms: int | None = None,
    to_ms: int | None = None,
    *,
    files: FileLayer = DISK,
) -> int:
    """Write a pair's bars that open in ``[from_ms, to_ms)`` to a file, exactly.

    Parameters
    ----------
    store : BarStore
    pair_name : str
    timeframe_ms : int
    path : Path
        Ends in ``.csv`` or ``.parquet``; must not exist.
    from_ms, to_ms : int or None
        Milliseconds since 1970 UTC; None leaves that end open.
    files : FileLayer

    Returns
    -------
    int
        How many bars were written.

    Raises
    ------
    UsageError
        The name has another end, or the file exists.
    DataError
        There are no such bars here, or none in the range.
    DamagedError
        They are not what was stored.
    StorageError
        The disk does not take it; nothing of it stays.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(f"{path}: expected a name that ends in .csv or .parquet")
    if path.exists():
        raise UsageError(f"{path}: exists already; choose another name")
    bars = store.read(pair_name, timeframe_ms)
    wanted = bars.open_time_ms == bars.open_time_ms
    if from_ms is not None:
        wanted &= bars.open_time_ms >= from_ms
    if to_ms is not None:
        wanted &= bars.open_time_ms < to_ms
    bars = part_of(bars, wanted)
    if not len(bars):
        raise DataError(f"{pair_name}: no bars of {format_timeframe(timeframe_ms)} in that range")
    table = bars_table(bars).replace_schema_metadata(None)
    table = table.rename_columns(["timestamp", *table.schema.names[1:]])

    def write(temporary: Path) -> None:
        with disk_errors("write", path):
            if path.suffix.lower() == ".csv":
                _write_csv(table, temporary)
            else:
                pq.write_table(table, str(temporary), compression="zstd")

    publish_file(path, write, files=files)
    return len(bars)


def _write_csv(table: pa.Table, path: Path) -> None:
    times = pc.strftime(table["timestamp"], format="%Y-%m-%dT%H:%M:%SZ")
    text = [times, *(column.cast(pa.string()) for column in table.columns[1:])]
    with pa.OSFile(str(path), "wb") as sink:
        # The library quotes a header's names, whatever it is told of quotes.
        sink.write(f"{','.join(table.schema.names)}\n".encode())
        options = pa_csv.WriteOptions(quoting_style="none", include_header=False)
        pa_csv.write_csv(pa.table(text, names=table.schema.names), sink, options)
