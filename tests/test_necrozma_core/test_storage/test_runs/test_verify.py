"""Everything at rest read again, and what is damaged removed so that it is made anew."""

from pathlib import Path

import pytest
from storage_samples import KEY, OTHER_KEY, random_ranking, tree, write_entry

from necrozma_core.storage.disk.lock import lock_results
from necrozma_core.storage.results_folder import ResultsFolder
from necrozma_core.storage.runs.folder import RunFolder
from necrozma_core.storage.runs.listing import list_runs
from necrozma_core.storage.runs.manifest import PairRecord, PairState, RunStatus
from necrozma_core.storage.runs.verify import remove_damaged, verify_results, verify_store


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A results folder with two entries and a finished run that names them."""
    store = ResultsFolder(tmp_path).store
    write_entry(store, "EURUSD", KEY)
    write_entry(store, "GBPUSD", OTHER_KEY, seed=2)
    run = RunFolder.create(tmp_path, settings={}, inputs={}, keys={"EURUSD": KEY, "GBPUSD": OTHER_KEY})
    run.record("EURUSD", PairRecord(KEY, PairState.COMPUTED))
    run.record("GBPUSD", PairRecord(OTHER_KEY, PairState.REUSED))
    run.publish_ranking(random_ranking(5))
    run.publish_report("report")
    run.finish(RunStatus.COMPLETED)
    return tmp_path


def damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def find(results: Path, name: str) -> Path:
    return next(path for path in sorted(results.rglob(name)))


def test_verify_results_of_whole_ones_finds_nothing(results: Path) -> None:
    assert verify_results(results) == []


def test_verify_results_of_a_missing_folder_finds_nothing(tmp_path: Path) -> None:
    assert verify_results(tmp_path / "missing") == []


@pytest.mark.parametrize(
    "name", ["metrics.parquet", "moments.parquet", "returns.parquet", "trades.parquet", "commit.json"]
)
def test_verify_names_a_damaged_entry_and_repair_removes_it_alone(results: Path, name: str) -> None:
    damage(find(results, name))

    (found,) = verify_results(results)
    assert (found.pair, found.key, found.run) == ("EURUSD", KEY, None)
    assert name in found.reason
    with lock_results(results) as lock:
        remove_damaged(lock, [found])

    store = ResultsFolder(results).store
    assert not store.has("EURUSD", KEY)
    store.check("GBPUSD", OTHER_KEY)
    write_entry(store, "EURUSD", KEY)
    assert verify_results(results) == []


@pytest.mark.parametrize("name", ["ranking.parquet", "report.html"])
def test_verify_names_a_damaged_file_of_a_run_and_repair_forgets_it(results: Path, name: str) -> None:
    damage(find(results, name))

    (found,) = verify_results(results)
    assert found.run == list_runs(results)[0].run_id
    with lock_results(results) as lock:
        remove_damaged(lock, [found])

    assert verify_results(results) == []
    assert name not in list_runs(results)[0].files
    assert not list(results.rglob(name))


def test_verify_names_a_damaged_manifest_and_repair_sets_it_aside(results: Path) -> None:
    damage(find(results, "manifest.json"))

    (found,) = verify_results(results)
    with lock_results(results) as lock:
        remove_damaged(lock, [found])

    assert verify_results(results) == []
    assert list_runs(results) == []
    assert list(results.rglob("manifest.json.damaged"))


def test_verify_names_an_entry_that_a_run_relies_on_and_that_is_gone(results: Path) -> None:
    ResultsFolder(results).store.remove("EURUSD", KEY)

    (found,) = verify_results(results)

    assert (found.pair, found.key) == ("EURUSD", KEY)
    assert "and it is gone" in found.reason


def test_verify_store_passes_over_what_was_never_committed(results: Path) -> None:
    find(results, "commit.json").unlink()

    assert verify_store(ResultsFolder(results).store) == []


def test_repair_of_everything_at_once_leaves_nothing_damaged(results: Path) -> None:
    for name in tree(results):
        if name != ".lock":
            damage(results / name)

    with lock_results(results) as lock:
        remove_damaged(lock, verify_results(results))

    assert verify_results(results) == []
