"""One JSON document as Parquet: written, read back value by value, published, and known again later.

::

    <folder>/metrics.parquet    the strategies, one row each
             trades.parquet     their trades, one row each
             levels.parquet     of a universe, one row a level and direction
             <list>.parquet     any other list of records at the top
             document.parquet   everything else, and which member is where
             manifest.json      source and files with their sizes and sha256, written last

A folder without a manifest holds nothing that anybody may rely on.
"""

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from necrozma_core.errors import DamagedError, StorageError
from necrozma_core.storage.disk.errors import disk_errors
from necrozma_core.storage.disk.layer import DISK, FileLayer
from necrozma_core.storage.disk.publish import Published, draft, make_folder, seal, sha256_of
from necrozma_core.storage.disk.sealed import JSON, publish_sealed, read_sealed
from necrozma_core.storage.migrated.comparing import compare_document
from necrozma_core.storage.migrated.json_stream import Identity, UnreadableError
from necrozma_core.storage.migrated.plan import DOCUMENT_FILE, Plan
from necrozma_core.storage.migrated.writing import write_document
from necrozma_core.version import __version__

MANIFEST_FILE: Final = "manifest.json"
_MANIFEST_SCHEMA: Final = "migration/1"


@dataclass(frozen=True, slots=True)
class Stored:
    """A document that is stored as Parquet and was compared with it.

    Attributes
    ----------
    folder : Path
    files : mapping of str to Published
        Without the manifest.
    rows : mapping of str to int
    bytes : int
        Of all files, the manifest included.
    """

    folder: Path
    files: dict[str, Published]
    rows: dict[str, int]
    bytes: int


def find_stored(folder: Path, sha256: str) -> tuple[Path, Stored | None]:
    """Find the folder of a document, by its own name or, where another one has that, by name and hash.

    Returns
    -------
    tuple of (Path, Stored or None)
        Where it belongs, and what is there already, whole by its hashes. A folder whose manifest tells of another
        document, or cannot be read, is never returned: it may hold the only copy of something.
    """
    for candidate in (folder, *(folder.with_name(f"{folder.name}-{sha256[:digits]}") for digits in (12, 24, 64))):
        if not (candidate / MANIFEST_FILE).exists():
            return candidate, None
        try:
            record = read_sealed(candidate / MANIFEST_FILE)
            if record["schema"] == _MANIFEST_SCHEMA and record["source"]["sha256"] == sha256:
                return candidate, _whole(candidate, record)
        except (DamagedError, KeyError, TypeError):
            continue
    raise StorageError(f"{folder}: its manifest and those beside it cannot be read; move them away and run it again")


def store_document(path: Path, plan: Plan, folder: Path, source: str, *, files: FileLayer = DISK) -> Stored:
    """Write a document's tables, read every value back, and publish them.

    Parameters
    ----------
    path : Path
    plan : Plan
        Of that document.
    folder : Path
        Made where it is missing; what `find_stored` returned.
    source : str
        What the manifest calls the document.

    Raises
    ------
    UnreadableError
        The document changed.
    UnfaithfulError
        What was read back is not what the document holds.
    StorageError
        Something cannot be written. Nothing that was published before is changed then.
    """
    make_folder(folder, files=files)
    names = [*(table.file for table in plan.tables), DOCUMENT_FILE]
    with ExitStack() as drafts:
        temporaries = {name: drafts.enter_context(draft(folder / name, files=files)) for name in names}
        with disk_errors("write", folder):
            rest = write_document(path, plan, temporaries, files)
        published = {name: seal(temporaries[name], folder / name, files=files) for name in names}
        seen = compare_document(path, plan, rest.layout, temporaries)
        if {seen, rest.sha256} != {plan.sha256}:
            raise UnreadableError("it changed while it was read")
        with disk_errors("publish", folder):
            _remove_unfinished(folder, names, files)
            for name, temporary in temporaries.items():
                files.rename(temporary, folder / name)
            files.sync_folder(folder)
    rows = {**{table.file: table.rows for table in plan.tables}, DOCUMENT_FILE: rest.rows}
    publish_sealed(folder / MANIFEST_FILE, _record(source, plan, published, rows), files=files)
    return Stored(folder, published, rows, _bytes_of(folder, published))


def is_unchanged(path: Path, identity: Identity) -> bool:
    """Tell whether a file is the very one that was read, and no link to it."""
    try:
        return Identity.of(path.lstat()) == identity
    except OSError:
        return False


def _remove_unfinished(folder: Path, names: list[str], files: FileLayer) -> None:
    """Remove what an unfinished migration of another document left there: a reader would take it for part of this."""
    if not (folder / MANIFEST_FILE).exists():
        for path in sorted(folder.glob("*.parquet")):
            if path.name not in names and path.is_file():
                files.remove(path)


def _record(source: str, plan: Plan, published: dict[str, Published], rows: dict[str, int]) -> dict[str, JSON]:
    members: dict[str, JSON] = {
        table.file: {"member": table.member, "inner": table.inner or None} for table in plan.tables
    }
    return {
        "schema": _MANIFEST_SCHEMA,
        "necrozma": __version__,
        "source": {"path": source, "bytes": plan.identity.size, "sha256": plan.sha256},
        "files": {
            name: {"bytes": file.size, "sha256": file.sha256, "rows": rows[name], "of": members.get(name)}
            for name, file in published.items()
        },
    }


def _whole(folder: Path, record: dict[str, Any]) -> Stored | None:
    files = {name: Published(file["bytes"], file["sha256"]) for name, file in record["files"].items()}
    for name, file in files.items():
        path = folder / name
        if not path.is_file() or path.stat().st_size != file.size or sha256_of(path) != file.sha256:
            return None
    rows = {name: file["rows"] for name, file in record["files"].items()}
    return Stored(folder, files, rows, _bytes_of(folder, files))


def _bytes_of(folder: Path, files: dict[str, Published]) -> int:
    return sum(file.size for file in files.values()) + (folder / MANIFEST_FILE).stat().st_size
