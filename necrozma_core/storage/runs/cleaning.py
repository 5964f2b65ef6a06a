"""Old runs removed, and the results that no remaining run names."""

from dataclasses import dataclass
from pathlib import Path

from necrozma_core.errors import UsageError
from necrozma_core.storage.disk.errors import disk_errors
from necrozma_core.storage.disk.layer import DISK
from necrozma_core.storage.disk.lock import ResultsLock
from necrozma_core.storage.results_folder import ResultsFolder
from necrozma_core.storage.runs.listing import run_folders
from necrozma_core.storage.runs.manifest import MANIFEST_FILE, read_manifest


@dataclass(frozen=True, slots=True)
class Cleaned:
    """What a cleaning removed: ids of runs, and entries of the store as (pair, key)."""

    runs: tuple[str, ...]
    entries: tuple[tuple[str, str], ...]


def clean_runs(lock: ResultsLock, keep: int) -> Cleaned:
    """Remove all but the newest runs, and the entries of the store that no remaining run names.

    Parameters
    ----------
    lock : ResultsLock
        Held, so that nothing is being written.
    keep : int
        Runs that stay, 0 or more.

    Raises
    ------
    UsageError
        `keep` is below 0.
    DamagedError
        A run's manifest cannot be trusted, so that what it names is unknown; nothing was removed.
    StorageError
        Something cannot be read or removed.
    """
    if keep < 0:
        raise UsageError(f"expected a number of runs to keep, 0 or more, found {keep}")
    runs = sorted(
        ((read_manifest(path), path) for path in run_folders(lock.folder)),
        key=lambda run: (run[0].started_at, run[0].run_id),
        reverse=True,
    )
    for _, path in runs[keep:]:
        _remove_run(path)
    named = {(pair, key) for manifest, _ in runs[:keep] for pair, key in manifest.keys.items()}
    store = ResultsFolder(lock.folder).store
    unnamed = [entry for entry in store.entries() if entry not in named]
    for pair, key in unnamed:
        store.remove(pair, key)
    return Cleaned(runs=tuple(manifest.run_id for manifest, _ in runs[keep:]), entries=tuple(unnamed))


def _remove_run(path: Path) -> None:
    # The manifest first: without it there is no run, whatever else a kill leaves behind.
    with disk_errors("remove", path):
        DISK.remove(path / MANIFEST_FILE)
        DISK.sync_folder(path)
        for file in path.iterdir():
            DISK.remove(file)
        path.rmdir()
