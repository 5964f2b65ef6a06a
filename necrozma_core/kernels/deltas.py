"""Whole numbers that Parquet keeps as differences, read from a file's bytes straight into the array that keeps them.

The layout is Parquet's own: https://parquet.apache.org/docs/file-format/data-pages/encodings/ (DELTA_BINARY_PACKED) in
version 1 data pages, whose headers are Thrift structures in the compact protocol. Only what our own writer makes of it
is understood, the rest is left to the library. Nothing is believed: whatever the bytes are, no byte outside of them is
read, and none outside of the array written.
"""

import numpy as np
from numba import njit

OTHER = -1
"""Returned for a position or a count where the bytes are laid out in another way than is read here."""

# A field's first byte: how much its number is above that of the field before, and its kind.
_INTEGER, _STRUCT, _STRUCT_AFTER_NEXT = 0x15, 0x1C, 0x2C
_KIND, _FLAG, _LONG, _BYTES = 15, 2, 6, 8
_DATA_PAGE, _DELTA_BINARY_PACKED = 0, 5

_MINIBLOCKS, _SHORT_BLOCK, _LONG_BLOCK = 4, 128, 256  # blocks of numbers of 32 bits, and of 64

# Indices without a sign are not asked whether they count from the end; a plain literal would give them one.
ONE, SIX, LAST, WORD, ALL = np.uint64(1), np.uint64(6), np.uint64(63), np.uint64(64), np.uint64(2**64 - 1)

# For what only kernels call: a way in from Python would take as long again to compile.
_inner = njit(nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)  # type: ignore[call-overload]


@_inner
def _varint(content, at, stop):
    # Seven bits a byte, the lowest first; and where the next one begins.
    value, shift = np.uint64(0), np.uint64(0)
    while 0 <= at < stop and shift < 64:
        byte = content[at]
        at += 1
        if shift == LAST and byte > 1:
            return value, OTHER  # more than 64 bits
        value |= np.uint64(byte & 127) << shift
        if byte < 128:
            return value, at
        shift += np.uint64(7)
    return value, OTHER


@_inner
def _signed(content, at, stop):
    # 0, -1, 1, -2, ... are written as 0, 1, 2, 3, ...
    value, at = _varint(content, at, stop)
    half = np.int64(value >> ONE)
    return ~half if value & ONE else half, at


@_inner
def _past(content, at, stop, byte):
    # The position after a byte that must stand here.
    return at + 1 if 0 <= at < stop and content[at] == byte else OTHER


@_inner
def _integers(content, at, stop, into):
    # The next fields of a structure, while they are whole numbers and ``into`` has room: how many, and what follows.
    count = 0
    while count < len(into) and 0 <= at < stop and content[at] == _INTEGER:
        into[count], at = _signed(content, at + 1, stop)
        count += 1
    return count, at


@_inner
def _past_statistics(content, at, stop):
    # The position after the structure of least, greatest and so on; after none, that where it would begin.
    inside = _past(content, at, stop, _STRUCT)
    if inside < 0:
        return at
    while 0 <= inside < stop and content[inside]:
        kind = content[inside] & _KIND
        inside += 1
        if kind > _FLAG:
            number, inside = _varint(content, inside, stop)
            if kind == _BYTES and inside >= 0:
                inside = inside + np.int64(number) if number < np.uint64(stop - inside) else OTHER
            elif kind != _LONG:
                return OTHER
    return _past(content, inside, stop, 0)


@_inner
def _page(content, at, stop):
    # The number of values of the page that begins here, where its data begin, and where they end.
    head, body = np.zeros(4, np.int64), np.zeros(4, np.int64)
    # Kind, size, size as it is here, which compression would change, and a checksum or none.
    count, at = _integers(content, at, stop, head)
    at = _past(content, at, stop, _STRUCT if count == 4 else _STRUCT_AFTER_NEXT)
    # Values, encoding, and two encodings of what columns without nulls do not have.
    _, at = _integers(content, at, stop, body)
    at = _past_statistics(content, at, stop)
    at = _past(content, _past(content, at, stop, 0), stop, 0)
    is_ours = count >= 3 and head[0] == _DATA_PAGE and head[1] == head[2] and body[1] == _DELTA_BINARY_PACKED
    if not is_ours or at < 0 or body[0] < 1 or head[2] < 0 or head[2] > stop - at:
        return OTHER, OTHER, OTHER
    return body[0], at, at + head[2]


@_inner
def _add_up(words, at, width, step, value, out, start, end):
    # Differences of ``width`` bits one after the other, whatever the borders of words; returns the last number.
    if width == 0:
        for i in range(start, end):
            value += step
            out[i] = value
        return value
    bit, bits = np.uint64(8 * at), np.uint64(width)
    mask = ALL >> (WORD - bits)
    for i in range(start, end):
        word, shift = bit >> SIX, bit & LAST
        # Shifted twice: by a whole word at once is undefined.
        high = (words[word + ONE] << ONE) << (LAST - shift)
        value += step + np.int64(((words[word] >> shift) | high) & mask)
        out[i] = value
        bit += bits
    return value


@_inner
def _fits(number, out):
    # What is written with more bits than the column has, the library refuses.
    return out.itemsize == 8 or -(2**31) <= number < 2**31


@_inner
def _fill(content, words, at, stop, out, start, end):
    # The numbers of one page into out[start:end]; False where they are laid out in another way.
    block, at = _varint(content, at, stop)
    miniblocks, at = _varint(content, at, stop)
    total, at = _varint(content, at, stop)
    value, at = _signed(content, at, stop)
    is_ours = miniblocks == _MINIBLOCKS and (block == _SHORT_BLOCK or block == _LONG_BLOCK)  # noqa: PLR1714 -- compiled
    if not is_ours or at < 0 or total != np.uint64(end - start) or not _fits(value, out):
        return False
    out[start] = value
    start += 1
    length = np.int64(block) // _MINIBLOCKS
    step, widths, miniblock = np.int64(0), at, _MINIBLOCKS
    while start < end:
        if miniblock == _MINIBLOCKS:
            step, widths = _signed(content, at, stop)
            at, miniblock = widths + _MINIBLOCKS, 0
            if widths < 0 or at > stop or not _fits(step, out):
                return False
        width = np.int64(content[widths + miniblock])
        miniblock += 1
        size = width * length // 8
        if width > 8 * out.itemsize or size > stop - at:
            return False
        value = _add_up(words, at, width, step, value, out, start, min(start + length, end))
        start, at = start + length, at + size
    return True


@njit(cache=True, nogil=True)
def decode_deltas(content, words, start, stop, out):
    """Read the pages of one column of one row group.

    Parameters
    ----------
    content : uint8 array, shape (n_bytes,)
        The file.
    words : uint64 array, shape (n_bytes // 8,)
        The same bytes, little-endian, eight at a time.
    start, stop : int
        Where the column's pages begin and end.
    out : int32 or int64 array, shape (n_values,)
        Filled; of numbers beyond its width the lowest bits are kept, as the writer does.

    Returns
    -------
    int
        The number of values, which is that of ``out``; `OTHER` where the pages are of another kind, are not whole, or
        hold another number: then what ``out`` holds is not said.
    """
    # What is unpacked is read by whole words, and the last of them may lie behind it: a file ends with its footer.
    stop = min(stop, len(content), 8 * len(words) - 16)
    found, at = np.int64(0), start
    while 0 <= at < stop and found < len(out):
        values, data, at = _page(content, at, stop)
        # Asked before it is added: a made-up number may go round.
        if values < 0 or values > len(out) - found:
            return OTHER
        if not _fill(content, words, data, at, out, found, found + values):
            return OTHER
        found += values
    return found if found == len(out) and at == stop else OTHER
