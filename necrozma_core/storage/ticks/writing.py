"""The years of one pair written: new ticks joined with the stored ones of their year, into a file named by its content.

No file that a manifest names is changed here, so that whatever ends a write leaves the old ticks as they were. Ticks
pass through piece by piece, so that memory does not grow with their number.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from necrozma_core.errors import DataError
from necrozma_core.market.instruments import Pair, get_pair
from necrozma_core.market.ticks import Ticks, check_ticks
from necrozma_core.storage.disk.errors import disk_errors
from necrozma_core.storage.disk.layer import DISK, FileLayer
from necrozma_core.storage.disk.publish import draft, seal
from necrozma_core.storage.ticks.encoding import encode_pieces
from necrozma_core.storage.ticks.joining import Covered, new_rows
from necrozma_core.storage.ticks.manifest import Source, TickManifest, YearFile, is_year_file
from necrozma_core.storage.ticks.merging import merge_pieces
from necrozma_core.storage.ticks.reading import read_pieces
from necrozma_core.storage.ticks.spans import first_moment, outside, within, year_of
from necrozma_core.storage.ticks.spooling import AddedSpan, TickSpan
from necrozma_core.storage.ticks.summary import RunningSummary

_LATEST_MS: Final = 2**63 - 1


def write_years(
    folder: Path, manifest: TickManifest, new: Sequence[AddedSpan], *, files: FileLayer = DISK
) -> tuple[YearFile, ...]:
    """Write each year that new ticks fall into, and return all years of the pair, the untouched ones included.

    Parameters
    ----------
    folder : Path
        The pair's.
    manifest : TickManifest
        What is stored.
    new : sequence of AddedSpan
        No two of them, nor one of them and what is stored, overlap.
    files : FileLayer

    Returns
    -------
    tuple of YearFile
        In order.

    Raises
    ------
    DamagedError
        A year that is to be added to is not what was stored.
    StorageError
        The disk does not take a file.
    """
    years = {year.year: year for year in manifest.years}
    spans: dict[int, list[TickSpan]] = {}
    for span in new:
        for number, part in cut_by_year(span):
            spans.setdefault(number, []).append(part)
    for number, parts in spans.items():
        if number in years:
            parts.append(_StoredSpan(folder, manifest.pair, years[number]))
        digits = max(part.digits for part in parts)
        pieces = merge_pieces(parts, digits)
        years[number] = _write_year(folder, get_pair(manifest.pair), number, pieces, digits, files)
    return tuple(years[year] for year in sorted(years))


def join(folder: Path, manifest: TickManifest, new: Sequence[tuple[Source, AddedSpan]]) -> list[list[AddedSpan]]:
    """Return, for each new source, its ticks that neither an earlier one of them nor the stored ones have.

    Parameters
    ----------
    folder : Path
        The pair's.
    manifest : TickManifest
        What is stored.
    new : sequence of (Source, AddedSpan)

    Raises
    ------
    DataError
        In a span that two have, they differ.
    DamagedError
        A year that has to be compared is not what was stored.
    """
    covered = [Covered(source.name, source.first_ms, source.last_ms, True) for source in manifest.sources]
    accepted: list[list[AddedSpan]] = [[] for _ in new]
    order = sorted(range(len(new)), key=lambda number: (new[number][1].first_ms, new[number][1].last_ms))
    for number in order:
        source, span = new[number]
        first_ms, last_ms = span.first_ms, span.last_ms
        met = [other for other in covered if other.first_ms <= last_ms and other.last_ms >= first_ms]
        met.sort(key=lambda other: (other.first_ms, other.last_ms))
        if met:
            known: list[TickSpan] = [
                cut for parts in accepted for part in parts for cut in _between(part, first_ms, last_ms + 1)
            ]
            known += [
                _StoredSpan(folder, manifest.pair, year, first_ms, last_ms + 1)
                for year in manifest.years
                if year.first_ms <= last_ms and year.last_ms >= first_ms
            ]
            digits = max(part.digits for part in (span, *known))
            rows = new_rows(source, span, merge_pieces(known, digits), met, digits)
            accepted[number] = [span.rows(start, end) for start, end in rows]
        else:
            accepted[number] = [span]
        covered.append(Covered(source.name, first_ms, last_ms, False))
    return accepted


def cut_years(
    folder: Path, manifest: TickManifest, from_ms: int | None, to_ms: int | None, *, files: FileLayer = DISK
) -> tuple[YearFile, ...]:
    """Write the years that lose ticks in ``[from_ms, to_ms)``, and return all that have some left.

    Errors are those of `write_years`.
    """
    pair = get_pair(manifest.pair)
    kept = []
    for year in manifest.years:
        is_met = (to_ms is None or year.first_ms < to_ms) and (from_ms is None or year.last_ms >= from_ms)
        if not is_met:
            kept.append(year)
            continue
        whole = _StoredSpan(folder, manifest.pair, year)
        left = (part for piece in whole.pieces() for part in outside(piece, from_ms, to_ms))
        if (first := next(left, None)) is not None:
            kept.append(_write_year(folder, pair, year.year, _again(first, left), year.digits, files))
    return tuple(kept)


def remove_others(folder: Path, current: set[str], *, files: FileLayer = DISK) -> None:
    """Remove years that the manifest no longer names, and what a killed import left behind."""
    for path in folder.iterdir():
        if is_year_file(path.name) and path.name not in current:
            # The import is done; a file too many only takes space, and the next one tries again.
            with suppress(OSError):
                files.remove(path)


@dataclass(frozen=True, slots=True)
class _StoredSpan:
    """The ticks of a stored year in ``[from_ms, to_ms)``, perhaps none."""

    folder: Path
    pair_name: str
    year: YearFile
    from_ms: int = -_LATEST_MS
    to_ms: int = _LATEST_MS

    @property
    def digits(self) -> int:
        return self.year.digits

    @property
    def first_ms(self) -> int:
        return max(self.year.first_ms, self.from_ms)

    @property
    def last_ms(self) -> int:
        return min(self.year.last_ms, self.to_ms - 1)

    def pieces(self) -> Iterator[Ticks]:
        # An import has no other need of the compiler, which takes longer to load than this to read.
        for piece in read_pieces(self.folder, TickManifest(self.pair_name, (self.year,)), compiled=False):
            part = within(piece, self.from_ms, self.to_ms)
            if len(part):
                yield part


def cut_by_year(span: AddedSpan) -> Iterator[tuple[int, AddedSpan]]:
    """Cut a span at the turns of the year, UTC; only years that have ticks."""
    start = 0
    while start < len(span):
        rest = span.rows(start, len(span))
        year = year_of(rest.first_ms)
        end = span.position(first_moment(year + 1))
        yield year, span.rows(start, end)
        start = end


def _between(span: AddedSpan, from_ms: int, to_ms: int) -> list[AddedSpan]:
    """Return the part of a span in ``[from_ms, to_ms)``, or nothing."""
    start, end = span.position(from_ms), span.position(to_ms)
    return [span.rows(start, end)] if start < end else []


def _again(first: Ticks, rest: Iterator[Ticks]) -> Iterator[Ticks]:
    yield first
    yield from rest


def _write_year(
    folder: Path, pair: Pair, year: int, pieces: Iterable[Ticks], digits: int, files: FileLayer
) -> YearFile:
    summary = RunningSummary(is_metal=pair.is_metal)

    def counted() -> Iterator[Ticks]:
        for piece in pieces:
            check_ticks(piece, f"{pair.name} {year}")
            if summary.ticks and int(piece.time_ms[0]) < summary.last_ms:
                raise DataError(f"{pair.name} {year}: expected times that never fall; import the files again")
            summary.add(piece.time_ms, piece.bid, piece.ask)
            yield piece

    path = folder / f"{year:04}.parquet"
    with draft(path, files=files) as temporary:
        with disk_errors("write", path), files.create(temporary) as handle:
            encode_pieces(counted(), pair, digits, handle)
        published = seal(temporary, path, files=files)
        name = f"{year:04}-{published.sha256[:12]}.parquet"
        with disk_errors("publish", folder / name):
            files.rename(temporary, folder / name)
            files.sync_folder(folder)
    return YearFile(
        year=year,
        file=name,
        size=published.size,
        sha256=published.sha256,
        ticks=summary.ticks,
        digits=digits,
        highest=summary.highest,
        first_ms=summary.first_ms,
        last_ms=summary.last_ms,
        gaps=summary.gaps,
        longest_gap_ms=summary.longest_gap_ms,
        spreads=summary.spreads,
    )
