"""One file of an import: read, its rows judged, its ticks put down, ready to be stored with the others of its pair."""

import hashlib
from collections.abc import Iterator, Set
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import numpy as np

from necrozma_core.errors import UsageError, not_a_file
from necrozma_core.feeds.formats.registry import ReadOptions, open_source
from necrozma_core.feeds.plausibility import check_ticks_of_pair
from necrozma_core.feeds.reading.crossed import Crossed
from necrozma_core.feeds.reading.zones import split_zone
from necrozma_core.feeds.sieve import Judge, Sieve, Tally
from necrozma_core.market.instruments import Pair
from necrozma_core.market.ticks import Ticks, find_repeats
from necrozma_core.storage.disk.errors import disk_errors
from necrozma_core.storage.disk.publish import make_folder, sha256_of
from necrozma_core.storage.disk.scratch import scratch_folder
from necrozma_core.storage.ticks.manifest import Source
from necrozma_core.storage.ticks.spans import joined, part_of
from necrozma_core.storage.ticks.spooling import SpooledSpan, TickSpool
from necrozma_core.storage.ticks.store import TickStore


@contextmanager
def spool_folder(data_dir: Path) -> Iterator[Path]:
    """Hold a temporary folder in the data folder, which is made if it is missing and stays if anything is in it.

    Raises
    ------
    StorageError
        It cannot be made.
    """
    is_new = not data_dir.exists()
    make_folder(data_dir)
    try:
        with scratch_folder("import-", data_dir) as folder:
            yield folder
    finally:
        if is_new:
            with suppress(OSError):
                data_dir.rmdir()


@dataclass(frozen=True, slots=True)
class Reading:
    """How files of one pair are read.

    Attributes
    ----------
    pair : Pair
    options : ReadOptions
    quarantine_share : float
        See `import_files`.
    now_ns : int
        Nanoseconds since 1970; rows from after it are bad.
    compiled : bool
        Whether there is so much to read that a compiled loop is worth loading.
    """

    pair: Pair
    options: ReadOptions
    quarantine_share: float
    now_ns: int
    compiled: bool = False

    def check(self) -> None:
        """Refuse options that cannot be.

        Raises
        ------
        UsageError
        """
        self.options.check()
        if self.options.zone is not None:
            split_zone(self.options.zone)


@dataclass(frozen=True, slots=True, eq=False)
class Arrival:
    """A file that was read and found good, and is not stored yet.

    Attributes
    ----------
    path : Path
    source : Source
    is_known : bool
        Its very content is stored, or was read before; then nothing follows.
    span : SpooledSpan or None
        Its ticks; None where it has no rows.
    tally : Tally
    judge : Judge or None
        Says again which rows are bad; None where none is.
    format, reason : str
        How it was read, and what showed it.
    repeated : int
        Ticks that are the one before them once more.
    """

    path: Path
    source: Source
    is_known: bool = False
    span: SpooledSpan | None = None
    tally: Tally = field(default_factory=Tally)
    judge: Judge | None = None
    format: str = ""
    reason: str = ""
    repeated: int = 0


def size_as_text(path: Path) -> int:
    """Guess how many bytes of CSV a file holds, so that packed files count for what it takes to read them."""
    with disk_errors("read", path):
        return path.stat().st_size * (1 if path.suffix.lower() in _PLAIN else _USUAL_PACKING)


def is_worth_compiling(size: int) -> bool:
    """Tell whether so many bytes of CSV gain back the half second that loading a compiled loop takes."""
    return size > _WORTH_BYTES


_PLAIN: Final = frozenset({".csv", ".txt", ".tsv"})
_USUAL_PACKING: Final = 8
_WORTH_BYTES: Final = 48 * 2**20


def known_sources(data_dir: Path, pair: Pair) -> Set[tuple[str, str | None]]:
    """Return the contents that are stored of a pair, by `Source.identity`; errors as `TickStore.manifest`."""
    store = TickStore(data_dir)
    stored = store.manifest(pair.name).sources if pair.name in store.pairs() else ()
    return frozenset((source.sha256, source.zone) for source in stored)


def read_file(path: Path, reading: Reading, known: Set[tuple[str, str | None]], spool: TickSpool) -> Arrival:
    """Read one file and judge its rows; errors as `import_files`.

    Parameters
    ----------
    path : Path
    reading : Reading
    known : set of (str, str or None)
        Contents that need not be read again.
    spool : TickSpool
        Takes the ticks.
    """
    if found := not_a_file(path):
        raise UsageError(f"{path}: {found}; expected a file of ticks")
    source = _source(path, reading.options.zone)
    if source.identity in known:
        return Arrival(path, source, is_known=True)
    sieve = Sieve(str(path), reading.now_ns, spool, Crossed(reading.options.crossed))
    with open_source(path, reading.pair, reading.options, compiled=reading.compiled) as opened:
        span = sieve.sift(opened.rows, reading.pair, reading.quarantine_share)
    if span is None:
        return Arrival(path, source)
    some, repeated = _look(span)
    check_ticks_of_pair(some, str(path))
    return Arrival(
        path,
        replace(source, swapped=sieve.tally.swapped),
        span=span,
        tally=sieve.tally,
        judge=sieve.judge if sieve.tally.bad else None,
        format=opened.format,
        reason=opened.reason,
        repeated=repeated,
    )


_SAMPLE: Final = 20_000
"""How many ticks tell whether a file is of its pair."""


def _look(span: SpooledSpan) -> tuple[Ticks, int]:
    """Return ticks at equal distances, and how many ticks are the one before them once more."""
    step = max(1, len(span) // _SAMPLE)
    some: list[Ticks] = []
    repeated = seen = 0
    before: Ticks | None = None
    for piece in span.pieces():
        behind = piece if before is None else joined([before, piece])
        repeated += int(np.count_nonzero(find_repeats(behind)))
        # Copied: a piece may be gone with the next one.
        before = joined([part_of(piece, slice(-1, None), piece.digits)])
        first = -seen % step
        if first < len(piece):
            some.append(joined([part_of(piece, slice(first, None, step), piece.digits)]))
        seen += len(piece)
    return joined(some), repeated


_HOUR_PARTS: Final = 5


def _source(path: Path, zone: str | None) -> Source:
    """Name a file; of an hour of Dukascopy's the folders count too, because they alone say which hour it is."""
    if path.suffix.lower() != ".bi5":
        return Source(path.name, sha256_of(path), zone)
    name = "/".join(path.absolute().parts[-_HOUR_PARTS:])
    return Source(name, hashlib.sha256(f"{name} {sha256_of(path)}".encode()).hexdigest(), zone)
