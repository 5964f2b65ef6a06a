"""Streams of tables: the same rows give the same bytes, and what is read is what was hashed."""

import errno
from itertools import pairwise
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from storage_samples import FailingFiles, random_table, tree

from necrozma_core.errors import DamagedError, StorageError
from necrozma_core.storage.disk import parquet
from necrozma_core.storage.disk.parquet import parquet_stream, publish_table, read_labelled, read_table
from necrozma_core.storage.results.schemas import METRICS_SCHEMA, TRADES_SCHEMA

ROWS = 100


@pytest.fixture
def small_row_groups(monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(parquet, "ROW_GROUP_ROWS", 16)
    return 16


def stream_pieces(path: Path, table: pa.Table, cuts: list[int]) -> None:
    with parquet_stream(path, table.schema) as stream:
        for start, end in pairwise([0, *sorted(cuts), table.num_rows]):
            stream.write(table.slice(start, end - start))


@pytest.mark.usefixtures("small_row_groups")
@pytest.mark.parametrize("schema", [TRADES_SCHEMA, METRICS_SCHEMA], ids=["trades", "metrics"])
@settings(max_examples=30)
@given(cuts=st.lists(st.integers(0, ROWS), max_size=12))
def test_stream_cut_into_any_tables_gives_the_same_bytes(
    tmp_path_factory: pytest.TempPathFactory, schema: pa.Schema, cuts: list[int]
) -> None:
    folder = tmp_path_factory.mktemp("stream")
    table = random_table(schema, ROWS)

    stream_pieces(folder / "whole", table, [])
    stream_pieces(folder / "cut", table, cuts)

    assert (folder / "cut").read_bytes() == (folder / "whole").read_bytes()
    assert pq.read_table(folder / "cut").equals(table)


def test_stream_holds_back_less_than_a_row_group(
    tmp_path: Path, small_row_groups: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_table, written = pq.ParquetWriter.write_table, list[int]()

    def counting(writer: pq.ParquetWriter, table: pa.Table) -> None:
        written.append(table.num_rows)
        write_table(writer, table)

    monkeypatch.setattr(pq.ParquetWriter, "write_table", counting)
    with parquet_stream(tmp_path / "a", TRADES_SCHEMA) as stream:
        for _ in range(20):
            stream.write(random_table(TRADES_SCHEMA, 7))
            assert stream.rows - sum(written) < small_row_groups

    groups = pq.ParquetFile(tmp_path / "a").metadata
    assert [groups.row_group(group).num_rows for group in range(groups.num_row_groups)] == [16] * 8 + [12]


def test_stream_refuses_other_columns(tmp_path: Path) -> None:
    with (
        pytest.raises(ValueError, match=r"expected the columns of trades/2"),
        parquet_stream(tmp_path / "a", TRADES_SCHEMA) as stream,
    ):
        stream.write(random_table(METRICS_SCHEMA, 1))


def test_stream_refuses_null_where_the_schema_does(tmp_path: Path) -> None:
    table = random_table(TRADES_SCHEMA, 2)
    table = table.set_column(7, TRADES_SCHEMA.field("pips"), pa.array([1.0, None]))

    with (
        pytest.raises(ValueError, match=r"trades/2: column pips must not be null"),
        parquet_stream(tmp_path / "a", TRADES_SCHEMA) as stream,
    ):
        stream.write(table)


@pytest.mark.parametrize("rows", [0, 1, 5_000])
def test_read_table_returns_what_was_published(tmp_path: Path, rows: int) -> None:
    table = random_table(TRADES_SCHEMA, rows)
    published = publish_table(tmp_path / "a", table, TRADES_SCHEMA)

    assert read_table(tmp_path / "a", published, TRADES_SCHEMA).equals(table)


def test_read_table_of_another_schema_is_damage(tmp_path: Path) -> None:
    published = publish_table(tmp_path / "a", random_table(TRADES_SCHEMA, 3), TRADES_SCHEMA)

    with pytest.raises(DamagedError, match=r"expected the schema metrics/2, found trades/2"):
        read_table(tmp_path / "a", published, METRICS_SCHEMA)


def test_read_table_of_changed_bytes_parses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    published = publish_table(tmp_path / "a", random_table(TRADES_SCHEMA, 3), TRADES_SCHEMA)
    content = bytearray((tmp_path / "a").read_bytes())
    content[40] ^= 1
    (tmp_path / "a").write_bytes(content)
    monkeypatch.setattr(parquet.pq, "ParquetFile", None)

    with pytest.raises(DamagedError, match=r"a: expected sha256 .{12}\.\.\., found"):
        read_table(tmp_path / "a", published, TRADES_SCHEMA)


def test_read_table_of_another_size_or_none_is_damage(tmp_path: Path) -> None:
    published = publish_table(tmp_path / "a", random_table(TRADES_SCHEMA, 3), TRADES_SCHEMA)
    (tmp_path / "a").write_bytes(b"short")
    with pytest.raises(DamagedError, match=rf"expected {published.size} bytes, found 5"):
        read_table(tmp_path / "a", published, TRADES_SCHEMA)

    (tmp_path / "a").unlink()
    with pytest.raises(DamagedError, match="missing"):
        read_table(tmp_path / "a", published, TRADES_SCHEMA)


@pytest.mark.parametrize("after", range(6))
def test_publish_table_on_a_disk_that_fills_up_keeps_the_older_file(tmp_path: Path, after: int) -> None:
    publish_table(tmp_path / "a", random_table(TRADES_SCHEMA, 3), TRADES_SCHEMA)
    old = tree(tmp_path)
    full = FailingFiles(OSError(errno.ENOSPC, "full"), "write", after)

    with pytest.raises(StorageError, match="No space left on device"):
        publish_table(tmp_path / "a", random_table(TRADES_SCHEMA, 20_000), TRADES_SCHEMA, files=full)

    assert tree(tmp_path) == old


def test_published_table_opens_in_pandas_and_duckdb(tmp_path: Path) -> None:
    table = random_table(TRADES_SCHEMA, 50)
    path = tmp_path / "trades.parquet"
    publish_table(path, table, TRADES_SCHEMA)

    frame = pd.read_parquet(path)
    assert frame["pips"].tolist() == table["pips"].to_pylist()
    assert str(frame["entry_time"].dtype) == "datetime64[ms, UTC]"
    rows = duckdb.sql(f"select side, count(*), sum(profit) from '{path}' group by side order by side").fetchall()
    longs = [row["profit"] for row in table.to_pylist() if row["side"] == "long"]
    assert rows[0] == ("long", len(longs), pytest.approx(sum(longs)))


@pytest.mark.parametrize("strategy", ["alpha", "beta", "gone"])
def test_read_labelled_gives_the_rows_that_a_filter_would(tmp_path: Path, strategy: str) -> None:
    table = random_table(TRADES_SCHEMA, 70_000)
    published = publish_table(tmp_path / "a", table, TRADES_SCHEMA)
    columns = ["exit_time", "profit", "swap"]

    found = read_labelled(tmp_path / "a", published, "strategy", strategy, columns)
    assert found.equals(table.filter(pc.equal(table["strategy"], strategy)).select(columns))


def test_read_labelled_of_changed_bytes_is_damage(tmp_path: Path) -> None:
    published = publish_table(tmp_path / "a", random_table(TRADES_SCHEMA, 3), TRADES_SCHEMA)
    content = bytearray((tmp_path / "a").read_bytes())
    content[9] ^= 1
    (tmp_path / "a").write_bytes(content)

    with pytest.raises(DamagedError):
        read_labelled(tmp_path / "a", published, "strategy", "alpha", ["profit"])


def test_read_table_of_an_earlier_release_has_its_new_columns_as_null(tmp_path: Path) -> None:
    old = pa.schema(list(METRICS_SCHEMA)[:-3], METRICS_SCHEMA.metadata)
    table = random_table(old, 10)
    published = publish_table(tmp_path / "metrics.parquet", table, old)

    found = read_table(tmp_path / "metrics.parquet", published, METRICS_SCHEMA)

    assert found.schema.names == METRICS_SCHEMA.names
    assert found.select(old.names).equals(table)
    assert all(found[field.name].null_count == 10 for field in list(METRICS_SCHEMA)[-3:])
    assert [found[field.name].type for field in METRICS_SCHEMA] == METRICS_SCHEMA.types
