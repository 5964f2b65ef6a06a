"""One file: old or new, never half, and one line where the disk fails."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
from storage_samples import FailingFiles, tree

from necrozma_core.errors import StorageError
from necrozma_core.storage.disk.publish import (
    draft,
    make_folder,
    probe_writable,
    publish_bytes,
    publish_file,
    remove_stale_temporaries,
    sha256_of,
)

ERRORS = [errno.ENOSPC, errno.EIO, errno.EROFS, errno.EACCES, errno.EDQUOT]
SHA256_OF_ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-2, appendix B.1


def test_publish_file_reports_size_and_sha256_of_what_was_written(tmp_path: Path) -> None:
    published = publish_file(tmp_path / "a", lambda path: path.write_bytes(b"abc") and None)

    assert (published.size, published.sha256) == (3, SHA256_OF_ABC)
    assert sha256_of(tmp_path / "a") == SHA256_OF_ABC
    assert tree(tmp_path) == {"a": b"abc"}


def test_publish_file_replaces_the_older_file(tmp_path: Path) -> None:
    publish_bytes(tmp_path / "a", b"old")
    publish_bytes(tmp_path / "a", b"new")

    assert tree(tmp_path) == {"a": b"new"}


@pytest.mark.parametrize("code", ERRORS)
@pytest.mark.parametrize("call", ["create", "write", "sync", "rename"])
def test_publish_bytes_on_a_failing_disk_keeps_the_older_file(tmp_path: Path, call: str, code: int) -> None:
    publish_bytes(tmp_path / "a", b"old")

    with pytest.raises(StorageError) as raised:
        publish_bytes(tmp_path / "a", b"new", files=FailingFiles(OSError(code, "fails"), call))

    assert tree(tmp_path) == {"a": b"old"}
    message = str(raised.value)
    assert "\n" not in message
    assert str(tmp_path / "a") in message
    assert os.strerror(code) in message


def test_publish_file_whose_writer_raises_passes_it_on_and_keeps_the_older_file(tmp_path: Path) -> None:
    publish_bytes(tmp_path / "a", b"old")

    def write(path: Path) -> None:
        path.write_bytes(b"half")
        raise KeyError("bug")

    with pytest.raises(KeyError, match="bug"):
        publish_file(tmp_path / "a", write)

    assert tree(tmp_path) == {"a": b"old"}


def test_publish_file_into_a_missing_folder_is_a_storage_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="No such file or directory"):
        publish_bytes(tmp_path / "missing" / "a", b"new")


def test_publish_file_names_its_temporary_after_the_file_and_the_process(tmp_path: Path) -> None:
    names: list[str] = []
    publish_file(tmp_path / "a.parquet", lambda path: names.append(path.name))

    assert names[0].startswith(f".a.parquet.{os.getpid()}-")
    assert names[0].endswith(".tmp")


def test_draft_that_is_alive_is_no_stale_temporary(tmp_path: Path) -> None:
    with draft(tmp_path / "a") as temporary:
        remove_stale_temporaries(tmp_path)
        assert temporary.exists()


def test_remove_stale_temporaries_removes_what_a_killed_writer_left_and_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "er"
    folder.mkdir(parents=True)
    publish_bytes(folder / "a", b"kept")
    (folder / "notes.tmp").write_bytes(b"not ours")
    script = (
        "import os, sys; from pathlib import Path; from necrozma_core.storage.disk.publish import draft\n"
        "with draft(Path(sys.argv[1]) / 'a') as temporary:\n"
        "    temporary.write_bytes(b'half'); os.kill(os.getpid(), 9)"
    )
    killed = subprocess.run([sys.executable, "-c", script, folder], check=False)
    assert killed.returncode == -9
    assert len(tree(tmp_path)) == 3

    remove_stale_temporaries(tmp_path)

    assert set(tree(tmp_path)) == {"deep/er/a", "deep/er/notes.tmp"}


def test_remove_stale_temporaries_of_a_missing_folder_is_nothing(tmp_path: Path) -> None:
    remove_stale_temporaries(tmp_path / "missing")

    assert not (tmp_path / "missing").exists()


def test_probe_writable_makes_the_folder_and_leaves_nothing_in_it(tmp_path: Path) -> None:
    probe_writable(tmp_path / "results" / "deep")

    assert (tmp_path / "results" / "deep").is_dir()
    assert tree(tmp_path) == {}


@pytest.mark.parametrize("call", ["create", "write", "sync"])
def test_probe_writable_on_a_full_disk_says_so(tmp_path: Path, call: str) -> None:
    with pytest.raises(StorageError, match="No space left on device; free some space"):
        probe_writable(tmp_path, files=FailingFiles(OSError(errno.ENOSPC, "full"), call))

    assert tree(tmp_path) == {}


def test_probe_writable_where_a_file_stands_says_so(tmp_path: Path) -> None:
    (tmp_path / "results").write_bytes(b"")

    with pytest.raises(StorageError, match="Not a directory; a file stands where a folder is needed"):
        probe_writable(tmp_path / "results")


def test_make_folder_syncs_every_folder_that_gained_a_name(tmp_path: Path) -> None:
    synced: list[Path] = []

    class Watching(FailingFiles):
        def sync_folder(self, folder: Path) -> None:
            synced.append(folder)

    make_folder(tmp_path / "a" / "b", files=Watching(OSError(), "none"))
    make_folder(tmp_path / "a" / "b", files=Watching(OSError(), "none"))

    assert synced == [tmp_path, tmp_path / "a"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere; run as another user")
def test_publish_bytes_into_a_folder_without_permission_is_a_storage_error(tmp_path: Path) -> None:
    publish_bytes(tmp_path / "a", b"old")
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(StorageError, match="Permission denied; check who owns the folder"):
            publish_bytes(tmp_path / "a", b"new")
    finally:
        tmp_path.chmod(0o700)
    assert tree(tmp_path) == {"a": b"old"}
