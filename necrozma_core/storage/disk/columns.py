"""Arrays and values to Arrow's columns, by their buffers.

``pyarrow.array`` looks for pandas at its first call, and importing that takes half a second of every process that
computes or ranks. Nothing here needs it.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

_NUMBERS: Final = {
    pa.float64(): np.float64,
    pa.int64(): np.int64,
    pa.int32(): np.int32,
    pa.timestamp("ms", "UTC"): np.int64,
}
_CODES: Final = pa.int32()


def arrow_column(kind: pa.DataType, values: NDArray[Any]) -> pa.Array:
    """Take an array over as a column without nulls, not copied where it is contiguous.

    Parameters
    ----------
    kind : pyarrow.DataType
        Of the array's own width.
    values : array, shape (n,)
    """
    return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(np.ascontiguousarray(values))])


def array_of(column: pa.Array, dtype: type[np.generic]) -> NDArray[Any]:
    """Look at a column of fixed width as an array, not copied; what stands in the place of a null is not said."""
    offset = column.offset * np.dtype(dtype).itemsize
    return np.frombuffer(column.buffers()[1], dtype=dtype, count=len(column), offset=offset)


def coded_column(positions: NDArray[np.integer], labels: Sequence[str]) -> pa.DictionaryArray:
    """Return a column of labels, each given by its position among them."""
    indices = arrow_column(_CODES, positions.astype(np.int32))
    return pa.DictionaryArray.from_arrays(indices, column_of(pa.string(), labels))


def column_of(kind: pa.DataType, values: Sequence[Any]) -> pa.Array:
    """Lay out Python values, where None is null, as a column of strings, booleans, numbers or milliseconds."""
    present = np.fromiter((value is not None for value in values), np.bool_, len(values))
    valid = None if present.all() else _bits(present)
    if pa.types.is_string(kind):
        encoded = [b"" if value is None else value.encode() for value in values]
        ends = np.cumsum([0, *map(len, encoded)], dtype=np.int32)
        buffers = [valid, pa.py_buffer(ends), pa.py_buffer(b"".join(encoded))]
    elif pa.types.is_boolean(kind):
        buffers = [valid, _bits(np.array([bool(value) for value in values], np.bool_))]
    else:
        numbers = np.array([0 if value is None else value for value in values], _NUMBERS[kind])
        buffers = [valid, pa.py_buffer(numbers)]
    return pa.Array.from_buffers(kind, len(values), buffers)


def scalar_of(kind: pa.DataType, value: Any) -> pa.Scalar:
    """Return a value to compare a column with."""
    return column_of(kind, [value])[0]


def _bits(flags: NDArray[np.bool_]) -> pa.Buffer:
    return pa.py_buffer(np.packbits(flags, bitorder="little"))
