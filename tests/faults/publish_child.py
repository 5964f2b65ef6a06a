"""What the fault tests of the storage run in a process of its own: `publish_child.py TASK FOLDER`."""
# ruff: noqa: T201 - printing is how the child answers the test.

import os
import sys
from pathlib import Path

import pyarrow.parquet as pq
from storage_samples import KEY, METADATA, OTHER_KEY, random_ranking, random_table, write_entry

from necrozma_core.errors import NecrozmaError, StorageError
from necrozma_core.storage.disk.parquet import publish_table
from necrozma_core.storage.disk.publish import probe_writable
from necrozma_core.storage.results.schemas import METRICS_SCHEMA, RANKING_SCHEMA, TRADES_SCHEMA
from necrozma_core.storage.results_folder import ResultsFolder
from necrozma_core.storage.runs.folder import RunFolder
from necrozma_core.storage.runs.manifest import PairRecord, PairState

NEW_ROWS = 120


def replace_safely(folder: Path) -> None:
    """Replace a published table."""
    publish_table(folder / "ranking.parquet", random_ranking(NEW_ROWS, seed=2), RANKING_SCHEMA)


def replace_naively(folder: Path) -> None:
    """Replace a published table as a careless program would: the control that must be caught."""
    pq.write_table(random_ranking(NEW_ROWS, seed=2), folder / "ranking.parquet")


def write_new_entry(folder: Path) -> None:
    """Write an entry of the store."""
    write_entry(ResultsFolder(folder).store, rows=NEW_ROWS)


def write_entry_on_signal(folder: Path) -> None:
    """Write an entry of the store, and commit it when a line comes in."""
    with ResultsFolder(folder).store.open_writer("EURUSD", KEY, METADATA) as writer:
        writer.write_trades(random_table(TRADES_SCHEMA, 40))
        writer.write_metrics(random_table(METRICS_SCHEMA, 10))
        print("ready", flush=True)
        sys.stdin.readline()


def record_pair(folder: Path) -> None:
    """Record a pair of the only run in its manifest."""
    (run,) = ResultsFolder(folder).runs.iterdir()
    RunFolder.open(folder, run.name).record("EURUSD", PairRecord(KEY, PairState.COMPUTED))


def fill_disk(folder: Path) -> None:
    """Write an entry that fits and one that does not, on a disk of 2 MB."""
    store = ResultsFolder(folder).store
    write_entry(store)
    try:
        write_entry(store, key=OTHER_KEY, rows=200_000)
    except StorageError as error:
        print(error)
    store.check("EURUSD", KEY)
    assert not store.has("EURUSD", OTHER_KEY)
    assert not list(folder.rglob("*.tmp"))
    write_entry(store, key=OTHER_KEY)
    store.check("EURUSD", OTHER_KEY)


def write_read_only(folder: Path) -> None:
    """Try to write where nothing can be, and read what is there."""
    store = ResultsFolder(folder).store
    store.check("EURUSD", KEY)
    for attempt in (lambda: probe_writable(folder), lambda: write_entry(store, "GBPUSD")):
        try:
            attempt()
        except StorageError as error:
            print(error)
    store.check("EURUSD", KEY)


TASKS = {
    task.__name__: task
    for task in (
        replace_safely, replace_naively, write_new_entry, write_entry_on_signal, record_pair, fill_disk, write_read_only
    )
}  # fmt: skip


if __name__ == "__main__":
    try:
        TASKS[sys.argv[1]](Path(sys.argv[2]))
    except NecrozmaError as error:
        print(error, file=sys.stderr, flush=True)
        # Nothing else may reach the disk on the way out: the tests count the calls.
        os._exit(error.exit_code)
