"""What is published where a kill may come at any call, and how what it leaves is judged."""

import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow.parquet as pq
from storage_samples import KEY, random_ranking, tree, write_entry

from necrozma_core.errors import StorageError
from necrozma_core.storage.disk.lock import lock_results
from necrozma_core.storage.disk.parquet import publish_table
from necrozma_core.storage.results.schemas import RANKING_SCHEMA
from necrozma_core.storage.results.store import ResultStore
from necrozma_core.storage.results_folder import ResultsFolder
from necrozma_core.storage.runs.folder import RunFolder
from necrozma_core.storage.runs.manifest import PairRecord, PairState, read_manifest

from .tracing import Point, kill_everywhere

OLD_ROWS, NEW_ROWS = 100, 120


@dataclass(frozen=True)
class Publish:
    """A task of the child, what is there before it, and what a reader finds after it: old, new or wrong."""

    task: str
    prepare: Callable[[Path], object]
    judge: Callable[[Path], str]


def kill_publish(publish: Publish, folder: Path, most: int | None) -> dict[Point, str]:
    """Kill a publish at each of its calls, or at some, and say for each what was found after."""
    start = folder / "start"
    start.mkdir()
    publish.prepare(start)
    found = {}
    for point, left in kill_everywhere(publish.task, start, folder, most):
        found[point] = publish.judge(left)
        shutil.rmtree(left)
    return found


def count(found: dict[Point, str]) -> Counter[str]:
    """Count what was found, old, new or wrong."""
    return Counter(found.values())


def _prepare_table(start: Path) -> None:
    publish_table(start / "ranking.parquet", random_ranking(OLD_ROWS, seed=1), RANKING_SCHEMA)


def _judge_table(left: Path) -> str:
    try:
        table = pq.read_table(left / "ranking.parquet")
    except (OSError, ValueError):
        return "wrong"
    with lock_results(left):
        if set(tree(left)) != {"ranking.parquet", ".lock"}:
            return "wrong"
    if table.equals(random_ranking(OLD_ROWS, seed=1)):
        return "old"
    return "new" if table.equals(random_ranking(NEW_ROWS, seed=2)) else "wrong"


@cache
def _whole_entry() -> dict[str, bytes]:
    with TemporaryDirectory() as folder:
        write_entry(ResultStore(Path(folder)), rows=NEW_ROWS)
        return tree(Path(folder))


def _prepare_damaged(start: Path) -> None:
    store = ResultsFolder(start).store
    write_entry(store, rows=NEW_ROWS)
    metrics = store.folder("EURUSD", KEY) / "metrics.parquet"
    metrics.write_bytes(metrics.read_bytes()[:-1] + b"2")


def _judge_entry(left: Path, was_damaged: bool = False) -> str:
    """Old is no entry, or the damaged one; whichever, a second writer must complete it to the very same bytes."""
    store = ResultsFolder(left).store
    found = "old"
    if (store.folder("EURUSD", KEY) / "commit.json").exists():
        try:
            store.check("EURUSD", KEY)
            found = "new"
        except StorageError:
            found = "old" if was_damaged else "wrong"
    with lock_results(left):
        write_entry(store, rows=NEW_ROWS)
    return found if tree(store.root) == _whole_entry() else "wrong"


def _prepare_run(start: Path) -> None:
    RunFolder.create(start, settings={}, inputs={}, keys={"EURUSD": KEY})


def _judge_run(left: Path) -> str:
    (path,) = ResultsFolder(left).runs.iterdir()
    try:
        record = read_manifest(path).pairs["EURUSD"]
    except StorageError:
        return "wrong"
    if record == PairRecord(KEY):
        return "old"
    return "new" if record == PairRecord(KEY, PairState.COMPUTED) else "wrong"


TABLE = Publish("replace_safely", _prepare_table, _judge_table)
NAIVE_TABLE = Publish("replace_naively", _prepare_table, _judge_table)
NEW_ENTRY = Publish("write_new_entry", lambda start: None, _judge_entry)
REPLACED_ENTRY = Publish("write_new_entry", _prepare_damaged, lambda left: _judge_entry(left, was_damaged=True))
MANIFEST = Publish("record_pair", _prepare_run, _judge_run)
