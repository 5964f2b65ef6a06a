"""Times of a source to nanoseconds; a cell that is no time is named.

A whole column is converted at once. Only where that fails are its cells looked at one by one, so that a clean
file costs nothing for what a dirty one needs.
"""

import re
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from necrozma_core.errors import DataError
from necrozma_core.feeds.reading.cells import NO_FAULT, Cells, Fault, as_text, integers, to_bool, try_cast
from necrozma_core.market.arrays import BoolArray, Int64Array

_NANOSECONDS: Final = pa.timestamp("ns", "UTC")
_NAIVE_NANOSECONDS: Final = pa.timestamp("ns")

_TIME_PATTERN: Final = r"^\d{4}-\d\d-\d\d[ T]\d\d(:?\d\d(:?\d\d(\.\d{1,9})?)?)?"
_ZONED_TIME: Final = _TIME_PATTERN + r"(Z|[+-]\d\d(:?\d\d)?)$"
_NAIVE_TIME: Final = r"^\d{4}-\d\d-\d\d([ T]\d\d(:?\d\d(:?\d\d(\.\d{1,9})?)?)?)?$"


class NaiveTimeError(DataError):
    """A time without a zone, and none was given; ``args`` are the row's position in its batch and the text."""


def read_times(column: pa.Array, zone: str | None) -> Cells:
    """Convert a column of times, ISO 8601 text or Arrow timestamps.

    Parameters
    ----------
    column : pyarrow.Array
        Text with ``Z`` or an offset, or timestamps of any unit; without a zone only where ``zone`` is given.
    zone : str or None
        The zone of times that carry none; an IANA name or an offset such as ``+02:00``.

    Returns
    -------
    Cells
        Nanoseconds since 1970 UTC.

    Raises
    ------
    NaiveTimeError
        A time has no zone and none was given.
    DataError
        A time does not exist in the zone, or exists twice; or the column is of another type, such as whole
        numbers whose unit nobody states.
    """
    kind = column.type
    if pa.types.is_timestamp(kind):
        if kind.tz is None and zone is None and len(column) > column.null_count:
            first = column.is_valid().index(True).as_py()
            raise NaiveTimeError(first, str(column[first]))
        masks = {_NANOSECONDS if kind.tz else _NAIVE_NANOSECONDS: column.is_valid()}
        return _times_where(column, masks, zone)
    column = as_text(column, "times", "text such as 2024-01-15T00:00:00.032Z, or timestamps with a zone")
    target = _NAIVE_NANOSECONDS if zone else _NANOSECONDS
    whole = try_cast(column, target)
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


def _times_where(column: pa.Array, masks: dict[pa.DataType, pa.BooleanArray], zone: str | None) -> Cells:
    """Convert the cells under each mask to its type; what is under none, or cannot be converted, is a fault."""
    values = np.zeros(len(column), dtype=np.int64)
    faults = np.full(len(column), Fault.NOT_A_TIME.code, dtype=np.uint8)
    faults[_is_empty(column)] = Fault.EMPTY.code
    for target, mask in masks.items():
        rows = np.flatnonzero(to_bool(mask))
        converted, good = _cast_where_possible(column.take(pa.array(rows)), target)
        values[rows[good]] = _to_utc(converted, zone)
        faults[rows[good]] = NO_FAULT
    return Cells(values, faults)


def _to_utc(times: pa.Array, zone: str | None) -> Int64Array:
    if times.type.tz is None:
        try:
            times = pc.assume_timezone(times, zone, ambiguous="raise", nonexistent="raise")
        except pa.ArrowInvalid as error:
            time = re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", str(error))
            trouble = "exists twice" if "ambiguous" in str(error) else "does not exist"
            raise DataError(
                f"{time[0] if time else 'a time'} {trouble} in {zone}, whose clocks change there; "
                "give the times with their offset from UTC"
            ) from error
    return integers(times)


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
