"""The calls by which files reach the disk."""

from pathlib import Path
from typing import BinaryIO

from necrozma_core.system.chosen import SYSTEM


class FileLayer:
    """The calls by which a publish reaches the disk, one system call a method; tests put a failing one in its place."""

    def create(self, path: Path) -> BinaryIO:
        """Open a file for writing, emptied."""
        return path.open("wb")

    def sync(self, path: Path) -> None:
        """Wait until the file's bytes are on the disk."""
        SYSTEM.sync_file(path)

    def rename(self, source: Path, target: Path) -> None:
        """Put `source` in the place of `target` in one step."""
        SYSTEM.replace(source, target)

    def sync_folder(self, folder: Path) -> None:
        """Wait until the folder's names are on the disk."""
        SYSTEM.sync_folder(folder)

    def remove(self, path: Path) -> None:
        """Remove a file; one that is gone already is as good."""
        path.unlink(missing_ok=True)


DISK = FileLayer()
