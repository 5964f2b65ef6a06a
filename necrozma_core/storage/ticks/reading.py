"""The years of one pair read back: each file is compared with its recorded size and hash, then decoded.

What a manifest says is taken as given here; `store` decides which manifest counts.
"""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import numpy as np

from necrozma_core.errors import DamagedError, not_a_file
from necrozma_core.market.instruments import get_pair
from necrozma_core.market.ticks import Ticks
from necrozma_core.storage.disk.errors import disk_errors
from necrozma_core.storage.ticks.encoding import decode_groups, decode_ticks
from necrozma_core.storage.ticks.manifest import TickManifest, YearFile
from necrozma_core.storage.ticks.spans import allocate, part_of

_HASH_BLOCK: Final = 8 * 2**20


class MissingFileError(DamagedError):
    """A year's file that the manifest names is not there."""


def read_years(folder: Path, manifest: TickManifest, on_chunk: Callable[[int], None] | None = None) -> Ticks:
    """Read all years of a pair into arrays.

    Parameters
    ----------
    folder : Path
        The pair's.
    manifest : TickManifest
    on_chunk : callable, optional
        Called every few milliseconds of work with the number of ticks read so far; may wait.

    Returns
    -------
    Ticks
        Oldest first, in the digits of the finest year.

    Raises
    ------
    MissingFileError
        A file is gone.
    DamagedError
        A file is not what was stored.
    StorageError
        A file cannot be read.
    """
    digits = manifest.digits
    ticks = allocate(get_pair(manifest.pair), digits, manifest.ticks)
    end = 0
    for year in manifest.years:
        start, end = end, end + year.ticks
        part = part_of(ticks, slice(start, end), year.digits)
        read_year(folder, year, part, _shifted(on_chunk, start))
        _refine(part, digits)
    return ticks


def read_pieces(
    folder: Path, manifest: TickManifest, on_chunk: Callable[[int], None] | None = None, *, compiled: bool = True
) -> Iterator[Ticks]:
    """Go through all years of a pair as `read_years` does, piece by piece; each piece is gone with the next."""
    pair, digits, end = get_pair(manifest.pair), manifest.digits, 0
    for year in manifest.years:
        content = _read_bytes(folder, year, on_chunk)
        with _decoding(folder, year):
            for piece in decode_groups(content, pair, year.digits, year.ticks, compiled=compiled):
                end += len(piece)
                if on_chunk is not None:
                    on_chunk(end)
                _refine(piece, digits)
                yield Ticks(pair, digits, piece.time_ms, piece.bid, piece.ask)


def read_year(
    folder: Path,
    year: YearFile,
    into: Ticks,
    on_rows: Callable[[int], None] | None = None,
    *,
    compiled: bool = True,
) -> None:
    """Read one year into arrays that exist already; `decode_ticks` says what the parameters are.

    Raises
    ------
    MissingFileError, DamagedError, StorageError
        As `read_years`.
    """
    content = _read_bytes(folder, year, on_rows)
    with _decoding(folder, year):
        decode_ticks(content, into, on_rows, compiled=compiled)


def check_hash(folder: Path, year: YearFile) -> None:
    """Compare a year's file with its recorded size and hash, without parsing it; errors as `read_years`."""
    _read_bytes(folder, year, None)


def check_size(folder: Path, year: YearFile) -> Path:
    """Return the path of a year's file, which is there and has its recorded size; errors as `read_years`."""
    path = folder / year.file
    if found := not_a_file(path, absent="missing"):
        raise MissingFileError(f"{path}: {found}; restore it, or remove {folder} and import its files again")
    with disk_errors("read", path):
        size = path.stat().st_size
    if size != year.size:
        raise _damaged(path, f"{year.size} bytes", f"{size}")
    return path


def _read_bytes(folder: Path, year: YearFile, on_rows: Callable[[int], None] | None) -> bytes:
    path = check_size(folder, year)
    with disk_errors("read", path):
        content = path.read_bytes()
    # These very bytes are hashed, then parsed: a file could change between two readings.
    digest = hashlib.sha256()
    for start in range(0, len(content), _HASH_BLOCK):
        digest.update(memoryview(content)[start : start + _HASH_BLOCK])
        if on_rows is not None:
            on_rows(0)
    if digest.hexdigest() != year.sha256:
        raise _damaged(path, f"sha256 {year.sha256[:12]}...", f"{digest.hexdigest()[:12]}...")
    return content


@contextmanager
def _decoding(folder: Path, year: YearFile) -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise _damaged(folder / year.file, f"{year.ticks} ticks", str(error)) from error


def _refine(ticks: Ticks, digits: int) -> None:
    """Bring prices, in place, from the ticks' own digits to finer ones."""
    if ticks.digits < digits:
        for prices in (ticks.bid, ticks.ask):
            np.multiply(prices, 10 ** (digits - ticks.digits), out=prices)


def _shifted(on_chunk: Callable[[int], None] | None, start: int) -> Callable[[int], None] | None:
    return None if on_chunk is None else lambda rows: on_chunk(start + rows)


def _damaged(path: Path, expected: str, found: str) -> DamagedError:
    return DamagedError(
        f"{path}: expected {expected}, found {found}; restore it, or remove {path.parent} and import its files again"
    )
