"""Bars at rest: ``<data>/<PAIR>/bars/<timeframe>/``, apart from the pair's ticks.

One file holds all bars of a timeframe; it is named by its content and never changed. An import writes a new one and
then replaces the manifest: that one rename makes everything it brings visible at once, and whatever dies before it
leaves the old bars.
"""

import hashlib
import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from necrozma_core.errors import DamagedError, DataError, LockedError, UsageError
from necrozma_core.market.instruments import PAIRS, get_pair
from necrozma_core.market.quote_bars import QuoteBars
from necrozma_core.market.timeframes import format_timeframe, parse_timeframe
from necrozma_core.storage.bars.encoding import MissingFileError, check_size, encode_bars, read_bars
from necrozma_core.storage.bars.joining import Covered, check_bars, merge, new_bars, part_of
from necrozma_core.storage.bars.manifest import (
    MANIFEST_FILE,
    BarManifest,
    BarSource,
    StoredBarSource,
    cut_sources,
    in_order,
    is_bar_file,
)
from necrozma_core.storage.disk.errors import disk_errors
from necrozma_core.storage.disk.layer import DISK, FileLayer
from necrozma_core.storage.disk.lock import lock_results
from necrozma_core.storage.disk.publish import make_folder, publish_bytes

BARS_FOLDER: Final = "bars"

_READ_TRIES: Final = 3


@dataclass(frozen=True, slots=True)
class BarsSummary:
    """What is stored of one pair at one timeframe, from its record alone.

    Attributes
    ----------
    pair : str
    timeframe_ms : int
    bars : int
    digits : int
    first_ms, last_ms : int
        Opening times of the first and the last bar, milliseconds since 1970 UTC.
    spread : str
        Where the spread is from, for people: ``bid and ask``, ``fixed 1 pip``, ``the file's own``.
    size_bytes : int
    """

    pair: str
    timeframe_ms: int
    bars: int
    digits: int
    first_ms: int
    last_ms: int
    spread: str
    size_bytes: int


class BarStore:
    """The bars of a data folder.

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
        """Return the names of the pairs that have bars, sorted; none where the folder is missing."""
        return [name for name in sorted(PAIRS) if self.timeframes(name)]

    def timeframes(self, pair_name: str) -> list[int]:
        """Return the timeframes that a pair has bars of, in milliseconds, the finest first; possibly none."""
        folder = self.data_dir / get_pair(pair_name).name / BARS_FOLDER
        found = []
        if folder.is_dir():
            for path in folder.iterdir():
                with suppress(UsageError):
                    timeframe_ms = parse_timeframe(path.name)
                    if path.name == format_timeframe(timeframe_ms) and (path / MANIFEST_FILE).exists():
                        found.append(timeframe_ms)
        return sorted(found)

    def manifest(self, pair_name: str, timeframe_ms: int) -> BarManifest:
        """Return what is recorded of a pair's bars of one timeframe; errors as `summary`."""
        folder = self._folder(pair_name, timeframe_ms)
        if not (folder / MANIFEST_FILE).exists():
            raise no_bars_error(self.data_dir, pair_name, timeframe_ms)
        return BarManifest.read(folder, pair_name, timeframe_ms)

    def summary(self, pair_name: str, timeframe_ms: int) -> BarsSummary:
        """Describe a pair's bars of one timeframe, from their record alone.

        Raises
        ------
        DataError
            There are none.
        DamagedError
            The record is not what was published.
        """
        record = self.manifest(pair_name, timeframe_ms)
        return BarsSummary(
            pair=record.pair,
            timeframe_ms=record.timeframe_ms,
            bars=record.bars,
            digits=record.digits,
            first_ms=record.first_ms,
            last_ms=record.last_ms,
            spread=record.spread,
            size_bytes=record.size,
        )

    def summaries(self) -> list[BarsSummary]:
        """Describe all bars, in order of the pairs' names, the finest timeframe first."""
        return [self.summary(name, timeframe_ms) for name in self.pairs() for timeframe_ms in self.timeframes(name)]

    def fingerprint(self, pair_name: str, timeframe_ms: int) -> str:
        """Name a pair's bars by their content, without reading them; errors as `summary`."""
        manifest = self.manifest(pair_name, timeframe_ms)
        check_size(self._folder(pair_name, timeframe_ms), manifest)
        return manifest.fingerprint()

    def read(self, pair_name: str, timeframe_ms: int, on_chunk: Callable[[int], None] | None = None) -> QuoteBars:
        """Read a pair's bars of one timeframe, compared with their hash before they are parsed.

        Parameters
        ----------
        pair_name : str
        timeframe_ms : int
        on_chunk : callable, optional
            Called every few milliseconds of work with the number of bars read so far; may wait.

        Raises
        ------
        DataError
            There are none.
        DamagedError
            A file is gone or is not what was stored.
        StorageError
            A file cannot be read.
        """
        folder = self._folder(pair_name, timeframe_ms)
        for _ in range(_READ_TRIES):
            manifest = self.manifest(pair_name, timeframe_ms)
            try:
                return read_bars(folder, manifest, on_chunk)
            except MissingFileError:
                # An import may have replaced the file since the manifest was read.
                if self.manifest(pair_name, timeframe_ms) == manifest:
                    raise
        raise DamagedError(f"{folder}: changed while it was read; wait for the import to end")

    def holds(self, pair_name: str, timeframe_ms: int, source: BarSource) -> bool:
        """Tell whether a source of the same content, read in the same way, is stored already."""
        return timeframe_ms in self.timeframes(pair_name) and self.manifest(pair_name, timeframe_ms).holds(source)

    def add(
        self,
        segments: Sequence[tuple[BarSource, QuoteBars]],
        spread: str,
        before_publish: Callable[[], None] | None = None,
    ) -> list[StoredBarSource]:
        """Add bars of one pair and timeframe to what is stored: all of them or, if anything goes wrong, none.

        Parameters
        ----------
        segments : sequence of (BarSource, QuoteBars)
            At least one, in any order. What two of them have both, or what is stored too, is stored once.
        spread : str
            Where the spread is from; what is stored has the same.
        before_publish : callable, optional
            Called once everything is sure but the last rename, for what must be in place when the bars are.

        Returns
        -------
        list of StoredBarSource
            Those that were new. A source that is stored already is left out, whatever its bars.

        Raises
        ------
        DataError
            Two spans overlap, of these or of what is stored, and differ there; the spread is from elsewhere; a segment
            is empty or no bars; prices are too large for the decimals that others have.
        LockedError
            Another process adds to the same bars.
        DamagedError
            What is to be added to is not what was stored.
        StorageError
            The disk does not take them; what was stored is untouched.
        """
        pair_name, timeframe_ms = segments[0][1].pair.name, segments[0][1].timeframe_ms
        for source, bars in segments:
            check_bars(bars, source.name)
        folder = self._folder(pair_name, timeframe_ms)
        make_folder(folder)
        with _lock(folder):
            is_stored = timeframe_ms in self.timeframes(pair_name)
            manifest = BarManifest.read(folder, pair_name, timeframe_ms) if is_stored else None
            if manifest is not None:
                check_spread(manifest, spread)
            new = [segment for segment in segments if manifest is None or not manifest.holds(segment[0])]
            if not new:
                if manifest is not None:
                    self._remove_others(folder, manifest.file)
                return []
            bars, added = _join(new, manifest, read_bars(folder, manifest) if manifest else None)
            sources = in_order(manifest.sources if manifest else (), added)
            self._publish(folder, bars, spread, sources, before_publish)
        return added

    def remove(self, pair_name: str, timeframe_ms: int, from_ms: int | None = None, to_ms: int | None = None) -> int:
        """Remove the bars of one timeframe that open in ``[from_ms, to_ms)``, or all of them.

        Parameters
        ----------
        pair_name : str
        timeframe_ms : int
        from_ms, to_ms : int or None
            Milliseconds since 1970 UTC; None leaves that end open.

        Returns
        -------
        int
            Bars removed.

        Raises
        ------
        DataError
            There are none.
        LockedError
            An import into them is running.
        DamagedError
            What has to be cut is not what was stored.
        StorageError
            The disk does not take it; what was stored is untouched.
        """
        self.manifest(pair_name, timeframe_ms)
        folder = self._folder(pair_name, timeframe_ms)
        limits = np.iinfo(np.int64)
        start = int(limits.min) if from_ms is None else from_ms
        end = int(limits.max) if to_ms is None else to_ms
        with _lock(folder):
            manifest = self.manifest(pair_name, timeframe_ms)
            if from_ms is None and to_ms is None:
                # Damaged bars can be removed too.
                self._remove_all(folder)
                return manifest.bars
            bars = read_bars(folder, manifest)
            left = part_of(bars, (bars.open_time_ms < start) | (bars.open_time_ms >= end))
            if not len(left):
                self._remove_all(folder)
            elif len(left) < len(bars):
                self._publish(folder, left, manifest.spread, cut_sources(manifest.sources, start, end))
        return len(bars) - len(left)

    def _folder(self, pair_name: str, timeframe_ms: int) -> Path:
        return self.data_dir / get_pair(pair_name).name / BARS_FOLDER / format_timeframe(timeframe_ms)

    def _publish(
        self,
        folder: Path,
        bars: QuoteBars,
        spread: str,
        sources: tuple[StoredBarSource, ...],
        before_publish: Callable[[], None] | None = None,
    ) -> None:
        content = encode_bars(bars)
        name = f"{hashlib.sha256(content).hexdigest()[:12]}.parquet"
        published = publish_bytes(folder / name, content, files=self._files)
        manifest = BarManifest(
            pair=bars.pair.name,
            timeframe_ms=bars.timeframe_ms,
            spread=spread,
            file=name,
            size=published.size,
            sha256=published.sha256,
            bars=len(bars),
            digits=bars.digits,
            first_ms=int(bars.open_time_ms[0]),
            last_ms=int(bars.open_time_ms[-1]),
            sources=sources,
        )
        if before_publish is not None:
            before_publish()
        manifest.publish(folder, files=self._files)
        self._remove_others(folder, name)

    def _remove_all(self, folder: Path) -> None:
        with disk_errors("remove", folder / MANIFEST_FILE):
            self._files.remove(folder / MANIFEST_FILE)
            self._files.sync_folder(folder)
        self._remove_others(folder, "")

    def _remove_others(self, folder: Path, current: str) -> None:
        for path in folder.iterdir():
            if is_bar_file(path.name) and path.name != current:
                # The work is done; a file too many only takes space, and the next import tries again.
                with suppress(OSError):
                    self._files.remove(path)


def no_bars_error(data_dir: Path, pair_name: str, timeframe_ms: int) -> DataError:
    """Return the error that says that a data folder has no bars of a pair and timeframe, and how that changes."""
    folder = data_dir.absolute()
    return DataError(
        f"{folder}: no bars of {pair_name} of {format_timeframe(timeframe_ms)} there; import some with "
        f"`necrozma data import FILES --pair {pair_name} --to {shlex.quote(str(folder))}`"
    )


def check_spread(manifest: BarManifest, spread: str) -> None:
    """Refuse bars whose spread is from elsewhere than that of the stored ones.

    Raises
    ------
    DataError
    """
    if manifest.spread != spread:
        timeframe = format_timeframe(manifest.timeframe_ms)
        raise DataError(
            f"{manifest.pair}: the stored bars of {timeframe} have the spread {manifest.spread}, these {spread}; "
            f"import them with the same, or `necrozma data remove {manifest.pair} --timeframe {timeframe}` first"
        )


def _join(
    new: Sequence[tuple[BarSource, QuoteBars]], manifest: BarManifest | None, stored: QuoteBars | None
) -> tuple[QuoteBars, list[StoredBarSource]]:
    """Put new sources to what is stored; errors as `BarStore.add`."""
    sources = manifest.sources if manifest else ()
    covered = [Covered(source.name, source.first_ms, source.last_ms, True) for source in sources]
    known, added = stored, []
    for source, bars in sorted(new, key=lambda segment: segment[1].open_time_ms[[0, -1]].tolist()):
        fresh = new_bars(source, bars, known, sorted(covered, key=lambda span: (span.first_ms, span.last_ms)))
        if len(fresh):
            known = fresh if known is None else merge([known, fresh])
        first_ms, last_ms = int(bars.open_time_ms[0]), int(bars.open_time_ms[-1])
        covered.append(Covered(source.name, first_ms, last_ms, False))
        added.append(
            StoredBarSource(
                source.name, source.sha256, source.zone, source.side, len(fresh), first_ms, last_ms, source.swapped
            )
        )
    assert known is not None, "there is at least one new source"
    check_bars(known, known.pair.name)
    return known, added


@contextmanager
def _lock(folder: Path) -> Iterator[None]:
    with ExitStack() as stack:
        try:
            stack.enter_context(lock_results(folder))
        except LockedError as error:
            raise LockedError(f"{folder}: another import into it is running; wait for it to end") from error
        yield
