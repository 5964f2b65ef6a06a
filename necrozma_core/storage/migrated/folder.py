"""A folder of documents as Parquet in a results folder, one after the other; what was compared may be removed."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from necrozma_core.errors import UsageError
from necrozma_core.storage.disk.layer import DISK, FileLayer
from necrozma_core.storage.disk.lock import ResultsLock
from necrozma_core.storage.migrated.comparing import UnfaithfulError
from necrozma_core.storage.migrated.documents import Stored, find_stored, is_unchanged, store_document
from necrozma_core.storage.migrated.finding import MIGRATED, Found, find_documents, why_kept
from necrozma_core.storage.migrated.json_stream import UnreadableError
from necrozma_core.storage.migrated.plan import Plan, plan_document


@dataclass(frozen=True, slots=True)
class Migrated:
    """What became of a document.

    Attributes
    ----------
    name : str
        Relative to the folder it was found in.
    size : int
        In bytes, as JSON.
    rows : mapping of str to int
        Of each table.
    stored : Stored or None
        None in a dry run of what is not stored yet.
    was_stored : bool
        It was migrated earlier.
    deleted : bool
    kept : str
        Why it was not deleted although that was asked for.
    """

    name: str
    size: int
    rows: dict[str, int]
    stored: Stored | None = None
    was_stored: bool = False
    deleted: bool = False
    kept: str = ""


@dataclass(slots=True)
class Migration:
    """What a migration did.

    Attributes
    ----------
    done : list of Migrated
    left : list of (str, str)
        Documents that could not be migrated, and why; they are as they were.
    passed_over : list of (str, str)
        What is no document of the original, and why.
    parquet : int
        Files that are Parquet already.
    seconds : float
    """

    done: list[Migrated] = field(default_factory=list)
    left: list[tuple[str, str]] = field(default_factory=list)
    passed_over: list[tuple[str, str]] = field(default_factory=list)
    parquet: int = 0
    seconds: float = 0.0

    @property
    def size_before(self) -> int:
        """Bytes of the documents that are migrated, as JSON."""
        return sum(one.size for one in self.done)

    @property
    def size_after(self) -> int:
        """Bytes of the same as Parquet."""
        return sum(one.stored.bytes for one in self.done if one.stored)


Tell = Callable[[Migrated | tuple[str, str]], object]


def look_for_documents(old: Path, results: Path) -> Found:
    """Find what there is to migrate.

    Raises
    ------
    UsageError
        There is no JSON document at that path.
    """
    found = find_documents(old, results)
    if not found.documents:
        raise UsageError(f"{old}: expected JSON files of the original program, such as *_backtest.json; found none")
    return found


def migrate_documents(
    found: Found, lock: ResultsLock, tell: Tell, *, delete: bool = False, files: FileLayer = DISK
) -> Migration:
    """Store each document as Parquet, compare every value, and remove the document where that is asked for.

    What was stored by an earlier call is not stored again. A call that is killed leaves every document as JSON, as
    verified Parquet, or as both.

    Parameters
    ----------
    found : Found
    lock : ResultsLock
        Of the results folder.
    tell : callable
        Gets what became of each document: a Migrated, or the name of one that is left and why.
    delete : bool
    files : FileLayer

    Raises
    ------
    StorageError
        The results folder cannot be written. Documents done before stay done.
    """

    def migrate(path: Path, name: str, plan: Plan) -> Migrated:
        folder, stored = find_stored(lock.folder / MIGRATED / _folder_name(name), plan.sha256)
        was_stored = stored is not None
        if stored is None:
            stored = store_document(path, plan, folder, name, files=files)
        deleted, kept = _delete(path, plan, files) if delete else (False, "")
        return Migrated(name, plan.identity.size, stored.rows, stored, was_stored, deleted, kept)

    return _each(found, tell, migrate)


def preview_documents(found: Found, results: Path, tell: Tell) -> Migration:
    """Read each document and say what a migration would make of it; nothing is written."""

    def preview(path: Path, name: str, plan: Plan) -> Migrated:
        _, stored = find_stored(results / MIGRATED / _folder_name(name), plan.sha256)
        rows = {table.file: table.rows for table in plan.tables}
        return Migrated(name, plan.identity.size, rows, stored, stored is not None)

    return _each(found, tell, preview)


def _each(found: Found, tell: Tell, act: Callable[[Path, str, Plan], Migrated]) -> Migration:
    began = time.monotonic()
    passed_over = [(str(path), why) for path, why in found.left]
    migration = Migration(passed_over=passed_over, parquet=found.parquet)
    for path in found.documents:
        name = str(path.relative_to(found.root))
        try:
            done = act(path, name, plan_document(path))
        except (UnreadableError, UnfaithfulError) as error:
            left = (name, str(error))
        except RecursionError:
            left = (name, "its values are nested too deep to be compared")
        except MemoryError:
            left = (name, "a part of it is larger than the memory that is free")
        else:
            migration.done.append(done)
            tell(done)
            continue
        migration.left.append(left)
        tell(left)
    migration.seconds = time.monotonic() - began
    return migration


def _delete(path: Path, plan: Plan, files: FileLayer) -> tuple[bool, str]:
    if kept := why_kept(path):
        return False, kept
    if not is_unchanged(path, plan.identity):
        return False, "it changed after it was read"
    try:
        files.remove(path)
    except OSError as error:
        return False, os.strerror(error.errno or 0)
    return True, ""


def _folder_name(name: str) -> Path:
    """Return where a document goes, relative to the folder of all of them."""
    path = Path(name)
    stem = path.name[: -len(path.suffix)] if path.suffix else path.name
    # No folder may stand where a file of another document's folder belongs, nor look like a temporary.
    if stem.startswith(".") or stem.endswith((".parquet", ".json", ".tmp")):
        stem = f"json-{stem}-json"
    return path.parent / stem
