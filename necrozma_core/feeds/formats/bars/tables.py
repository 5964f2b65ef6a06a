"""Parquet and Feather with bars under any of their known names, among other columns."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from necrozma_core.errors import DataError
from necrozma_core.feeds.formats.bars import named
from necrozma_core.feeds.formats.bars.layout import BarBatch, BarLayout, SpreadUnit, convert
from necrozma_core.feeds.formats.tables import (
    NumberedTables,
    check_cells,
    feather_tables,
    library_errors,
    parquet_tables,
)
from necrozma_core.feeds.reading.delimited import TextBlock
from necrozma_core.feeds.reading.files import Container
from necrozma_core.feeds.reading.times import TimeStyle
from necrozma_core.market.arrays import Int64Array
from necrozma_core.market.instruments import Pair

_SEEN_ROWS: Final = 200


class BarTableReading:
    """How the rows of one Arrow table are read as bars.

    Parameters
    ----------
    names : sequence of str
        Of all columns of the file.
    source : str
        For messages.
    given : mapping of str to str or None
        Which columns to take, from the user.
    format_name : str
        For people: ``Parquet`` or ``Feather``.

    Raises
    ------
    DataError
        A column is missing, or two could be it.
    """

    def __init__(self, names: Sequence[str], source: str, given: Mapping[str, str] | None, format_name: str) -> None:
        found = _given(names, source, given) if given else named.find_columns(_lower(names), source, names)
        time, *more = named.time_columns(found)
        if more:
            raise DataError(f"{source}: expected the time in one column, found {names[time]} and {names[more[0]]}")
        self.source = source
        roles = {column: role for role, column in found.items()}
        self.read = [names[column] for column in roles]
        at = {role: position for position, role in enumerate(roles.values())}
        spread = next((role for role in at if role.startswith("spread_")), None)
        prices = named.price_columns(at)
        self.layout = BarLayout(
            format=format_name,
            reason=f"columns called {', '.join(self.read[column] for column in (*named.time_columns(at), *prices))}",
            header=tuple(self.read),
            has_header=True,
            time=named.time_columns(at),
            prices=prices,
            style=TimeStyle.ISO,
            volume=at.get("ticks", at.get("volume")),
            counts_ticks="ticks" in at,
            spread=at[spread] if spread else None,
            spread_unit=SpreadUnit(spread.removeprefix("spread_")) if spread else SpreadUnit.POINTS,
            symbol=at.get("symbol"),
        )


def read_bar_tables(
    file: Any,
    container: Container,
    size: int,
    source: str,
    pair: Pair,
    zone: str | None,
    style: TimeStyle | None,
    given: Mapping[str, str] | None,
) -> tuple[BarLayout, Iterator[BarBatch]]:
    """Read a Parquet or Feather file of bars.

    Parameters
    ----------
    file : binary file
    container : Container
    size : int
        Bytes of the file.
    source : str
    pair : Pair
    zone : str or None
        Of times that carry none.
    style : TimeStyle or None
        How text and whole numbers are times; None leaves it to the first rows.
    given : mapping of str to str or None
        Which columns to take, from the user.

    Raises
    ------
    DataError
        As `parquet_tables` and `convert`, here and from the batches.
    """
    name = container.value.capitalize()

    def open_reading(names: Sequence[str]) -> BarTableReading:
        return BarTableReading(names, source, given, name)

    if container is Container.PARQUET:
        reading, tables = parquet_tables(file, size, source, open_reading)
    else:
        reading, tables = feather_tables(file, source, open_reading)
    return reading.layout, _batches(reading, tables, name, pair, zone, style)


def _batches(
    reading: BarTableReading, tables: NumberedTables, name: str, pair: Pair, zone: str | None, style: TimeStyle | None
) -> Iterator[BarBatch]:
    times = named.BarTimes(style) if style else None
    for table, row in tables:
        with library_errors(reading.source, name):
            columns = [table.column(column) for column in reading.read]
            for column, called in zip(columns, reading.read, strict=True):
                check_cells(column, f"{reading.source}: column {called}")
            times = times or _times(columns[reading.layout.time[0]])
            layout = replace(reading.layout, style=times.style, clock=times.clock)
            batch = _convert(columns, row, layout, reading.source, pair, zone)
        yield batch


def _convert(
    columns: Sequence[pa.Array], row: Int64Array, layout: BarLayout, source: str, pair: Pair, zone: str | None
) -> BarBatch:
    plain = [column.dictionary_decode() if pa.types.is_dictionary(column.type) else column for column in columns]
    table = pa.record_batch([_as_known(column) for column in plain], names=list(layout.header))
    return convert(TextBlock(table, row, ()), layout, source, pair, zone)


def _as_known(column: pa.Array) -> pa.Array:
    """Make plain strings of other text, and times of dates."""
    if pa.types.is_date(column.type):
        return column.cast(pa.timestamp("ms"))
    is_other_text = pa.types.is_large_string(column.type) or pa.types.is_string_view(column.type)
    return column.cast(pa.string()) if is_other_text else column


def table_names(file: Any, container: Container) -> list[str]:
    """Return the names of a table's columns; none where it cannot be read."""
    try:
        with library_errors("", container.value):
            if container is Container.PARQUET:
                return list(pq.ParquetFile(file, pre_buffer=False).schema_arrow.names)
            return list(pa.ipc.open_file(file).schema.names)
    except DataError:
        # Whatever reads the file will say what is wrong with it.
        return []


def _times(column: pa.Array) -> named.BarTimes:
    is_text_or_number = not (pa.types.is_timestamp(column.type) or pa.types.is_date(column.type))
    seen = [str(cell) for cell in column.slice(0, _SEEN_ROWS).to_pylist() if cell is not None]
    return (named.times_in(seen) if is_text_or_number else None) or named.BarTimes(TimeStyle.ISO)


def _lower(names: Sequence[str]) -> list[str]:
    return [name.lower() for name in names]


def _given(names: Sequence[str], source: str, given: Mapping[str, str]) -> dict[str, int]:
    named.check_roles(given)
    found = {}
    for role, name in given.items():
        if name.strip().lower() not in _lower(names):
            raise DataError(f"{source}: --columns {role}={name[:40]}: no such column; found {', '.join(names)[:80]}")
        found[role] = _lower(names).index(name.strip().lower())
    return found
