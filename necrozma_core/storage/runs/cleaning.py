"""Old runs removed, and the results that no remaining run names; planned first, so that what goes can be shown.

What stays, whatever number of runs is kept:

- A run that computed nothing, or that only repaired another, does not count: it pushes out no run that computed. Of
  these, too, as many stay.
- The last result of a kind stays, with the newest run that names it. A kind is a pair, a timeframe and where the
  strategies come from: a file, a grid, or the built-in ones.

- A result that no run names at all stays as long as its pair has no other: nothing says of which kind it is.

Only naming a run removes it in any case, with the results that it alone names.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from necrozma_core.errors import UsageError
from necrozma_core.storage.disk.errors import disk_errors
from necrozma_core.storage.disk.layer import DISK
from necrozma_core.storage.disk.lock import ResultsLock
from necrozma_core.storage.results_folder import ResultsFolder
from necrozma_core.storage.runs.listing import run_folders
from necrozma_core.storage.runs.manifest import MANIFEST_FILE, Manifest, PairState, read_manifest

Entry = tuple[str, str]
"""An entry of the store: its pair and its key."""


@dataclass(frozen=True, slots=True, order=True)
class ResultKind:
    """What makes two results of the same kind, of which the last one stays.

    Attributes
    ----------
    pair, timeframe : str
    strategies : str
        The path of the user's file, or the grid; empty for the built-in strategies.
    """

    pair: str
    timeframe: str
    strategies: str


@dataclass(frozen=True, slots=True)
class Cleaning:
    """What a cleaning removes, and what it spares; made by `plan_cleaning`, carried out by `clean_runs`.

    Attributes
    ----------
    runs : tuple of Manifest
        Runs that go, newest first.
    entries : tuple of (pair, key)
        Results that go, in order.
    spared : tuple of (Manifest, tuple of ResultKind)
        Runs that stay beyond the number that was asked for, newest first, with the kinds of which they name the last
        result.
    folders : tuple of Path
        What is removed: of the runs, then of the entries.
    size : int
        Bytes of the files that go.
    """

    runs: tuple[Manifest, ...]
    entries: tuple[Entry, ...]
    spared: tuple[tuple[Manifest, tuple[ResultKind, ...]], ...]
    folders: tuple[Path, ...]
    size: int


def plan_cleaning(results: Path, keep: int | None, named: Iterable[str] = ()) -> Cleaning:
    """Find what a cleaning removes. Nothing is changed.

    Parameters
    ----------
    results : Path
    keep : int or None
        Runs that stay, 0 or more: so many that computed something, and so many of the others. None: all.
    named : iterable of str
        Ids of runs that go in any case.

    Raises
    ------
    UsageError
        `keep` is below 0.
    DamagedError
        A run's manifest cannot be trusted, so that what it names is unknown.
    StorageError
        Something cannot be read.
    """
    if keep is not None and keep < 0:
        raise UsageError(f"expected a number of runs to keep, 0 or more, found {keep}")
    folder = ResultsFolder(results)
    read = {path: read_manifest(path) for path in run_folders(results)}
    newest_first = sorted(read, key=lambda path: (read[path].started_at, read[path].run_id), reverse=True)
    named = set(named)
    rest = [path for path in newest_first if read[path].run_id not in named]
    kept = set(rest) if keep is None else _newest(rest, read, keep)
    store = folder.store
    stored = {entry for entry in store.entries() if store.has(*entry)}
    spared = _spare_last_results(rest, read, kept, stored)
    kept |= spared.keys()
    gone = [path for path in newest_first if path not in kept]
    entries = _unnamed(list(store.entries()), stored, [read[path] for path in kept], read.values())
    folders = (*gone, *(store.folder(*entry) for entry in entries))
    return Cleaning(
        runs=tuple(read[path] for path in gone),
        entries=tuple(entries),
        spared=tuple((read[path], spared[path]) for path in newest_first if path in spared),
        folders=folders,
        size=sum(_size(path) for path in folders),
    )


def clean_runs(lock: ResultsLock, cleaning: Cleaning) -> None:
    """Remove what was planned.

    Parameters
    ----------
    lock : ResultsLock
        Held, so that nothing is being written, and since before the plan was made.
    cleaning : Cleaning

    Raises
    ------
    StorageError
        Something cannot be removed.
    """
    for path in cleaning.folders[: len(cleaning.runs)]:
        _remove_run(path)
    store = ResultsFolder(lock.folder).store
    for pair, key in cleaning.entries:
        store.remove(pair, key)


def _newest(newest_first: Sequence[Path], read: dict[Path, Manifest], keep: int) -> set[Path]:
    """Return the newest runs that computed something, and as many of the newest others."""
    computed = [path for path in newest_first if _is_counted(read[path])]
    others = [path for path in newest_first if not _is_counted(read[path])]
    return {*computed[:keep], *others[:keep]}


def _is_counted(run: Manifest) -> bool:
    return bool(run.pairs_in(PairState.COMPUTED)) and not run.settings.get("repairs")


def _spare_last_results(
    newest_first: Sequence[Path], read: dict[Path, Manifest], kept: set[Path], stored: set[Entry]
) -> dict[Path, tuple[ResultKind, ...]]:
    """Return the runs that must stay for results of which no kept run names one of their kind, with these kinds."""
    known = {kind for path in kept for kind in _kinds(read[path], stored)}
    spared: dict[Path, tuple[ResultKind, ...]] = {}
    # Rather the run that computed a result than one that found it stored.
    for path in sorted(newest_first, key=lambda path: not _is_counted(read[path])):
        if last := tuple(sorted({*_kinds(read[path], stored)} - known)):
            spared[path] = last
            known.update(last)
    return spared


def _kinds(run: Manifest, stored: set[Entry]) -> Iterator[ResultKind]:
    settings = run.settings
    given = (settings.get(name) for name in ("strategies", "settings_file", "grid", "catalog"))
    strategies = next((str(source) for source in given if source and source != "default"), "")
    for pair, key in run.keys.items():
        if (pair, key) in stored:
            yield ResultKind(pair, str(settings.get("timeframe", "")), strategies)


def _unnamed(
    entries: Sequence[Entry], stored: set[Entry], kept: Iterable[Manifest], all_runs: Iterable[Manifest]
) -> list[Entry]:
    """Return the entries that go: no kept run names them, and they are not all that a pair has without any run."""
    named = {entry for run in kept for entry in run.keys.items()}
    known = {entry for run in all_runs for entry in run.keys.items()}
    pairs = {pair for pair, _ in stored & named}
    return [
        entry
        for entry in entries
        if entry not in named and (entry in known or entry not in stored or entry[0] in pairs)
    ]


def _size(folder: Path) -> int:
    with disk_errors("read", folder):
        return sum(path.stat().st_size for path in folder.iterdir() if path.is_file())


def _remove_run(path: Path) -> None:
    # The manifest first: without it there is no run, whatever else a kill leaves behind.
    with disk_errors("remove", path):
        DISK.remove(path / MANIFEST_FILE)
        DISK.sync_folder(path)
        for file in path.iterdir():
            DISK.remove(file)
        path.rmdir()
