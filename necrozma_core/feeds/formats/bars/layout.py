"""Tables of bars as text: where a row's time and prices stand in it, and what they mean."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from necrozma_core.errors import DataError, shown
from necrozma_core.feeds.formats.symbols import strip_symbol
from necrozma_core.feeds.reading.cells import Cells, to_bool, try_cast
from necrozma_core.feeds.reading.delimited import ByteStream, TextBlock, read_blocks
from necrozma_core.feeds.reading.prices import read_prices
from necrozma_core.feeds.reading.rows import TornRow
from necrozma_core.feeds.reading.times import TimeStyle, ZoneError, read_times
from necrozma_core.market.arrays import FloatArray, Int64Array
from necrozma_core.market.instruments import Pair

PARTS: Final = ("open", "high", "low", "close")
"""The prices of a side, in the order in which they are held everywhere."""

_NOTHING: Final = r"^\s*((?i:nan|n/a|null))?\s*$"


class SpreadUnit(StrEnum):
    """What a column of spreads counts."""

    POINTS = "points"
    PIPS = "pips"
    PRICE = "price"


@dataclass(frozen=True, slots=True)
class BarLayout:
    """One way in which rows of text, or of a table, are bars.

    Attributes
    ----------
    format : str
        Whose files are so, for people.
    reason : str
        What in the file shows it.
    header : tuple of str
        The columns' names, the file's own or, where it has none, ours.
    has_header : bool
    time : tuple of int
        The column of the opening time, or those of date and time.
    prices : tuple of int
        The columns of open, high, low and close: four of one side, or eight, the bid's before the ask's.
    style : TimeStyle
    delimiter : str
    clock : str
        What is put behind a date that has no time of day, with a blank before it; else empty.
    zone : str or None
        That of the format's times where they carry none; None where the user has to say it.
    volume : int or None
    counts_ticks : bool
        The volume is a number of ticks.
    spread : int or None
    spread_unit : SpreadUnit
    symbol : int or None
        The column that names the pair.
    """

    format: str
    reason: str
    header: tuple[str, ...]
    has_header: bool
    time: tuple[int, ...]
    prices: tuple[int, ...]
    style: TimeStyle
    delimiter: str = ","
    clock: str = ""
    zone: str | None = None
    volume: int | None = None
    counts_ticks: bool = False
    spread: int | None = None
    spread_unit: SpreadUnit = SpreadUnit.POINTS
    symbol: int | None = None

    @property
    def has_both_sides(self) -> bool:
        """Tell whether a row has the prices of bid and ask."""
        return len(self.prices) > len(PARTS)


@dataclass(frozen=True, slots=True, eq=False)
class BarBatch:
    """Some rows of a source, in its order.

    Attributes
    ----------
    row : int64 array, shape (n_rows,)
        Numbers as the user counts them, from 1: lines of a text file with its header, rows of a table.
    time : Cells
    prices : tuple of Cells
        As `BarLayout.prices`.
    volume : float64 array, shape (n_rows,), or None
        NaN where the cell is no number; 0 where it is blank.
    spread : Cells or None
    decimals : int
        The most that a price is written with, trailing zeros included; 0 where no column of spreads asks for it.
    original : callable
        Gives the fields of the row at a position of this batch, in the header's order, as the source has them.
    torn : tuple of TornRow
        Rows whose cells could not be told apart.
    """

    row: Int64Array
    time: Cells
    prices: tuple[Cells, ...]
    volume: FloatArray | None
    spread: Cells | None
    decimals: int
    original: Callable[[int], Sequence[str]]
    torn: tuple[TornRow, ...] = ()


def read_bar_layout(
    stream: ByteStream, layout: BarLayout, source: str, pair: Pair, zone: str | None
) -> Iterator[BarBatch]:
    """Read a text of bars.

    Parameters
    ----------
    stream : ByteStream
        At its start.
    layout : BarLayout
    source : str
        For messages.
    pair : Pair
        What every row must be of, where rows name their pair.
    zone : str or None
        Of times that carry none; the user's, before the format's own.

    Yields
    ------
    BarBatch

    Raises
    ------
    DataError
        For what spoils more than a row: an encoding, a quote that is never closed, times without a zone, a row of
        another pair.
    """
    for block in read_blocks(stream, source, len(layout.header), layout.delimiter, has_header=layout.has_header):
        yield convert(block, layout, source, pair, zone or layout.zone)


def convert(block: TextBlock, layout: BarLayout, source: str, pair: Pair, zone: str | None) -> BarBatch:
    """Convert the cells of some rows; errors as `read_bar_layout`."""
    table = block.table
    if layout.symbol is not None:
        _check_symbols(block, layout, layout.symbol, source, pair)
    prices = [table.column(column) for column in layout.prices]
    return BarBatch(
        row=block.row,
        time=_times(block, layout, source, zone),
        prices=tuple(_cells(cells, source, layout.header[at]) for cells, at in zip(prices, layout.prices, strict=True)),
        volume=None if layout.volume is None else _numbers(table.column(layout.volume)),
        spread=None
        if layout.spread is None
        else _cells(table.column(layout.spread), source, layout.header[layout.spread]),
        decimals=0 if layout.spread is None else max(map(_decimals, prices)),
        original=lambda position: [str(cells[position].as_py() or "") for cells in table.columns],
        torn=block.torn,
    )


def _times(block: TextBlock, layout: BarLayout, source: str, zone: str | None) -> Cells:
    columns = [block.table.column(column) for column in layout.time]
    name = layout.header[layout.time[0]]
    if pa.types.is_string(columns[0].type):
        columns = [pc.utf8_trim_whitespace(column) for column in columns]
    cells = columns[0] if len(columns) == 1 else pc.binary_join_element_wise(*columns, " ")
    if layout.clock:
        cells = pc.binary_join_element_wise(cells, layout.clock, "")
    try:
        return read_times(cells, zone, layout.style)
    except ZoneError as error:
        raise DataError(f"{source}: row {block.row[error.position]}, column {name}: {error}") from error
    except DataError as error:
        raise DataError(f"{source}: column {name}: {error}") from error


def _cells(column: pa.Array, source: str, name: str) -> Cells:
    if pa.types.is_integer(column.type):
        column = column.cast(pa.string())
    try:
        return read_prices(column)
    except DataError as error:
        raise DataError(f"{source}: column {name}: {error}") from error


def _numbers(column: pa.Array) -> FloatArray:
    """Convert volumes, which may have any size and decimals; a blank is none."""
    if pa.types.is_string(column.type):
        column = pc.if_else(pc.match_substring_regex(column, _NOTHING), "0", column)
    whole = try_cast(column, pa.float64())
    if whole is None:
        good = pc.match_substring_regex(column, r"^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?\s*$")
        whole = pc.if_else(good, pc.utf8_trim_whitespace(column), "nan").cast(pa.float64())
    return np.asarray(whole.fill_null(0.0), dtype=np.float64)


def _decimals(column: pa.Array) -> int:
    """Return the most decimals that are written; 0 for what is no text."""
    if not pa.types.is_string(column.type) or not len(column):
        return 0
    fraction = pc.replace_substring_regex(pc.utf8_trim_whitespace(column), r"^[^.]*\.?", "")
    return int(pc.max(pc.utf8_length(fraction)).as_py() or 0)


def _check_symbols(block: TextBlock, layout: BarLayout, column: int, source: str, pair: Pair) -> None:
    symbols = block.table.column(column).cast(pa.string())
    others = [symbol for symbol in pc.unique(symbols).to_pylist() if strip_symbol(symbol or "") != pair.name]
    wrong = pc.is_in(symbols, pa.array(others, pa.string()))
    times = block.table.column(layout.time[0])
    if pa.types.is_string(times.type):
        # A row without a time is bad anyway; an empty line among the rows has no symbol either.
        wrong = pc.and_(wrong, pc.not_equal(times, ""))
    found = np.flatnonzero(to_bool(wrong))
    if len(found):
        first = int(found[0])
        raise DataError(
            f"{source}: row {block.row[first]}, column {layout.header[column]}: expected {pair.name}, "
            f"found {shown(symbols[first].as_py() or '', 40)}; import each pair from its own files"
        )
