"""Tables to Parquet as a stream, to bytes that depend on the rows and on nothing else, and back through their hash."""

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from necrozma_core.errors import DamagedError, not_a_file
from necrozma_core.storage.disk.columns import array_of, arrow_column
from necrozma_core.storage.disk.errors import disk_errors
from necrozma_core.storage.disk.layer import DISK, FileLayer
from necrozma_core.storage.disk.publish import Published, publish_file
from necrozma_core.storage.disk.schema_names import coded, schema_name

_NONE: Final[Mapping[str, Callable[[pa.Table], pa.Table]]] = MappingProxyType({})
ROW_GROUP_ROWS: Final = 32_768
"""Rows held in memory before they are written; small enough that fifty columns of them stay near 10 MB."""


class ParquetStream:
    """Writes tables of one schema as they come, in row groups of a fixed size whatever the size of the tables.

    Parameters
    ----------
    handle : binary file
        Stays open; the caller closes it.
    schema : pyarrow.Schema
        Its metadata goes into the file; that of the tables does not.
    compression : str
        ``zstd``, or ``lz4`` where time counts.
    plain : collection of str
        Columns whose values seldom repeat, so that looking each of them up in a dictionary gains nothing.
    """

    def __init__(
        self, handle: BinaryIO, schema: pa.Schema, compression: str = "zstd", plain: Collection[str] = ()
    ) -> None:
        self._schema = schema
        self._coded_schema = coded(schema)
        self._pending: list[pa.Table] = []
        self._pending_rows = 0
        self.rows = 0
        times = [field.name for field in schema if pa.types.is_timestamp(field.type)]
        # Times shrink by differences, most of the rest repeats often enough for a dictionary. Labels come to the
        # writer as dictionaries, which it takes over instead of looking up every row; the file says plain strings.
        self._writer = pq.ParquetWriter(
            handle,
            self._coded_schema,
            compression=compression,
            compression_level=1 if compression == "zstd" else None,
            use_dictionary=[field.name for field in schema if field.name not in times and field.name not in plain],
            column_encoding=dict.fromkeys(times, "DELTA_BINARY_PACKED"),
            write_statistics=[*times, *_labels(schema)],
            write_page_checksum=True,
            store_schema=False,
        )
        self._writer.add_key_value_metadata(schema.metadata or {})

    def write(self, table: pa.Table) -> None:
        """Add rows; strings may come as dictionaries.

        Raises
        ------
        ValueError
            The columns are not the schema's, or a column that must not be null is.
        """
        if not (table.schema.equals(self._schema) or table.schema.equals(self._coded_schema)):
            raise ValueError(f"expected the columns of {schema_name(self._schema)}, found {table.schema.names}")
        for field in self._schema:
            if not field.nullable and table.column(field.name).null_count:
                raise ValueError(f"{schema_name(self._schema)}: column {field.name} must not be null")
        self._pending.append(table.replace_schema_metadata(None).cast(self._coded_schema.remove_metadata()))
        self._pending_rows += table.num_rows
        self.rows += table.num_rows
        if self._pending_rows >= ROW_GROUP_ROWS:
            self._flush(keep=self._pending_rows % ROW_GROUP_ROWS)

    def close(self) -> None:
        """Write what is held back, and the footer."""
        if self._pending_rows:
            self._flush(keep=0)
        self._writer.close()

    def abandon(self) -> None:
        """Drop what is held back; the file is going to be removed."""
        self._pending.clear()
        # The library writes the footer even now, and the disk may be what failed.
        with suppress(OSError, pa.ArrowException):
            self._writer.close()

    def _flush(self, keep: int) -> None:
        # Combined first: how the rows were cut into tables must not show in the bytes.
        table = pa.concat_tables(self._pending).unify_dictionaries().combine_chunks()
        written = table.num_rows - keep
        for start in range(0, written, ROW_GROUP_ROWS):
            group = table.slice(start, min(ROW_GROUP_ROWS, written - start))
            self._writer.write_table(_with_used_labels(group, _labels(self._schema)))
        self._pending = [table.slice(written)] if keep else []
        self._pending_rows = keep


def _labels(schema: pa.Schema) -> list[str]:
    return [field.name for field in schema if pa.types.is_string(field.type)]


def _with_used_labels(group: pa.Table, names: list[str]) -> pa.Table:
    # In the order in which they first appear: neither labels of other groups nor their order may show.
    for name in names:
        labels = group[name].combine_chunks()
        index = group.schema.get_field_index(name)
        group = group.set_column(index, group.schema.field(index), _compacted(labels))
    return group


def _compacted(labels: pa.DictionaryArray) -> pa.DictionaryArray:
    used = labels.indices.unique().drop_null()
    position = np.zeros(len(labels.dictionary), np.int32)
    position[array_of(used, np.int32)] = np.arange(len(used), dtype=np.int32)
    indices = arrow_column(pa.int32(), position).take(labels.indices)
    return pa.DictionaryArray.from_arrays(indices, labels.dictionary.take(used))


@contextmanager
def parquet_stream(
    temporary: Path,
    schema: pa.Schema,
    *,
    compression: str = "zstd",
    plain: Collection[str] = (),
    files: FileLayer = DISK,
) -> Iterator[ParquetStream]:
    """Hold a stream into a file; finished at the end of the block, abandoned where the block raises."""
    handle = files.create(temporary)
    stream = ParquetStream(handle, schema, compression, plain)
    try:
        yield stream
        stream.close()
        handle.close()
    except BaseException:
        stream.abandon()
        # What is still buffered may fail as well, and would hide the cause.
        with suppress(OSError):
            handle.close()
        raise


def publish_table(path: Path, table: pa.Table, schema: pa.Schema, *, files: FileLayer = DISK) -> Published:
    """Publish a table as one Parquet file with the schema's metadata; see `publish_file`.

    Raises
    ------
    StorageError
        It cannot be written; the older file is untouched.
    ValueError
        The columns are not the schema's.
    """

    def write(temporary: Path) -> None:
        with parquet_stream(temporary, schema, files=files) as stream:
            stream.write(table)

    return publish_file(path, write, files=files)


def read_bytes(path: Path, expected: Published) -> bytes:
    """Read a file whole and believe it only if its size and hash are those it was published with.

    Raises
    ------
    DamagedError
        The bytes are not what was published, or are gone.
    StorageError
        They cannot be read.
    """
    with disk_errors("read", path):
        if found := not_a_file(path, absent="missing"):
            raise DamagedError(f"{path}: {found}; run `necrozma verify --repair`")
        size = path.stat().st_size
        if size != expected.size:
            raise DamagedError(f"{path}: expected {expected.size} bytes, found {size}; run `necrozma verify --repair`")
        content = path.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != expected.sha256:
        raise DamagedError(
            f"{path}: expected sha256 {expected.sha256[:12]}..., found {found[:12]}...; run `necrozma verify --repair`"
        )
    return content


def read_table(
    path: Path,
    expected: Published,
    schema: pa.Schema,
    earlier: Mapping[str, Callable[[pa.Table], pa.Table]] = _NONE,
    *,
    labels: Sequence[str] = (),
) -> pa.Table:
    """Read a published table; nothing is parsed before its hash was found right.

    Parameters
    ----------
    path : Path
    expected : Published
    schema : pyarrow.Schema
    earlier : mapping of str to callable, optional
        By the names of earlier versions of the schema, which are read as well: what makes a table of one such that its
        columns mean what they do in ``schema``.
    labels : sequence of str
        Columns of strings that are returned as dictionaries.

    Returns
    -------
    pyarrow.Table
        With every column of ``schema``; one that an earlier release did not write is null.

    Raises
    ------
    DamagedError
        The bytes are not what was published, or hold other columns than `schema` asks.
    StorageError
        They cannot be read.
    """
    content = read_bytes(path, expected)
    # The bytes are the ones that were hashed: the file could change between two readings.
    table = pq.ParquetFile(pa.BufferReader(content), read_dictionary=list(labels)).read(use_threads=False)
    found = schema_name(table.schema)
    if found in earlier:
        table = earlier[found](table)
    elif found != schema_name(schema):
        raise DamagedError(
            f"{path}: expected the schema {schema_name(schema)}, found {found or 'none'}; "
            "remove the entry and run again"
        )
    return _completed(table, schema)


def _completed(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """Return a table with all columns of a schema, in its order: those that came with a later release are null."""
    for field in schema:
        if field.name not in table.schema.names:
            table = table.append_column(field.with_nullable(True), pa.nulls(len(table), field.type))
    return table.select([*schema.names, *(name for name in table.schema.names if name not in schema.names)])


def read_labelled(path: Path, expected: Published, label: str, value: str, columns: Sequence[str]) -> pa.Table:
    """Read some columns of the rows that carry ``value`` in the column ``label``, without decoding the others.

    Parameters
    ----------
    path : Path
    expected : Published
        Compared first; `read_table` says what is raised.
    label, value : str
    columns : sequence of str

    Returns
    -------
    pyarrow.Table
        Of ``columns`` alone, in the file's order; without rows where none carries the label.
    """
    file = pq.ParquetFile(pa.BufferReader(read_bytes(path, expected)), read_dictionary=[label])
    found = [pa.Table.from_batches([], file.schema_arrow).select(columns)]
    for group in range(file.num_row_groups):
        table = file.read_row_group(group, columns=[label, *columns], use_threads=False)
        labels = table[label].combine_chunks()
        names = labels.dictionary.to_pylist()
        if value in names:
            rows = np.flatnonzero(array_of(labels.indices, np.int32) == names.index(value))
            found.append(table.select(columns).take(arrow_column(pa.int64(), rows)))
    return pa.concat_tables(found)
