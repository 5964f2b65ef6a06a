"""What is recorded of a run, at every step."""

import errno
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from storage_samples import KEY, OTHER_KEY, FailingFiles, random_ranking, tree

from necrozma_core.errors import DamagedError, StorageError
from necrozma_core.storage.disk.layer import DISK, FileLayer
from necrozma_core.storage.disk.process import Process
from necrozma_core.storage.disk.sealed import publish_sealed, read_sealed
from necrozma_core.storage.results_folder import ResultsFolder
from necrozma_core.storage.runs.folder import RunFolder, installed_versions, read_ranking
from necrozma_core.storage.runs.manifest import Manifest, PairRecord, PairState, RunStatus, read_manifest

KEYS = {"EURUSD": KEY, "GBPUSD": OTHER_KEY}


def start_run(results: Path, files: FileLayer = DISK) -> RunFolder:
    return RunFolder.create(
        results, settings={"timeframe": "5min", "lots": 0.1}, inputs={"EURUSD": "11"}, keys=KEYS, files=files
    )


def test_run_begins_with_every_pair_pending(tmp_path: Path) -> None:
    run = start_run(tmp_path)

    manifest = read_manifest(run.path)
    assert manifest == run.manifest == RunFolder.open(tmp_path, run.run_id).manifest
    assert run.path == tmp_path / "runs" / manifest.run_id
    assert manifest.status is RunStatus.RUNNING
    assert manifest.process == Process.current()
    assert manifest.keys == KEYS
    assert manifest.pairs_in(PairState.PENDING) == ["EURUSD", "GBPUSD"]
    assert manifest.settings == {"timeframe": "5min", "lots": 0.1}


def test_manifest_of_an_earlier_release_is_read_without_its_counts(tmp_path: Path) -> None:
    run = start_run(tmp_path)
    run.finish(RunStatus.COMPLETED, counts={"strategies": 50, "failed_strategies": 0})
    assert read_manifest(run.path).counts == {"strategies": 50, "failed_strategies": 0}
    record = read_sealed(run.path / "manifest.json")
    del record["counts"]
    publish_sealed(run.path / "manifest.json", record)
    assert read_manifest(run.path) == replace(run.manifest, counts={})


def test_manifest_reads_back_everything_that_was_recorded(tmp_path: Path) -> None:
    run = start_run(tmp_path)
    record = PairRecord(
        KEY,
        PairState.COMPUTED,
        strategy_failures=(("sma", "raised ZeroDivisionError"),),
        counts={"trades": 12, "ticks": 100},
        seconds={"read": 0.25, "strategies": 1.5},
    )
    run.record("EURUSD", record)
    run.record("GBPUSD", PairRecord(OTHER_KEY, PairState.FAILED, failure="worker killed"))
    run.publish_ranking(random_ranking(5))
    run.publish_report("<p>é</p>")
    run.finish(RunStatus.FAILED, {"total": 3.5})

    manifest = read_manifest(run.path)

    assert isinstance(manifest, Manifest)
    assert manifest == run.manifest
    assert manifest.pairs["EURUSD"] == record
    assert manifest.pairs["GBPUSD"] == PairRecord(OTHER_KEY, PairState.FAILED, failure="worker killed")
    assert manifest.pairs_in(PairState.FAILED, PairState.COMPUTED) == ["EURUSD", "GBPUSD"]
    assert manifest.status is RunStatus.FAILED
    assert manifest.ended_at is not None
    assert manifest.ended_at >= manifest.started_at
    assert manifest.seconds == {"total": 3.5}
    assert set(tree(run.path)) == {"manifest.json", "ranking.parquet", "report.html"}


def test_ranking_reads_back_as_it_was_published(tmp_path: Path) -> None:
    run = start_run(tmp_path)
    run.publish_ranking(random_ranking(5))

    table = read_ranking(run.path, run.manifest)

    assert table.equals(random_ranking(5))
    assert table.schema.metadata[b"necrozma.run"] == run.run_id.encode()


def test_ranking_that_was_changed_or_never_published_is_damage(tmp_path: Path) -> None:
    run = start_run(tmp_path)
    with pytest.raises(DamagedError, match="ended without a ranking"):
        read_ranking(run.path, run.manifest)

    path = run.publish_ranking(random_ranking(5))
    path.write_bytes(path.read_bytes()[:-1] + b"2")
    with pytest.raises(DamagedError, match="expected sha256"):
        read_ranking(run.path, run.manifest)


def test_records_of_many_threads_are_all_kept(tmp_path: Path) -> None:
    run = start_run(tmp_path)
    threads = [threading.Thread(target=run.record, args=(f"P{number}", PairRecord(KEY))) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert set(read_manifest(run.path).pairs) == {*KEYS, *(f"P{number}" for number in range(8))}


@pytest.mark.parametrize("call", ["create", "write", "sync", "rename"])
def test_manifest_on_a_failing_disk_keeps_the_older_one(tmp_path: Path, call: str) -> None:
    run = start_run(tmp_path)
    before = tree(run.path)
    failing = RunFolder(
        ResultsFolder(tmp_path, FailingFiles(OSError(errno.ENOSPC, "full"), call)), run.run_id, run.manifest
    )

    with pytest.raises(StorageError, match="No space left"):
        failing.finish(RunStatus.COMPLETED)

    assert tree(run.path) == before
    assert failing.manifest == run.manifest


def test_manifest_never_vouches_for_a_file_that_is_being_replaced(tmp_path: Path) -> None:
    run = start_run(tmp_path)
    run.publish_report("old")
    seen: list[bool] = []

    class Watching(FileLayer):
        def rename(self, source: Path, target: Path) -> None:
            super().rename(source, target)
            seen.append("report.html" in read_manifest(run.path).files)

    RunFolder(ResultsFolder(tmp_path, Watching()), run.run_id, run.manifest).publish_report("new")

    # The manifest forgets, the report is replaced, the manifest vouches for the new one.
    assert seen == [False, False, True]


def test_read_manifest_of_a_missing_or_changed_one_is_damage(tmp_path: Path) -> None:
    run = start_run(tmp_path)
    path = run.path / "manifest.json"
    path.write_bytes(path.read_bytes().replace(b'"lots": 0.1', b'"lots": 9.1'))
    with pytest.raises(DamagedError, match="does not match its own hash"):
        read_manifest(run.path)

    path.unlink()
    with pytest.raises(DamagedError, match="missing"):
        read_manifest(run.path)


def test_read_manifest_of_another_version_says_which(tmp_path: Path) -> None:
    publish_sealed(tmp_path / "manifest.json", {"schema": "manifest/9"})

    with pytest.raises(StorageError, match="expected the schema manifest/1, found manifest/9"):
        read_manifest(tmp_path)


def test_installed_versions_name_the_product_and_what_computes() -> None:
    assert {"necrozma", "python", "numpy", "numba", "pyarrow"} <= set(installed_versions())
