"""The JSON documents of a folder of the original program, and what is passed over there."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from necrozma_core.errors import StorageError, UsageError
from necrozma_core.storage.disk.lock import LOCK_FILE
from necrozma_core.storage.disk.sealed import read_sealed

MIGRATED: Final = "migrated"
"""The folder of a results folder below which migrated documents are."""

_OUR_RECORDS: Final = frozenset({"manifest.json", "commit.json", "untold.json"})
_OUR_FOLDERS: Final = frozenset({"store", "runs", MIGRATED})
_SIDECAR: Final = "_metadata.json"


@dataclass(slots=True)
class Found:
    """What a folder holds.

    Attributes
    ----------
    root : Path
        What the documents' names are relative to.
    documents : list of Path
        In order of name.
    parquet : int
        Files that the original wrote as Parquet already; they stay as they are.
    left : list of (Path, str)
        What is passed over, and why.
    """

    root: Path
    documents: list[Path] = field(default_factory=list)
    parquet: int = 0
    left: list[tuple[Path, str]] = field(default_factory=list)


def find_documents(old: Path, results: Path) -> Found:
    """Find the JSON documents of a folder, or take one file alone.

    Records of this program are none, nor is anything in its own folders of results. Links to folders are not followed.

    Raises
    ------
    UsageError
        There is nothing at that path, or it lies among what was migrated already.
    """
    if old.is_file():
        return Found(old.parent, [old])
    if not old.is_dir():
        raise UsageError(f"{old}: expected a folder of JSON files, or one of them; found nothing to read")
    if old.resolve().is_relative_to((results / MIGRATED).resolve()):
        raise UsageError(f"{old}: expected a folder of the original program; this one holds what was migrated")
    found = Found(old)
    for folder, names in _walk(old, found):
        for name in names:
            path = folder / name
            if name.lower().endswith(".parquet"):
                found.parquet += 1
            if not name.lower().endswith(".json"):
                continue
            if name in _OUR_RECORDS and _is_record_of_this_program(path):
                found.left.append((path, "a record of this program"))
            else:
                found.documents.append(path)
    return found


def why_kept(path: Path) -> str:
    """Say why a document that was migrated is not removed all the same; empty where nothing speaks against it."""
    if path.is_symlink():
        return "it is a link"
    if path.name.endswith(_SIDECAR) and path.with_name(path.name.removesuffix(_SIDECAR) + ".parquet").exists():
        return "it belongs to a Parquet file of the original beside it"
    return ""


def _walk(old: Path, found: Found) -> Iterator[tuple[Path, list[str]]]:
    def note(error: OSError) -> None:
        found.left.append((Path(error.filename), f"it could not be read: {os.strerror(error.errno or 0)}"))

    for folder, folders, names in os.walk(old, onerror=note):
        here = Path(folder)
        if (here / LOCK_FILE).exists():
            # A results folder of this program: what it wrote there is none of the original's.
            found.left.extend((here / name, "results of this program") for name in folders if name in _OUR_FOLDERS)
            folders[:] = [name for name in folders if name not in _OUR_FOLDERS]
        folders.sort()
        found.left.extend((here / name, "a link to a folder") for name in folders if (here / name).is_symlink())
        yield here, sorted(names)


def _is_record_of_this_program(path: Path) -> bool:
    try:
        return "schema" in read_sealed(path)
    except StorageError:
        return False
