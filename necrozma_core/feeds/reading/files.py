"""Files as users have them: told apart by their first bytes, unpacked within bounds, read by their feed."""

import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import IO, Any, Final

from necrozma_core.errors import DataError, shown
from necrozma_core.feeds.reading.delimited import HEAD_BYTES

MAX_EXPANSION: Final = 100
"""How many times larger than itself a zip may become; CSVs of ticks shrink to a fifth or a fifteenth."""

_SMALL_BYTES: Final = 16 * 2**20
_ZIP: Final = b"PK\x03\x04"
_EMPTY_ZIP: Final = b"PK\x05\x06"
_PARQUET: Final = b"PAR1"
_PACKED: Final = {b"\x1f\x8b": "gzip", b"7z\xbc\xaf": "7-Zip", b"BZh": "bzip2", b"\xfd7zXZ": "xz", b"Rar!": "RAR"}


class Container(StrEnum):
    """What a file's bytes are packed in."""

    TEXT = "text"
    PARQUET = "parquet"


@contextmanager
def open_file(path: Path) -> "Iterator[tuple[Container, io.BufferedReader[Any]]]":
    """Open a file and unpack it, as its first bytes ask for.

    Parameters
    ----------
    path : Path

    Yields
    ------
    tuple of (Container, BufferedReader)
        What it is, and its bytes: those of the one CSV where it is a zip. To be read within the block.

    Raises
    ------
    DataError
        It is packed in a way that is not read here, or the zip is damaged, holds something else, or is a bomb.
    OSError
        It cannot be read.
    """
    with io.BufferedReader(io.FileIO(path), HEAD_BYTES) as file:
        magic = file.peek(8)[:8]
        if magic.startswith(_PARQUET):
            yield Container.PARQUET, file
        elif magic.startswith((_ZIP, _EMPTY_ZIP)):
            with _open_zip(file, path) as stream:
                yield Container.TEXT, stream
        else:
            for start, kind in _PACKED.items():
                if magic.startswith(start):
                    raise DataError(f"{path}: {kind} is not read here; unpack it, and import the CSV or a zip of it")
            yield Container.TEXT, file


@contextmanager
def _open_zip(file: IO[bytes], path: Path) -> "Iterator[io.BufferedReader[Any]]":
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
        found = f"{len(members)} files ({shown(names, 130)})" if members else "nothing"
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
