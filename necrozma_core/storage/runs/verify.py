"""Read everything at rest in a results folder against its hash, and remove what is damaged so that it is made anew."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from necrozma_core.errors import StorageError
from necrozma_core.storage.disk.errors import disk_errors
from necrozma_core.storage.disk.layer import DISK
from necrozma_core.storage.disk.lock import ResultsLock
from necrozma_core.storage.disk.parquet import read_bytes
from necrozma_core.storage.results.store import COMMIT_FILE, ResultStore
from necrozma_core.storage.results_folder import ResultsFolder
from necrozma_core.storage.runs.folder import RunFolder
from necrozma_core.storage.runs.listing import run_folders
from necrozma_core.storage.runs.manifest import MANIFEST_FILE, Manifest, PairState, read_manifest


@dataclass(frozen=True, slots=True)
class Damage:
    """Something at rest that is not what was published.

    Attributes
    ----------
    path : Path
        The file, or the folder of an entry that is gone.
    reason : str
        One line.
    pair, key : str or None
        The entry of the store it belongs to, or
    run : str or None
        the run.
    """

    path: Path
    reason: str
    pair: str | None = None
    key: str | None = None
    run: str | None = None


def verify_results(results: Path) -> list[Damage]:
    """Read every entry and every run of a results folder against its hashes.

    Returns
    -------
    list of Damage
        Empty where all is well. What was never committed is no damage: nobody was told that it is there.

    Raises
    ------
    StorageError
        The folder itself cannot be read.
    """
    store = ResultsFolder(results).store
    return [*_verify_runs(results, store), *verify_store(store)]


def verify_store(store: ResultStore) -> list[Damage]:
    """Read every committed entry against its hashes; see `verify_results`."""
    damages = []
    for pair, key in store.entries():
        folder = store.folder(pair, key)
        if not (folder / COMMIT_FILE).exists():
            continue
        try:
            store.check(pair, key)
        except StorageError as error:
            damages.append(Damage(folder, str(error), pair=pair, key=key))
    return damages


def remove_damaged(lock: ResultsLock, damages: list[Damage]) -> None:
    """Remove what is damaged: entries whole, so that the next run computes them, and files of runs.

    A manifest that cannot be trusted is set aside as ``manifest.json.damaged``, since nothing can make it anew.

    Raises
    ------
    StorageError
        Something cannot be removed.
    """
    store = ResultsFolder(lock.folder).store
    for damage in damages:
        if damage.pair is not None and damage.key is not None:
            store.remove(damage.pair, damage.key)
            continue
        if damage.path.name != MANIFEST_FILE:
            RunFolder.open(lock.folder, damage.path.parent.name).forget(damage.path.name)
            continue
        with disk_errors("set aside", damage.path):
            DISK.rename(damage.path, damage.path.with_name(f"{MANIFEST_FILE}.damaged"))


def _verify_runs(results: Path, store: ResultStore) -> Iterator[Damage]:
    for path in run_folders(results):
        try:
            manifest = read_manifest(path)
        except StorageError as error:
            yield Damage(path / MANIFEST_FILE, str(error), run=path.name)
            continue
        for name, published in manifest.files.items():
            try:
                read_bytes(path / name, published)
            except StorageError as error:
                yield Damage(path / name, str(error), run=path.name)
        yield from _verify_named(manifest, store)


def _verify_named(manifest: Manifest, store: ResultStore) -> Iterator[Damage]:
    for pair in manifest.pairs_in(PairState.COMPUTED, PairState.REUSED):
        key = manifest.pairs[pair].key
        folder = store.folder(pair, key)
        if not (folder / COMMIT_FILE).exists():
            reason = f"{folder}: run {manifest.run_id} names it and it is gone; run the backtest again"
            yield Damage(folder, reason, pair=pair, key=key, run=manifest.run_id)
