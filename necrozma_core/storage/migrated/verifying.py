"""Migrated documents against their hashes: nothing here can compute them anew."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from necrozma_core.errors import StorageError
from necrozma_core.storage.disk.publish import sha256_of
from necrozma_core.storage.disk.sealed import read_sealed
from necrozma_core.storage.migrated.documents import MANIFEST_FILE
from necrozma_core.storage.migrated.finding import MIGRATED

_REMEDY: Final = "migrate its JSON again if you still have it, or bring the file back from a copy"


def migrated_folders(results: Path) -> list[Path]:
    """List the folders of the documents that were migrated into a results folder, in order."""
    return sorted(path.parent for path in (results / MIGRATED).rglob(MANIFEST_FILE) if path.is_file())


def verify_migrated(results: Path) -> Iterator[str]:
    """Read every migrated document against its hashes, and say what is damaged: file, what is wrong, what to do."""
    for folder in migrated_folders(results):
        try:
            files = read_sealed(folder / MANIFEST_FILE)["files"]
        except (StorageError, KeyError) as error:
            yield f"{str(error).partition(';')[0]}; {_REMEDY}"
            continue
        for name, file in files.items():
            path = folder / name
            try:
                is_whole = path.is_file() and sha256_of(path) == file["sha256"]
            except StorageError as error:
                yield str(error)
                continue
            if not is_whole:
                yield f"{path}: it is not what was written; {_REMEDY}"
