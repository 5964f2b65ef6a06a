"""Exness: CSV with the columns Exness, Symbol, Timestamp, Bid, Ask, in whichever order a month's file has them.

The symbol names the account's kind as well: ``EURUSD_Zero_Spread``, ``EURUSD_Raw_Spread``, ``EURUSDm``. What
follows the pair's six letters is stripped, and the pair must be the one that was asked for, in every row.
"""

import re
from collections.abc import Sequence
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from necrozma_core.errors import DataError, shown
from necrozma_core.feeds.formats.generic import find_columns, read_csv
from necrozma_core.feeds.reading.delimited import ByteStream
from necrozma_core.feeds.reading.rows import TIMESTAMP, RowStream
from necrozma_core.market.arrays import Int64Array
from necrozma_core.market.instruments import Pair

SYMBOL: Final = "symbol"

_SYMBOL: Final = re.compile(r"([A-Za-z]{6})(?:[a-z]{1,4}|[._#-][A-Za-z0-9._-]{0,24})?", re.ASCII)


def is_exness(header: Sequence[str]) -> bool:
    """Tell whether a header is of this layout: its rows say which symbol they are of."""
    return SYMBOL in [name.lower() for name in header]


def strip_symbol(symbol: str) -> str | None:
    """Return the pair's six letters of a symbol such as ``EURUSD_Zero_Spread``; None where it has another shape."""
    match = _SYMBOL.fullmatch(symbol.strip())
    return match[1].upper() if match else None


def read_exness(stream: ByteStream, header: Sequence[str], source: str, pair: Pair, zone: str | None) -> RowStream:
    """Read an Exness CSV; its columns are found by name.

    Parameters
    ----------
    stream : ByteStream
        At its start.
    header : sequence of str
        Its first line, which `is_exness`.
    source : str
        For messages.
    pair : Pair
        What every row must be of.
    zone : str or None
        Of times that carry none; Exness writes ``Z``.

    Returns
    -------
    RowStream

    Raises
    ------
    DataError
        As `read_csv`, and where a row is of another pair: no quarantine mends a file that mixes pairs.
    """
    column = [name.lower() for name in header].index(SYMBOL)
    timestamp = find_columns(header, source)[TIMESTAMP]

    def check(table: pa.RecordBatch, row: Int64Array) -> None:
        symbols = table.column(column)
        others = [symbol for symbol in pc.unique(symbols).to_pylist() if strip_symbol(symbol) != pair.name]
        # A row without a time is bad anyway; an empty line among the rows has no symbol either.
        wrong = pc.and_(pc.is_in(symbols, pa.array(others, pa.string())), pc.not_equal(table.column(timestamp), ""))
        if (first := wrong.index(True).as_py()) >= 0:
            raise DataError(
                f"{source}: row {row[first]}, column {header[column]}: expected {pair.name}, "
                f"found {shown(symbols[first].as_py(), 40)}; import each pair from its own files"
            )

    return read_csv(stream, source, zone, check)
