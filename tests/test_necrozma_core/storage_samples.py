"""Tables, keys and failing disks that the tests of the storage share."""

import io
import os
import sys
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa

from necrozma_core.statistics.moments import Moments
from necrozma_core.storage.disk.layer import FileLayer
from necrozma_core.storage.results.returns_tables import moments_table
from necrozma_core.storage.results.schemas import (
    EXIT_REASONS,
    METRICS_SCHEMA,
    MOMENTS_SCHEMA,
    RANKING_SCHEMA,
    RETURNS_SCHEMA,
    SIDES,
    TRADES_SCHEMA,
)
from necrozma_core.storage.results.store import ResultStore

KEY = "ab" * 32
OTHER_KEY = "cd" * 32
METADATA = {"timeframe": "5min", "account_currency": "USD"}

CHILD = Path(__file__).parents[1] / "faults" / "publish_child.py"
CHILD_ENVIRONMENT = {
    **os.environ,
    "PYTHONPATH": f"{CHILD.parents[2]}{os.pathsep}{Path(__file__).parent}",
    # Read from there, so that a child starts quickly; not written, so that a test may count what it writes.
    "PYTHONPYCACHEPREFIX": str(CHILD.parents[2] / ".pytest_cache" / "bytecode"),
    "PYTHONDONTWRITEBYTECODE": "1",
}
KEEP_BYTECODE = {"PYTHONDONTWRITEBYTECODE": ""}
"""Over CHILD_ENVIRONMENT, for a child that leaves its bytecode to those after it."""


def child_command(task: str, folder: Path) -> list[str]:
    """The command that runs one task of the fault tests' child; start it with CHILD_ENVIRONMENT."""
    return [sys.executable, str(CHILD), task, str(folder)]


def random_column(field: pa.Field, rows: int, rng: np.random.Generator) -> pa.Array:
    """A column of the field's type, with nulls where it allows them."""
    nulls = rng.random(rows) < 0.2 if field.nullable else np.zeros(rows, dtype=bool)
    labels = {"side": SIDES, "exit_reason": EXIT_REASONS}.get(field.name, ["alpha", "beta", "gamma(fast=3)"])
    if pa.types.is_string(field.type):
        values = rng.choice(np.array(labels, dtype=object), rows)
    elif pa.types.is_boolean(field.type):
        values = rng.random(rows) < 0.5
    elif pa.types.is_floating(field.type):
        values = rng.normal(0, 100, rows).round(5)
    elif pa.types.is_list(field.type):
        values = [None if null else rng.normal(0, 1, 16).tolist() for null in nulls]
        return pa.array(values, field.type)
    elif pa.types.is_date32(field.type):
        values = np.sort(rng.integers(18_000, 20_000, rows)).astype(np.int32)
    elif pa.types.is_timestamp(field.type):
        values = np.sort(rng.integers(1_600_000_000_000, 1_700_000_000_000, rows))
    else:
        values = rng.integers(0, 1_000, rows)
    return pa.array(values, field.type, mask=nulls)


def random_table(schema: pa.Schema, rows: int, seed: int = 1) -> pa.Table:
    """A table of the schema; the same for the same seed."""
    rng = np.random.default_rng(seed)
    return pa.table([random_column(field, rows, rng) for field in schema], schema=schema)


def random_ranking(rows: int, seed: int = 1) -> pa.Table:
    """A ranking whose rows differ in strategy and are ranked from 1."""
    table = random_table(RANKING_SCHEMA, rows, seed)
    strategies = pa.array([f"strategy {row}" for row in range(rows)])
    table = table.set_column(RANKING_SCHEMA.get_field_index("strategy"), RANKING_SCHEMA.field("strategy"), strategies)
    return table.set_column(0, RANKING_SCHEMA.field("rank"), pa.array(range(1, rows + 1), pa.int32()))


def without_returns(metrics: pa.Table) -> pa.Table:
    """Moments of strategies none of which has daily returns, for an entry with such metrics."""
    names = metrics["strategy"].to_pylist()
    return moments_table(names, Moments.of(np.full((len(names), 2), np.nan)), None)


NO_TRIALS = {"count": 0, "maxima": []}
"""What the commit of such an entry says of its trials."""


def write_entry(store: ResultStore, pair: str = "EURUSD", key: str = KEY, seed: int = 1, rows: int = 40) -> None:
    """Write one entry of random tables."""
    with store.open_writer(pair, key, METADATA) as writer:
        writer.write_trades(random_table(TRADES_SCHEMA, rows, seed))
        writer.write_metrics(random_table(METRICS_SCHEMA, max(rows // 4, 1), seed))
        writer.write_moments(random_table(MOMENTS_SCHEMA, max(rows // 4, 1), seed))
        writer.write_returns(random_table(RETURNS_SCHEMA, rows, seed))
        writer.describe({"strategies": 10, "trades": rows, "seed": seed})


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder with its bytes."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


class FailingFiles(FileLayer):
    """A disk whose n-th call raises, and every later one of the same kind too."""

    def __init__(self, error: OSError, call: str, after: int = 0) -> None:
        self._error = error
        self._call = call
        self._left = after

    def _step(self, call: str) -> None:
        if call == self._call:
            self._left -= 1
            if self._left < 0:
                raise self._error

    def create(self, path: Path) -> BinaryIO:
        self._step("create")
        return io.BufferedWriter(_StepFile(path, self))

    def sync(self, path: Path) -> None:
        self._step("sync")
        super().sync(path)

    def rename(self, source: Path, target: Path) -> None:
        self._step("rename")
        super().rename(source, target)

    def sync_folder(self, folder: Path) -> None:
        self._step("sync_folder")
        super().sync_folder(folder)


class _StepFile(io.FileIO):
    def __init__(self, path: Path, files: FailingFiles) -> None:
        super().__init__(path, "wb")
        self._files = files

    def write(self, content) -> int:  # type: ignore[no-untyped-def, override]
        self._files._step("write")
        return super().write(content)
