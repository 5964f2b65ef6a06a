"""Ticks at rest: ``<data>/<PAIR>/<year>-<hash>.parquet``, and a manifest that says which of them count.

A year's file is named by its content and never changed. An import writes new ones and then replaces the manifest:
that one rename makes everything it brings visible at once, and whatever dies before it leaves the old data.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final, TypeVar

import numpy as np

from necrozma_core.errors import DamagedError, DataError, LockedError
from necrozma_core.market.instruments import PAIRS, get_pair
from necrozma_core.market.ticks import Ticks, check_ticks
from necrozma_core.storage.disk.errors import disk_errors
from necrozma_core.storage.disk.layer import DISK, FileLayer
from necrozma_core.storage.disk.lock import lock_results
from necrozma_core.storage.disk.publish import make_folder, publish_bytes
from necrozma_core.storage.ticks.encoding import decode_groups, decode_ticks, encode_ticks
from necrozma_core.storage.ticks.manifest import (
    MANIFEST_FILE,
    PairSummary,
    Source,
    StoredSource,
    TickManifest,
    YearFile,
    is_year_file,
)
from necrozma_core.storage.ticks.spans import (
    allocate,
    by_year,
    check_fit,
    check_segment,
    describe,
    in_order,
    merge,
    part_of,
)
from necrozma_core.storage.ticks.summary import count_spreads, find_gaps

T = TypeVar("T")

_HASH_BLOCK: Final = 8 * 2**20
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
        return [name for name in sorted(PAIRS) if (self.data_dir / name / MANIFEST_FILE).is_file()]

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
        if not (folder / MANIFEST_FILE).is_file():
            raise DataError(
                f"{self.data_dir}: no ticks of {pair_name}; bring some with `necrozma data import` "
                "or make some with `necrozma data sample`"
            )
        return TickManifest.read(folder)

    def fingerprint(self, pair_name: str) -> str:
        """Name a pair's ticks by their content, without reading them.

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
        manifest = self.manifest(pair_name)
        for year in manifest.years:
            self._check_size(manifest.pair, year)
        return manifest.fingerprint()

    def summary(self, pair_name: str) -> PairSummary:
        """Describe one pair's ticks, from its manifest alone; errors as `manifest`."""
        return self.manifest(pair_name).summary()

    def summaries(self) -> list[PairSummary]:
        """Describe every pair's ticks, in order of name; instant, whatever their number."""
        return [self.summary(name) for name in self.pairs()]

    def read(self, pair_name: str, verify: bool = True, on_chunk: Callable[[int], None] | None = None) -> Ticks:
        """Read all years of a pair.

        Parameters
        ----------
        pair_name : str
        verify : bool
            Compare each file with its hash before it is parsed. Without it the ticks are checked one by one for
            what ticks must be, which does not notice a changed price.
        on_chunk : callable, optional
            Called every few milliseconds of work with the number of ticks read so far; may wait.

        Returns
        -------
        Ticks
            Oldest first, in the digits of the finest year. The arrays are all that is held, but for one year's
            file while it is read.

        Raises
        ------
        DataError
            The pair has no ticks here.
        DamagedError
            A file is gone or is not what was stored.
        StorageError
            A file cannot be read.
        """
        return self._with_current(pair_name, lambda manifest: self._read(manifest, verify, on_chunk))

    def scan(
        self,
        pair_name: str,
        work: Callable[[TickManifest, Iterator[Ticks]], T],
        on_chunk: Callable[[int], None] | None = None,
    ) -> T:
        """Let ``work`` go through all ticks of a pair piece by piece, each file compared with its hash first.

        Parameters
        ----------
        pair_name : str
        work : callable
            Gets the pair's record and its ticks, oldest first, in the digits of the finest year; each piece is gone
            with the next. Called again from the start where an import replaced a file meanwhile.
        on_chunk : callable, optional
            As for `read`, which says what is raised too.

        Returns
        -------
        object
            What ``work`` returned.
        """
        return self._with_current(pair_name, lambda manifest: work(manifest, self._pieces(manifest, on_chunk)))

    def _with_current(self, pair_name: str, read: Callable[[TickManifest], T]) -> T:
        for _ in range(_READ_TRIES):
            manifest = self.manifest(pair_name)
            try:
                return read(manifest)
            except _MissingFileError:
                # An import may have replaced the file since the manifest was read.
                if self.manifest(pair_name) == manifest:
                    raise
        raise DamagedError(f"{self.data_dir / pair_name}: changed while it was read; wait for the import to end")

    def _pieces(self, manifest: TickManifest, on_chunk: Callable[[int], None] | None) -> Iterator[Ticks]:
        pair, digits, end = get_pair(manifest.pair), manifest.digits, 0
        for year in manifest.years:
            factor = np.int32(10 ** (digits - year.digits))
            content = self._content(manifest.pair, year, True, on_chunk)
            with self._decoding(manifest.pair, year):
                for piece in decode_groups(content, pair, year.digits, year.ticks):
                    end += len(piece)
                    if on_chunk is not None:
                        on_chunk(end)
                    if factor > 1:
                        for prices in (piece.bid, piece.ask):
                            np.multiply(prices, factor, out=prices)
                    yield Ticks(pair, digits, piece.time_ms, piece.bid, piece.ask)

    def holds(self, pair_name: str, source: Source) -> bool:
        """Tell whether a source of the same content, read in the same zone, is stored already."""
        return pair_name in self.pairs() and self.manifest(pair_name).holds(source)

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
        self, segments: Sequence[tuple[Source, Ticks]], before_publish: Callable[[], None] | None = None
    ) -> list[StoredSource]:
        """Add ticks of one pair to what is stored: all of them or, if anything goes wrong, none.

        Parameters
        ----------
        segments : sequence of (Source, Ticks)
            In any order. Each is a span of its own; two that follow one another may share a millisecond.
        before_publish : callable, optional
            Called once everything is sure but the last rename, for what must be in place when the ticks are.

        Returns
        -------
        list of StoredSource
            Those that were new. A source that is stored already is left out, whatever its ticks.

        Raises
        ------
        DataError
            Two spans overlap, of these or of what is stored; a segment is empty or no ticks; prices are too
            large for the decimals that others have.
        LockedError
            Another process adds to the same pair.
        DamagedError
            A year that is to be added to is not what was stored.
        StorageError
            The disk does not take them; what was stored is untouched.
        """
        pair = segments[0][1].pair
        for source, ticks in segments:
            check_segment(source, ticks)
        folder = self.data_dir / pair.name
        make_folder(folder)
        with _lock(folder):
            stored = pair.name in self.pairs()
            manifest = TickManifest.read(folder) if stored else TickManifest(pair.name)
            new = [segment for segment in segments if not manifest.holds(segment[0])]
            if not new:
                return []
            added = [describe(source, ticks) for source, ticks in new]
            sources = in_order(pair.name, manifest.sources, added)
            stored_prices = [(year.digits, year.highest) for year in manifest.years]
            check_fit(pair.name, stored_prices + [(ticks.digits, int(ticks.ask.max())) for _, ticks in new])
            years = self._write_years(folder, manifest, [ticks for _, ticks in new])
            if before_publish is not None:
                before_publish()
            TickManifest(pair.name, years, sources).publish(folder, files=self._files)
            self._remove_others(folder, {year.file for year in years})
        return added

    def _read(self, manifest: TickManifest, verify: bool, on_chunk: Callable[[int], None] | None) -> Ticks:
        digits = manifest.digits
        ticks = allocate(get_pair(manifest.pair), digits, manifest.ticks)
        end = 0
        for year in manifest.years:
            start, end = end, end + year.ticks
            part = part_of(ticks, slice(start, end), year.digits)
            self._read_year(manifest.pair, year, part, verify, _shifted(on_chunk, start))
            if year.digits < digits:
                for prices in (part.bid, part.ask):
                    np.multiply(prices, 10 ** (digits - year.digits), out=prices)
        if not verify:
            check_ticks(ticks, str(self.data_dir / manifest.pair))
        return ticks

    def _read_year(
        self,
        pair_name: str,
        year: YearFile,
        into: Ticks,
        verify: bool,
        on_rows: Callable[[int], None] | None = None,
        *,
        compiled: bool = True,
    ) -> None:
        content = self._content(pair_name, year, verify, on_rows)
        with self._decoding(pair_name, year):
            decode_ticks(content, into, on_rows, compiled=compiled)

    def _content(self, pair_name: str, year: YearFile, verify: bool, on_rows: Callable[[int], None] | None) -> bytes:
        path = self._check_size(pair_name, year)
        with disk_errors("read", path):
            content = path.read_bytes()
        # These very bytes are hashed, then parsed: a file could change between two readings.
        if verify:
            digest = hashlib.sha256()
            for start in range(0, len(content), _HASH_BLOCK):
                digest.update(memoryview(content)[start : start + _HASH_BLOCK])
                if on_rows is not None:
                    on_rows(0)
            if digest.hexdigest() != year.sha256:
                raise _damaged(path, f"sha256 {year.sha256[:12]}...", f"{digest.hexdigest()[:12]}...")
        return content

    @contextmanager
    def _decoding(self, pair_name: str, year: YearFile) -> Iterator[None]:
        try:
            yield
        except ValueError as error:
            raise _damaged(self.data_dir / pair_name / year.file, f"{year.ticks} ticks", str(error)) from error

    def _check_size(self, pair_name: str, year: YearFile) -> Path:
        path = self.data_dir / pair_name / year.file
        if not path.is_file():
            raise _MissingFileError(f"{path}: missing; restore it, or remove {path.parent} and import its files again")
        with disk_errors("read", path):
            size = path.stat().st_size
        if size != year.size:
            raise _damaged(path, f"{year.size} bytes", f"{size}")
        return path

    def _write_years(self, folder: Path, manifest: TickManifest, new: Sequence[Ticks]) -> tuple[YearFile, ...]:
        years = {year.year: year for year in manifest.years}
        pieces: dict[int, list[Ticks]] = {}
        for ticks in new:
            for year, part in by_year(ticks):
                pieces.setdefault(year, []).append(part)
        for year, parts in pieces.items():
            if year in years:
                parts.append(self._stored_year(manifest.pair, years[year]))
            years[year] = self._write_year(folder, year, merge(parts))
            parts.clear()
        return tuple(years[year] for year in sorted(years))

    def _stored_year(self, pair_name: str, year: YearFile) -> Ticks:
        ticks = allocate(get_pair(pair_name), year.digits, year.ticks)
        # An import has no other need of the compiler, which takes longer to load than this to read.
        self._read_year(pair_name, year, ticks, verify=True, compiled=False)
        return ticks

    def _write_year(self, folder: Path, year: int, ticks: Ticks) -> YearFile:
        content = encode_ticks(ticks)
        name = f"{year:04}-{hashlib.sha256(content).hexdigest()[:12]}.parquet"
        published = publish_bytes(folder / name, content, files=self._files)
        gaps, longest_gap_ms = find_gaps(ticks.time_ms)
        return YearFile(
            year=year,
            file=name,
            size=published.size,
            sha256=published.sha256,
            ticks=len(ticks),
            digits=ticks.digits,
            highest=int(ticks.ask.max()),
            first_ms=int(ticks.time_ms[0]),
            last_ms=int(ticks.time_ms[-1]),
            gaps=gaps,
            longest_gap_ms=longest_gap_ms,
            spreads=count_spreads(ticks.bid, ticks.ask),
        )

    def _remove_others(self, folder: Path, current: set[str]) -> None:
        """Remove years that the manifest no longer names, and what a killed import left behind."""
        for path in folder.iterdir():
            if is_year_file(path.name) and path.name not in current:
                # The import is done; a file too many only takes space, and the next one tries again.
                with suppress(OSError):
                    self._files.remove(path)


class _MissingFileError(DamagedError):
    """A year's file that the manifest names is not there."""


def _damaged(path: Path, expected: str, found: str) -> DamagedError:
    return DamagedError(
        f"{path}: expected {expected}, found {found}; restore it, or remove {path.parent} and import its files again"
    )


@contextmanager
def _lock(folder: Path) -> Iterator[None]:
    with ExitStack() as stack:
        try:
            stack.enter_context(lock_results(folder))
        except LockedError as error:
            raise LockedError(f"{folder}: another import into it is running; wait for it to end") from error
        yield


def _shifted(on_chunk: Callable[[int], None] | None, start: int) -> Callable[[int], None] | None:
    return None if on_chunk is None else lambda rows: on_chunk(start + rows)
