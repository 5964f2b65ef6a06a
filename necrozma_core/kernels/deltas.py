"""Whole numbers that Parquet keeps as differences, read from a file's bytes straight into the array that keeps them.

The layout is Parquet's own: https://parquet.apache.org/docs/file-format/data-pages/encodings/ (DELTA_BINARY_PACKED) in
version 1 data pages, whose headers are Thrift structures in the compact protocol. The kernel understands only what our
own writer makes; for anything else it returns `OTHER`, and the library reads the page. Nothing is trusted: whatever the
bytes say, none outside of them is read, and none outside of the array is written.
"""

import numpy as np
from numba import njit

OTHER = -1
"""Returned instead of a position or a count where the bytes have another layout than the one read here."""

# A field's first byte: its number minus that of the field before (high half), and its kind (low half).
_INTEGER, _STRUCT, _STRUCT_AFTER_NEXT = 0x15, 0x1C, 0x2C
_KIND, _FLAG, _LONG, _BYTES = 15, 2, 6, 8
_DATA_PAGE, _DELTA_BINARY_PACKED = 0, 5

_MINIBLOCKS, _SHORT_BLOCK, _LONG_BLOCK = 4, 128, 256  # blocks of numbers of 32 bits, and of 64

# Unsigned indices: numba does not test them for counting from the end. A plain literal would make an index signed.
ONE, SIX, LAST, WORD, ALL = np.uint64(1), np.uint64(6), np.uint64(63), np.uint64(64), np.uint64(2**64 - 1)

# For functions that only kernels call: an entry from Python would take as long again to compile.
_inner = njit(nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)  # type: ignore[call-overload]


@_inner
def _varint(content, at, stop):
    # Return a number, stored as seven bits a byte with the lowest first, and the position after it.
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
    # Return a signed number and the position after it; 0, -1, 1, -2, ... are written as 0, 1, 2, 3, ...
    value, at = _varint(content, at, stop)
    half = np.int64(value >> ONE)
    return ~half if value & ONE else half, at


@_inner
def _past(content, at, stop, byte):
    # Return the position after a byte that must stand here, or OTHER.
    return at + 1 if 0 <= at < stop and content[at] == byte else OTHER


@_inner
def _integers(content, at, stop, into):
    # Read the next fields of a structure into ``into``, while they are whole numbers and it has room. Return how many
    # were read, and the position after them.
    count = 0
    while count < len(into) and 0 <= at < stop and content[at] == _INTEGER:
        into[count], at = _signed(content, at + 1, stop)
        count += 1
    return count, at


@_inner
def _past_statistics(content, at, stop):
    # Return the position after the statistics (least, greatest, ...), which is ``at`` itself where there are none.
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
    # Return the number of values of the page that begins here, where its data begin, and where they end.
    head, body = np.zeros(4, np.int64), np.zeros(4, np.int64)
    # Kind of page, size, size as stored (the same without compression), and a checksum or none.
    count, at = _integers(content, at, stop, head)
    at = _past(content, at, stop, _STRUCT if count == 4 else _STRUCT_AFTER_NEXT)
    # Number of values, their encoding, and the encodings of two kinds of levels that columns without nulls do not have.
    _, at = _integers(content, at, stop, body)
    at = _past_statistics(content, at, stop)
    at = _past(content, _past(content, at, stop, 0), stop, 0)
    is_ours = count >= 3 and head[0] == _DATA_PAGE and head[1] == head[2] and body[1] == _DELTA_BINARY_PACKED
    if not is_ours or at < 0 or body[0] < 1 or head[2] < 0 or head[2] > stop - at:
        return OTHER, OTHER, OTHER
    return body[0], at, at + head[2]


@_inner
def _add_up(words, at, width, step, value, out, start, end):
    # Unpack differences of ``width`` bits, which may cross the borders of words, and add them up; return the last
    # number.
    if width == 0:
        for i in range(start, end):
            value += step
            out[i] = value
        return value
    bit, bits = np.uint64(8 * at), np.uint64(width)
    mask = ALL >> (WORD - bits)
    for i in range(start, end):
        word, shift = bit >> SIX, bit & LAST
        # Shifted in two steps, because a shift by 64 bits is undefined.
        high = (words[word + ONE] << ONE) << (LAST - shift)
        value += step + np.int64(((words[word] >> shift) | high) & mask)
        out[i] = value
        bit += bits
    return value


@_inner
def _fits(number, out):
    # Tell whether a number fits the column's type. The library refuses one that does not.
    return out.itemsize == 8 or -(2**31) <= number < 2**31


@_inner
def _fill(content, words, at, stop, out, start, end):
    # Decode one page into out[start:end]; return False where its layout is another.
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
        Filled; a sum beyond its width keeps its lowest bits, as with the writer.

    Returns
    -------
    int
        The number of values, which is the length of ``out``. `OTHER` where the pages are of another kind, incomplete,
        or hold another number of values; what ``out`` then holds is undefined.
    """
    # Unpacking reads whole words, so it may read behind the last packed bit. That is inside the file, because a file
    # ends with its footer.
    stop = min(stop, len(content), 8 * len(words) - 16)
    found, at = np.int64(0), start
    while 0 <= at < stop and found < len(out):
        values, data, at = _page(content, at, stop)
        # Compared before it is added, because a made-up number could overflow the sum.
        if values < 0 or values > len(out) - found:
            return OTHER
        if not _fill(content, words, data, at, out, found, found + values):
            return OTHER
        found += values
    return found if found == len(out) and at == stop else OTHER
