"""Files of ticks into the store: read, checked, put in order, and published together or not at all."""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from necrozma_core.errors import DamagedError, DataError, StorageError, UsageError, not_a_file
from necrozma_core.feeds.arrival import (
    Arrival,
    Reading,
    is_worth_compiling,
    known_sources,
    read_file,
    size_as_text,
    spool_folder,
)
from necrozma_core.feeds.formats.registry import ReadOptions, open_source
from necrozma_core.feeds.import_inspection import ImportInspection
from necrozma_core.feeds.plausibility import LEAST_TICKS
from necrozma_core.feeds.quarantine import QUARANTINE_FOLDER, Quarantine, open_quarantine
from necrozma_core.market.instruments import Pair, get_pair
from necrozma_core.storage.disk.layer import DISK, FileLayer
from necrozma_core.storage.ticks.manifest import Source, format_span
from necrozma_core.storage.ticks.spooling import TickSpool
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
    swapped : int
        Kept rows whose ask lay below the bid, and whose bid and ask were exchanged.
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
    swapped: int = 0
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

    Rows wait in a temporary file of the data folder, 16 bytes each, until every file was found good; so memory does not
    grow with their number.

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
    if not files:
        raise UsageError("expected at least one file to import")
    for path in files:
        if found := not_a_file(path):
            raise UsageError(f"{path}: {found}; expected a file of ticks")
    is_large = is_worth_compiling(sum(map(size_as_text, files)))
    reading = Reading(pair, options or ReadOptions(), quarantine_share, now_ns(), is_large)
    reading.check()
    with spool_folder(data_dir) as folder, closing(TickSpool(folder / "ticks", files=disk)) as spool:
        known = known_sources(data_dir, reading.pair)
        done = []
        for path in files:
            done.append(read_file(path, reading, known, spool))
            known = known | {done[-1].source.identity}
        return store_files(done, reading, data_dir, disk=disk)


def store_files(done: Sequence[Arrival], reading: Reading, data_dir: Path, *, disk: FileLayer = DISK) -> ImportReport:
    """Store the ticks of files that were read, all or nothing; errors as `import_files`.

    Parameters
    ----------
    done : sequence of Arrival
        All files of one pair, in the order in which they were named.
    reading : Reading
    data_dir : Path
    disk : FileLayer
    """
    new: dict[tuple[str, str | None], Arrival] = {}
    known = []
    for file in done:
        if file.is_known or file.source.identity in new:
            known.append(file.path.name)
        else:
            new[file.source.identity] = file
    full = [file for file in new.values() if file.span is not None]
    if not full and new:
        names = "the file has" if len(new) == 1 else f"the {len(new)} files have"
        first = next(iter(new.values())).path
        raise DataError(f"{first}: expected rows of {reading.pair.name}, found none: {names} no quotes")
    added, quarantines = 0, []
    store = TickStore(data_dir, files=disk)
    inspection = ImportInspection(reading.pair, store)
    if full:
        others = _others_sources(store, reading.pair)
        for file in full:
            _refuse_of_other_pair(file.path, reading.pair, others.get(file.source.sha256))
        inspection.look([(file.source, file.span) for file in full if file.span is not None])
        with ExitStack() as stack:
            quarantines = _set_aside(full, reading, store, stack, disk)
            segments = [(file.source, file.span) for file in full if file.span is not None]

            def publish_quarantines() -> None:
                for quarantine in quarantines:
                    quarantine.publish()

            brought = store.add(segments, publish_quarantines)
            added = sum(source.ticks for source in brought)
        inspection.look_at_whole()
    empty = tuple(file.source.name for file in new.values() if file.span is None)
    report = _report(reading.pair, full, tuple(known), empty, tuple(one.path for one in quarantines), added)
    return replace(report, findings=inspection.findings, lacks=inspection.lacks)


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


def _set_aside(
    files: Sequence[Arrival], reading: Reading, store: TickStore, stack: ExitStack, disk: FileLayer
) -> list[Quarantine]:
    """Take the bad rows over; their files stay open in the stack until everything is sure."""
    taken = _side_files(store, reading.pair)
    folder = store.data_dir / reading.pair.name
    quarantines = []
    for file in files:
        if file.judge is not None:
            target = _quarantine_path(folder, file.path, file.source, taken)
            quarantines.append(stack.enter_context(open_quarantine(target, files=disk)))
            with open_source(file.path, reading.pair, reading.options, compiled=reading.compiled) as again:
                file.judge.set_aside(again.rows, quarantines[-1])
    return quarantines


def _report(
    pair: Pair,
    files: Sequence[Arrival],
    known: tuple[str, ...],
    empty: tuple[str, ...],
    quarantine_files: tuple[Path, ...],
    added: int,
) -> ImportReport:
    spans = [file.span for file in files if file.span is not None]
    if not spans:
        return ImportReport(pair.name, already_stored=known, empty=empty)
    formats: dict[str, tuple[str, str]] = {}
    bad: Counter[str] = Counter()
    for file in files:
        formats.setdefault(file.format, (file.source.name, f"{file.format}: {file.reason}"))
        bad.update({fault.value: count for fault, count in file.tally.bad.items()})
    ordered = sorted(zip(files, spans, strict=True), key=lambda one: one[1].first_ms)
    return ImportReport(
        pair=pair.name,
        files=tuple(file.source.name for file, _ in ordered),
        already_stored=known,
        empty=empty,
        formats=dict(formats.values()),
        rows=sum(file.tally.rows for file in files),
        kept=sum(file.tally.kept for file in files),
        quarantined=dict(sorted(bad.items())),
        quarantine_files=quarantine_files,
        digits=max(span.digits for span in spans),
        first_ms=min(span.first_ms for span in spans),
        last_ms=max(span.last_ms for span in spans),
        sub_millisecond=sum(file.tally.sub_millisecond for file in files),
        rounded=sum(file.tally.rounded for file in files),
        repeated=sum(file.repeated for file in files),
        one_sided=sum(file.tally.skipped for file in files),
        swapped=sum(file.tally.swapped for file in files),
        known=sum(map(len, spans)) - added,
    )


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
