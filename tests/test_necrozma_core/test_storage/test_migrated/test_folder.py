"""A folder of the original: all of it migrated, none of it lost, nothing of ours taken for it, whatever happens."""

import itertools
import json
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest
from dying_disk import Died, DyingFiles
from migrated_samples import backtest, is_same_number_or_text, rebuild, write_original
from storage_samples import FailingFiles, tree

from necrozma_core.errors import StorageError, UsageError
from necrozma_core.storage.disk.layer import DISK, FileLayer
from necrozma_core.storage.disk.lock import lock_results
from necrozma_core.storage.migrated import folder as folder_module
from necrozma_core.storage.migrated.folder import (
    Migrated,
    Migration,
    look_for_documents,
    migrate_documents,
    preview_documents,
)
from necrozma_core.storage.runs.folder import RunFolder


def migrate(
    old: Path,
    results: Path,
    *,
    delete: bool = False,
    files: FileLayer = DISK,
    tell: Callable[[object], object] = lambda one: None,
) -> Migration:
    found = look_for_documents(old, results)
    with lock_results(results) as lock:
        return migrate_documents(found, lock, tell, delete=delete, files=files)


def assert_nothing_is_lost(old: Path, results: Path, documents: dict[str, object]) -> None:
    """Every document is there as JSON, or as Parquet that gives it back; or as both."""
    for name, document in documents.items():
        if (old / name).exists():
            assert json.loads((old / name).read_text()) == document or "NaN" in (old / name).read_text()
            continue
        folder = (results / "migrated" / name).with_suffix("")
        assert (folder / "manifest.json").exists()
        assert is_same_number_or_text(rebuild(folder), document)


def documents_of(old: Path) -> dict[str, object]:
    return {str(path.relative_to(old)): json.loads(path.read_text()) for path in sorted(old.rglob("*.json"))}


def test_folder_of_the_original_comes_back_from_parquet(tmp_path: Path) -> None:
    old, results = tmp_path / "old", tmp_path / "results"
    write_original(old)
    documents, before = documents_of(old), tree(old)

    migration = migrate(old, results)

    assert (len(migration.done), migration.left, migration.parquet) == (7, [], 1)
    assert migration.size_before == sum(len(before[one.name]) for one in migration.done)
    assert migration.size_after == sum(map(len, tree(results / "migrated").values()))
    assert tree(old) == before
    for name, document in documents.items():
        assert is_same_number_or_text(rebuild((results / "migrated" / name).with_suffix("")), document)


def test_second_migration_writes_nothing_and_can_still_delete(tmp_path: Path) -> None:
    old, results = tmp_path / "old", tmp_path / "results"
    write_original(old)
    documents = documents_of(old)
    migrate(old, results)
    before = {path: path.stat().st_mtime_ns for path in (results / "migrated").rglob("*")}

    again = migrate(old, results, delete=True)

    assert all(one.was_stored for one in again.done)
    assert {path: path.stat().st_mtime_ns for path in (results / "migrated").rglob("*")} == before
    # The sidecar belongs to a Parquet file of the original, whose own programs want it.
    assert [path.name for path in old.rglob("*.json")] == ["universe_003_1h_5lb_backtest_metadata.json"]
    assert [one.kept for one in again.done if not one.deleted] == [
        "it belongs to a Parquet file of the original beside it"
    ]
    assert_nothing_is_lost(old, results, documents)


def test_damaged_parquet_is_made_anew_while_the_json_is_there(tmp_path: Path) -> None:
    old, results = tmp_path / "old", tmp_path / "results"
    write_original(old)
    migrate(old, results)
    before = tree(results / "migrated")
    damaged = next((results / "migrated").rglob("metrics.parquet"))
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"2")

    again = migrate(old, results, delete=True)

    assert sum(not one.was_stored for one in again.done) == 1
    assert tree(results / "migrated") == before


@pytest.mark.posix
def test_what_cannot_be_read_stays_and_is_listed(tmp_path: Path) -> None:
    old, results = tmp_path / "old", tmp_path / "results"
    write_original(old)
    bad = {"cut.json": b'{"a": ', "empty.json": b"", "nul.json": b"[1]\0", "twice.json": b'{"a": 1, "a": 2}'}
    for name, content in bad.items():
        (old / name).write_bytes(content)
    os.mkfifo(old / "pipe.json")
    (old / "folder.json").mkdir()
    (old / "gone.json").symlink_to("nowhere")

    migration = migrate(old, results, delete=True)

    assert {name for name, _ in migration.left} == {*bad, "pipe.json", "gone.json"}
    assert {name: (old / name).read_bytes() for name in bad} == bad


def test_links_are_read_and_never_deleted_nor_followed_into_folders(tmp_path: Path) -> None:
    old, outside, results = tmp_path / "old", tmp_path / "outside", tmp_path / "results"
    old.mkdir()
    outside.mkdir()
    (outside / "a.json").write_text("[1]")
    (old / "linked.json").symlink_to(outside / "a.json")
    (old / "folder").symlink_to(outside)

    migration = migrate(old, results, delete=True)

    assert [(one.name, one.deleted, one.kept) for one in migration.done] == [("linked.json", False, "it is a link")]
    assert migration.passed_over == [(str(old / "folder"), "a link to a folder")]
    assert (outside / "a.json").read_text() == "[1]"
    assert (old / "linked.json").is_symlink()


def test_file_that_changed_after_it_was_compared_is_not_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, results = tmp_path / "old", tmp_path / "results"
    old.mkdir()
    path = old / "a.json"
    path.write_text("[1]")
    really = folder_module.store_document

    def store_and_change(*given: object, **named: object) -> object:
        stored = really(*given, **named)  # type: ignore[arg-type]
        path.write_text("[2]")
        return stored

    monkeypatch.setattr(folder_module, "store_document", store_and_change)

    (one,) = migrate(old, results, delete=True).done

    assert (one.deleted, one.kept) == (False, "it changed after it was read")
    assert path.read_text() == "[2]"


def test_file_that_changes_between_two_readings_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old, results = tmp_path / "old", tmp_path / "results"
    old.mkdir()
    path = old / "a.json"
    path.write_text("[1]")
    really = folder_module.plan_document

    def plan_and_change(given: Path) -> object:
        plan = really(given)
        path.write_text("[1, 2]")
        return plan

    monkeypatch.setattr(folder_module, "plan_document", plan_and_change)

    migration = migrate(old, results, delete=True)

    assert migration.left == [("a.json", "it changed while it was read")]
    assert tree(results / "migrated") == {}
    assert path.read_text() == "[1, 2]"


def test_another_document_of_the_same_name_is_kept_beside_the_first(tmp_path: Path) -> None:
    old, results = tmp_path / "old", tmp_path / "results"
    old.mkdir()
    for number in (1, 2):
        (old / "a.json").write_text(json.dumps(backtest(f"universe_{number}")))
        migrate(old, results, delete=True)

    folders = sorted((results / "migrated").iterdir())
    assert [rebuild(folder)["universe_name"] for folder in folders] == ["universe_1", "universe_2"]
    assert folders[1].name.startswith("a-")


def test_results_of_this_program_are_no_documents_of_the_original(tmp_path: Path) -> None:
    results = tmp_path / "results"
    RunFolder.create(results, settings={}, inputs={}, keys={})
    (results / "backtest_results").mkdir()
    (results / "backtest_results" / "a.json").write_text("[1]")
    with lock_results(results):
        pass
    before = tree(results)

    migration = migrate(results, results, delete=True)

    assert [one.name for one in migration.done] == ["backtest_results/a.json"]
    assert before.items() - {("backtest_results/a.json", b"[1]")} <= tree(results).items()
    with pytest.raises(UsageError, match="this one holds what was migrated"):
        look_for_documents(results / "migrated", results)


def test_run_folder_alone_is_not_taken_for_the_originals(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path / "results", settings={}, inputs={}, keys={})
    with pytest.raises(UsageError, match="found none"):
        look_for_documents(run.path, tmp_path / "other")


@pytest.mark.parametrize("name", ["nothing", "empty"])
def test_folder_without_documents_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="expected"):
        look_for_documents(tmp_path / name, tmp_path / "results")


def test_names_that_would_meet_a_file_of_ours_get_a_folder_of_their_own(tmp_path: Path) -> None:
    old, results = tmp_path / "old", tmp_path / "results"
    (old / "a").mkdir(parents=True)
    for number, name in enumerate(["a.json", "a/metrics.parquet.json", "a/manifest.json.json", ".json", "a/b.JSON"]):
        (old / name).write_text(json.dumps([{"x": number}]))

    migration = migrate(old, results, delete=True)

    assert sorted(one.name for one in migration.done) == [
        *(".json", "a.json", "a/b.JSON", "a/manifest.json.json", "a/metrics.parquet.json")
    ]
    found = [rebuild(path.parent)[0]["x"] for path in (results / "migrated").rglob("manifest.json") if path.is_file()]
    assert sorted(found) == [0, 1, 2, 3, 4]


def test_preview_writes_nothing(tmp_path: Path) -> None:
    old, results = tmp_path / "old", tmp_path / "results"
    write_original(old)
    told: list[object] = []

    migration = preview_documents(look_for_documents(old, results), results, told.append)

    assert len(told) == len(migration.done) == 7
    assert all(isinstance(one, Migrated) and one.stored is None for one in told)
    assert not results.exists()


@pytest.mark.parametrize("call", ["create", "write", "sync", "rename", "sync_folder"])
def test_full_disk_ends_the_migration_and_loses_nothing(tmp_path: Path, call: str) -> None:
    for after in (0, 1, 5, 11):
        old, results = tmp_path / f"old-{after}", tmp_path / f"results-{after}"
        write_original(old)
        documents = documents_of(old)
        with pytest.raises(StorageError, match="No space left on device; free some space"):
            migrate(old, results, delete=True, files=FailingFiles(OSError(28, "full"), call, after))
        assert not list(results.rglob("*.tmp"))
        assert_nothing_is_lost(old, results, documents)


# Elsewhere what a living process has begun is left alone, and here the process that died is the living one.
@pytest.mark.posix
def test_migration_killed_at_any_call_leaves_json_or_whole_parquet(tmp_path: Path) -> None:
    old, results = tmp_path / "old", tmp_path / "results"
    documents: dict[str, object] = {"a.json": backtest("universe_1", strategies=2, trades=1), "b.json": [1.5, None]}
    deleted = 0
    for dies_at in itertools.count():
        for cut in range(4):
            old.mkdir()
            for name, document in documents.items():
                (old / name).write_text(json.dumps(document))
            documents = documents_of(old)
            files = DyingFiles(dies_at)
            with suppress(Died):
                migrate(old, results, delete=True, files=files)
            if cut:
                files.cut_power(Random(cut))
            assert_nothing_is_lost(old, results, documents)
            deleted += len(documents) - len(list(old.glob("*.json")))
            # The same command goes on, and ends where an undisturbed one would have.
            if list(old.glob("*.json")):
                migrate(old, results, delete=True)
            assert_nothing_is_lost(old, results, documents)
            assert list(old.iterdir()) == []
            assert len(list((results / "migrated").iterdir())) == len(documents)
            assert not list(results.rglob("*.tmp"))
            died = files.dead
            shutil.rmtree(old)
            shutil.rmtree(results)
        if not died:
            break
    assert dies_at > 20
    assert deleted > 4
