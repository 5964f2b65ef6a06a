"""The years of one pair written: new ticks joined with the stored ones of their year, into a file named by its content.

No file that a manifest names is changed here, so that whatever ends a write leaves the old ticks as they were.
"""

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from necrozma_core.market.instruments import get_pair
from necrozma_core.market.ticks import Ticks
from necrozma_core.storage.disk.layer import DISK, FileLayer
from necrozma_core.storage.disk.publish import publish_bytes
from necrozma_core.storage.ticks.encoding import encode_ticks
from necrozma_core.storage.ticks.joining import Covered, new_parts
from necrozma_core.storage.ticks.manifest import Source, TickManifest, YearFile, is_year_file
from necrozma_core.storage.ticks.reading import read_year
from necrozma_core.storage.ticks.spans import allocate, by_year, merge, outside, within
from necrozma_core.storage.ticks.summary import count_spreads, find_gaps


def write_years(
    folder: Path, manifest: TickManifest, new: Sequence[Ticks], *, files: FileLayer = DISK
) -> tuple[YearFile, ...]:
    """Write each year that new ticks fall into, and return all years of the pair, the untouched ones included.

    Parameters
    ----------
    folder : Path
        The pair's.
    manifest : TickManifest
        What is stored.
    new : sequence of Ticks
        None of them empty; no two of them, nor one of them and what is stored, overlap.
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
    pieces: dict[int, list[Ticks]] = {}
    for ticks in new:
        for year, piece in by_year(ticks):
            pieces.setdefault(year, []).append(piece)
    for year, of_year in pieces.items():
        if year in years:
            of_year.append(_stored_year(folder, manifest.pair, years[year]))
        years[year] = _write_year(folder, year, merge(of_year), files)
        of_year.clear()
    return tuple(years[year] for year in sorted(years))


def join(folder: Path, manifest: TickManifest, new: Sequence[tuple[Source, Ticks]]) -> list[list[Ticks]]:
    """Return, for each new source, its ticks that neither an earlier one of them nor the stored ones have.

    Parameters
    ----------
    folder : Path
        The pair's.
    manifest : TickManifest
        What is stored.
    new : sequence of (Source, Ticks)

    Raises
    ------
    DataError
        In a span that two have, they differ.
    DamagedError
        A year that has to be compared is not what was stored.
    """
    covered = [Covered(source.name, source.first_ms, source.last_ms, True) for source in manifest.sources]
    accepted: list[list[Ticks]] = [[] for _ in new]
    order = sorted(range(len(new)), key=lambda number: new[number][1].time_ms[[0, -1]].tolist())
    for number in order:
        source, ticks = new[number]
        first_ms, last_ms = int(ticks.time_ms[0]), int(ticks.time_ms[-1])
        met = [span for span in covered if span.first_ms <= last_ms and span.last_ms >= first_ms]
        met.sort(key=lambda span: (span.first_ms, span.last_ms))
        if met:
            known = [within(part, first_ms, last_ms + 1) for parts in accepted for part in parts]
            known += [
                within(_stored_year(folder, manifest.pair, year), first_ms, last_ms + 1)
                for year in manifest.years
                if year.first_ms <= last_ms and year.last_ms >= first_ms
            ]
            others = merge([part for part in known if len(part)]) if any(map(len, known)) else within(ticks, 0, 0)
            accepted[number] = new_parts(source, ticks, others, met)
        else:
            accepted[number] = [ticks]
        covered.append(Covered(source.name, first_ms, last_ms, False))
    return accepted


def cut_years(
    folder: Path, manifest: TickManifest, from_ms: int | None, to_ms: int | None, *, files: FileLayer = DISK
) -> tuple[YearFile, ...]:
    """Write the years that lose ticks in ``[from_ms, to_ms)``, and return all that have some left.

    Errors are those of `write_years`.
    """
    kept = []
    for year in manifest.years:
        is_met = (to_ms is None or year.first_ms < to_ms) and (from_ms is None or year.last_ms >= from_ms)
        if not is_met:
            kept.append(year)
        elif left := outside(_stored_year(folder, manifest.pair, year), from_ms, to_ms):
            kept.append(_write_year(folder, year.year, merge(left), files))
    return tuple(kept)


def remove_others(folder: Path, current: set[str], *, files: FileLayer = DISK) -> None:
    """Remove years that the manifest no longer names, and what a killed import left behind."""
    for path in folder.iterdir():
        if is_year_file(path.name) and path.name not in current:
            # The import is done; a file too many only takes space, and the next one tries again.
            with suppress(OSError):
                files.remove(path)


def _stored_year(folder: Path, pair_name: str, year: YearFile) -> Ticks:
    ticks = allocate(get_pair(pair_name), year.digits, year.ticks)
    # An import has no other need of the compiler, which takes longer to load than this to read.
    read_year(folder, year, ticks, compiled=False)
    return ticks


def _write_year(folder: Path, year: int, ticks: Ticks, files: FileLayer) -> YearFile:
    content = encode_ticks(ticks)
    name = f"{year:04}-{hashlib.sha256(content).hexdigest()[:12]}.parquet"
    published = publish_bytes(folder / name, content, files=files)
    gaps, longest_gap_ms = find_gaps(ticks.time_ms, is_metal=ticks.pair.is_metal)
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
