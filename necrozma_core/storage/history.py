"""The runs of a results folder: listed, found, compared, cleaned, and the dead among them marked."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from necrozma_core.errors import DamagedError, UsageError
from necrozma_core.storage.lock import ResultsLock
from necrozma_core.storage.manifest import MANIFEST_FILE, Manifest, RunStatus, read_manifest
from necrozma_core.storage.publish import DISK, disk_errors
from necrozma_core.storage.results import ResultStore
from necrozma_core.storage.runs import RANKING_FILE, RUNS_FOLDER, STORE_FOLDER, RunFolder, read_ranking

LATEST: Final = "latest"
"""Names the newest run wherever a run is asked for."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RankChange:
    """A strategy on a pair that two runs ranked, or only one of them (then the other's values are None)."""

    pair: str
    timeframe: str
    strategy: str
    rank_before: int | None
    rank_after: int | None
    net_profit_before: float | None
    net_profit_after: float | None


@dataclass(frozen=True, slots=True)
class RunDiff:
    """What differs between two runs; mappings give (before, after), None where there is no such thing.

    Attributes
    ----------
    settings, inputs, versions : mapping
        Only what differs.
    keys : mapping
        Pairs whose entry differs. The same key means the same results.
    ranking : tuple of RankChange
        Only what differs in rank or profit, by the later rank; empty where a run has no ranking.
    """

    settings: Mapping[str, tuple[Any, Any]]
    inputs: Mapping[str, tuple[Any, Any]]
    versions: Mapping[str, tuple[Any, Any]]
    keys: Mapping[str, tuple[str | None, str | None]]
    ranking: tuple[RankChange, ...]


@dataclass(frozen=True, slots=True)
class Cleaned:
    """What a cleaning removed: ids of runs, and entries of the store as (pair, key)."""

    runs: tuple[str, ...]
    entries: tuple[tuple[str, str], ...]


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
    """Find a run by its id, the beginning of its id, or ``latest``.

    Raises
    ------
    UsageError
        There is no such run, or more than one.
    StorageError
        A folder cannot be read.
    """
    runs = list_runs(results)
    if not runs:
        raise UsageError(f"{results}: no run there yet; start one with `necrozma backtest`")
    if name == LATEST:
        return runs[0]
    found = [run for run in runs if run.run_id.startswith(name)] if name else []
    exact = [run for run in found if run.run_id == name]
    if len(exact or found) == 1:
        return (exact or found)[0]
    if found:
        raise UsageError(f"run {name!r} is one of {_names(found)}: give more of its id")
    raise UsageError(f"no run {name[:40]!r} in {results}: there are {_names(runs)}")


def diff_runs(results: Path, before: Manifest, after: Manifest) -> RunDiff:
    """Compare two runs: what was asked, what it was computed from, which entries and ranks differ.

    Raises
    ------
    DamagedError
        A ranking is not what was published.
    StorageError
        A ranking cannot be read.
    """
    return RunDiff(
        settings=_differing(before.settings, after.settings),
        inputs=_differing(before.inputs, after.inputs),
        versions=_differing(before.versions, after.versions),
        keys=_differing(before.keys, after.keys),
        ranking=_rank_changes(_ranking_of(results, before), _ranking_of(results, after)),
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
            RunFolder(path, manifest).finish(status)
            marked.append(manifest.run_id)
    return marked


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
    store = ResultStore(lock.folder / STORE_FOLDER)
    unnamed = [entry for entry in store.entries() if entry not in named]
    for pair, key in unnamed:
        store.remove(pair, key)
    return Cleaned(runs=tuple(manifest.run_id for manifest, _ in runs[keep:]), entries=tuple(unnamed))


def run_folders(results: Path) -> list[Path]:
    """List the folders of runs that have a manifest, in order of their ids."""
    with disk_errors("read", results):
        return sorted(path.parent for path in (results / RUNS_FOLDER).glob(f"*/{MANIFEST_FILE}"))


def _as_seen(manifest: Manifest) -> Manifest:
    if manifest.status is RunStatus.RUNNING and manifest.process.is_gone():
        return replace(manifest, status=RunStatus.CRASHED)
    return manifest


def _names(runs: list[Manifest]) -> str:
    shown = ", ".join(run.run_id for run in runs[:5])
    return shown if len(runs) <= 5 else f"{shown} and {len(runs) - 5} more"


def _differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    names = sorted(before.keys() | after.keys())
    return {name: (before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name)}


def _ranking_of(results: Path, manifest: Manifest) -> pa.Table | None:
    if RANKING_FILE not in manifest.files:
        return None
    return read_ranking(results / RUNS_FOLDER / manifest.run_id, manifest)


def _rank_changes(before: pa.Table | None, after: pa.Table | None) -> tuple[RankChange, ...]:
    if before is None or after is None:
        return ()
    old, new = _by_setting(before), _by_setting(after)
    changes = []
    for setting in old.keys() | new.keys():
        was, now = old.get(setting, (None, None)), new.get(setting, (None, None))
        if was != now:
            pair, timeframe, strategy, *_ = setting
            changes.append(RankChange(pair, timeframe, strategy, was[0], now[0], was[1], now[1]))
    last = after.num_rows + 1
    return tuple(sorted(changes, key=lambda change: (change.rank_after or last, change.rank_before or 0)))


def _by_setting(ranking: pa.Table) -> dict[tuple[Any, ...], tuple[int | None, float | None]]:
    setting = ("pair", "timeframe", "strategy", "params", "stop_loss_pips", "take_profit_pips")
    columns = [ranking.column(name).to_pylist() for name in (*setting, "rank", "net_profit")]
    return {values[:-2]: values[-2:] for values in zip(*columns, strict=True)}


def _remove_run(path: Path) -> None:
    # The manifest first: without it there is no run, whatever else a kill leaves behind.
    with disk_errors("remove", path):
        DISK.remove(path / MANIFEST_FILE)
        DISK.sync_folder(path)
        for file in path.iterdir():
            DISK.remove(file)
        path.rmdir()
