"""A publish killed at every write, fsync and rename: the old file or the new one, whole, and the next run goes on."""

import errno
import os
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from storage_samples import CHILD_ENVIRONMENT, KEY, child_command, random_ranking, tree, write_entry

from necrozma_core.storage.lock import lock_results
from necrozma_core.storage.manifest import PairRecord, PairState, read_manifest
from necrozma_core.storage.parquet import publish_table
from necrozma_core.storage.results import ResultStore
from necrozma_core.storage.runs import RunFolder
from necrozma_core.storage.schemas import RANKING_SCHEMA

SYSCALLS = ("write", "fsync", "rename", "mkdir", "unlink")
OLD_ROWS, NEW_ROWS = 100, 120

Point = tuple[str, int]


def why_not_traced() -> str | None:
    """Why strace cannot be used here, or None."""
    if not shutil.which("strace"):
        return "strace is not installed; test_publish_deaths covers the same points"
    trial = subprocess.run(["strace", "-o", os.devnull, "true"], capture_output=True, check=False)
    return "tracing is not permitted here; test_publish_deaths covers the same points" if trial.returncode else None


pytestmark = pytest.mark.skipif(why_not_traced() is not None, reason=str(why_not_traced()))


def trace(task: str, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run a task of the child under strace."""
    command = ["strace", *options, *child_command(task, folder)]
    return subprocess.run(command, capture_output=True, text=True, env=CHILD_ENVIRONMENT, check=False)


def points(task: str, start: Path, folder: Path) -> list[Point]:
    """List every call of a task that reaches the disk, by running it once undisturbed."""
    log = folder / "calls"
    shutil.copytree(start, folder / "undisturbed")
    done = trace(task, folder / "undisturbed", "-e", f"trace={','.join(SYSCALLS)}", "-o", str(log))
    assert done.returncode == 0, done.stderr
    counts = Counter(re.findall(r"^(\w+)\(", log.read_text(), re.MULTILINE))
    return [(call, number) for call in SYSCALLS for number in range(1, counts[call] + 1)]


def kill_everywhere(task: str, start: Path, folder: Path, most: int | None) -> Iterator[tuple[Point, Path]]:
    """Kill a task at each of its points, or at some that lie evenly among them, and give the folder as left."""
    every = points(task, start, folder)
    chosen = every if most is None else every[:: -(-len(every) // most)]
    for call, number in chosen:
        left = folder / f"{call}-{number}"
        shutil.copytree(start, left)
        done = trace(task, left, "-e", f"inject={call}:signal=KILL:when={number}", "-o", os.devnull)
        assert done.returncode == -9
        yield (call, number), left


def outcome(left: Path) -> str:
    """Say what a reader finds in the place of the replaced table."""
    try:
        table = pq.read_table(left / "ranking.parquet")
    except (OSError, ValueError):
        return "torn"
    if table.equals(random_ranking(OLD_ROWS, seed=1)):
        return "old"
    return "new" if table.equals(random_ranking(NEW_ROWS, seed=2)) else "torn"


@pytest.fixture
def old_ranking(tmp_path: Path) -> Path:
    start = tmp_path / "start"
    start.mkdir()
    publish_table(start / "ranking.parquet", random_ranking(OLD_ROWS, seed=1), RANKING_SCHEMA)
    return start


SPARSELY = pytest.param(4, id="sparsely")
EVERYWHERE = pytest.param(None, id="everywhere", marks=pytest.mark.slow)


@pytest.mark.parametrize("most", [SPARSELY, EVERYWHERE])
def test_table_whose_writer_is_killed_is_the_old_or_the_new_one(
    tmp_path: Path, old_ranking: Path, most: int | None
) -> None:
    outcomes = Counter()
    for point, left in kill_everywhere("replace_safely", old_ranking, tmp_path, most):
        assert outcome(left) in {"old", "new"}, point
        outcomes[outcome(left)] += 1
        with lock_results(left):
            assert set(tree(left)) == {"ranking.parquet", ".lock"}

    assert outcomes["old"]


def test_table_whose_naive_writer_is_killed_is_torn(tmp_path: Path, old_ranking: Path) -> None:
    # The control: were this one whole every time, the test above would prove nothing.
    outcomes = Counter(outcome(left) for _, left in kill_everywhere("replace_naively", old_ranking, tmp_path, 2))

    assert outcomes["torn"] > 0


@pytest.mark.parametrize("most", [SPARSELY, EVERYWHERE])
@pytest.mark.parametrize("damaged", [False, True], ids=["new", "in place of a damaged one"])
def test_entry_whose_writer_is_killed_is_there_whole_or_not_at_all(
    tmp_path: Path, most: int | None, damaged: bool
) -> None:
    undisturbed = ResultStore(tmp_path / "reference")
    write_entry(undisturbed, rows=NEW_ROWS)
    start = tmp_path / "start"
    start.mkdir()
    if damaged:
        shutil.copytree(undisturbed.root, start / "store")
        metrics = start / "store" / "EURUSD" / KEY / "metrics.parquet"
        metrics.write_bytes(metrics.read_bytes()[:-1] + b"2")

    for point, left in kill_everywhere("write_new_entry", start, tmp_path, most):
        store = ResultStore(left / "store")
        commit = store.folder("EURUSD", KEY) / "commit.json"
        if commit.exists() and not damaged:
            store.check("EURUSD", KEY)
        with lock_results(left):
            write_entry(store, rows=NEW_ROWS)
        assert tree(store.root) == tree(undisturbed.root), point


@pytest.mark.parametrize("most", [SPARSELY, EVERYWHERE])
def test_manifest_whose_writer_is_killed_is_the_old_or_the_new_one(tmp_path: Path, most: int | None) -> None:
    start = tmp_path / "start"
    run = RunFolder.create(start, settings={}, inputs={}, keys={"EURUSD": KEY})
    expected = [PairRecord(KEY), PairRecord(KEY, PairState.COMPUTED)]

    for point, left in kill_everywhere("record_pair", start, tmp_path, most):
        found = read_manifest(left / "runs" / run.run_id).pairs["EURUSD"]
        assert found in expected, point


@pytest.mark.parametrize(
    ("call", "error"),
    [("write", "ENOSPC"), ("write", "EIO"), ("fsync", "EIO"), ("rename", "EIO"), ("mkdir", "EROFS")],
)
def test_entry_on_a_disk_that_fails_ends_with_one_line_and_the_exit_status_for_disks(
    tmp_path: Path, call: str, error: str
) -> None:
    done = trace("write_new_entry", tmp_path, "-e", f"inject={call}:error={error}:when=1", "-o", os.devnull)

    assert done.returncode == 74
    assert done.stderr.count("\n") == 1
    assert os.strerror(getattr(errno, error)) in done.stderr
    assert not list(tmp_path.rglob("commit.json"))
    assert not list(tmp_path.rglob("*.tmp"))
