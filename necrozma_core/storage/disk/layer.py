"""The calls by which files reach the disk."""

import errno
import os
from pathlib import Path
from typing import BinaryIO


class FileLayer:
    """The calls by which a publish reaches the disk, one system call a method; tests put a failing one in its place."""

    def create(self, path: Path) -> BinaryIO:
        """Open a file for writing, emptied."""
        return path.open("wb")

    def sync(self, path: Path) -> None:
        """Wait until the file's bytes are on the disk."""
        _fsync(path, os.O_RDONLY)

    def rename(self, source: Path, target: Path) -> None:
        """Put `source` in the place of `target` in one step."""
        source.replace(target)

    def sync_folder(self, folder: Path) -> None:
        """Wait until the folder's names are on the disk."""
        try:
            _fsync(folder, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            # Some network and FUSE file systems have no fsync for folders; they order names themselves.
            if error.errno not in (errno.EINVAL, errno.ENOTSUP):
                raise

    def remove(self, path: Path) -> None:
        """Remove a file; one that is gone already is as good."""
        path.unlink(missing_ok=True)


DISK = FileLayer()


def _fsync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
