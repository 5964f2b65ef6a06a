"""The runs of a results folder: listed, found, compared, cleaned, and the dead among them marked."""

import logging
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Final

from necrozma_core.errors import DamagedError, UsageError, shown
from necrozma_core.storage.disk.errors import disk_errors
from necrozma_core.storage.disk.lock import ResultsLock
from necrozma_core.storage.results_folder import ResultsFolder
from necrozma_core.storage.runs.folder import RunFolder
from necrozma_core.storage.runs.manifest import MANIFEST_FILE, Manifest, RunStatus, read_manifest

LATEST: Final = "latest"
"""Names the newest run wherever a run is asked for."""

_log = logging.getLogger(__name__)


def list_runs(results: Path) -> list[Manifest]:
    """Read every run of a results folder, newest first.

    A run that is recorded as running, of a process that is gone, is shown as crashed. A run that cannot be
    trusted is left out with a warning in the log; `verify_results` names it.

    Raises
    ------
    StorageError
        A folder cannot be read.
    """
    runs = []
    for path in run_folders(results):
        try:
            runs.append(_as_seen(read_manifest(path)))
        except DamagedError as error:
            _log.warning("%s", error)
    return sorted(runs, key=lambda run: (run.started_at, run.run_id), reverse=True)


def find_run(results: Path, name: str) -> Manifest:
    """Find a run by its id, the beginning of its id, its label, or ``latest``.

    Raises
    ------
    UsageError
        There is no such run, or more than one.
    StorageError
        A folder cannot be read.
    """
    runs = list_runs(results)
    if not runs:
        raise no_runs_error(results)
    if name == LATEST:
        return runs[0]
    found = [run for run in runs if run.run_id.startswith(name)] if name else []
    found = found or [run for run in runs if name and run.settings.get("label") == name]
    exact = [run for run in found if run.run_id == name]
    if len(exact or found) == 1:
        return (exact or found)[0]
    if found:
        raise UsageError(f"run {shown(name)} is one of {_names(found)}: give more of its id")
    raise UsageError(f"no run {shown(name, 40)} in {results.absolute()}: there are {_names(runs)}")


def no_runs_error(results: Path) -> UsageError:
    """Return the error that says that a results folder has no run, and how that changes."""
    folder = results.absolute()
    return UsageError(
        f"{folder}: no run there yet; start one with `necrozma backtest --results {shlex.quote(str(folder))}`"
    )


def mark_crashed(lock: ResultsLock, current: str = "") -> list[str]:
    """Record as crashed every run that says it is running, but for `current`, and return their ids.

    Whoever runs holds the lock, and the caller does: so nobody else runs, on whatever host it was.

    Raises
    ------
    StorageError
        A manifest cannot be written.
    """
    return mark_ended(lock, RunStatus.CRASHED, current)


def mark_ended(lock: ResultsLock, status: RunStatus, current: str = "") -> list[str]:
    """Record every run that says it is running as ended in a way that the caller knows; else as `mark_crashed`."""
    marked = []
    for path in run_folders(lock.folder):
        try:
            manifest = read_manifest(path)
        except DamagedError as error:
            _log.warning("%s", error)
            continue
        if manifest.status is RunStatus.RUNNING and manifest.run_id != current:
            RunFolder(ResultsFolder(lock.folder), path.name, manifest).finish(status)
            marked.append(manifest.run_id)
    return marked


def run_folders(results: Path) -> list[Path]:
    """List the folders of runs that have a manifest, in order of their ids."""
    with disk_errors("read", results):
        return sorted(path.parent for path in ResultsFolder(results).runs.glob(f"*/{MANIFEST_FILE}"))


def _as_seen(manifest: Manifest) -> Manifest:
    if manifest.status is RunStatus.RUNNING and manifest.process.is_gone():
        return replace(manifest, status=RunStatus.CRASHED)
    return manifest


def _names(runs: list[Manifest]) -> str:
    names = ", ".join(run.run_id for run in runs[:5])
    return names if len(runs) <= 5 else f"{names} and {len(runs) - 5} more"
