"""Packed files unpacked as they stream: bounded in bytes, and their damage told as damage.

No unpacking here makes more than it was asked for: gzip, deflate and xz are bounded by the library's ``max_length``,
zstd by its window. The methods whose decoders in Python's zip reader know no bound, bzip2 and LZMA, are refused there.
"""

import codecs
import gzip
import io
import lzma
import struct
import zipfile
import zlib
from pathlib import Path
from typing import IO, Any, Final, Protocol

import pyarrow as pa

from necrozma_core.errors import DataError

CHUNK_BYTES: Final = 65_536
MAX_EXPANSION: Final = 100
"""How many times larger than itself a packed file may become; CSVs of ticks shrink to a fifth or a fifteenth."""

_SMALL_BYTES: Final = 16 * 2**20
# The dictionary of `xz -9` takes 65 MB; a stream that asks for more was made to hurt.
_LZMA_BYTES: Final = 128 * 2**20
_BOUNDED_METHODS: Final = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_METHOD_NAMES: Final = {9: "deflate64", 12: "bzip2", 14: "LZMA", 93: "zstd", 95: "xz"}


class Readable(Protocol):
    """Bytes to be taken one after the other."""

    def read(self, size: int = -1, /) -> bytes:
        """Take at most so many bytes; none at the end."""
        ...


def unpack_gzip(file: IO[bytes], path: Path) -> "io.BufferedReader[Any]":
    """Unpack gzip, one member or several."""
    return _bounded(gzip.GzipFile(fileobj=file), path, "gzip file")


def unpack_xz(file: IO[bytes], path: Path) -> "io.BufferedReader[Any]":
    """Unpack xz, one stream or several."""
    return _bounded(_LzmaStreams(file), path, "xz file")


def unpack_zstd(file: IO[bytes], path: Path) -> "io.BufferedReader[Any]":
    """Unpack Zstandard, one frame or several."""
    return _bounded(pa.CompressedInputStream(pa.PythonFile(file, mode="r"), "zstd"), path, "zstd file")


def unpack_zip(file: IO[bytes], path: Path) -> "tuple[str, io.BufferedReader[Any]]":
    """Unpack the one CSV of a zip; a report in a ``.txt`` beside it, as HistData's zips have, is left alone.

    Returns
    -------
    tuple of (str, BufferedReader)
        The CSV's name inside the zip, and its bytes.

    Raises
    ------
    DataError
        The zip is damaged, needs a password or another program, or holds no CSV or several.
    """
    try:
        archive = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, struct.error, ValueError, OverflowError, NotImplementedError, OSError) as error:
        raise _damaged(error, path, "zip") from error
    member = _single_csv(archive, path)
    if member.compress_type not in _BOUNDED_METHODS:
        method = _METHOD_NAMES.get(member.compress_type, f"method {member.compress_type}")
        raise DataError(f"{path}: a zip packed with {method} is not read here; unpack it and import the CSV")
    try:
        raw = archive.open(member)
    except RuntimeError as error:  # a password
        raise DataError(f"{path}: the zip cannot be unpacked here ({error}); unpack it and import the CSV") from error
    except (zipfile.BadZipFile, struct.error, ValueError, NotImplementedError, OSError) as error:
        raise _damaged(error, path, "zip") from error
    return member.filename, _bounded(raw, path, "zip")


def transcode_utf16(stream: Readable, path: Path) -> "io.BufferedReader[Any]":
    """Read UTF-16 with a byte-order mark as UTF-8; FXCM's files and those of spreadsheets come so."""
    return io.BufferedReader(_Transcoded(stream, path), CHUNK_BYTES)


def unpack_lzma_alone(content: bytes, limit: int, path: Path) -> bytes:
    """Unpack a small file of the old LZMA format, whole.

    Parameters
    ----------
    content : bytes
    limit : int
        The most bytes that it may become.
    path : Path
        For messages.

    Raises
    ------
    DataError
        It is damaged, or becomes more.
    """
    unpacker = lzma.LZMADecompressor(lzma.FORMAT_ALONE, memlimit=_LZMA_BYTES)
    try:
        unpacked = unpacker.decompress(content, max_length=limit + 1)
    except (lzma.LZMAError, EOFError, ValueError) as error:
        raise _damaged(error, path, "file") from error
    if len(unpacked) > limit:
        raise DataError(f"{path}: unpacks to more than {limit:,} bytes, which no hour of quotes fills; get it again")
    if not unpacker.eof or unpacker.unused_data:
        raise DataError(f"{path}: the file is damaged (it ends too early or too late); get it again")
    return unpacked


def _single_csv(archive: zipfile.ZipFile, path: Path) -> zipfile.ZipInfo:
    members = [member for member in archive.infolist() if not member.is_dir()]
    if any(member.filename.startswith("xl/") for member in members):
        raise DataError(f"{path}: expected a zip that holds one CSV, found an Excel workbook; save it as CSV")
    tables = [member for member in members if member.filename.lower().endswith(".csv")]
    others = [member for member in members if member not in tables and not member.filename.lower().endswith(".txt")]
    if len(tables) != 1 or others:
        names = ", ".join(member.filename[:40] for member in members[:3])
        found = f"{len(members)} files ({names})" if members else "nothing"
        raise DataError(f"{path}: expected a zip that holds one CSV, found {found}; unpack it and import the CSVs")
    return tables[0]


def _bounded(raw: Readable, path: Path, what: str) -> "io.BufferedReader[Any]":
    limit = max(_SMALL_BYTES, MAX_EXPANSION * path.stat().st_size)
    return io.BufferedReader(_Bounded(raw, limit, path, what), CHUNK_BYTES)


def _damaged(error: Exception, path: Path, what: str) -> DataError:
    cause = " ".join(str(error).split())[:100] or type(error).__name__
    return DataError(f"{path}: the {what} is damaged ({cause}); get it again")


class _Bounded(io.RawIOBase):
    """A stream that refuses to grow beyond a limit, counted as the bytes come, whatever its archive declares."""

    def __init__(self, raw: Readable, limit: int, path: Path, what: str) -> None:
        self._raw = raw
        self._left = limit
        self._limit = limit
        self._path = path
        self._what = what

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        try:
            content = self._raw.read(len(buffer))
        except (zipfile.BadZipFile, lzma.LZMAError, zlib.error, pa.ArrowException, EOFError, ValueError) as error:
            raise _damaged(error, self._path, self._what) from error
        except OSError as error:
            # Only the disk's own errors have a number; a decoder's have none.
            if error.errno is None:
                raise _damaged(error, self._path, self._what) from error
            raise
        self._left -= len(content)
        if self._left < 0:
            raise DataError(
                f"{self._path}: the {self._what} unpacks to more than {self._limit:,} bytes, {MAX_EXPANSION} times its "
                "size; no ticks shrink so much: check where it comes from"
            )
        buffer[: len(content)] = content
        return len(content)


class _LzmaStreams:
    """The streams of an xz file, one after the other; Python's own reader sets no bound to their dictionaries."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._unpacker = self._new()
        self._rest = b""
        self._begun = False

    @staticmethod
    def _new() -> lzma.LZMADecompressor:
        return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_LZMA_BYTES)

    def read(self, size: int = -1, /) -> bytes:
        while True:
            if self._unpacker.eof:
                self._rest = (self._unpacker.unused_data or self._rest).lstrip(b"\0")  # padding between streams
                self._unpacker, self._begun = self._new(), False
            if self._unpacker.needs_input and not self._rest:
                self._rest = self._file.read(CHUNK_BYTES)
                if not self._rest:
                    if self._begun:
                        raise EOFError("it ends before its last stream does")
                    return b""
                if not self._begun:
                    self._rest = self._rest.lstrip(b"\0")
            content, self._rest = self._rest, b""
            self._begun = self._begun or bool(content)
            if unpacked := self._unpacker.decompress(content, max_length=size):
                return unpacked


class _Transcoded(io.RawIOBase):
    """UTF-16 read as UTF-8."""

    def __init__(self, stream: Readable, path: Path) -> None:
        self._stream = stream
        self._path = path
        self._decoder = codecs.getincrementaldecoder("utf-16")()
        self._ready = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._ready:
            content = self._stream.read(CHUNK_BYTES)
            try:
                self._ready = self._decoder.decode(content, final=not content).encode()
            except UnicodeError as error:
                raise DataError(f"{self._path}: expected UTF-16 text, as its first bytes say; mend its end") from error
            if not content:
                break
        taken = self._ready[: len(buffer)]
        self._ready = self._ready[len(taken) :]
        buffer[: len(taken)] = taken
        return len(taken)
