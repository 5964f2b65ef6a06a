"""Files as users have them: told apart by their first bytes, unpacked within bounds, read by their feed."""

import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from necrozma_core.errors import DataError
from necrozma_core.feeds.delimited import HEAD_BYTES, ByteStream, read_header
from necrozma_core.feeds.exness import is_exness, read_exness
from necrozma_core.feeds.generic import read_csv, read_parquet
from necrozma_core.feeds.rows import RowStream
from necrozma_core.instruments import Pair
from necrozma_core.storage.publish import disk_errors

MAX_EXPANSION: Final = 100
"""How many times larger than itself a zip may become; CSVs of ticks shrink to a fifth or a fifteenth."""

_SMALL_BYTES: Final = 16 * 2**20
_ZIP: Final = b"PK\x03\x04"
_EMPTY_ZIP: Final = b"PK\x05\x06"
_PARQUET: Final = b"PAR1"
_PACKED: Final = {b"\x1f\x8b": "gzip", b"7z\xbc\xaf": "7-Zip", b"BZh": "bzip2", b"\xfd7zXZ": "xz", b"Rar!": "RAR"}


@contextmanager
def open_source(path: Path, pair: Pair, zone: str | None) -> Iterator[RowStream]:
    """Open a file of ticks by whatever of the known layouts it has.

    Parameters
    ----------
    path : Path
        CSV, a zip with one CSV, or Parquet.
    pair : Pair
    zone : str or None
        Of times that carry none.

    Yields
    ------
    RowStream
        To be read within the block.

    Raises
    ------
    DataError
        It has none of the layouts, or changed while it was read.
    StorageError
        It cannot be read.
    """
    source = str(path)
    with disk_errors("read", path), io.BufferedReader(io.FileIO(path), HEAD_BYTES) as file:
        before = _state(path)
        magic = file.peek(8)[:8]
        if magic.startswith(_PARQUET):
            yield read_parquet(file, path.stat().st_size, source, zone)
        elif magic.startswith((_ZIP, _EMPTY_ZIP)):
            with _open_zip(file, path) as stream:
                yield _read_text(stream, source, pair, zone)
        else:
            for start, kind in _PACKED.items():
                if magic.startswith(start):
                    raise DataError(f"{source}: {kind} is not read here; unpack it, and import the CSV or a zip of it")
            yield _read_text(file, source, pair, zone)
        if _state(path) != before:
            raise DataError(f"{source}: the file changed while it was read; import it once it is complete")


def _read_text(stream: ByteStream, source: str, pair: Pair, zone: str | None) -> RowStream:
    header = read_header(stream, source)
    if is_exness(header):
        return read_exness(stream, header, source, pair, zone)
    return read_csv(stream, source, zone)


def _state(path: Path) -> tuple[int, int, int]:
    status = path.stat()
    return status.st_ino, status.st_size, status.st_mtime_ns


@contextmanager
def _open_zip(file: IO[bytes], path: Path) -> Iterator[ByteStream]:
    try:
        with zipfile.ZipFile(file) as archive:
            limit = max(_SMALL_BYTES, MAX_EXPANSION * path.stat().st_size)
            with (
                _open_single_csv(archive, path) as raw,
                io.BufferedReader(_Bounded(raw, limit, path), HEAD_BYTES) as stream,
            ):
                yield stream
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise DataError(f"{path}: the zip is damaged ({error}); get it again") from error


def _open_single_csv(archive: zipfile.ZipFile, path: Path) -> IO[bytes]:
    members = archive.infolist()
    if len(members) != 1 or not members[0].filename.lower().endswith(".csv"):
        names = ", ".join(member.filename[:40] for member in members[:3])
        found = f"{len(members)} files ({names!r})" if members else "nothing"
        raise DataError(
            f"{path}: expected a zip that holds one CSV and nothing else, found {found}; unpack it and import the CSVs"
        )
    try:
        return archive.open(members[0])
    except (NotImplementedError, RuntimeError) as error:  # an unknown compression, a password
        raise DataError(f"{path}: the zip cannot be unpacked here ({error}); unpack it and import the CSV") from error


class _Bounded(io.RawIOBase):
    """A stream that refuses to grow beyond a limit, counted as the bytes come, whatever its archive declares."""

    def __init__(self, raw: IO[bytes], limit: int, path: Path) -> None:
        self._raw = raw
        self._left = limit
        self._limit = limit
        self._path = path

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        content = self._raw.read(len(buffer))
        self._left -= len(content)
        if self._left < 0:
            raise DataError(
                f"{self._path}: the zip unpacks to more than {self._limit:,} bytes, {MAX_EXPANSION} times its size; "
                "no ticks shrink so much: check where it comes from"
            )
        buffer[: len(content)] = content
        return len(content)
