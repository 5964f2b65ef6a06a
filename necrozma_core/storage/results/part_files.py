"""What a worker found for some of a pair's strategies, on its way to the worker that joins it with the rest.

Arrow's own format in a folder of the run: written once, read once, never kept.
"""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import pyarrow as pa

from necrozma_core.storage.disk.errors import disk_errors
from necrozma_core.storage.disk.schema_names import coded
from necrozma_core.storage.results.schemas import METRICS_SCHEMA, MOMENTS_SCHEMA, RETURNS_SCHEMA, TRADES_SCHEMA

_SCHEMAS = {
    "metrics": METRICS_SCHEMA,
    "moments": MOMENTS_SCHEMA,
    "returns": coded(RETURNS_SCHEMA),
    "trades": coded(TRADES_SCHEMA),
}


class PartWriter:
    """Streams a part's tables to disk, like `necrozma_core.storage.results.store.ResultWriter`.

    Parameters
    ----------
    folder : Path
        The part's own; made here.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files = ExitStack()

    def __enter__(self) -> Self:
        with disk_errors("write", self._folder):
            self._folder.mkdir(parents=True, exist_ok=True)
            self._streams = {name: self._open(name, schema) for name, schema in _SCHEMAS.items()}
        return self

    def __exit__(self, *_: object) -> None:
        with disk_errors("write", self._folder):
            self._files.close()

    def write_metrics(self, table: pa.Table) -> None:
        """Add rows of METRICS_SCHEMA."""
        self._write("metrics", table)

    def write_moments(self, table: pa.Table) -> None:
        """Add rows of MOMENTS_SCHEMA."""
        self._write("moments", table)

    def write_returns(self, table: pa.Table) -> None:
        """Add rows of RETURNS_SCHEMA, with dictionaries for strings."""
        self._write("returns", table)

    def write_trades(self, table: pa.Table) -> None:
        """Add rows of TRADES_SCHEMA, with dictionaries for strings."""
        self._write("trades", table)

    def describe(self, details: dict[str, Any]) -> None:
        """Leave what is to be said of the part."""
        with disk_errors("write", self._folder):
            (self._folder / "details.json").write_text(json.dumps(details))

    def _open(self, name: str, schema: pa.Schema) -> pa.RecordBatchStreamWriter:
        sink = self._files.enter_context(pa.OSFile(str(self._folder / name), "wb"))
        return self._files.enter_context(pa.ipc.new_stream(sink, schema))

    def _write(self, name: str, table: pa.Table) -> None:
        with disk_errors("write", self._folder / name):
            self._streams[name].write_table(table)


def read_part(folder: Path, name: str) -> Iterator[pa.Table]:
    """Go through the ``metrics``, ``moments``, ``returns`` or ``trades`` of a part, a table at a time, as written.

    Raises
    ------
    StorageError
        They cannot be read.
    """
    with disk_errors("read", folder / name), pa.OSFile(str(folder / name)) as source:
        for batch in pa.ipc.open_stream(source):
            yield pa.Table.from_batches([batch])


def read_details(folder: Path) -> dict[str, Any]:
    """Return what was left with `PartWriter.describe`; StorageError where it cannot be read."""
    with disk_errors("read", folder):
        details: dict[str, Any] = json.loads((folder / "details.json").read_text())
        return details
