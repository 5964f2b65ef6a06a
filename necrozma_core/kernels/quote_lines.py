"""Lines of a CSV of quotes straight from its bytes to whole numbers.

The kernel understands the lines that nearly every file is made of, and nothing else: complete lines of printable ASCII,
cells in quotes or without any, a time in one of a few layouts, prices of digits with a point. It stops at the first
line that is otherwise, and whatever reads all of CSV goes on from there. A line that it takes gives what the other
reader gives.
"""

import numpy as np
from numba import njit

DASHED, DOTTED, COMPACT, COUNTED = 0, 1, 2, 3
"""Layouts of a time: ``2024-01-15 00:00:00.032`` with a space or a T, the same with points, ``20240115 000000032``, and
a whole number since 1970."""

_FIRST_YEAR, _LAST_YEAR = 1970, 2200
_SECOND_NS = 1_000_000_000
_BAD = -1
_NO_NUMBER = 100_000  # larger than any part of a time

# Unsigned indices: numba does not test them for counting from the end. A plain literal would make an index signed.
ZERO, ONE, TWO = np.uint64(0), np.uint64(1), np.uint64(2)
_QUOTE, _RETURN, _NEWLINE = np.uint8(34), np.uint8(13), np.uint8(10)
_POINT, _DASH, _COLON, _SPACE, _T, _Z = (
    np.uint8(46),
    np.uint8(45),
    np.uint8(58),
    np.uint8(32),
    np.uint8(84),
    np.uint8(90),
)
_POWERS = np.array([10**exponent for exponent in range(10)], dtype=np.int64)

# For functions that only the kernel calls: an entry from Python would take as long again to compile.
_inner = njit(nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)  # type: ignore[call-overload]


@_inner
def _two(content, at):
    # Two digits, or _NO_NUMBER.
    high, low = np.int64(content[at]) - 48, np.int64(content[at + ONE]) - 48
    return 10 * high + low if 0 <= high <= 9 and 0 <= low <= 9 else _NO_NUMBER


@_inner
def _day(year, month, day):
    # Days since 1970, or _BAD where there is no such day.
    # Source: Hinnant, "chrono-compatible low-level date algorithms", days_from_civil.
    if year < _FIRST_YEAR or year > _LAST_YEAR or month < 1 or month > 12 or day < 1 or day > 31:
        return _BAD
    is_leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    if day > 30 and month in (4, 6, 9, 11):
        return _BAD
    if month == 2 and (day > 29 or (day == 29 and not is_leap)):
        return _BAD
    shifted = year - 1 if month <= 2 else year
    era = shifted // 400
    of_era = shifted - era * 400
    of_year = (153 * (month - 3 if month > 2 else month + 9) + 2) // 5 + day - 1
    return era * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719_468


@_inner
def _moment(content, at, date, clock, wide, latest):
    # Seconds since 1970, or _BAD: the parts of a time whose first digits stand at `at`, those of the month at `date`
    # behind them, those of the hour at `clock`; parts lie `wide` apart. `latest` keeps the last date and its day.
    year = 100 * _two(content, at) + _two(content, at + TWO)
    month, day = _two(content, at + date), _two(content, at + date + wide[0])
    name = (year * 100 + month) * 100 + day
    if name != latest[0]:
        latest[0], latest[1] = name, _day(year, month, day)
    hour, minute = _two(content, at + clock), _two(content, at + clock + wide[1])
    second = _two(content, at + clock + wide[1] + wide[1])
    if latest[1] < 0 or hour > 23 or minute > 59 or second > 59:
        return _BAD
    return 86_400 * latest[1] + 3_600 * hour + 60 * minute + second


@_inner
def _fraction(content, at, end):
    # Nanoseconds of one to nine digits, or _BAD.
    count = end - at
    if at >= end or count > 9:
        return _BAD
    value = 0
    while at < end:
        digit = int(content[at]) - 48
        if digit < 0 or digit > 9:
            return _BAD
        value = 10 * value + digit
        at += ONE
    return value * _POWERS[np.uint64(9) - count]


@_inner
def _count(content, at, end, unit):
    # A whole number of up to 18 digits, times its unit, or _BAD.
    if at >= end or end - at > 18:
        return _BAD
    value = 0
    while at < end:
        digit = int(content[at]) - 48
        if digit < 0 or digit > 9:
            return _BAD
        value = 10 * value + digit
        at += ONE
    return value * unit if value < 9_223_372_036_854_775_807 // unit else _BAD


@_inner
def _time(content, at, end, layout, unit, is_zoned, latest):  # noqa: C901 -- four layouts, a few tests each
    # Nanoseconds since 1970 of the clock as it stands there, or _BAD.
    if end <= at:
        return _BAD
    if layout == COUNTED:
        return _count(content, at, end, unit)
    if is_zoned:
        end -= ONE
        if end <= at or content[end] != _Z:
            return _BAD
    if layout == COMPACT:
        if end - at != 18 or content[at + np.uint64(8)] != _SPACE:
            return _BAD
        second = _moment(content, at, np.uint64(4), np.uint64(9), (TWO, TWO), latest)
        fraction = _fraction(content, at + np.uint64(15), end)
    else:
        between = _DASH if layout == DASHED else _POINT
        if end - at < 19 or content[at + np.uint64(4)] != between or content[at + np.uint64(7)] != between:
            return _BAD
        if content[at + np.uint64(10)] != _SPACE and content[at + np.uint64(10)] != _T:
            return _BAD
        if content[at + np.uint64(13)] != _COLON or content[at + np.uint64(16)] != _COLON:
            return _BAD
        second = _moment(content, at, np.uint64(5), np.uint64(11), (np.uint64(3), np.uint64(3)), latest)
        fraction = 0
        if end - at > 19:
            is_fraction = content[at + np.uint64(19)] == _POINT
            fraction = _fraction(content, at + np.uint64(20), end) if is_fraction else _BAD
    return second * _SECOND_NS + fraction if second >= 0 and fraction >= 0 else _BAD


@_inner
def _price(content, at, size):
    # Billionths, or _BAD, and the position behind the last digit: up to nine digits, a point, one to nine more.
    value, digits = 0, ZERO
    while at < size:
        digit = int(content[at]) - 48
        if digit < 0 or digit > 9:
            break
        value = 10 * value + digit
        digits += ONE
        if digits > 9:
            return _BAD, at
        at += ONE
    if digits == 0:
        return _BAD, at
    value *= _SECOND_NS
    if at < size and content[at] == _POINT:
        start = at + ONE
        end = start
        while end < size and 48 <= content[end] <= 57:
            end += ONE
        fraction = _fraction(content, start, end)
        return (value + fraction if fraction >= 0 else _BAD), end
    return value, at


@_inner
def _end(content, at, size, delimiter, is_quoted):
    # The end of a cell: at its quote, or at whatever is not printable ASCII or is the delimiter.
    while at < size:
        byte = content[at]
        if byte < 32 or byte > 126 or byte == _QUOTE or (byte == delimiter and not is_quoted):
            break
        at += ONE
    return at


@njit(cache=True, nogil=True)
def read_quote_lines(  # noqa: C901 -- a state machine reads best in one piece
    content, columns, symbol, delimiter, layout, unit, is_zoned, starts, time_ns, bid, ask
):
    """Read lines of quotes as far as they are of the plain kind.

    Parameters
    ----------
    content : uint8 array
        Begins with a line.
    columns : int64 array, shape (5,)
        How many cells a line has, and which are the time, the bid, the ask and the symbol; -1 where there is none.
    symbol : uint8 array
        What the symbol must be, letter by letter.
    delimiter : int
        A byte.
    layout : int
        `DASHED`, `DOTTED`, `COMPACT` or `COUNTED`.
    unit : int
        Nanoseconds that a counted time counts.
    is_zoned : bool
        A Z must follow a time; otherwise nothing may. Without meaning for counted times.
    starts : int64 array, shape (n + 1,)
        Filled with where each line begins, and the one after the last.
    time_ns, bid, ask : int64 array, shape (n,)
        Filled: nanoseconds since 1970, and billionths.

    Returns
    -------
    int
        How many lines were read: up to n, or up to the first that is not plain, or not complete.
    """
    size, most = np.uint64(len(content)), len(time_ns)
    fields, time_at, bid_at, ask_at, symbol_at = columns[0], columns[1], columns[2], columns[3], columns[4]
    comma, length = np.uint8(delimiter), np.uint64(len(symbol))
    latest = np.full(2, _BAD, dtype=np.int64)
    at, rows, usual = ZERO, 0, ZERO
    starts[0] = 0
    while rows < most:
        time = low = high = _BAD
        field = 0
        is_symbol = symbol_at < 0
        while True:
            is_quoted = at < size and content[at] == _QUOTE
            if is_quoted:
                at += ONE
            start = at
            if field == bid_at:
                low, at = _price(content, at, size)
            elif field == ask_at:
                high, at = _price(content, at, size)
            elif field == time_at:
                # Nearly all times are as long as the one before; a cell that ends earlier has no time of that length.
                at = start + usual
                if usual == 0 or at >= size or (content[at] != _QUOTE if is_quoted else content[at] != comma):
                    at = _end(content, start, size, comma, is_quoted)
                    usual = at - start
                time = _time(content, start, at, layout, unit, is_zoned, latest)
            else:
                at = _end(content, at, size, comma, is_quoted)
                if field == symbol_at and at - start == length:
                    is_symbol = True
                    for letter in range(len(symbol)):
                        is_symbol = is_symbol and content[start + np.uint64(letter)] == symbol[letter]
            field += 1
            if is_quoted:
                if at >= size or content[at] != _QUOTE:
                    return rows
                at += ONE
            if at >= size:
                return rows
            if content[at] != comma:
                break
            at += ONE
        if content[at] == _RETURN and at + ONE < size:
            at += ONE
        if content[at] != _NEWLINE or field != fields or not is_symbol or time < 0 or low < 0 or high < 0:
            return rows
        at += ONE
        time_ns[rows], bid[rows], ask[rows] = time, low, high
        rows += 1
        starts[rows] = at
    return rows
