"""Files of ticks into the store: read, checked, put in order, and published together or not at all."""

import hashlib
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from necrozma_core.errors import DamagedError, DataError, StorageError, UsageError, not_a_file
from necrozma_core.feeds.formats.registry import ReadOptions, open_source
from necrozma_core.feeds.import_inspection import ImportInspection
from necrozma_core.feeds.plausibility import LEAST_TICKS, check_ticks_of_pair
from necrozma_core.feeds.quarantine import QUARANTINE_FOLDER, Quarantine, open_quarantine
from necrozma_core.feeds.reading.zones import split_zone
from necrozma_core.feeds.sieve import Sieve, Tally
from necrozma_core.market.instruments import Pair, get_pair
from necrozma_core.market.ticks import Ticks
from necrozma_core.storage.disk.layer import DISK, FileLayer
from necrozma_core.storage.disk.publish import sha256_of
from necrozma_core.storage.ticks.manifest import Source, format_span
from necrozma_core.storage.ticks.store import TickStore


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did.

    Attributes
    ----------
    pair : str
    files : tuple of str
        Those that were imported, oldest ticks first.
    already_stored : tuple of str
        Those whose very content was stored before; nothing below counts them.
    empty : tuple of str
        Those without a row.
    formats : mapping of str to str
        How the files were read, and what showed it; by the name of the first file that was read so.
    rows, kept : int
    quarantined : mapping of str to int
        Rows set aside, by reason.
    quarantine_files : tuple of Path
        Where they are.
    digits : int or None
        Decimals of the finest price; None where nothing was imported, as the next two.
    first_ms, last_ms : int or None
        Milliseconds since 1970 UTC.
    sub_millisecond : int
        Kept rows whose time was finer than a millisecond and was rounded down to one.
    rounded : int
        Prices rounded by less than a billionth, to rid them of the dust of binary fractions.
    repeated : int
        Kept rows that are the row before them once more.
    one_sided : int
        First rows left out because one side had no price yet, where a blank stands for the price before.
    known : int
        Kept rows that another file had brought already; they are stored once.
    findings : tuple of str
        What is doubtful in what was stored.
    lacks : tuple of str
        What all that is stored of the pair lacks: gaps, days without ticks, days with few; a sentence each.
    """

    pair: str
    files: tuple[str, ...] = ()
    already_stored: tuple[str, ...] = ()
    empty: tuple[str, ...] = ()
    formats: Mapping[str, str] = field(default_factory=dict)
    rows: int = 0
    kept: int = 0
    quarantined: Mapping[str, int] = field(default_factory=dict)
    quarantine_files: tuple[Path, ...] = ()
    digits: int | None = None
    first_ms: int | None = None
    last_ms: int | None = None
    sub_millisecond: int = 0
    rounded: int = 0
    repeated: int = 0
    one_sided: int = 0
    known: int = 0
    findings: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()

    @property
    def span(self) -> str:
        """The span for people; empty where nothing was imported."""
        return "" if self.first_ms is None or self.last_ms is None else format_span(self.first_ms, self.last_ms)


def import_files(
    files: Sequence[Path],
    pair_name: str,
    data_dir: Path,
    *,
    quarantine_share: float = 0.0,
    options: ReadOptions | None = None,
    now_ns: Callable[[], int] = time.time_ns,
    disk: FileLayer = DISK,
) -> ImportReport:
    """Read files of ticks and store what is in them, all or nothing.

    Rows are held in memory, 16 bytes each, until every file was found good.

    Parameters
    ----------
    files : sequence of Path
        Of any known format, in any order.
    pair_name : str
    data_dir : Path
        Made if it is missing.
    quarantine_share : float
        The share of a file's rows, below 1, that may be set aside in ``<data>/<PAIR>/quarantine/<file>.csv`` because
        they are bad; the others are kept. With 0 one bad row refuses everything.
    options : ReadOptions, optional
        What the files do not say themselves.
    now_ns : callable
        The clock: nanoseconds since 1970.
    disk : FileLayer
        How the disk is written.

    Returns
    -------
    ImportReport

    Raises
    ------
    UsageError
        A file is missing, or the zone, format or pair is unknown.
    DataError
        A file is of no known layout, has bad rows, or overlaps another or what is stored.
    LockedError
        Another import into the pair is running.
    StorageError
        The disk does not answer; what was stored is untouched.
    """
    pair = get_pair(pair_name)
    options = options or ReadOptions()
    options.check()
    if options.zone is not None:
        split_zone(options.zone)
    store = TickStore(data_dir, files=disk)
    chosen, known = _choose(files, store, pair, options.zone)
    taken, inspection = _side_files(store, pair), ImportInspection(pair, store)
    run = _Import(pair, options, quarantine_share, now_ns(), data_dir / pair.name, disk, taken, inspection)
    with ExitStack() as stack:
        for path, source in chosen.items():
            run.read(path, source, stack)
        inspection.look(run.segments)
        if run.segments:
            added = store.add(run.segments, before_publish=run.publish_quarantines)
            run.added = sum(source.ticks for source in added)
        elif chosen:
            names = "the file has" if len(chosen) == 1 else f"the {len(chosen)} files have"
            raise DataError(f"{next(iter(chosen))}: expected rows of {pair.name}, found none: {names} no quotes")
    inspection.look_at_whole()
    return run.report(known)


@dataclass(slots=True)
class _Import:
    """An import under way: what was read so far."""

    pair: Pair
    options: ReadOptions
    quarantine_share: float
    now_ns: int
    folder: Path
    disk: FileLayer
    taken: set[str]
    inspection: ImportInspection
    segments: list[tuple[Source, Ticks]] = field(default_factory=list)
    tallies: list[Tally] = field(default_factory=list)
    quarantines: list[Quarantine] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)
    added: int = 0
    formats: dict[str, str] = field(default_factory=dict)

    def read(self, path: Path, source: Source, stack: ExitStack) -> None:
        """Read one file; its quarantine stays open in the stack until everything is sure."""
        sieve = Sieve(str(path), self.now_ns)
        with open_source(path, self.pair, self.options) as opened:
            ticks = sieve.sift(opened.rows, self.pair, self.quarantine_share)
            description = f"{opened.format}: {opened.reason}"
        if not sieve.tally.rows:
            self.empty.append(source.name)
            return
        if opened.format not in {known.partition(":")[0] for known in self.formats.values()}:
            self.formats[source.name] = description
        check_ticks_of_pair(ticks, str(path))
        self.tallies.append(sieve.tally)
        self.segments.append((source, ticks))
        if sieve.tally.bad:
            target = _quarantine_path(self.folder, path, source, self.taken)
            quarantine = stack.enter_context(open_quarantine(target, files=self.disk))
            self.quarantines.append(quarantine)
            with open_source(path, self.pair, self.options) as again:
                sieve.set_aside(again.rows, quarantine)

    def publish_quarantines(self) -> None:
        """Put the files of bad rows in place."""
        for quarantine in self.quarantines:
            quarantine.publish()

    def report(self, known: tuple[str, ...]) -> ImportReport:
        """Say what was done."""
        if not self.segments:
            return ImportReport(self.pair.name, already_stored=known, empty=tuple(self.empty))
        bad: Counter[str] = Counter()
        for tally in self.tallies:
            bad.update({fault.value: count for fault, count in tally.bad.items()})
        ordered = sorted(self.segments, key=lambda segment: int(segment[1].time_ms[0]))
        return ImportReport(
            pair=self.pair.name,
            files=tuple(source.name for source, _ in ordered),
            already_stored=known,
            empty=tuple(self.empty),
            formats=self.formats,
            rows=sum(tally.rows for tally in self.tallies),
            kept=sum(tally.kept for tally in self.tallies),
            quarantined=dict(sorted(bad.items())),
            quarantine_files=tuple(quarantine.path for quarantine in self.quarantines),
            digits=max(ticks.digits for _, ticks in self.segments),
            first_ms=min(int(ticks.time_ms[0]) for _, ticks in self.segments),
            last_ms=max(int(ticks.time_ms[-1]) for _, ticks in self.segments),
            sub_millisecond=sum(tally.sub_millisecond for tally in self.tallies),
            rounded=sum(tally.rounded for tally in self.tallies),
            repeated=sum(tally.repeated for tally in self.tallies),
            one_sided=sum(tally.skipped for tally in self.tallies),
            known=sum(len(ticks) for _, ticks in self.segments) - self.added,
            findings=self.inspection.findings,
            lacks=self.inspection.lacks,
        )


def _choose(
    files: Sequence[Path], store: TickStore, pair: Pair, zone: str | None
) -> tuple[dict[Path, Source], tuple[str, ...]]:
    """Tell the files that are new from those whose content is stored already, or was named twice."""
    if not files:
        raise UsageError("expected at least one file to import")
    chosen: dict[Path, Source] = {}
    known = []
    # Read once: a year of hours has thousands of sources, and as many files ask about them.
    stored, others = store.known(pair.name), _others_sources(store, pair)
    taken: set[str] = set()
    for path in files:
        if found := not_a_file(path):
            raise UsageError(f"{path}: {found}; expected a file of ticks")
        source = _source(path, zone)
        _refuse_of_other_pair(path, pair, others.get(source.sha256))
        if (source.sha256, source.zone) in stored or source.sha256 in taken:
            known.append(path.name)
        else:
            taken.add(source.sha256)
            chosen[path] = source
    return chosen, tuple(known)


def _others_sources(store: TickStore, pair: Pair) -> dict[str, str]:
    """Return which other pair a content is stored as, by its hash; of files that are long enough to be no chance."""
    found: dict[str, str] = {}
    for other in store.pairs():
        with suppress(DamagedError, StorageError):
            sources = store.manifest(other).sources if other != pair.name else ()
            found |= {stored.sha256: other for stored in sources if stored.ticks >= LEAST_TICKS}
    return found


def _refuse_of_other_pair(path: Path, pair: Pair, other: str | None) -> None:
    """Refuse a file whose very content is stored as another pair's: one of the two is named wrongly."""
    if other is not None:
        raise DataError(
            f"{path}: is stored already as {other}, so it cannot be {pair.name} too: leave it, or remove the "
            f"stored one first with `necrozma data remove {other}`"
        )


_HOUR_PARTS: Final = 5


def _source(path: Path, zone: str | None) -> Source:
    """Name a file; of an hour of Dukascopy's the folders count too, because they alone say which hour it is."""
    if path.suffix.lower() != ".bi5":
        return Source(path.name, sha256_of(path), zone)
    name = "/".join(path.absolute().parts[-_HOUR_PARTS:])
    return Source(name, hashlib.sha256(f"{name} {sha256_of(path)}".encode()).hexdigest(), zone)


def _side_files(store: TickStore, pair: Pair) -> set[str]:
    """Return the side files' names that stored sources may have: a file of the same name needs another."""
    stored = store.manifest(pair.name).sources if pair.name in store.pairs() else ()
    return {f"{Path(source.name).stem}.csv" for source in stored}


def _quarantine_path(folder: Path, path: Path, source: Source, taken: set[str]) -> Path:
    name = f"{path.stem}.csv"
    if name in taken:
        name = f"{path.stem}-{source.sha256[:8]}.csv"
    taken.add(name)
    return folder / QUARANTINE_FOLDER / name
