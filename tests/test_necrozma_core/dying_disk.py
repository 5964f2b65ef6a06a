"""A disk that dies at a chosen call, and what a power cut leaves of what it was told."""

import io
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import BinaryIO

from necrozma_core.storage.disk.layer import FileLayer


class Died(BaseException):
    """The process is dead: nothing after this reaches the disk."""


class DyingFiles(FileLayer):
    """The real disk up to the n-th call, and nothing from then on, as if the process were killed there.

    It remembers what was not yet synced, so that `cut_power` can take it away again: bytes that were never
    fsynced may be missing, and the latest names in folders that were never fsynced may not have happened.

    Parameters
    ----------
    dies_at : int
        The call, counted from 0, in whose place it dies; a write dies half way.
    """

    def __init__(self, dies_at: int) -> None:
        self.calls = 0
        self.dead = False
        self._dies_at = dies_at
        self._unsynced: set[Path] = set()
        self._undo: list[tuple[Path, Callable[[], object]]] = []

    def step(self) -> bool:
        """Count a call and tell whether the process lives to make it."""
        if self.dead:
            return False
        if self.calls == self._dies_at:
            self.dead = True
            return False
        self.calls += 1
        return True

    def _live(self) -> bool:
        if self.dead:
            return False
        if not self.step():
            raise Died
        return True

    def create(self, path: Path) -> BinaryIO:
        if self._live():
            self._unsynced.add(path)
        return io.BufferedWriter(_DyingFile(path, self))

    def sync(self, path: Path) -> None:
        if self._live():
            self._unsynced.discard(path)

    def rename(self, source: Path, target: Path) -> None:
        if not self._live():
            return
        older = target.read_bytes() if target.exists() else None

        def undo() -> None:
            target.rename(source)
            if older is not None:
                target.write_bytes(older)

        super().rename(source, target)
        if source in self._unsynced:
            self._unsynced = (self._unsynced - {source}) | {target}
        self._undo.append((target.parent, undo))

    def sync_folder(self, folder: Path) -> None:
        if self._live():
            self._undo = [(other, undo) for other, undo in self._undo if other != folder]

    def remove(self, path: Path) -> None:
        if not self._live() or not path.exists():
            return
        content = path.read_bytes()

        def undo() -> None:
            # Its folder may be gone as well, and comes back with it.
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

        super().remove(path)
        self._undo.append((path.parent, undo))

    def cut_power(self, chance: Random) -> None:
        """Take away what was not synced: some of the bytes, and the latest of the names."""
        for path in sorted(self._unsynced):
            if path.exists():
                path.write_bytes(path.read_bytes()[: chance.choice([0, chance.randint(0, path.stat().st_size)])])
        for _ in range(chance.randint(0, len(self._undo))):
            self._undo.pop()[1]()


class ForgetfulFiles(DyingFiles):
    """The same for a writer that never syncs, as a control."""

    def sync(self, path: Path) -> None:
        self._live()

    def sync_folder(self, folder: Path) -> None:
        self._live()


class _DyingFile(io.FileIO):
    def __init__(self, path: Path, files: DyingFiles) -> None:
        super().__init__(path, "r+b" if files.dead else "wb")
        self._files = files

    def write(self, content) -> int:  # type: ignore[no-untyped-def, override]
        if self._files.dead:
            return len(content)
        if not self._files.step():
            super().write(bytes(content)[: len(content) // 2])
            raise Died
        return super().write(content)
