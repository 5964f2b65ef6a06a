"""Records to the columns of a Parquet file, and back."""

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, Final

import pyarrow as pa
import pyarrow.parquet as pq

from necrozma_core.storage.disk.columns import column_of
from necrozma_core.storage.disk.schema_names import SCHEMA_KEY
from necrozma_core.storage.migrated.json_values import exact_decoder, json_text
from necrozma_core.storage.migrated.survey import ABSENT, PARENT, Column, Kind, Layout

MIGRATED_SCHEMA: Final = "migrated/1"
COLUMNS_KEY: Final = b"necrozma.columns"
"""The metadata key under which a file says of each column by which keys its values are found, and of what kind."""

_GROUP_ROWS: Final = 32_768
_GROUP_CHARACTERS: Final = 32 * 2**20
"""Of texts in one row group, which is held in memory until it is written."""
_BATCH_ROWS: Final = 1_024

_TYPES: Final = {
    Kind.BOOLEAN: pa.bool_(),
    Kind.INTEGER: pa.int64(),
    Kind.NUMBER: pa.float64(),
    Kind.TEXT: pa.string(),
    Kind.JSON: pa.string(),
    Kind.ROWS: pa.int64(),
}

_MISSING: Final = object()


class TableWriter:
    """Writes records as they come; the bytes depend on them alone.

    Parameters
    ----------
    handle : binary file
        Stays open.
    layout : Layout
        Of a survey of the same records.
    has_parent : bool
        Each record comes with the row of another table that it belongs to.
    """

    def __init__(self, handle: BinaryIO, layout: Layout, *, has_parent: bool = False) -> None:
        self._layout = layout
        self._schema = _schema(layout, has_parent=has_parent)
        self._pending: list[list[Any]] = [[] for _ in self._schema]
        self._characters = 0
        self.rows = 0
        # Numbers of results seldom repeat; what describes a table of fifty rows must not outweigh it.
        self._writer = pq.ParquetWriter(
            handle,
            self._schema,
            compression="zstd",
            use_dictionary=[field.name for field in self._schema if pa.types.is_string(field.type)],
            write_statistics=False,
            write_page_checksum=True,
            store_schema=False,
        )
        self._writer.add_key_value_metadata(self._schema.metadata)

    def write(self, record: dict[str, Any], parent: int | None = None) -> None:
        """Add a record."""
        cells = list(_cells(self._layout, record))
        if self._layout.lacks_keys:
            names = [column.name for column, cell in zip(self._layout.columns, cells, strict=True) if cell is _MISSING]
            cells.append(json_text(names) if names else None)
        if parent is not None:
            cells.insert(0, parent)
        for column, cell in zip(self._pending, cells, strict=True):
            column.append(None if cell is _MISSING else cell)
            self._characters += len(cell) if isinstance(cell, str) else 0
        self.rows += 1
        if len(self._pending[0]) >= _GROUP_ROWS or self._characters >= _GROUP_CHARACTERS:
            self._flush()

    def close(self) -> None:
        """Write what is held back, and the footer."""
        if self._pending[0]:
            self._flush()
        self._writer.close()

    def abandon(self) -> None:
        """Drop what is held back; the file is going to be removed."""
        # The library writes the footer even now, and the disk may be what failed.
        with suppress(OSError, pa.ArrowException):
            self._writer.close()

    def _flush(self) -> None:
        columns = [column_of(field.type, cells) for field, cells in zip(self._schema, self._pending, strict=True)]
        self._writer.write_table(pa.Table.from_arrays(columns, schema=self._schema))
        self._pending = [[] for _ in self._schema]
        self._characters = 0


def read_layout(path: Path) -> tuple[Layout, bool]:
    """Return what a table's file says of its columns, and whether its records belong to rows of another table.

    Raises
    ------
    ValueError, KeyError, TypeError, OSError, pyarrow.ArrowException
        It is no file that `TableWriter` wrote.
    """
    with pq.ParquetFile(path) as file:
        schema = file.schema_arrow
    described = json.loads(schema.metadata[COLUMNS_KEY])
    columns = tuple(Column(one["name"], tuple(one["path"]), Kind(one["kind"])) for one in described)
    names, has_parent = schema.names, schema.names[0] == PARENT
    layout = Layout(columns, names[-1] == ABSENT)
    if _schema(layout, has_parent=has_parent) != schema:
        raise ValueError("its columns are not those that it describes")
    return layout, has_parent


def read_records(path: Path) -> Iterator[tuple[int | None, dict[str, Any]]]:
    """Read a table's records back, each with the row that it belongs to, from nothing but its file.

    A list of trades that is a table of its own stands there as the number of its rows. Raises what `read_layout` does.
    """
    layout, has_parent = read_layout(path)
    decoder = exact_decoder()
    with pq.ParquetFile(path, page_checksum_verification=True) as file:
        for batch in file.iter_batches(_BATCH_ROWS, use_threads=False):
            columns = [column.to_pylist() for column in batch.columns]
            parents = columns.pop(0) if has_parent else [None] * batch.num_rows
            absent = columns.pop() if layout.lacks_keys else [None] * batch.num_rows
            for parent, lacks, *cells in zip(parents, absent, *columns, strict=True):
                yield parent, _record(layout, cells, set(json.loads(lacks)) if lacks else set(), decoder)


def as_stored(layout: Layout, record: dict[str, Any], inner: str) -> dict[str, Any]:
    """Return a record with what its table may change: 1 for 1.0 among fractions, and a list by its number of elements.

    Parameters
    ----------
    layout : Layout
    record : mapping
    inner : str
        The key of the list that has a table of its own; empty where none has.
    """
    changed = dict(record)
    if inner and changed.get(inner) is not None:
        changed[inner] = len(changed[inner])
    for column in layout.columns:
        cell = _find(record, column.path)
        if column.kind is Kind.NUMBER and isinstance(cell, int):
            if len(column.path) == 1:
                changed[column.path[0]] = float(cell)
            else:
                changed[column.path[0]] = {**changed[column.path[0]], column.path[1]: float(cell)}
    return changed


def _schema(layout: Layout, *, has_parent: bool) -> pa.Schema:
    fields = [pa.field(column.name, _TYPES[column.kind]) for column in layout.columns]
    if layout.lacks_keys:
        fields.append(pa.field(ABSENT, pa.string()))
    if has_parent:
        fields.insert(0, pa.field(PARENT, pa.int64(), nullable=False))
    described = json_text([{"name": c.name, "path": list(c.path), "kind": str(c.kind)} for c in layout.columns])
    return pa.schema(fields, metadata={SCHEMA_KEY: MIGRATED_SCHEMA.encode(), COLUMNS_KEY: described.encode()})


def _find(record: dict[str, Any], path: Sequence[str]) -> Any:
    found: Any = record
    for key in path:
        if found is _MISSING:
            break
        found = found.get(key, _MISSING)
    return found


def _cells(layout: Layout, record: dict[str, Any]) -> Iterator[Any]:
    for column in layout.columns:
        cell = _find(record, column.path)
        if cell is _MISSING or cell is None:
            yield cell
        elif column.kind is Kind.JSON:
            yield json_text(cell)
        elif column.kind is Kind.ROWS:
            yield len(cell)
        else:
            yield cell


def _record(layout: Layout, cells: Sequence[Any], lacks: set[str], decoder: json.JSONDecoder) -> dict[str, Any]:
    record: dict[str, Any] = {}
    for column, cell in zip(layout.columns, cells, strict=True):
        if column.name in lacks:
            continue
        value = decoder.decode(cell) if column.kind is Kind.JSON and cell is not None else cell
        if not column.path:
            return value if isinstance(value, dict) else {"": value}
        holder = record.setdefault(column.path[0], {}) if len(column.path) > 1 else record
        holder[column.path[-1]] = value
    return record
