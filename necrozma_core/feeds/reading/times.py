"""Times of a source to nanoseconds; a cell that is no time is named.

A whole column is converted at once. Only where that fails are its cells looked at one by one, so that a clean
file costs nothing for what a dirty one needs.
"""

import re
from enum import StrEnum
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from necrozma_core.errors import DataError, shown
from necrozma_core.feeds.reading.cells import NO_FAULT, Cells, Fault, as_text, integers, to_bool, try_cast
from necrozma_core.feeds.reading.zones import ZONES, ClockChangeError, assume_zone
from necrozma_core.market.arrays import BoolArray, Int64Array

_NANOSECONDS: Final = pa.timestamp("ns", "UTC")
_NAIVE_NANOSECONDS: Final = pa.timestamp("ns")

_TIME_PATTERN: Final = r"^\d{4}-\d\d-\d\d[ T]\d\d(:?\d\d(:?\d\d(\.\d{1,9})?)?)?"
_ZONED_TIME: Final = _TIME_PATTERN + r"(Z|[+-]\d\d(:?\d\d)?)$"
_NAIVE_TIME: Final = _TIME_PATTERN + "$"
_ISO_DATE: Final = r"^\s*\d{4}-"
_SHORTEST: Final = len("2024-01-15T00")
"""A date alone is no time of a tick: it is what is left of one that was cut."""


class TimeStyle(StrEnum):
    """How a source writes its times; the value is an example."""

    ISO = "2024-01-15T00:00:00.032Z"
    DOTTED = "2024.01.15 00:00:00.032"
    COMPACT = "20240115 00:00:00.032 or 20240115 000000032"
    DAY_FIRST = "15.01.2024 00:00:00.032 GMT+0000"
    MONTH_FIRST = "01/15/2024 00:00:00.032"
    SECONDS = "1705276800, seconds since 1970"
    MILLISECONDS = "1705276800032, milliseconds since 1970"
    MICROSECONDS = "1705276800032000, microseconds since 1970"
    NANOSECONDS = "1705276800032000000, nanoseconds since 1970"

    @property
    def decimals(self) -> int | None:
        """Digits behind the second of a whole number of this style; None where it is no number."""
        return _EPOCH_DECIMALS.get(self)


_EPOCH_DECIMALS: Final = {
    TimeStyle.SECONDS: 0,
    TimeStyle.MILLISECONDS: 3,
    TimeStyle.MICROSECONDS: 6,
    TimeStyle.NANOSECONDS: 9,
}

_CLOCK: Final = r"(\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)"
_TO_ISO: Final = {
    TimeStyle.DOTTED: ((rf"^(\d{{4}})\.(\d\d)\.(\d\d)[ T]{_CLOCK}$", r"\1-\2-\3 \4"),),
    TimeStyle.COMPACT: (
        (rf"^(\d{{4}})(\d\d)(\d\d)[ T]{_CLOCK}$", r"\1-\2-\3 \4"),
        (r"^(\d{4})(\d\d)(\d\d)[ T]?(\d\d)(\d\d)(\d\d)(\d{3})$", r"\1-\2-\3 \4:\5:\6.\7"),
        (r"^(\d{4})(\d\d)(\d\d)[ T]?(\d\d)(\d\d)(\d\d)$", r"\1-\2-\3 \4:\5:\6"),
    ),
    TimeStyle.DAY_FIRST: (
        (rf"^(\d\d)\.(\d\d)\.(\d{{4}})[ T]{_CLOCK}(?: ?(?:GMT|UTC)([+-]\d{{4}}))?$", r"\3-\2-\1 \4\5"),
    ),
    TimeStyle.MONTH_FIRST: ((rf"^(\d\d)/(\d\d)/(\d{{4}})[ T]{_CLOCK}$", r"\3-\1-\2 \4"),),
}
"""Patterns of the styles that are not ISO, with what makes ISO of them; a cell that fits none is left as it is."""


def style_of(text: str) -> TimeStyle | None:
    """Tell the style in which a time is written; None where it has none that only one reading fits.

    A whole number is seconds, milliseconds, microseconds or nanoseconds since 1970, whichever of them lies between
    1990 and 2100: there is never more than one. A date with slashes is not told: 02/03/2024 may be either.
    """
    if re.fullmatch(r"\d{9,19}(\.\d{1,9})?", text, re.ASCII):
        for style, decimals in _EPOCH_DECIMALS.items():
            if _YEAR_1990_S <= int(text.partition(".")[0]) // 10**decimals < _YEAR_2100_S:
                return style
    for style, patterns in _TO_ISO.items():
        if style is not TimeStyle.MONTH_FIRST and any(re.match(pattern, text, re.ASCII) for pattern, _ in patterns):
            return style
    iso = re.match(_ZONED_TIME, text, re.ASCII) or re.match(_NAIVE_TIME, text, re.ASCII)
    return TimeStyle.ISO if iso else None


_YEAR_1990_S: Final = 631_152_000
_YEAR_2100_S: Final = 4_102_444_800


class ZoneError(DataError):
    """A time that its zone does not settle, for whoever knows rows and columns to place.

    Parameters
    ----------
    position : int
        Of the row in its batch.
    text : str
        The time.
    expected : str
    remedy : str
    """

    def __init__(self, position: int, text: str, expected: str, remedy: str) -> None:
        super().__init__(f"expected {expected}, found {shown(text, 40)}; {remedy}")
        self.position = position


class NaiveTimeError(ZoneError):
    """A time without a zone, and none was given."""

    def __init__(self, position: int, text: str) -> None:
        super().__init__(position, text, "a time with its zone", f"say which zone it is with --zone: {ZONES}")


def read_times(column: pa.Array, zone: str | None, style: TimeStyle = TimeStyle.ISO) -> Cells:
    """Convert a column of times: text or whole numbers in a style, or Arrow timestamps.

    Parameters
    ----------
    column : pyarrow.Array
        Text with ``Z`` or an offset, or timestamps of any unit; without a zone only where ``zone`` is given. Counts
        since 1970 are UTC.
    zone : str or None
        The zone of times that carry none, as `necrozma_core.feeds.reading.zones` knows it.
    style : TimeStyle
        How text and whole numbers are to be read.

    Returns
    -------
    Cells
        Nanoseconds since 1970 UTC.

    Raises
    ------
    ZoneError
        A time has no zone and none was given; or it does not exist in the zone, or exists twice.
    DataError
        The column is of another type, such as whole numbers whose unit nobody states.
    """
    try:
        return _read_times(column, zone, style)
    except NaiveTimeError as error:
        # It was found in the times as they were rewritten, and is told as it stands in the file.
        raise NaiveTimeError(error.position, str(column[error.position])) from error
    except ClockChangeError as error:
        text = str(column[error.position])
        remedy = f"it {error.trouble}, whose clocks change there: check --zone, or write its offset from UTC"
        raise ZoneError(error.position, text, "a time that is one moment", remedy) from error


def _read_times(column: pa.Array, zone: str | None, style: TimeStyle) -> Cells:
    kind = column.type
    if pa.types.is_timestamp(kind):
        if kind.tz is None and zone is None and len(column) > column.null_count:
            first = column.is_valid().index(True).as_py()
            raise NaiveTimeError(first, str(column[first]))
        masks = {_NANOSECONDS if kind.tz else _NAIVE_NANOSECONDS: column.is_valid()}
        return _times_where(column, masks, zone)
    if style.decimals is not None:
        return _counts(column, style.decimals)
    column = as_text(column, "times", "text such as 2024-01-15T00:00:00.032Z, or timestamps with a zone")
    if style in _TO_ISO:
        column = _to_iso(column, style)
    target = _NAIVE_NANOSECONDS if zone else _NANOSECONDS
    whole = None if (pc.min(pc.binary_length(column)).as_py() or 0) < _SHORTEST else try_cast(column, target)
    if whole is not None:
        return Cells(_to_utc(whole, zone), np.zeros(len(column), dtype=np.uint8))
    column = pc.utf8_trim_whitespace(column)
    naive = pc.match_substring_regex(column, _NAIVE_TIME)
    if zone is None and (first := naive.index(True).as_py()) >= 0:
        raise NaiveTimeError(first, column[first].as_py())
    masks = {_NANOSECONDS: pc.match_substring_regex(column, _ZONED_TIME)}
    if zone:
        masks[_NAIVE_NANOSECONDS] = naive
    return _times_where(column, masks, zone)


def _to_iso(column: pa.StringArray, style: TimeStyle) -> pa.StringArray:
    """Make ISO times of those in a style; an ISO time among them is of another style, and none of this one."""
    if pc.any(other := pc.match_substring_regex(column, _ISO_DATE)).as_py():
        column = pc.if_else(other, _OTHER_STYLE, column)
    for pattern, iso in _TO_ISO[style]:
        column = pc.replace_substring_regex(column, pattern, iso)
    return column


_OTHER_STYLE: Final = "in another style"


def _times_where(column: pa.Array, masks: dict[pa.DataType, pa.BooleanArray], zone: str | None) -> Cells:
    """Convert the cells under each mask to its type; what is under none, or cannot be converted, is a fault."""
    values = np.zeros(len(column), dtype=np.int64)
    faults = np.full(len(column), Fault.NOT_A_TIME.code, dtype=np.uint8)
    faults[_is_empty(column)] = Fault.EMPTY.code
    for target, mask in masks.items():
        rows = np.flatnonzero(to_bool(mask))
        converted, good = _cast_where_possible(column.take(pa.array(rows)), target)
        try:
            values[rows[good]] = _to_utc(converted, zone)
        except ClockChangeError as error:
            raise ClockChangeError(int(rows[good][error.position]), error.trouble) from error
        faults[rows[good]] = NO_FAULT
    return Cells(values, faults)


def _counts(column: pa.Array, decimals: int) -> Cells:
    """Convert counts since 1970, whole or with a fraction, exactly: the two sides of the point are read apart."""
    text = column.cast(pa.string()) if not pa.types.is_floating(column.type) else _plain_floats(column)
    text = pc.utf8_trim_whitespace(text)
    good = to_bool(pc.match_substring_regex(text, r"^\d{1,18}(\.\d{1,9})?$|^\d{19}$"))
    values = np.zeros(len(text), dtype=np.int64)
    faults = np.full(len(text), Fault.NOT_A_TIME.code, dtype=np.uint8)
    faults[_is_empty(text)] = Fault.EMPTY.code
    rows, text = np.flatnonzero(good), text.filter(pa.array(good))
    fraction = pc.utf8_rpad(pc.replace_substring_regex(text, r"^\d+\.?", ""), 9, "0")
    whole, fits = _cast_where_possible(pc.replace_substring_regex(text, r"\..*$", ""), pa.int64())
    unit = 10 ** (9 - decimals)
    counts = np.asarray(whole, dtype=np.int64)
    fits[fits] = in_range = counts < np.iinfo(np.int64).max // unit
    rest = np.asarray(fraction.filter(pa.array(fits)).cast(pa.int64()), dtype=np.int64) // 10**decimals
    values[rows[fits]] = counts[in_range] * unit + rest
    faults[rows[fits]] = NO_FAULT
    return Cells(values, faults)


def _plain_floats(column: pa.Array) -> pa.StringArray:
    return pa.array([None if value is None else f"{value:.9f}" for value in column.to_pylist()], pa.string())


def _to_utc(times: pa.Array, zone: str | None) -> Int64Array:
    return integers(assume_zone(times, zone) if times.type.tz is None and zone else times)


def _cast_where_possible(column: pa.Array, target: pa.DataType) -> tuple[pa.Array, BoolArray]:
    """Cast the cells that can be cast, found by halving: costly only where many cannot."""
    whole = try_cast(column, target)
    if whole is not None:
        return whole, np.ones(len(column), dtype=np.bool_)
    if len(column) == 1:
        return pa.array([], target), np.zeros(1, dtype=np.bool_)
    half = len(column) // 2
    parts = [_cast_where_possible(part, target) for part in (column.slice(0, half), column.slice(half))]
    return pa.concat_arrays([part for part, _ in parts]), np.concatenate([good for _, good in parts])


def _is_empty(column: pa.Array) -> BoolArray:
    empty = to_bool(column.is_null())
    if pa.types.is_string(column.type):
        empty |= to_bool(pc.equal(column, "").fill_null(True))
    return empty
