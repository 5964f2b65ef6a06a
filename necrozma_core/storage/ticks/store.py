"""Ticks at rest: ``<data>/<PAIR>/<year>-<hash>.parquet``, and a manifest that says which of them count.

A year's file is named by its content and never changed. An import writes new ones and then replaces the manifest:
that one rename makes everything it brings visible at once, and whatever dies before it leaves the old data.
"""

import hashlib
import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final, TypeVar

from necrozma_core.errors import DamagedError, DataError, LockedError
from necrozma_core.market.instruments import PAIRS, get_pair
from necrozma_core.market.ticks import Ticks
from necrozma_core.storage.disk.errors import disk_errors
from necrozma_core.storage.disk.layer import DISK, FileLayer
from necrozma_core.storage.disk.lock import lock_results
from necrozma_core.storage.disk.publish import make_folder
from necrozma_core.storage.ticks.manifest import (
    MANIFEST_FILE,
    PairSummary,
    Source,
    StoredSource,
    TickManifest,
    YearFile,
)
from necrozma_core.storage.ticks.reading import MissingFileError, check_hash, check_size, read_pieces, read_years
from necrozma_core.storage.ticks.spans import check_fit, check_segment, cut_sources, in_order
from necrozma_core.storage.ticks.spooling import AddedSpan, HeldSpan
from necrozma_core.storage.ticks.writing import cut_years, join, remove_others, write_years

T = TypeVar("T")

_READ_TRIES: Final = 3


class TickStore:
    """The ticks of a data folder.

    Parameters
    ----------
    data_dir : Path
        One folder a pair; need not exist yet.
    files : FileLayer
        How the disk is written; tests put a failing one in its place.
    """

    def __init__(self, data_dir: Path, *, files: FileLayer = DISK) -> None:
        self.data_dir = data_dir
        self._files = files

    def pairs(self) -> list[str]:
        """Return the names of the pairs that have ticks, sorted; none where the folder is missing."""
        return [name for name in sorted(PAIRS) if (self.data_dir / name / MANIFEST_FILE).exists()]

    def manifest(self, pair_name: str) -> TickManifest:
        """Return what is recorded of a pair.

        Raises
        ------
        UnknownPairError
            For a name that the instrument table does not hold.
        DataError
            The pair has no ticks here.
        DamagedError
            The record is not what was published.
        """
        folder = self.data_dir / get_pair(pair_name).name
        if not (folder / MANIFEST_FILE).exists():
            raise no_ticks_error(self.data_dir, pair_name)
        return TickManifest.read(folder)

    def fingerprint(self, pair_name: str, until_ms: int | None = None) -> str:
        """Name a pair's ticks by their content, without reading them.

        Parameters
        ----------
        pair_name : str
        until_ms : int, optional
            Only ticks before this time, milliseconds since 1970 UTC, count; those of the same year may.

        Returns
        -------
        str
            sha256, 64 hex digits, over the recorded hashes of the years' files.

        Raises
        ------
        DataError
            The pair has no ticks here.
        DamagedError
            A file is gone or has another size.
        """
        manifest = self.manifest(pair_name).until(until_ms)
        for year in manifest.years:
            check_size(self.data_dir / manifest.pair, year)
        return manifest.fingerprint()

    def summary(self, pair_name: str) -> PairSummary:
        """Describe one pair's ticks, from its manifest alone; errors as `manifest`."""
        return self.manifest(pair_name).summary()

    def summaries(self) -> list[PairSummary]:
        """Describe every pair's ticks, in order of name; instant, whatever their number."""
        return [self.summary(name) for name in self.pairs()]

    def read(self, pair_name: str, on_chunk: Callable[[int], None] | None = None, until_ms: int | None = None) -> Ticks:
        """Read all years of a pair, each file compared with its hash before it is parsed.

        Parameters
        ----------
        pair_name : str
        on_chunk : callable, optional
            Called every few milliseconds of work with the number of ticks read so far; may wait.
        until_ms : int, optional
            The time, milliseconds since 1970 UTC, before which all ticks are wanted; years that begin later are not
            read.

        Returns
        -------
        Ticks
            Oldest first, in the digits of the finest year that is read. The arrays are all that is held, but for one
            year's file while it is read.

        Raises
        ------
        DataError
            The pair has no ticks here.
        DamagedError
            A file is gone or is not what was stored.
        StorageError
            A file cannot be read.
        """
        return self._with_current(
            pair_name, lambda folder, manifest: read_years(folder, manifest.until(until_ms), on_chunk)
        )

    def scan(
        self,
        pair_name: str,
        work: Callable[[TickManifest, Iterator[Ticks]], T],
        on_chunk: Callable[[int], None] | None = None,
        until_ms: int | None = None,
    ) -> T:
        """Let ``work`` go through all ticks of a pair piece by piece, each file compared with its hash first.

        Parameters
        ----------
        pair_name : str
        work : callable
            Gets the pair's record and its ticks, oldest first, in the digits of the finest year; each piece is gone
            with the next. Called again from the start where an import replaced a file meanwhile.
        on_chunk, until_ms
            As for `read`, which says what is raised too.

        Returns
        -------
        object
            What ``work`` returned.
        """
        return self._with_current(
            pair_name,
            lambda folder, whole: work(manifest := whole.until(until_ms), read_pieces(folder, manifest, on_chunk)),
        )

    def scan_years(self, pair_name: str, work: Callable[[TickManifest, Callable[[YearFile], Iterator[Ticks]]], T]) -> T:
        """Let ``work`` read those years of a pair that it wants, each by itself and in its own digits.

        Parameters
        ----------
        pair_name : str
        work : callable
            Gets the pair's record, and what goes through the ticks of a year piece by piece, each of which is gone with
            the next. Called again from the start where an import replaced a file meanwhile.

        Returns
        -------
        object
            What ``work`` returned.
        """
        return self._with_current(
            pair_name,
            lambda folder, manifest: work(
                # Who looks at ticks has no other need of the compiler, which takes longer to load than this to read.
                manifest,
                lambda year: read_pieces(folder, TickManifest(manifest.pair, (year,)), compiled=False),
            ),
        )

    def verify(self, pair_name: str) -> None:
        """Compare all files of a pair with their hashes; errors as `read`."""

        def compare(folder: Path, manifest: TickManifest) -> None:
            for year in manifest.years:
                check_hash(folder, year)

        self._with_current(pair_name, compare)

    def _with_current(self, pair_name: str, read: Callable[[Path, TickManifest], T]) -> T:
        for _ in range(_READ_TRIES):
            manifest = self.manifest(pair_name)
            try:
                return read(self.data_dir / manifest.pair, manifest)
            except MissingFileError:
                # An import may have replaced the file since the manifest was read.
                if self.manifest(pair_name) == manifest:
                    raise
        raise DamagedError(f"{self.data_dir / pair_name}: changed while it was read; wait for the import to end")

    def holds(self, pair_name: str, source: Source) -> bool:
        """Tell whether a source of the same content, read in the same zone, is stored already."""
        return (source.sha256, source.zone) in self.known(pair_name)

    def known(self, pair_name: str) -> frozenset[tuple[str, str | None]]:
        """Return the hash and the zone of every stored source of a pair, for those who ask about many; else none."""
        return self.manifest(pair_name).known() if pair_name in self.pairs() else frozenset()

    def write(self, ticks: Ticks, source: Source | None = None) -> bool:
        """Add ticks of one source; see `add`. Without a source, the ticks themselves tell whether they are known.

        Returns
        -------
        bool
            False where they were stored already.
        """
        if source is None:
            digest = hashlib.sha256(f"{ticks.pair.name} {ticks.digits}".encode())
            for array in (ticks.time_ms, ticks.bid, ticks.ask):
                digest.update(array.tobytes())
            source = Source("ticks", digest.hexdigest())
        return bool(self.add([(source, ticks)]))

    def add(
        self, segments: Sequence[tuple[Source, Ticks | AddedSpan]], before_publish: Callable[[], None] | None = None
    ) -> list[StoredSource]:
        """Add ticks of one pair to what is stored: all of them or, if anything goes wrong, none.

        Parameters
        ----------
        segments : sequence of (Source, Ticks or AddedSpan)
            In any order. What two of them have both, or what is stored too, is stored once.
        before_publish : callable, optional
            Called once everything is sure but the last rename, for what must be in place when the ticks are.

        Returns
        -------
        list of StoredSource
            Those that were new. A source that is stored already is left out, whatever its ticks.

        Raises
        ------
        DataError
            Two spans overlap, of these or of what is stored, and differ there; a segment is empty or no ticks; prices
            are too large for the decimals that others have.
        LockedError
            Another process adds to the same pair.
        DamagedError
            A year that is to be added to is not what was stored.
        StorageError
            The disk does not take them; what was stored is untouched.
        """
        spans = [(source, _span(source, ticks)) for source, ticks in segments]
        pair = spans[0][1].pair
        folder = self.data_dir / pair.name
        make_folder(folder)
        with _lock(folder):
            stored = pair.name in self.pairs()
            manifest = TickManifest.read(folder) if stored else TickManifest(pair.name)
            known = manifest.known()
            new = [segment for segment in spans if segment[0].identity not in known]
            if not new:
                return []
            parts = join(folder, manifest, new)
            added = [
                StoredSource(
                    source.name,
                    source.sha256,
                    source.zone,
                    sum(map(len, brought)),
                    span.first_ms,
                    span.last_ms,
                    source.swapped,
                )
                for (source, span), brought in zip(new, parts, strict=True)
            ]
            stored_prices = [(year.digits, year.highest) for year in manifest.years]
            check_fit(pair.name, stored_prices + [(span.digits, span.highest) for _, span in new])
            years = write_years(folder, manifest, [part for brought in parts for part in brought], files=self._files)
            if before_publish is not None:
                before_publish()
            TickManifest(pair.name, years, in_order(manifest.sources, added)).publish(folder, files=self._files)
            remove_others(folder, {year.file for year in years}, files=self._files)
        return added

    def remove(self, pair_name: str, from_ms: int | None = None, to_ms: int | None = None) -> int:
        """Remove a pair's ticks in ``[from_ms, to_ms)``, or all of them.

        Parameters
        ----------
        pair_name : str
        from_ms, to_ms : int or None
            Milliseconds since 1970 UTC; None leaves that end open.

        Returns
        -------
        int
            Ticks removed.

        Raises
        ------
        DataError
            The pair has no ticks here.
        LockedError
            An import into the pair is running.
        DamagedError
            A year that has to be cut is not what was stored.
        StorageError
            The disk does not take it; what was stored is untouched.
        """
        folder = self.data_dir / self.manifest(pair_name).pair
        with _lock(folder):
            manifest = self.manifest(pair_name)
            kept = cut_years(folder, manifest, from_ms, to_ms, files=self._files)
            sources = cut_sources(manifest.sources, from_ms, to_ms)
            if kept:
                TickManifest(manifest.pair, kept, sources).publish(folder, files=self._files)
            else:
                with disk_errors("remove", folder / MANIFEST_FILE):
                    self._files.remove(folder / MANIFEST_FILE)
                    self._files.sync_folder(folder)
            remove_others(folder, {year.file for year in kept}, files=self._files)
        return manifest.ticks - sum(year.ticks for year in kept)


def _span(source: Source, ticks: Ticks | AddedSpan) -> AddedSpan:
    if not isinstance(ticks, Ticks):
        return ticks  # it was checked row by row
    check_segment(source, ticks)
    return HeldSpan(ticks)


def no_ticks_error(data_dir: Path, pair_name: str | None = None) -> DataError:
    """Return the error that says that a data folder has no ticks, or none of a pair, and how that changes."""
    # The whole path: a relative one says nothing of where the command was started.
    folder = data_dir.absolute()
    to = shlex.quote(str(folder))
    return DataError(
        f"{folder}: no ticks {f'of {pair_name} ' if pair_name else ''}there; import some with "
        f"`necrozma data import FILES --pair {pair_name or 'EURUSD'} --to {to}` "
        f"or make samples with `necrozma data sample --to {to}`"
    )


@contextmanager
def _lock(folder: Path) -> Iterator[None]:
    with ExitStack() as stack:
        try:
            stack.enter_context(lock_results(folder))
        except LockedError as error:
            raise LockedError(f"{folder}: another import into it is running; wait for it to end") from error
        yield
