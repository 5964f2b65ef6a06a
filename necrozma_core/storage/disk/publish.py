"""Publish one file so that a reader finds the old bytes or the new ones, whole, whatever dies in between.

The order is the guarantee: write under a temporary name in the same folder, fsync the file, rename it over the
old one, fsync the folder. A process killed anywhere leaves at most a temporary, which says by its lock
whether its writer still lives.
"""

import errno
import hashlib
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from necrozma_core.storage.disk.errors import disk_errors
from necrozma_core.storage.disk.layer import DISK, FileLayer
from necrozma_core.system.chosen import SYSTEM

TEMPORARY_SUFFIX: Final = ".tmp"


@dataclass(frozen=True, slots=True)
class Published:
    """What a file held when it was published: size in bytes, and sha256 as 64 hex digits."""

    size: int
    sha256: str


def publish_file(path: Path, write: Callable[[Path], None], *, files: FileLayer = DISK) -> Published:
    """Write a file under a temporary name and put it in place in one step.

    Parameters
    ----------
    path : Path
        Final name; its folder exists.
    write : callable
        Gets the temporary path, writes the whole file there, and closes it. The temporary exists already, empty.
    files : FileLayer
        How the disk is reached.

    Returns
    -------
    Published
        Size and sha256 of what was written.

    Raises
    ------
    StorageError
        The disk is full, read-only or faulty. The older file is untouched and the temporary removed. Any other
        exception of `write` passes through, with the same guarantee.
    """
    with draft(path, files=files) as temporary:
        with disk_errors("write", path):
            write(temporary)
        published = seal(temporary, path, files=files)
        with disk_errors("publish", path):
            files.rename(temporary, path)
            files.sync_folder(path.parent)
    return published


def publish_bytes(path: Path, content: bytes, *, files: FileLayer = DISK) -> Published:
    """Publish bytes that are at hand; see `publish_file`."""

    def write(temporary: Path) -> None:
        with files.create(temporary) as handle:
            handle.write(content)

    return publish_file(path, write, files=files)


@contextmanager
def draft(path: Path, *, files: FileLayer = DISK) -> Iterator[Path]:
    """Hold a temporary beside `path` for as long as it takes to write it; removed at the end unless renamed.

    The name tells a person whose it is (``.<name>.<pid>-<random>.tmp``); the lock that is held on it tells
    `remove_stale_temporaries`, in whatever container, that its writer is alive.

    Raises
    ------
    StorageError
        The temporary cannot be made. What the block raises passes through.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}{TEMPORARY_SUFFIX}")
    with ExitStack() as claimed:
        with disk_errors("write", path):
            claimed.enter_context(SYSTEM.claim(temporary))
        try:
            yield temporary
        finally:
            claimed.close()
            # The cause of a failure matters more than a temporary that a later start removes.
            with suppress(OSError):
                files.remove(temporary)


def seal(temporary: Path, path: Path, *, files: FileLayer = DISK) -> Published:
    """Bring a finished temporary to the disk and say what it holds; `path` is its final name, for messages.

    Raises
    ------
    StorageError
        The disk did not take the bytes.
    """
    with disk_errors("write", path):
        files.sync(temporary)
        return Published(size=temporary.stat().st_size, sha256=_sha256(temporary))


def sha256_of(path: Path) -> str:
    """Hash a file's bytes: sha256 as 64 hex digits.

    Raises
    ------
    StorageError
        The file cannot be read.
    """
    with disk_errors("read", path):
        return _sha256(path)


def probe_writable(folder: Path, *, files: FileLayer = DISK) -> None:
    """Make the folder if it is missing, then write, fsync and remove a small file in it, before hours of work.

    Raises
    ------
    StorageError
        The folder cannot be made or written.
    """
    make_folder(folder, files=files)
    probe = folder / "probe"
    with draft(probe, files=files) as temporary:
        with disk_errors("write", folder), files.create(temporary) as handle:
            handle.write(b"necrozma\n" * 512)
        seal(temporary, folder, files=files)


def make_folder(folder: Path, *, files: FileLayer = DISK) -> None:
    """Make a folder and its parents, to outlive a power cut; one that is there already is as good.

    Raises
    ------
    StorageError
        It cannot be made.
    """
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    with disk_errors("make", folder):
        for path in reversed(missing):
            path.mkdir(exist_ok=True)
            files.sync_folder(path.parent)
        if not folder.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))


def remove_stale_temporaries(folder: Path, *, files: FileLayer = DISK) -> None:
    """Remove what killed writers left in a folder and below it.

    A temporary whose writer lives is left alone, so this is safe at any time. A missing folder holds none.

    Raises
    ------
    StorageError
        A stale temporary cannot be removed.
    """
    for temporary in sorted(folder.rglob(f".*{TEMPORARY_SUFFIX}")):
        if not SYSTEM.is_claimed(temporary):
            with disk_errors("remove", temporary):
                files.remove(temporary)


def _sha256(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
