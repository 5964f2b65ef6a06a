"""The store: an entry is there as a whole or not at all."""

import errno
import os
import threading
from pathlib import Path

import pyarrow as pa
import pytest
from storage_samples import (
    KEY,
    METADATA,
    OTHER_KEY,
    FailingFiles,
    random_table,
    tree,
    write_entry,
)

from necrozma_core.errors import DamagedError, StorageError, UnknownPairError, UsageError
from necrozma_core.reporting.curves import read_curve
from necrozma_core.reporting.page import render_report
from necrozma_core.reporting.ranking import rank_metrics
from necrozma_core.storage.disk.publish import sha256_of
from necrozma_core.storage.disk.schema_names import SCHEMA_KEY
from necrozma_core.storage.results.json_copy import trades_in_order
from necrozma_core.storage.results.schemas import METRICS_SCHEMA, TRADES_SCHEMA
from necrozma_core.storage.results.store import ResultStore


@pytest.fixture
def store(tmp_path: Path) -> ResultStore:
    return ResultStore(tmp_path / "store")


def test_entry_that_was_never_written_is_not_there(store: ResultStore) -> None:
    assert not store.has("EURUSD", KEY)
    with pytest.raises(DamagedError, match="nothing is committed there"):
        store.read_metrics("EURUSD", KEY)


def test_entry_reads_back_as_it_was_written(store: ResultStore) -> None:
    write_entry(store)

    assert store.has("EURUSD", KEY)
    assert store.read_trades("EURUSD", KEY).equals(random_table(TRADES_SCHEMA, 40))
    assert store.read_metrics("EURUSD", KEY).equals(random_table(METRICS_SCHEMA, 10))
    assert store.read_trades("EURUSD", KEY).schema.metadata[b"necrozma.timeframe"] == b"5min"
    assert list(store.entries()) == [("EURUSD", KEY)]


def test_commit_names_size_rows_and_hash_of_both_files(store: ResultStore) -> None:
    write_entry(store)

    commit = store.commit_of("EURUSD", KEY)

    path = store.folder("EURUSD", KEY) / "trades.parquet"
    assert commit["files"]["trades.parquet"] == {
        "bytes": path.stat().st_size,
        "rows": 40,
        "sha256": sha256_of(path),
        "schema": "trades/2",
    }
    assert commit["details"] == {"strategies": 10, "trades": 40, "seed": 1}


def test_entry_written_twice_elsewhere_has_the_same_bytes(store: ResultStore, tmp_path: Path) -> None:
    write_entry(store)
    write_entry(ResultStore(tmp_path / "other"))

    assert tree(store.root) == tree(tmp_path / "other")


def test_entry_without_trades_has_an_empty_table(store: ResultStore) -> None:
    with store.open_writer("EURUSD", KEY, METADATA):
        pass

    assert store.read_trades("EURUSD", KEY).equals(TRADES_SCHEMA.empty_table())


def test_writer_that_raises_leaves_no_entry_and_no_file(store: ResultStore) -> None:
    def write() -> None:
        with store.open_writer("EURUSD", KEY, METADATA) as writer:
            writer.write_trades(random_table(TRADES_SCHEMA, 40))
            raise KeyError("bug")

    with pytest.raises(KeyError):
        write()

    assert not store.has("EURUSD", KEY)
    assert tree(store.root) == {}


def test_writer_whose_block_raises_an_os_error_of_its_own_passes_it_on(store: ResultStore) -> None:
    with pytest.raises(ConnectionResetError), store.open_writer("EURUSD", KEY, METADATA):
        raise ConnectionResetError


def test_whole_entry_is_never_written_again(store: ResultStore) -> None:
    write_entry(store, seed=1)
    before = tree(store.root)

    write_entry(store, seed=2)

    assert tree(store.root) == before


@pytest.mark.parametrize("name", ["metrics.parquet", "trades.parquet", "commit.json"])
def test_damaged_entry_is_refused_and_written_again(store: ResultStore, name: str) -> None:
    write_entry(store)
    whole = tree(store.root)
    path = store.folder("EURUSD", KEY) / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x10
    path.write_bytes(content)
    with pytest.raises(DamagedError):
        store.check("EURUSD", KEY)

    write_entry(store)

    assert tree(store.root) == whole


@pytest.mark.parametrize("name", ["metrics.parquet", "trades.parquet", "commit.json"])
def test_entry_that_lost_a_file_is_not_there(store: ResultStore, name: str) -> None:
    write_entry(store)
    (store.folder("EURUSD", KEY) / name).unlink()

    assert not store.has("EURUSD", KEY)


def test_commit_moved_to_another_key_is_damage(store: ResultStore) -> None:
    write_entry(store)
    store.folder("EURUSD", KEY).rename(store.root / "EURUSD" / OTHER_KEY)

    assert not store.has("EURUSD", OTHER_KEY)
    with pytest.raises(DamagedError, match="the commit of another entry"):
        store.read_metrics("EURUSD", OTHER_KEY)


@pytest.mark.parametrize("key", ["", "..", "../" * 20, KEY.upper(), KEY + "\n", KEY[:-1], "é" * 64])
def test_key_that_is_no_sha256_never_reaches_the_disk(store: ResultStore, key: str) -> None:
    with pytest.raises(UsageError, match="expected a key of 64 hexadecimal digits"):
        write_entry(store, key=key)
    assert not store.root.exists()


@pytest.mark.parametrize("pair", ["..", "../../x", "EURUSD/", "eurusd", ""])
def test_pair_that_is_unknown_never_reaches_the_disk(store: ResultStore, pair: str) -> None:
    with pytest.raises(UnknownPairError):
        write_entry(store, pair=pair)
    assert not store.root.exists()


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EROFS])
@pytest.mark.parametrize(
    ("call", "after"),
    [("create", 0), ("create", 1), ("create", 2), ("write", 0), ("write", 1), ("write", 2), ("sync", 0), ("sync", 1),
     ("sync", 2), ("rename", 0), ("rename", 1), ("rename", 2), ("sync_folder", 3)],
)  # fmt: skip
def test_failing_disk_is_a_storage_error_and_leaves_no_entry(
    store: ResultStore, call: str, after: int, code: int
) -> None:
    failing = ResultStore(store.root, files=FailingFiles(OSError(code, "fails"), call, after))

    with pytest.raises(StorageError) as raised:
        write_entry(failing)

    assert "\n" not in str(raised.value)
    assert not store.has("EURUSD", KEY)
    assert not [name for name in tree(store.root) if name.endswith(".tmp")]
    write_entry(store)
    store.check("EURUSD", KEY)


def test_remove_takes_the_whole_entry(store: ResultStore) -> None:
    write_entry(store)
    write_entry(store, key=OTHER_KEY)

    store.remove("EURUSD", KEY)
    store.remove("EURUSD", KEY)

    assert list(store.entries()) == [("EURUSD", OTHER_KEY)]


def test_entries_pass_over_what_is_not_theirs(store: ResultStore) -> None:
    write_entry(store)
    for name in ("EURUSD/notes", f"stocks/{KEY}"):
        (store.root / name).mkdir(parents=True)

    assert list(store.entries()) == [("EURUSD", KEY)]


def test_entries_of_a_store_that_is_not_there_are_none(store: ResultStore) -> None:
    assert list(store.entries()) == []


# Of other systems nothing is asked here but the lock of the results folder, which two threads of one process share.
@pytest.mark.parametrize(
    "seeds", [(1, 1), pytest.param((1, 2), marks=pytest.mark.posix)], ids=["same rows", "other rows"]
)
def test_two_writers_that_finish_together_leave_one_whole_entry(store: ResultStore, seeds: tuple[int, int]) -> None:
    # Other rows under one key cannot happen; if it did, the files of two writers must not be mixed.
    finished = threading.Barrier(2)

    def write(seed: int) -> None:
        with store.open_writer("EURUSD", KEY, METADATA) as writer:
            writer.write_trades(random_table(TRADES_SCHEMA, 40, seed))
            writer.write_metrics(random_table(METRICS_SCHEMA, 10, seed))
            finished.wait(timeout=30)

    threads = [threading.Thread(target=write, args=(seed,)) for seed in seeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    store.check("EURUSD", KEY)
    assert len(tree(store.root)) == 5
    trades, metrics = store.read_trades("EURUSD", KEY), store.read_metrics("EURUSD", KEY)
    assert any(
        trades.equals(random_table(TRADES_SCHEMA, 40, seed)) and metrics.equals(random_table(METRICS_SCHEMA, 10, seed))
        for seed in seeds
    )


@pytest.mark.parametrize("name", ["metrics.parquet", "trades.parquet", "commit.json"])
@pytest.mark.parametrize("is_full", [False, True])
def test_folder_in_the_place_of_a_file_is_no_entry_and_written_again(
    store: ResultStore, name: str, is_full: bool
) -> None:
    write_entry(store)
    whole = tree(store.root)
    path = store.folder("EURUSD", KEY) / name
    path.unlink()
    path.mkdir()
    if is_full:
        (path / "somebodys").write_text("work")

    assert not store.has("EURUSD", KEY)
    with pytest.raises(DamagedError, match="a folder"):
        store.check("EURUSD", KEY)
    write_entry(store)

    store.check("EURUSD", KEY)
    written = tree(store.root)
    assert {path: content for path, content in written.items() if "set-aside" not in str(path)} == whole
    assert sum("somebodys" in str(path) for path in written) == is_full


def test_removal_leaves_the_folder_that_somebody_put_into_an_entry(store: ResultStore) -> None:
    write_entry(store)
    folder = store.folder("EURUSD", KEY)
    for name in ("commit.json", "metrics.parquet"):
        (folder / name).unlink()
        (folder / name).mkdir()
    (folder / "commit.json" / "somebodys").write_text("work")

    store.remove("EURUSD", KEY)

    assert [path.name for path in folder.rglob("*") if path.is_file()] == ["somebodys"]
    write_entry(store)
    assert store.has("EURUSD", KEY)


def test_pipe_in_the_place_of_a_commit_is_damage_and_waits_for_nobody(store: ResultStore) -> None:
    write_entry(store)
    commit = store.folder("EURUSD", KEY) / "commit.json"
    commit.unlink()
    os.mkfifo(commit)

    assert not store.has("EURUSD", KEY)
    with pytest.raises(DamagedError, match="a pipe"):
        store.check("EURUSD", KEY)


def test_entry_of_an_earlier_release_reads_with_its_new_columns_as_null(
    store: ResultStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = {
        "trades.parquet": ["mae_pips", "mfe_pips"],
        "metrics.parquet": METRICS_SCHEMA.names[METRICS_SCHEMA.names.index("max_drawdown_at_exits") :],
    }
    whole = {"trades.parquet": TRADES_SCHEMA, "metrics.parquet": METRICS_SCHEMA}
    old = {
        name: pa.schema(
            [field for field in schema if field.name not in new[name]],
            {SCHEMA_KEY: f"{name.removesuffix('.parquet')}/1".encode()},
        )
        for name, schema in whole.items()
    }
    monkeypatch.setattr("necrozma_core.storage.results.store._SCHEMAS", old)
    with store.open_writer("EURUSD", KEY, METADATA) as writer:
        writer.write_trades(random_table(old["trades.parquet"], 40))
        writer.write_metrics(random_table(old["metrics.parquet"], 10))
    monkeypatch.setattr("necrozma_core.storage.results.store._SCHEMAS", whole)

    store.check("EURUSD", KEY)
    read = {"trades.parquet": store.read_trades("EURUSD", KEY), "metrics.parquet": store.read_metrics("EURUSD", KEY)}
    for name, table in read.items():
        assert table.column_names == whole[name].names
        # Its drawdown was that at exits.
        unknown = {*new[name], "max_drawdown"} - {"max_drawdown_at_exits"}
        assert all(table[column].null_count == len(table) for column in unknown & set(table.column_names))
    assert read["metrics.parquet"]["max_drawdown_at_exits"].null_count < 10
    ranking = rank_metrics([read["metrics.parquet"]])
    assert "the same at exits" in render_report(ranking, {})
    assert read_curve(store, "EURUSD", KEY, "alpha", 10_000.0) is not None
    assert sum(len(table) for table in trades_in_order(store, "EURUSD", KEY)) == 40
