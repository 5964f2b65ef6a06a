"""Bad rows set aside: a CSV with each one's number, the reason, and its fields as they were."""

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from pathlib import Path
from typing import Final

from necrozma_core.storage.disk.errors import disk_errors
from necrozma_core.storage.disk.layer import DISK, FileLayer
from necrozma_core.storage.disk.publish import draft, make_folder, seal

QUARANTINE_FOLDER: Final = "quarantine"


class Quarantine:
    """The file of one source's bad rows; it appears only when it is published.

    Attributes
    ----------
    path : Path
    rows : int
        How many were set aside.
    """

    def __init__(self, path: Path, temporary: Path, files: FileLayer) -> None:
        self.path = path
        self.rows = 0
        self._temporary = temporary
        self._files = files
        self._text = TextIOWrapper(files.create(temporary), encoding="utf-8", newline="")
        self._writer = csv.writer(self._text, lineterminator="\n")

    def start(self, header: Sequence[str]) -> None:
        """Write the header: the source's own behind row and reason."""
        self._writer.writerow(["row", "reason", *header])

    def add(self, row: int, reason: str, fields: Sequence[str]) -> None:
        """Set one row aside; a `Fault` is a reason.

        Raises
        ------
        StorageError
            The disk does not take it.
        """
        self.rows += 1
        with disk_errors("write", self.path):
            self._writer.writerow([row, str(reason), *fields])

    def publish(self) -> None:
        """Put the file in place in one step; nothing happens where no row was set aside.

        Raises
        ------
        StorageError
            The disk does not take it; an older file is untouched.
        """
        with disk_errors("publish", self.path):
            self.close()
            if self.rows:
                seal(self._temporary, self.path, files=self._files)
                self._files.rename(self._temporary, self.path)
                self._files.sync_folder(self.path.parent)

    def close(self) -> None:
        """Let go of the file without publishing it."""
        self._text.close()


@contextmanager
def open_quarantine(path: Path, *, files: FileLayer = DISK) -> Iterator[Quarantine]:
    """Hold a quarantine file; what is not published by the end of the block leaves no trace.

    Raises
    ------
    StorageError
        It cannot be made; an older one is untouched.
    """
    make_folder(path.parent)
    with draft(path, files=files) as temporary:
        with disk_errors("write", path):
            quarantine = Quarantine(path, temporary, files)
        try:
            yield quarantine
        finally:
            # What the disk refused while rows were added has been said already.
            with suppress(OSError):
                quarantine.close()


def count_set_aside(folder: Path) -> Counter[str]:
    """Count the rows in a pair's quarantine files by the reason for which they were set aside.

    Parameters
    ----------
    folder : Path
        The pair's.

    Raises
    ------
    StorageError
        A file cannot be read.
    """
    counts: Counter[str] = Counter()
    for path in sorted((folder / QUARANTINE_FOLDER).glob("*.csv")):
        # Rows are set aside because they are odd; one that is no CSV ends the count of its file.
        with (
            disk_errors("read", path),
            path.open(encoding="utf-8", errors="replace", newline="") as text,
            suppress(csv.Error),
        ):
            counts.update(row[1] for row in csv.reader(text) if len(row) > 1 and row[0] != "row")
    return counts
