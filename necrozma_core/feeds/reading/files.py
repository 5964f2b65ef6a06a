"""Files as users have them: told apart by their first bytes, and unpacked."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from necrozma_core.errors import DataError
from necrozma_core.feeds.reading.delimited import HEAD_BYTES
from necrozma_core.feeds.reading.unpacking import transcode_utf16, unpack_gzip, unpack_xz, unpack_zip, unpack_zstd

_ZIP: Final = (b"PK\x03\x04", b"PK\x05\x06")
_PARQUET: Final = b"PAR1"
_FEATHER: Final = b"ARROW1"
_JSON: Final = b"{"
_UTF16: Final = (b"\xff\xfe", b"\xfe\xff")
_UNPACKED: Final = {b"\x1f\x8b": unpack_gzip, b"\xfd7zXZ": unpack_xz, b"\x28\xb5\x2f\xfd": unpack_zstd}
_TAR: Final = b"ustar"
_TAR_AT: Final = 257
_NOT_READ: Final = {b"7z\xbc\xaf": "7-Zip", b"BZh": "bzip2", b"Rar!": "RAR", b"FEA1": "Feather of version 1"}
_PACKED: Final = {
    **dict.fromkeys(_ZIP, "a zip"),
    **dict.fromkeys(_UNPACKED, "a packed file"),
    **_NOT_READ,
    _PARQUET: "a Parquet file",
    _FEATHER: "a Feather file",
}


class Container(StrEnum):
    """What a file's bytes are packed in."""

    TEXT = "text"
    PARQUET = "parquet"
    FEATHER = "feather"
    BI5 = "bi5"
    JSON = "json"


@dataclass(frozen=True, slots=True, eq=False)
class OpenedFile:
    """A file on its way in.

    Attributes
    ----------
    container : Container
    stream : BufferedReader
        Its bytes, unpacked and with UTF-16 turned into UTF-8.
    name : str
        The name of what is read: the file's, or that of the CSV inside an archive.
    """

    container: Container
    stream: "io.BufferedReader[Any]"
    name: str


@contextmanager
def open_file(path: Path) -> Iterator[OpenedFile]:
    """Open a file and unpack it, as its first bytes ask for.

    Parameters
    ----------
    path : Path

    Yields
    ------
    OpenedFile
        To be read within the block.

    Raises
    ------
    DataError
        It is packed in a way that is not read here, or the archive is damaged, holds something else, or is a bomb.
    OSError
        It cannot be read.
    """
    with io.BufferedReader(io.FileIO(path), HEAD_BYTES) as file:
        magic = file.peek(8)[:8]
        if path.name.lower().endswith(".bi5"):
            yield OpenedFile(Container.BI5, file, path.name)
        elif magic.startswith(_PARQUET):
            yield OpenedFile(Container.PARQUET, file, path.name)
        elif magic.startswith(_FEATHER):
            yield OpenedFile(Container.FEATHER, file, path.name)
        elif magic.startswith(_ZIP):
            name, stream = unpack_zip(file, path)
            yield _as_text(_inside(stream, path), path, name)
        else:
            for start, kind in _NOT_READ.items():
                if magic.startswith(start):
                    raise DataError(
                        f"{path}: {kind} is not read here; unpack it, or pack the CSV as gz, zip, xz or zst"
                    )
            unpack = next((unpack for start, unpack in _UNPACKED.items() if magic.startswith(start)), None)
            stream = unpack(file, path) if unpack else file
            name = path.stem if unpack else path.name
            yield _as_text(_inside(stream, path) if unpack else stream, path, name)


def _as_text(stream: "io.BufferedReader[Any]", path: Path, name: str) -> OpenedFile:
    stream = _as_utf8(stream, path)
    return OpenedFile(Container.JSON if stream.peek(1)[:1] == _JSON else Container.TEXT, stream, name)


def _inside(stream: "io.BufferedReader[Any]", path: Path) -> "io.BufferedReader[Any]":
    """Return what an archive holds, which must be text."""
    begins = stream.peek(HEAD_BYTES)
    kind = next((kind for start, kind in _PACKED.items() if begins.startswith(start)), None)
    if begins[_TAR_AT : _TAR_AT + len(_TAR)] == _TAR:
        kind = "a tar archive"
    if kind:
        raise DataError(f"{path}: expected text in the archive, found {kind}; unpack it and import what is inside")
    return stream


def _as_utf8(stream: "io.BufferedReader[Any]", path: Path) -> "io.BufferedReader[Any]":
    return transcode_utf16(stream, path) if stream.peek(2)[:2] in _UTF16 else stream
