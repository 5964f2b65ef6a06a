"""Daily returns, and what is kept of their shape, laid out as the schemas ask, and back as arrays."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from necrozma_core.market.arrays import BoolArray, FloatArray, Int64Array
from necrozma_core.statistics.moments import Moments
from necrozma_core.statistics.overfitting import BlockSums
from necrozma_core.storage.disk.columns import array_of, arrow_column, coded_column, column_of
from necrozma_core.storage.disk.schema_names import coded
from necrozma_core.storage.results.schemas import MOMENTS_SCHEMA, RETURNS_SCHEMA


@dataclass(frozen=True, slots=True)
class KeptReturns:
    """Daily returns of some strategies of a pair.

    Attributes
    ----------
    strategies : list of str
    dates : int64 array, shape (n_days,)
        On which the days close, days since 1970, rising.
    returns : float32 array, shape (n_strategies, n_days)
    """

    strategies: list[str]
    dates: Int64Array
    returns: NDArray[np.float32]


def returns_table(strategy: str, dates: Int64Array, returns: FloatArray) -> pa.Table:
    """Lay out the daily returns of one strategy as RETURNS_SCHEMA asks, with dictionaries for strings.

    Parameters
    ----------
    strategy : str
    dates : int64 array, shape (n_days,)
        Days since 1970.
    returns : float64 array, shape (n_days,)
        Rounded to float32, which is to a ten-millionth of each.
    """
    columns = [
        coded_column(np.zeros(len(returns), np.int32), [strategy]),
        arrow_column(pa.date32(), dates.astype(np.int32)),
        arrow_column(pa.float32(), returns.astype(np.float32)),
    ]
    return pa.Table.from_arrays(columns, schema=coded(RETURNS_SCHEMA))


def kept_returns(table: pa.Table) -> KeptReturns:
    """Return what `returns_table` laid out, of strategies that have the same days, as the store reads it."""
    table = table.combine_chunks()
    if not len(table):
        return KeptReturns([], np.empty(0, np.int64), np.empty((0, 0), np.float32))
    labels = table["strategy"].combine_chunks()
    codes = array_of(labels.indices, np.int32)
    names = labels.dictionary.to_pylist()
    firsts = np.flatnonzero(np.diff(codes, prepend=-1))
    days = len(codes) // len(firsts)
    dates = array_of(table["day"].combine_chunks(), np.int32)[:days].astype(np.int64)
    returns = array_of(table["return"].combine_chunks(), np.float32).reshape(len(firsts), days)
    return KeptReturns([names[code] for code in codes[firsts]], dates, returns)


def moments_table(strategies: Sequence[str], moments: Moments, sums: BlockSums | None) -> pa.Table:
    """Lay out the shape of some strategies' daily returns as MOMENTS_SCHEMA asks.

    Parameters
    ----------
    strategies : sequence of str
    moments : Moments
        NaN becomes null.
    sums : BlockSums or None
        None where there are too few days for blocks.
    """
    blocks = [_lists(sums.returns), _lists(sums.squares)] if sums else [_no_lists(len(strategies))] * 2
    columns = [
        column_of(pa.string(), strategies),
        *(arrow_column(pa.int32(), days) for days in (moments.days, moments.winning_days, moments.losing_days)),
        *(nullable_numbers(figure) for figure in (moments.sharpe, moments.skew, moments.kurtosis)),
        *blocks,
    ]
    return pa.Table.from_arrays(columns, schema=MOMENTS_SCHEMA)


def moments_of(table: pa.Table) -> Moments:
    """Return the moments that `moments_table` laid out; null becomes NaN."""
    days = (array_of(table[name].combine_chunks(), np.int32) for name in ("days", "winning_days", "losing_days"))
    return Moments(*days, *(_numbers(table[name]) for name in ("sharpe", "skew", "kurtosis")))


def block_sums_of(table: pa.Table) -> BlockSums | None:
    """Return the sums that `moments_table` laid out of the strategies that have some; None where none has."""
    columns = [table[name].combine_chunks().drop_null() for name in ("block_returns", "block_squares")]
    if not len(columns[0]):
        return None
    flat = [array_of(column.flatten(), np.float64).reshape(len(column), -1) for column in columns]
    return BlockSums(*flat)


def nullable_numbers(values: FloatArray) -> pa.Array:
    """Return a column of numbers, null where they are NaN."""
    defined: BoolArray = ~np.isnan(values)
    valid = None if defined.all() else _bits(defined)
    buffers = [valid, pa.py_buffer(np.ascontiguousarray(np.where(defined, values, 0.0)))]
    return pa.Array.from_buffers(pa.float64(), len(values), buffers)


def _numbers(column: pa.ChunkedArray) -> FloatArray:
    column = column.combine_chunks()
    values = array_of(column, np.float64)
    return values if not column.null_count else np.where(_flags(column.is_valid()), values, np.nan)


def _flags(column: pa.Array) -> BoolArray:
    """Return a column of booleans without nulls as an array."""
    bits = np.frombuffer(column.buffers()[1], np.uint8)
    flags: BoolArray = np.unpackbits(bits, bitorder="little")[column.offset : column.offset + len(column)].astype(bool)
    return flags


def _lists(values: FloatArray) -> pa.Array:
    """Return one list a row; null where a row is NaN."""
    defined: BoolArray = np.asarray(~np.isnan(values).any(axis=1))
    lengths = np.where(defined, values.shape[1], 0)
    ends = np.concatenate(([0], np.cumsum(lengths))).astype(np.int32)
    kind = MOMENTS_SCHEMA.field("block_returns").type
    valid = None if defined.all() else _bits(defined)
    items = arrow_column(pa.float64(), values[defined].ravel())
    return pa.Array.from_buffers(kind, len(values), [valid, pa.py_buffer(ends)], children=[items])


def _no_lists(count: int) -> pa.Array:
    return _lists(np.full((count, 1), np.nan))


def _bits(flags: BoolArray) -> pa.Buffer:
    return pa.py_buffer(np.packbits(flags, bitorder="little"))
