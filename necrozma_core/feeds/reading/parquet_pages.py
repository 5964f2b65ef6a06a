"""What a foreign Parquet file would unpack to, read from its page headers before anything is unpacked.

A file of a kilobyte can ask for gigabytes, and its footer need not tell: the library allocates what each page's own
header claims. So the headers are walked first. The footer is read here too, because the library ends the process where
a damaged one contradicts itself. Both are Thrift structs in the compact protocol.

Source of the layout: the Parquet format's ``parquet.thrift`` (``FileMetaData``, ``RowGroup``, ``ColumnChunk``,
``ColumnMetaData``, ``PageHeader``), and Thrift's description of its compact protocol.
"""

from collections.abc import Iterator, Set
from typing import Final, NamedTuple, Protocol

from necrozma_core.errors import DataError
from necrozma_core.feeds.reading.thrift import CompactReader, Struct

MAX_PAGE_BYTES: Final = 64 * 2**20
"""The most that one page may unpack to; writers make pages of a megabyte."""

_HEADER_BYTES: Final = 64 * 2**10
_SMALL_BYTES: Final = 16 * 2**20
_EXPANSION: Final = 100
_END_BYTES: Final = 8  # the footer's length, and the magic letters

_ROW_GROUPS: Final = 4
_COLUMNS: Final = 1
_META_DATA: Final = 3
_PATH, _PACKED_SIZE, _DATA_OFFSET, _DICTIONARY_OFFSET = 3, 7, 9, 11
_PAGE_UNPACKED, _PAGE_PACKED = 2, 3


class PagesOfColumn(NamedTuple):
    """Where the pages of one column lie in the file."""

    column: str
    start: int
    size: int


class Seekable(Protocol):
    """A file that can be read anywhere."""

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Go to a byte."""
        ...

    def read(self, size: int = -1, /) -> bytes:
        """Take bytes."""
        ...


def check_pages(file: Seekable, columns: Set[str], size: int, source: str) -> None:
    """Refuse a file whose pages unpack to more than any quotes do.

    Parameters
    ----------
    file : Seekable
    columns : set of str
        Those that will be read.
    size : int
        Bytes of the file.
    source : str
        For messages.

    Raises
    ------
    DataError
        A page or all pages together are too large, or footer or header cannot be read; with the column and the byte.
    """
    limit = max(_SMALL_BYTES, _EXPANSION * size)
    left = limit
    try:
        chunks = [chunk for chunk in _chunks(_read_footer(file, size)) if chunk.column in columns]
    except (IndexError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise _damaged(source, "footer", size - _END_BYTES) from error
    for column, start, length in chunks:
        if not 0 <= start <= start + length <= size:
            raise _damaged(source, f"column {column}", start)
        at = start
        while at < start + length:
            file.seek(at)
            header, unpacked, packed = _page(file.read(_HEADER_BYTES), source, column, at)
            if not 0 <= packed <= start + length - at - header or unpacked < 0:
                raise _damaged(source, f"column {column}", at)
            left -= unpacked
            if unpacked > MAX_PAGE_BYTES or left < 0:
                raise DataError(
                    f"{source}: column {column}, byte {at}: the file unpacks to more than "
                    f"{min(limit, MAX_PAGE_BYTES):,} bytes; no quotes shrink so much: check where it comes from"
                )
            at += header + packed


def _damaged(source: str, where: str, at: int) -> DataError:
    return DataError(f"{source}: {where}, byte {at}: expected Parquet; the file is damaged: get it again")


def _read_footer(file: Seekable, size: int) -> Struct:
    file.seek(max(0, size - _END_BYTES))
    length = int.from_bytes(file.read(4), "little")
    if not 0 < length <= size - _END_BYTES:
        raise ValueError("a footer longer than the file")
    file.seek(size - _END_BYTES - length)
    return CompactReader(file.read(length)).struct()


def _chunks(footer: Struct) -> Iterator[PagesOfColumn]:
    for group in footer.get(_ROW_GROUPS, []):
        for column in group[_COLUMNS]:
            about = column[_META_DATA]
            offsets = [about[_DATA_OFFSET]]
            if about.get(_DICTIONARY_OFFSET):
                offsets.append(about[_DICTIONARY_OFFSET])
            path = ".".join(part.decode() for part in about[_PATH])
            yield PagesOfColumn(path, min(offsets), about[_PACKED_SIZE])


def _page(content: bytes, source: str, column: str, at: int) -> tuple[int, int, int]:
    """Return a page header's length, and the sizes that it gives: unpacked and packed."""
    thrift = CompactReader(content)
    try:
        header = thrift.struct()
        return thrift.at, int(header[_PAGE_UNPACKED]), int(header[_PAGE_PACKED])
    except (IndexError, ValueError, KeyError, TypeError) as error:
        raise _damaged(source, f"column {column}", at) from error
