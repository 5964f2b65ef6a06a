"""A file that is not complete yet, beside its place, and what tells whether the rest of it may be added to it."""

import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

from necrozma_core.storage.disk.errors import disk_errors
from necrozma_core.storage.disk.layer import DISK, FileLayer
from necrozma_core.storage.disk.publish import publish_bytes

_CHUNK: Final = 1024 * 1024


class PartialFile:
    """The beginning of a file, hidden beside it, so that an import of the folder passes it by.

    Parameters
    ----------
    target : Path
        Where the file will be; its folder exists.
    url : str
        Where it comes from: a beginning of another's is worth nothing.
    files : FileLayer
        How the disk is written.
    """

    def __init__(self, target: Path, url: str, *, files: FileLayer = DISK) -> None:
        self.path = target.with_name(f".{target.name}.part")
        self._note = target.with_name(f".{target.name}.part.json")
        self._target = target
        self._url = url
        self._files = files

    def resumable(self) -> tuple[int, str] | None:
        """Return how many bytes are there, and which version of the file they are of; None where that is not known."""
        try:
            note = json.loads(self._note.read_bytes())
            size = self.path.stat().st_size
            validator = note["validator"] if note["url"] == self._url else None
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return (size, validator) if size and isinstance(validator, str) else None

    def begin(self, validator: str | None) -> None:
        """Begin anew, with what tells this version from others."""
        self.discard()
        if validator is not None:
            publish_bytes(
                self._note, json.dumps({"url": self._url, "validator": validator}).encode(), files=self._files
            )

    def append(self, chunks: Iterable[bytes]) -> int:
        """Add bytes as they come, and return how many are there then. What came stays, whatever ends it.

        Raises
        ------
        StorageError
            The disk did not take them. What `chunks` raises passes through.
        """
        with disk_errors("write", self._target):
            file = self.path.open("ab", buffering=0)
        with file:
            for chunk in chunks:
                with disk_errors("write", self._target):
                    _write_all(file.fileno(), chunk)
            return file.tell()

    def digest(self, new: Callable[[], Any]) -> bytes:
        """Hash what is there."""
        hashed = new()
        with disk_errors("read", self.path), self.path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                hashed.update(chunk)
        return bytes(hashed.digest())

    def publish(self) -> None:
        """Put the file in place, now that it is whole.

        Raises
        ------
        StorageError
        """
        with disk_errors("publish", self._target):
            self._files.sync(self.path)
            self._files.rename(self.path, self._target)
            self._files.sync_folder(self._target.parent)
            self._files.remove(self._note)

    def discard(self) -> None:
        """Remove what is there."""
        with disk_errors("remove", self.path):
            self._files.remove(self.path)
            self._files.remove(self._note)


def _write_all(descriptor: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(descriptor, view) :]
