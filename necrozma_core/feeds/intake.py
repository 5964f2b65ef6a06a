"""Files of ticks into the store: read, checked, put in order, and published together or not at all."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from necrozma_core.errors import UsageError, not_a_file, shown
from necrozma_core.feeds.formats.registry import open_source
from necrozma_core.feeds.quarantine import Quarantine, open_quarantine
from necrozma_core.feeds.sieve import Sieve, Tally
from necrozma_core.market.instruments import Pair, get_pair
from necrozma_core.market.ticks import Ticks
from necrozma_core.storage.disk.layer import DISK, FileLayer
from necrozma_core.storage.disk.publish import sha256_of
from necrozma_core.storage.ticks.manifest import Source, format_span
from necrozma_core.storage.ticks.store import TickStore

QUARANTINE_FOLDER: Final = "quarantine"

_OFFSET: Final = re.compile(r"[+-](0\d|1[0-4]):[0-5]\d", re.ASCII)


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
    """

    pair: str
    files: tuple[str, ...] = ()
    already_stored: tuple[str, ...] = ()
    rows: int = 0
    kept: int = 0
    quarantined: Mapping[str, int] = field(default_factory=dict)
    quarantine_files: tuple[Path, ...] = ()
    digits: int | None = None
    first_ms: int | None = None
    last_ms: int | None = None
    sub_millisecond: int = 0

    @property
    def span(self) -> str:
        """The span for people; empty where nothing was imported."""
        return "" if self.first_ms is None or self.last_ms is None else format_span(self.first_ms, self.last_ms)


def import_files(
    files: Sequence[Path],
    pair_name: str,
    data_dir: Path,
    *,
    quarantine_rows: bool = False,
    zone: str | None = None,
    disk: FileLayer = DISK,
) -> ImportReport:
    """Read files of ticks and store what is in them, all or nothing.

    Rows are held in memory, 16 bytes each, until every file was found good.

    Parameters
    ----------
    files : sequence of Path
        Exness CSV or zip, or CSV and Parquet with timestamp, bid and ask; in any order.
    pair_name : str
    data_dir : Path
        Made if it is missing.
    quarantine_rows : bool
        Set bad rows aside in ``<data>/<PAIR>/quarantine/<file>.csv`` and keep the others; otherwise one bad row
        refuses everything.
    zone : str or None
        Of times that carry none: an IANA name or an offset such as ``-05:00``.
    disk : FileLayer
        How the disk is written.

    Returns
    -------
    ImportReport

    Raises
    ------
    UsageError
        A file is missing, or the zone or pair is unknown.
    DataError
        A file is of no known layout, has bad rows, or overlaps another or what is stored.
    LockedError
        Another import into the pair is running.
    StorageError
        The disk does not answer; what was stored is untouched.
    """
    pair = get_pair(pair_name)
    _check_zone(zone)
    store = TickStore(data_dir, files=disk)
    chosen, known = _choose(files, store, pair, zone)
    taken = _side_files(store, pair)
    segments: list[tuple[Source, Ticks]] = []
    tallies: list[Tally] = []
    quarantines: list[Quarantine] = []
    with ExitStack() as stack:
        for path, source in chosen.items():
            quarantine = None
            if quarantine_rows:
                target = _quarantine_path(data_dir / pair.name, path, source, taken)
                quarantine = stack.enter_context(open_quarantine(target, files=disk))
                quarantines.append(quarantine)
            with open_source(path, pair, zone) as stream:
                sieve = Sieve(str(path), stream, quarantine)
                segments.append((source, sieve.sift(pair)))
            tallies.append(sieve.tally)
        if segments:
            store.add(segments, before_publish=partial(_publish_all, quarantines))
    return _report(pair, segments, known, tallies, [quarantine for quarantine in quarantines if quarantine.rows])


def _choose(
    files: Sequence[Path], store: TickStore, pair: Pair, zone: str | None
) -> tuple[dict[Path, Source], tuple[str, ...]]:
    """Tell the files that are new from those whose content is stored already, or was named twice."""
    if not files:
        raise UsageError("expected at least one file to import")
    chosen: dict[Path, Source] = {}
    known = []
    for path in files:
        if found := not_a_file(path):
            raise UsageError(f"{path}: {found}; expected a file of ticks")
        source = Source(path.name, sha256_of(path), zone)
        if store.holds(pair.name, source) or source.sha256 in {other.sha256 for other in chosen.values()}:
            known.append(path.name)
        else:
            chosen[path] = source
    return chosen, tuple(known)


def _check_zone(zone: str | None) -> None:
    if zone is None or _OFFSET.fullmatch(zone):
        return
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UsageError(
            f"unknown zone {shown(zone, 40)}: expected a name such as UTC or America/New_York, "
            "or an offset such as -05:00"
        ) from error


def _publish_all(quarantines: Sequence[Quarantine]) -> None:
    for quarantine in quarantines:
        quarantine.publish()


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


def _report(
    pair: Pair,
    segments: Sequence[tuple[Source, Ticks]],
    known: tuple[str, ...],
    tallies: Sequence[Tally],
    quarantines: Sequence[Quarantine],
) -> ImportReport:
    if not segments:
        return ImportReport(pair.name, already_stored=known)
    bad: Counter[str] = Counter()
    for tally in tallies:
        bad.update({fault.value: count for fault, count in tally.bad.items()})
    ordered = sorted(segments, key=lambda segment: int(segment[1].time_ms[0]))
    return ImportReport(
        pair=pair.name,
        files=tuple(source.name for source, _ in ordered),
        already_stored=known,
        rows=sum(tally.rows for tally in tallies),
        kept=sum(tally.kept for tally in tallies),
        quarantined=dict(sorted(bad.items())),
        quarantine_files=tuple(quarantine.path for quarantine in quarantines),
        digits=max(ticks.digits for _, ticks in segments),
        first_ms=min(int(ticks.time_ms[0]) for _, ticks in segments),
        last_ms=max(int(ticks.time_ms[-1]) for _, ticks in segments),
        sub_millisecond=sum(tally.sub_millisecond for tally in tallies),
    )
