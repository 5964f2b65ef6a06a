"""Ways to store a pair-year of ticks: bytes a tick, and the time of one thread from the file to arrays.

``python -m benchmarks.tick_encoding --write`` puts it into docs/decisions/0003-tick-encoding.md, which argues from it.
Before an encoding is timed, it is read back and compared with what was written. Files are read from the page cache, so
the times are those of decoding.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

# One thread, as a worker has; before the libraries are loaded.
os.environ |= {"OMP_NUM_THREADS": "1", "ARROW_IO_THREADS": "1"}

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from benchmarks.measuring.market import YEAR_TICKS, prepare_ticks
from benchmarks.measuring.measure import describe_machine, markdown_table
from benchmarks.measuring.pages import DOCS, put_between_marks
from necrozma_core.market.ticks import Ticks
from necrozma_core.storage.ticks.encoding import ROW_GROUP_ROWS
from necrozma_core.storage.ticks.store import TickStore

_PAGE = DOCS / "decisions" / "0003-tick-encoding.md"
_PAIR = "EURUSD"
_DELTA = "DELTA_BINARY_PACKED"

Columns = tuple[NDArray[np.signedinteger], ...]
"""int64 times, int32 bid and ask in points."""


@dataclass(frozen=True)
class Way:
    """One way to store ticks: what the columns are, and how they are encoded."""

    name: str
    columns: str
    delta: tuple[str, ...] = ()
    dictionary: tuple[str, ...] = ()
    compression: str = "none"
    more: dict[str, Any] = field(default_factory=dict)


_ALL = ("time", "bid", "ask")
WAYS = (
    Way("doubles, dictionary, snappy (what pandas writes)", "doubles", (), _ALL, "snappy"),
    Way("doubles, plain", "doubles"),
    Way("points, plain", "points"),
    Way("points, dictionary", "points", ("time",), ("bid", "ask")),
    Way("points, differences", "points", _ALL),
    Way("points, differences, snappy", "points", _ALL, (), "snappy"),
    Way("points, differences, zstd", "points", _ALL, (), "zstd", {"compression_level": 1}),
    Way("points, ask as spread, differences", "spread", ("time", "bid", "spread")),
    Way("points, ask as spread, its dictionary", "spread", ("time", "bid"), ("spread",)),
    Way("the same, zstd", "spread", ("time", "bid"), ("spread",), "zstd", {"compression_level": 1}),
    Way("decimals, differences", "decimals", _ALL),
    Way("decimals, differences, snappy", "decimals", _ALL, (), "snappy"),
    Way("decimals, differences, zstd", "decimals", _ALL, (), "zstd", {"compression_level": 1}),
)


def measure_encodings(ticks: int = YEAR_TICKS, runs: int = 7) -> str:
    """Return the table of all ways for one pair-year.

    The encodings take turns, and the least time of each counts, because other programs can only add to it.
    """
    store = TickStore(prepare_ticks([_PAIR], ticks))
    quotes = store.read(_PAIR)
    seconds: dict[str, list[float]] = {way.name: [] for way in WAYS}
    product: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        paths = {way.name: Path(folder) / f"{position}.parquet" for position, way in enumerate(WAYS)}
        writing = {way.name: _time(partial(_write, paths[way.name], way, quotes)) for way in WAYS}
        for way in WAYS:
            _check(_read(paths[way.name], way, quotes), quotes, way.name)
        for _ in range(runs):
            for way in WAYS:
                seconds[way.name].append(_time(partial(_read, paths[way.name], way, quotes)))
            product.append(_time(partial(store.read, _PAIR)))
        sizes = {name: path.stat().st_size for name, path in paths.items()}
    rows = [
        (
            name,
            f"{sizes[name] / 1e6:.0f}",
            f"{sizes[name] / len(quotes):.2f}",
            f"{1e3 * min(times):.0f}",
            f"{1e3 * median(times):.0f}",
            f"{1e3 * writing[name]:.0f}",
        )
        for name, times in seconds.items()
    ]
    table = markdown_table(("encoding", "MB", "bytes a tick", "read, ms", "median", "write, ms"), rows)
    return (
        f"{len(quotes):,} ticks; processor time of one thread, least and median of {runs}.\n\n{table}\n\n"
        f"The product's own reader, sha256 included: {1e3 * min(product):.0f} ms (median {1e3 * median(product):.0f})."
    )


def _time(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def _columns(way: Way, quotes: Ticks) -> dict[str, Any]:
    moments = pa.array(quotes.time_ms).cast(pa.timestamp("ms", "UTC"))
    match way.columns:
        case "doubles":
            return {"time": moments, "bid": quotes.bid / quotes.scale, "ask": quotes.ask / quotes.scale}
        case "points":
            return {"time": moments, "bid": quotes.bid, "ask": quotes.ask}
        case "spread":
            return {"time": moments, "bid": quotes.bid, "spread": quotes.ask - quotes.bid}
    kind = pa.decimal32(9, quotes.digits)
    prices = (pa.Array.from_buffers(kind, len(side), [None, pa.py_buffer(side)]) for side in (quotes.bid, quotes.ask))
    return dict(zip(_ALL, (moments, *prices), strict=True))


def _write(path: Path, way: Way, quotes: Ticks) -> None:
    columns = _columns(way, quotes)
    arrays = [pa.array(column) if isinstance(column, np.ndarray) else column for column in columns.values()]
    fields = [pa.field(name, array.type, nullable=False) for name, array in zip(columns, arrays, strict=True)]
    pq.write_table(
        pa.Table.from_arrays(arrays, schema=pa.schema(fields)),
        path,
        row_group_size=ROW_GROUP_ROWS,
        compression=way.compression,
        use_dictionary=list(way.dictionary),
        column_encoding=dict.fromkeys(way.delta, _DELTA) or None,
        store_decimal_as_integer=True,
        write_statistics=["time"],
        **way.more,
    )


def _read(path: Path, way: Way, quotes: Ticks) -> Columns:
    """Read into arrays that are allocated once."""
    rows = len(quotes)
    out: Columns = (np.empty(rows, np.int64), np.empty(rows, np.int32), np.empty(rows, np.int32))
    file = pq.ParquetFile(pa.BufferReader(path.read_bytes()), pre_buffer=False)
    end = 0
    for group in range(file.num_row_groups):
        table = file.read_row_group(group, use_threads=False)
        start, end = end, end + table.num_rows
        for column, values in zip(table.columns, out, strict=True):
            position = start
            for chunk in column.chunks:
                part = values[position : position + len(chunk)]
                if pa.types.is_floating(chunk.type):
                    part[:] = np.rint(chunk.to_numpy() * quotes.scale)
                else:
                    _copy(chunk, part)
                position += len(chunk)
        if way.columns == "spread":
            out[2][start:end] += out[1][start:end]
    return out


def _copy(chunk: pa.Array, into: np.ndarray) -> None:
    offset = chunk.offset * into.itemsize
    into[:] = np.frombuffer(chunk.buffers()[1], dtype=into.dtype, count=len(chunk), offset=offset)


def _check(read: Columns, quotes: Ticks, name: str) -> None:
    written: Columns = (quotes.time_ms, quotes.bid, quotes.ask)
    for found, expected in zip(read, written, strict=True):
        if not np.array_equal(found, expected):
            raise SystemExit(f"{name}: what was read is not what was written")


def main() -> None:
    """Print the table, and put it into the document if asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="also put the table into docs/decisions")
    arguments = parser.parse_args()
    text = measure_encodings()
    machine = describe_machine()
    print(machine, text, sep="\n\n")
    if arguments.write:
        command = "python -m benchmarks.tick_encoding --write"
        put_between_marks(_PAGE, "encodings", f"{text}\n\nMeasured on {machine}: `{command}`")


if __name__ == "__main__":
    main()
