"""A publish killed at every write, fsync and rename: the old file or the new one, whole, and the next run goes on."""

import errno
import os
from pathlib import Path

import pytest

from .publishing import MANIFEST, NAIVE_TABLE, NEW_ENTRY, REPLACED_ENTRY, TABLE, Publish, count, kill_publish
from .tracing import trace, why_not_traced

pytestmark = pytest.mark.skipif(why_not_traced() is not None, reason=str(why_not_traced()))

SPARSELY = pytest.param(4, id="sparsely")
EVERYWHERE = pytest.param(None, id="everywhere", marks=pytest.mark.slow)


@pytest.mark.parametrize("most", [SPARSELY, EVERYWHERE])
def test_table_whose_writer_is_killed_is_the_old_or_the_new_one(tmp_path: Path, most: int | None) -> None:
    found = kill_publish(TABLE, tmp_path, most)

    assert set(found.values()) <= {"old", "new"}, found
    assert count(found)["old"]


def test_table_whose_naive_writer_is_killed_is_torn(tmp_path: Path) -> None:
    # The control: were this one whole every time, the test above would prove nothing.
    found = kill_publish(NAIVE_TABLE, tmp_path, 2)

    assert count(found)["wrong"] > 0


@pytest.mark.parametrize("most", [SPARSELY, EVERYWHERE])
@pytest.mark.parametrize("publish", [NEW_ENTRY, REPLACED_ENTRY], ids=["new", "in place of a damaged one"])
def test_entry_whose_writer_is_killed_is_there_whole_or_not_at_all(
    tmp_path: Path, most: int | None, publish: Publish
) -> None:
    found = kill_publish(publish, tmp_path, most)

    assert set(found.values()) <= {"old", "new"}, found


@pytest.mark.parametrize("most", [SPARSELY, EVERYWHERE])
def test_manifest_whose_writer_is_killed_is_the_old_or_the_new_one(tmp_path: Path, most: int | None) -> None:
    found = kill_publish(MANIFEST, tmp_path, most)

    assert set(found.values()) <= {"old", "new"}, found


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
