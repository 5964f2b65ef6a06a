"""A temporary folder of a process, which the next one removes where its owner was killed."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from necrozma_core.errors import StorageError
from necrozma_core.storage.disk.errors import disk_errors
from necrozma_core.storage.disk.publish import draft, remove_stale_temporaries

PREFIX: Final = "necrozma-"
_OWNED: Final = ".necrozma-scratch"
"""Made once the folder's lock is held: without it a folder is too young to be judged, or somebody else's."""
_OWNER: Final = "owner"


@contextmanager
def scratch_folder(purpose: str = "", within: Path | None = None) -> Iterator[Path]:
    """Hold a new folder among the system's temporary files; those of killed processes are removed.

    Parameters
    ----------
    purpose : str
        A part of the folder's name.
    within : Path, optional
        Where it is made instead; a folder that exists.

    Raises
    ------
    StorageError
        The folder cannot be made. What the block raises passes through.
    """
    with disk_errors("use", within or Path(tempfile.gettempdir())):
        # Somebody who finds the folder without its lock, at its end, may be quicker to remove it.
        made = tempfile.TemporaryDirectory(prefix=PREFIX + purpose, dir=within, ignore_cleanup_errors=True)
    with made as name:
        folder = Path(name)
        # The system frees the lock on that file when this process dies, however it does.
        with draft(folder / _OWNER):
            with disk_errors("write", folder):
                (folder / _OWNED).touch()
            _remove_abandoned(folder)
            yield folder


def _remove_abandoned(made: Path) -> None:
    owner = made.lstat().st_uid
    for folder in made.parent.glob(f"{PREFIX}*"):
        # One that cannot be removed is no reason not to run.
        with suppress(OSError, StorageError):
            if folder == made or folder.lstat().st_uid != owner or not (folder / _OWNED).is_file():
                continue
            remove_stale_temporaries(folder)
            if not any(folder.glob(f".{_OWNER}.*")):
                shutil.rmtree(folder)
