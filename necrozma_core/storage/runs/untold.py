"""Runs that a history kept elsewhere has yet to be told of: a note beside the manifest, gone once it was told.

::

    runs/<run id>/untold.json

The note is written before the run does anything and removed after the telling. So a kill between any two steps leaves
a run that is told again, and telling must bear that: see `flows.untold`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from necrozma_core.errors import DamagedError
from necrozma_core.storage.disk.errors import disk_errors
from necrozma_core.storage.disk.layer import DISK
from necrozma_core.storage.disk.sealed import JSON, publish_sealed, read_sealed
from necrozma_core.storage.results_folder import ResultsFolder
from necrozma_core.storage.runs.manifest import MANIFEST_FILE, Manifest, RunStatus, read_manifest

UNTOLD_FILE: Final = "untold.json"
_SCHEMA: Final = "untold/1"


@dataclass(frozen=True, slots=True)
class Untold:
    """What a history lacks.

    Attributes
    ----------
    folder : Path
        Of the run that left the note.
    run : Manifest
    is_wanted : bool
        The history is to have the run itself; else only what the run found.
    crashed : tuple of str
        Ids of earlier runs that the run found dead.
    """

    folder: Path
    run: Manifest
    is_wanted: bool
    crashed: tuple[str, ...]


def note_untold(folder: Path, crashed: Sequence[str], *, is_wanted: bool) -> None:
    """Leave the note in a run's folder; StorageError where it cannot be written."""
    record: dict[str, JSON] = {"schema": _SCHEMA, "is_wanted": is_wanted, "crashed": list(crashed)}
    publish_sealed(folder / UNTOLD_FILE, record)


def untold_runs(results: Path) -> list[Untold]:
    """Read the notes of a results folder, the oldest run's first.

    A note or a run that cannot be trusted is left out, and so is a run that goes on.

    Raises
    ------
    StorageError
        A folder cannot be read.
    """
    with disk_errors("read", results):
        folders = sorted(path.parent for path in ResultsFolder(results).runs.glob(f"*/{UNTOLD_FILE}"))
    found = []
    for folder in folders:
        if not (folder / MANIFEST_FILE).exists():
            continue
        try:
            note, run = read_sealed(folder / UNTOLD_FILE), read_manifest(folder)
        except DamagedError:
            continue
        if note.get("schema") == _SCHEMA and run.status is not RunStatus.RUNNING:
            found.append(Untold(folder, run, bool(note["is_wanted"]), tuple(note["crashed"])))
    return found


def forget_untold(folder: Path) -> None:
    """Remove a run's note; StorageError where it cannot be removed."""
    with disk_errors("remove", folder / UNTOLD_FILE):
        DISK.remove(folder / UNTOLD_FILE)
        DISK.sync_folder(folder)
