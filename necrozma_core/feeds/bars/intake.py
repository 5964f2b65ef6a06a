"""Files of bars into the store: read, checked, both sides put together, and published together or not at all."""

import hashlib
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from operator import attrgetter
from pathlib import Path
from typing import Final

from necrozma_core.errors import DataError, UsageError, not_a_file
from necrozma_core.feeds.bars.doubts import check_bar_level
from necrozma_core.feeds.bars.grid import find_timeframe
from necrozma_core.feeds.bars.quoting import join_sides, quote, scale_down
from necrozma_core.feeds.bars.reports import Aside, BarImportReport, Segment, describe_import
from necrozma_core.feeds.bars.rows import BadRow, BarSieve, FeedBars
from necrozma_core.feeds.bars.sides import BOTH, Side, Spread, name_without_side, no_spread_error, side_in_name
from necrozma_core.feeds.bars.sources import open_bars
from necrozma_core.feeds.formats.bars.layout import BarLayout
from necrozma_core.feeds.formats.registry import ReadOptions
from necrozma_core.feeds.quarantine import open_quarantine
from necrozma_core.feeds.reading.crossed import Crossed
from necrozma_core.feeds.reading.zones import split_zone
from necrozma_core.market.instruments import Pair, get_pair
from necrozma_core.market.timeframes import format_timeframe
from necrozma_core.storage.bars.manifest import BarSource
from necrozma_core.storage.bars.store import BarStore, check_spread
from necrozma_core.storage.disk.layer import DISK, FileLayer
from necrozma_core.storage.disk.publish import sha256_of


@dataclass(frozen=True, slots=True, eq=False)
class _Read:
    """A file that was read."""

    path: Path
    layout: BarLayout
    bars: FeedBars
    timeframe_ms: int
    aside: Aside | None


def import_bars(
    files: Sequence[Path],
    pair_name: str,
    data_dir: Path,
    *,
    spread: Spread | None = None,
    side: Side | None = None,
    quarantine_share: float = 0.0,
    options: ReadOptions | None = None,
    now_ns: Callable[[], int] = time.time_ns,
    disk: FileLayer = DISK,
) -> BarImportReport:
    """Read files of bars and store what is in them; all of a timeframe or nothing.

    Parameters
    ----------
    files : sequence of Path
        Of any known format, in any order. Two of one name but for ``bid`` and ``ask`` in it are two sides of the same
        bars.
    pair_name : str
    data_dir : Path
        Made if it is missing.
    spread : Spread, optional
        Of files that have one side.
    side : Side, optional
        Which side that is; without it the names tell, and bid is what nothing speaks against.
    quarantine_share : float
        The share of a file's rows, below 1, that may be set aside in ``<data>/<PAIR>/quarantine/`` because they are
        bad by themselves. With 0 one bad row refuses everything.
    options : ReadOptions, optional
        What the files do not say themselves.
    now_ns : callable
        The clock: nanoseconds since 1970.
    disk : FileLayer
        How the disk is written.

    Raises
    ------
    UsageError
        A file is missing, or the zone, format or pair is unknown.
    DataError
        A file is of no known layout, has bad rows or one side without a spread, or differs from what is stored.
    LockedError
        Another import into the same bars is running.
    StorageError
        The disk does not answer; what was stored is untouched.
    """
    options = options or ReadOptions()
    options.check()
    if options.zone is not None:
        split_zone(options.zone)
    if not files:
        raise UsageError("expected at least one file to import")
    store = BarStore(data_dir, files=disk)
    run = _Import(get_pair(pair_name), options, spread, side, quarantine_share, now_ns(), store, disk)
    for group in _groups(files, side):
        run.take(group)
    return run.publish()


@dataclass(slots=True)
class _Import:
    """An import under way: what was read so far."""

    pair: Pair
    options: ReadOptions
    spread: Spread | None
    side: Side | None
    quarantine_share: float
    now_ns: int
    store: BarStore
    disk: FileLayer
    segments: list[Segment] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)
    formats: dict[str, str] = field(default_factory=dict)

    def take(self, paths: tuple[Path, ...]) -> None:
        """Read a file, or those of a bid and its ask."""
        source = self._source(paths)
        if self._is_known(source):
            self.known += [path.name for path in paths]
            return
        read = [found for path in paths if (found := self._read(path)) is not None]
        if len(read) == len(paths) == len(_SIDES):
            self.segments.append(self._joined(source, *read))
        elif len(read) == 1 and len(paths) == 1:
            self.segments.append(self._completed(source, read[0]))
        elif read:
            raise DataError(f"{read[0].path}: the file of its other side is empty; get it again")

    def _is_known(self, source: BarSource) -> bool:
        """Tell whether a source was named twice, or is stored already; with the spread that is asked for now.

        Raises
        ------
        DataError
            It is stored with another spread.
        """
        # Only its rows tell whether a single file has both sides.
        either = (source, replace(source, side=BOTH))
        if any(segment.source in either for segment in self.segments):
            return True
        for timeframe_ms in self.store.timeframes(self.pair.name):
            for held in either:
                if self.store.holds(self.pair.name, timeframe_ms, held):
                    if held.side != BOTH and self.spread is not None:
                        check_spread(self.store.manifest(self.pair.name, timeframe_ms), str(self.spread))
                    return True
        return False

    def publish(self) -> BarImportReport:
        """Store what was read."""
        found = []
        if not self.segments and not self.known:
            raise DataError(f"{self.empty[0]}: expected bars of {self.pair.name}, found none in any file")
        for timeframe_ms in sorted({segment.bars.timeframe_ms for segment in self.segments}):
            of_it = [segment for segment in self.segments if segment.bars.timeframe_ms == timeframe_ms]
            spreads = sorted({segment.spread for segment in of_it})
            if len(spreads) > 1:
                name = format_timeframe(timeframe_ms)
                raise DataError(
                    f"{self.pair.name}: bars of {name} with the spreads {' and '.join(spreads)}: import them into "
                    "folders of their own"
                )
            added = self.store.add(
                [(segment.source, segment.bars) for segment in of_it],
                spreads[0],
                before_publish=partial(self._set_aside, of_it),
            )
            found.append(describe_import(of_it, sum(source.bars for source in added), self.options.zone))
        return BarImportReport(self.pair.name, tuple(found), tuple(self.known), tuple(self.empty), self.formats)

    def _set_aside(self, segments: Sequence[Segment]) -> None:
        """Write the bad rows of files, each to its own."""
        for aside in (aside for segment in segments for aside in segment.aside):
            with open_quarantine(aside.path, files=self.disk) as quarantine:
                quarantine.start(aside.header)
                for bad in aside.rows:
                    quarantine.add(bad.row, bad.reason, bad.fields)
                quarantine.publish()

    def _source(self, paths: tuple[Path, ...]) -> BarSource:
        for path in paths:
            if found := not_a_file(path):
                raise UsageError(f"{path}: {found}; expected a file of bars")
        digests = [sha256_of(path) for path in paths]
        if len(paths) == 1:
            return BarSource(paths[0].name, digests[0], self.options.zone, self._side_of(paths[0]))
        digest = hashlib.sha256(" ".join(digests).encode()).hexdigest()
        return BarSource(" and ".join(path.name for path in paths), digest, self.options.zone, BOTH)

    def _side_of(self, path: Path) -> Side:
        return self.side or side_in_name(path) or Side.BID

    def _read(self, path: Path) -> _Read | None:
        """Read one file; None where it has no rows."""
        with open_bars(path, self.pair, self.options) as opened:
            layout = opened.layout
            sieve = BarSieve(str(path), layout, self.now_ns, self.quarantine_share)
            bars = sieve.sift(opened.batches)
        if not len(bars):
            self.empty.append(path.name)
            return None
        if layout.format not in {described.partition(":")[0] for described in self.formats.values()}:
            self.formats[path.name] = f"{layout.format}: {layout.reason}"
        aside = self._aside(path, layout, sieve.aside) if sieve.aside else None
        return _Read(path, layout, bars, find_timeframe(bars.time_ms, bars.row, str(path)), aside)

    def _aside(self, path: Path, layout: BarLayout, rows: Sequence[BadRow]) -> Aside:
        name = f"{path.name.partition('.')[0]}-{sha256_of(path)[:8]}.csv"
        target = self.store.data_dir / self.pair.name / QUARANTINE_FOLDER / name
        return Aside(target, layout.header, tuple(sorted(rows, key=attrgetter("row"))))

    def _completed(self, source: BarSource, read: _Read) -> Segment:
        """Return both sides of a file that has both, or one and a spread."""
        side = self._side_of(read.path)
        if not read.layout.has_both_sides and self.spread is None:
            raise no_spread_error(str(read.path), side, read.bars.spread is not None)
        crossed = Crossed(self.options.crossed)
        quoted = quote(read.bars, read.layout, self.pair, read.timeframe_ms, side, self.spread, str(read.path), crossed)
        check_bar_level(quoted.bars, str(read.path))
        spread = BOTH if read.layout.has_both_sides else str(self.spread)
        if read.layout.has_both_sides:
            source = replace(source, side=BOTH)
        notes = (*_notes(read, self.pair), *quoted.notes)
        return Segment(source, (read.path.name,), quoted.bars, spread, notes, _present(read.aside))

    def _joined(self, source: BarSource, bid: _Read, ask: _Read) -> Segment:
        """Return the bars of a bid's file and its ask's."""
        names = str(bid.path), str(ask.path)
        if whole := next((read.path for read in (bid, ask) if read.layout.has_both_sides), None):
            raise DataError(
                f"{whole}: has bid and ask itself, and {names[0]} and {names[1]} are named as its two sides"
            )
        if bid.timeframe_ms != ask.timeframe_ms:
            both = " and ".join(format_timeframe(read.timeframe_ms) for read in (bid, ask))
            raise DataError(f"{names[0]} and {names[1]}: expected bars of one timeframe, found {both}")
        joined = join_sides(bid.bars, ask.bars, self.pair, bid.timeframe_ms, names, Crossed(self.options.crossed))
        check_bar_level(joined.bars, names[0])
        notes = (*_notes(bid, self.pair), *_notes(ask, self.pair), *joined.notes)
        aside = _present(bid.aside, ask.aside)
        return Segment(source, (bid.path.name, ask.path.name), joined.bars, BOTH, notes, aside)


_SIDES: Final = (Side.BID, Side.ASK)
QUARANTINE_FOLDER: Final = "quarantine"


def _groups(files: Sequence[Path], side: Side | None) -> Iterable[tuple[Path, ...]]:
    """Put the files of a bid and its ask together, bid first; the others stay alone."""
    if side is not None:
        return [(path,) for path in files]
    groups: dict[str, dict[Side, Path]] = {}
    alone = []
    for path in files:
        found = side_in_name(path)
        of_name = groups.setdefault(name_without_side(path), {}) if found else {}
        if found is None or found in of_name:
            alone.append((path,))
        else:
            of_name[found] = path
    together = [tuple(found[side] for side in _SIDES if side in found) for found in groups.values()]
    return [*together, *alone]


def _present(*asides: Aside | None) -> tuple[Aside, ...]:
    return tuple(aside for aside in asides if aside is not None)


def _notes(read: _Read, pair: Pair) -> Iterable[str]:
    bars = read.bars
    if digits := scale_down(bars, pair):
        points = int(bars.prices[0, 0] // 10**9)
        yield f"prices are whole points: {points} is read as {points / 10**digits:.{digits}f}"
    if bars.rounded:
        yield f"{bars.rounded:,} prices had the dust of binary fractions (1.0850000000000002) and were rid of it"
    if bars.flat:
        yield f"{bars.flat:,} flat bars without volume were left out: nothing was traded in them"
    if read.aside is not None:
        for reason, count in sorted(Counter(bad.reason for bad in read.aside.rows).items()):
            yield f"{count:,} {'row' if count == 1 else 'rows'} set aside in {read.aside.path}: {reason}"
