"""Files of many pairs into the store: read by several processes, each pair stored by itself as soon as it is read.

The same files give the same bytes, whatever the number of processes: what each of them reads is put in order of time
when its pair is stored. An import that is ended at any point leaves whole pairs; run again, it knows by their content
what is stored.
"""

import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from concurrent.futures import Future, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, cast

from pebble import ProcessExpired, ProcessPool

from necrozma_core.errors import DamagedError, NecrozmaError, StorageError, WorkerDiedError, not_a_file
from necrozma_core.feeds.arrival import (
    Arrival,
    Reading,
    is_worth_compiling,
    known_sources,
    read_file,
    size_as_text,
    spool_folder,
)
from necrozma_core.feeds.formats.registry import ReadOptions
from necrozma_core.feeds.intake import ImportReport, store_files
from necrozma_core.market.instruments import get_pair
from necrozma_core.storage.ticks.spooling import TICK_BYTES, TickSpool
from necrozma_core.workers.job import THREADS_ENVIRONMENT
from necrozma_core.workers.spawn import WorkerContext

_WORTH_A_PROCESS: Final = 32 * 2**20
"""Bytes of CSV below which starting processes, a second, takes longer than they save."""

_BUNDLE_BYTES: Final = 4 * 2**20
"""Small files are read together, so that handing them over costs nothing beside reading them."""

_LOOK_S: Final = 0.25


@dataclass(frozen=True, slots=True)
class ImportProgress:
    """How far an import is.

    Attributes
    ----------
    pair : str
        Whose files are waited for.
    files, files_done : int
    size, size_done : int
        Bytes of the files, packed ones as they would be unpacked.
    ticks : int
        Read so far, with those of files that are not read to their end.
    """

    pair: str
    files: int
    files_done: int
    size: int
    size_done: int
    ticks: int


@dataclass(frozen=True, slots=True)
class PairImport:
    """How it went with one pair: a report, or the error for which nothing of it was stored."""

    pair: str
    report: ImportReport | None = None
    error: NecrozmaError | None = None


def import_pairs(
    by_pair: Mapping[str, Sequence[Path]],
    data_dir: Path,
    *,
    quarantine_share: float = 0.0,
    options: ReadOptions | None = None,
    workers: int = 1,
    on_progress: Callable[[ImportProgress], None] | None = None,
) -> Iterator[PairImport]:
    """Import the files of several pairs, each pair all or nothing, whatever happens to the others.

    Parameters
    ----------
    by_pair : mapping of str to sequence of Path
        As `sort_files` makes it.
    data_dir : Path
    quarantine_share, options
        See `necrozma_core.feeds.intake.import_files`.
    workers : int
        Processes that read; at least one. Few files are read in this one.
    on_progress : callable, optional
        Called a few times a second while processes read.

    Yields
    ------
    PairImport
        In the order of the pairs, each once it is stored or has failed.

    Raises
    ------
    UsageError
        The options cannot be.
    StorageError
        The disk does not answer: no other pair would fare better.
    """
    files = [path for paths in by_pair.values() for path in paths]
    sizes = {path: 0 if not_a_file(path) else size_as_text(path) for path in files}
    is_large = is_worth_compiling(sum(sizes.values()))
    readings = [
        Reading(get_pair(name), options or ReadOptions(), quarantine_share, time.time_ns(), is_large)
        for name in by_pair
    ]
    for reading in readings:
        reading.check()
    bundles = {reading.pair.name: list(_bundles(by_pair[reading.pair.name], sizes)) for reading in readings}
    processes = min(workers, sum(map(len, bundles.values()))) if sum(sizes.values()) > _WORTH_A_PROCESS else 0
    with spool_folder(data_dir) as folder, _readers(processes, folder) as read:
        begun = [_begin(reading, bundles[reading.pair.name], data_dir, read) for reading in readings]
        watch = _Watch(folder, sizes, on_progress)
        for reading, of_pair in zip(readings, begun, strict=True):
            yield _finish(reading, of_pair, data_dir, watch)
            watch.forget(reading.pair.name)


def _begin(
    reading: Reading, bundles: Iterable[list[Path]], data_dir: Path, read: "_Read"
) -> "list[tuple[list[Path], Future[list[Arrival]]]]":
    try:
        known = known_sources(data_dir, reading.pair)
    except NecrozmaError as error:
        return [(bundle, _failed(error)) for bundle in bundles]
    return [(bundle, read(bundle, reading, known)) for bundle in bundles]


def _finish(
    reading: Reading,
    bundles: "Sequence[tuple[list[Path], Future[list[Arrival]]]]",
    data_dir: Path,
    watch: "_Watch",
) -> PairImport:
    name = reading.pair.name
    arrivals: list[Arrival] = []
    try:
        for bundle, future in bundles:
            watch.wait_for(name, bundle, future)
            arrivals += _result(bundle, future)
        watch.ticks += sum(len(arrival.span) for arrival in arrivals if arrival.span is not None)
        return PairImport(name, report=store_files(arrivals, reading, data_dir))
    except NecrozmaError as error:
        for bundle, future in bundles:
            future.cancel()
            watch.done.update(bundle)
        if isinstance(error, StorageError) and not isinstance(error, DamagedError):
            raise
        return PairImport(name, error=error)


def _result(bundle: Sequence[Path], future: "Future[list[Arrival]]") -> list[Arrival]:
    try:
        return future.result()
    except ProcessExpired as error:
        raise WorkerDiedError(
            f"{bundle[0]}: the process that read it ended (exit code {error.exitcode}); run the import again"
        ) from error


class _Watch:
    """Says how far the import is while it waits.

    Attributes
    ----------
    ticks : int
        Read of pairs whose files are all read.
    done : set of Path
        Files that are read, or will not be.
    """

    def __init__(
        self, folder: Path, sizes: Mapping[Path, int], on_progress: Callable[[ImportProgress], None] | None
    ) -> None:
        self.ticks = 0
        self.done: set[Path] = set()
        self._folder = folder
        self._sizes = sizes
        self._on_progress = on_progress

    def wait_for(self, pair_name: str, bundle: Sequence[Path], future: "Future[list[Arrival]]") -> None:
        """Wait until some files are read."""
        while not wait([future], _LOOK_S).done:
            self._tell(pair_name)
        self.done.update(bundle)
        self._tell(pair_name)

    def forget(self, pair_name: str) -> None:
        """Remove what was read of a pair that is stored; the folder's end removes what a system holds on to."""
        for spool in self._folder.glob(f"{pair_name}-*"):
            with suppress(OSError):
                spool.unlink()

    def _tell(self, pair_name: str) -> None:
        if self._on_progress is None:
            return
        unstored = sum(spool.stat().st_size for spool in self._folder.glob("*-*.ticks")) // TICK_BYTES
        sizes = self._sizes
        self._on_progress(
            ImportProgress(
                pair=pair_name,
                files=len(sizes),
                files_done=len(self.done),
                size=sum(sizes.values()),
                size_done=sum(sizes[path] for path in self.done),
                ticks=self.ticks + unstored,
            )
        )


_Read = Callable[[list[Path], Reading, Set[tuple[str, str | None]]], "Future[list[Arrival]]"]


@contextmanager
def _readers(processes: int, folder: Path) -> Iterator[_Read]:
    """Hold processes that read, or with 0 read here; they end with the block, however it ends."""
    if not processes:
        try:
            yield partial(_read_here, folder)
        finally:
            _close_spools()
        return
    # Pebble asks for a context of Unix alone, and takes any.
    pool = ProcessPool(max_workers=processes, context=cast(Any, WorkerContext(THREADS_ENVIRONMENT)))

    def read(bundle: list[Path], reading: Reading, known: Set[tuple[str, str | None]]) -> "Future[list[Arrival]]":
        return cast("Future[list[Arrival]]", pool.schedule(read_bundle, args=(folder, bundle, reading, known)))

    try:
        yield read
    finally:
        # What was asked for is read by now, or nobody wants it any more.
        pool.stop()  # type: ignore[no-untyped-call]
        pool.join()


def _read_here(
    folder: Path, bundle: list[Path], reading: Reading, known: Set[tuple[str, str | None]]
) -> "Future[list[Arrival]]":
    future: Future[list[Arrival]] = Future()
    try:
        future.set_result(read_bundle(folder, bundle, reading, known))
    except NecrozmaError as error:
        return _failed(error)
    return future


def _failed(error: NecrozmaError) -> "Future[list[Arrival]]":
    future: Future[list[Arrival]] = Future()
    future.set_exception(error)
    return future


def _bundles(paths: Sequence[Path], sizes: Mapping[Path, int]) -> Iterator[list[Path]]:
    """Put small files together, in their order."""
    bundle: list[Path] = []
    size = 0
    for path in paths:
        if bundle and size + sizes[path] > _BUNDLE_BYTES:
            yield bundle
            bundle, size = [], 0
        bundle.append(path)
        size += sizes[path]
    if bundle:
        yield bundle


_spools: dict[tuple[Path, str], TickSpool] = {}
"""The spool into which this process reads, by folder and pair: at most one."""


def read_bundle(
    folder: Path, bundle: list[Path], reading: Reading, known: Set[tuple[str, str | None]]
) -> list[Arrival]:
    """Read some files of a pair, in a process of the import or in the one that asks; errors as `read_file`."""
    key = folder, reading.pair.name
    if key not in _spools:
        # Pairs are read one after the other: what is left open would keep the disk's space.
        _close_spools()
        _spools[key] = TickSpool(folder / f"{reading.pair.name}-{secrets.token_hex(8)}.ticks")
    return [read_file(path, reading, known, _spools[key]) for path in bundle]


def _close_spools() -> None:
    while _spools:
        _spools.popitem()[1].close()
