"""Cells of a source: what one column of a batch becomes, and what can be wrong with a cell or a row."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from necrozma_core.errors import DataError
from necrozma_core.market.arrays import BoolArray, Int64Array

NO_FAULT: Final = 0


class Fault(StrEnum):
    """Why a row is bad."""

    FIELDS = "wrong number of fields"
    EMPTY = "empty cell"
    NOT_A_TIME = "not a time"
    OUT_OF_RANGE = "a time before 1990 or after tomorrow"
    NOT_A_NUMBER = "not a number"
    INFINITE = "infinite"
    TOO_PRECISE = "more digits than can be stored"
    NOT_POSITIVE = "zero or negative"
    CROSSED = "ask below bid"
    OUT_OF_ORDER = "out of order"

    @property
    def code(self) -> int:
        """A small number above `NO_FAULT` for arrays."""
        return _CODES[self]

    @staticmethod
    def of_code(code: int) -> "Fault":
        """Return the fault that a number stands for."""
        return _FAULTS[code - 1]


_FAULTS: Final = tuple(Fault)
_CODES: Final = {fault: position for position, fault in enumerate(Fault, 1)}


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """One column of a batch.

    Attributes
    ----------
    values : int64 array, shape (n_rows,)
        Nanoseconds since 1970 UTC, or billionths of a price; 0 where there is a fault.
    faults : uint8 array, shape (n_rows,)
        `Fault.code`, or `NO_FAULT`.
    rounded : int
        How many prices were rounded by less than a billionth, to rid them of the dust of binary fractions.
    """

    values: Int64Array
    faults: NDArray[np.uint8]
    rounded: int = 0


def as_text(column: pa.Array, what: str, expected: str) -> pa.StringArray:
    """Return a column of text of any kind as plain strings.

    Raises
    ------
    DataError
        It is no text; saying `what` was expected, and as what.
    """
    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = column.dictionary_decode(), kind.value_type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)):
        raise DataError(f"expected {what} as {expected}, found the type {kind}")
    return column.cast(pa.string())


def try_cast(column: pa.Array, target: pa.DataType) -> pa.Array | None:
    """Convert a column, or return None where a cell cannot be converted."""
    try:
        return column.cast(target)
    except pa.ArrowInvalid:
        return None


def integers(column: pa.Array) -> Int64Array:
    """View the 64-bit integers behind timestamps or decimals; the column holds no null."""
    return np.frombuffer(column.buffers()[1], dtype=np.int64, count=len(column), offset=8 * column.offset)


def to_bool(column: pa.BooleanArray) -> BoolArray:
    """Return a column of booleans as an array; null is False."""
    return np.asarray(column.fill_null(False).to_numpy(zero_copy_only=False), dtype=np.bool_)
