"""Temporary folders of killed processes go with the next process; those of living ones stay."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from necrozma_core.storage.disk.scratch import scratch_folder

OWNER = (
    "import sys, tempfile; tempfile.tempdir = sys.argv[1]\n"
    "from necrozma_core.storage.disk.scratch import scratch_folder\n"
    "with scratch_folder() as folder:\n"
    "    (folder / 'gate').touch(); print(folder, flush=True); sys.stdin.read()"
)


@pytest.fixture(autouse=True)
def _temporary_files_of_the_test(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


@pytest.fixture
def owner(tmp_path: Path) -> Iterator[tuple["subprocess.Popen[str]", Path]]:
    """A process with a temporary folder."""
    process = subprocess.Popen(
        [sys.executable, "-c", OWNER, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    with process:
        yield process, Path(process.stdout.readline().strip())
        process.kill()


def test_folder_of_a_killed_process_is_removed_by_the_next(owner: tuple["subprocess.Popen[str]", Path]) -> None:
    process, left = owner
    process.kill()
    process.wait()
    assert (left / "gate").exists()

    with scratch_folder() as folder:
        assert not left.exists()
        assert folder.exists()
    assert not folder.exists()


def test_folder_of_a_living_process_stays(owner: tuple["subprocess.Popen[str]", Path]) -> None:
    _, living = owner
    with ExitStack() as stack:
        folders = [stack.enter_context(scratch_folder(purpose)) for purpose in ("", "rehearsal-", "")]
        assert (living / "gate").exists()
        assert all(folder.exists() for folder in folders)


def test_folder_that_only_has_such_a_name_stays(tmp_path: Path) -> None:
    named = tmp_path / "necrozma-data"
    named.mkdir()
    (named / ".EURUSD.parquet.1-00000000.tmp").touch()
    (tmp_path / "necrozma-link").symlink_to(named)

    with scratch_folder():
        pass
    assert (named / ".EURUSD.parquet.1-00000000.tmp").exists()
    assert (tmp_path / "necrozma-link").exists()


def test_folder_that_was_removed_meanwhile_is_no_error(tmp_path: Path) -> None:
    import shutil

    with scratch_folder() as folder:
        shutil.rmtree(folder)
    assert list(tmp_path.iterdir()) == []
