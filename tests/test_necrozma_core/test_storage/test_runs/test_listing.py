"""The runs of a results folder: found, compared, cleaned, the dead marked."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from storage_samples import KEY, OTHER_KEY, random_ranking, tree, write_entry

from necrozma_core.errors import DamagedError, UsageError
from necrozma_core.storage.disk.lock import lock_results
from necrozma_core.storage.disk.process import Process
from necrozma_core.storage.results_folder import ResultsFolder
from necrozma_core.storage.runs.cleaning import Cleaned, clean_runs
from necrozma_core.storage.runs.comparison import RankChange, RunDiff, diff_runs
from necrozma_core.storage.runs.folder import RunFolder
from necrozma_core.storage.runs.listing import find_run, list_runs, mark_crashed
from necrozma_core.storage.runs.manifest import Manifest, RunStatus, publish_manifest, read_manifest

FIXED = Process(pid=2**30, host="elsewhere", boot="", started="")
ENTRIES = [(pair, f"{number:064x}") for pair in ("EURUSD", "GBPUSD") for number in range(3)]


def put_run(
    results: Path,
    run_id: str,
    *,
    keys: Mapping[str, str] | None = None,
    status: RunStatus = RunStatus.COMPLETED,
    process: Process = FIXED,
) -> RunFolder:
    """A run as if it had been made earlier, started at its id."""
    run = RunFolder.create(results, settings={"lots": 0.1}, inputs={}, keys=keys or {}, versions={"numpy": "2.0"})
    path = ResultsFolder(results).run(run_id)
    run.path.rename(path)
    manifest = replace(run.manifest, run_id=run_id, started_at=run_id, status=status, process=process)
    publish_manifest(path, manifest)
    return RunFolder(ResultsFolder(results), run_id, manifest)


def test_list_runs_of_a_folder_without_runs_is_empty(tmp_path: Path) -> None:
    assert list_runs(tmp_path / "missing") == []


def test_list_runs_gives_the_newest_first(tmp_path: Path) -> None:
    for run_id in ("2025-b", "2025-c", "2025-a"):
        put_run(tmp_path, run_id)

    assert [run.run_id for run in list_runs(tmp_path)] == ["2025-c", "2025-b", "2025-a"]


def test_list_runs_shows_a_run_whose_process_is_gone_as_crashed(tmp_path: Path) -> None:
    put_run(tmp_path, "alive", status=RunStatus.RUNNING, process=Process.current())
    put_run(tmp_path, "dead", status=RunStatus.RUNNING, process=replace(Process.current(), started="1"))

    assert {run.run_id: run.status for run in list_runs(tmp_path)} == {"alive": "running", "dead": "crashed"}


def test_list_runs_passes_over_a_damaged_one_with_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    put_run(tmp_path, "whole")
    (put_run(tmp_path, "damaged").path / "manifest.json").write_bytes(b"{}")

    assert [run.run_id for run in list_runs(tmp_path)] == ["whole"]
    assert "does not match its own hash" in caplog.text


def test_find_run_takes_an_id_its_beginning_or_latest(tmp_path: Path) -> None:
    for run_id in ("20250101-000000-aaaa", "20250102-000000-bbbb", "20250102-000000-bbbb2"):
        put_run(tmp_path, run_id)

    assert find_run(tmp_path, "20250101").run_id == "20250101-000000-aaaa"
    assert find_run(tmp_path, "20250102-000000-bbbb").run_id == "20250102-000000-bbbb"
    assert find_run(tmp_path, "latest").run_id == "20250102-000000-bbbb2"


@pytest.mark.parametrize(
    ("name", "message"), [("2025", "is one of 2025-b, 2025-a"), ("2024", "no run '2024'"), ("", "no run ''")]
)
def test_find_run_of_none_or_several_says_which_there_are(tmp_path: Path, name: str, message: str) -> None:
    put_run(tmp_path, "2025-a")
    put_run(tmp_path, "2025-b")

    with pytest.raises(UsageError, match=message):
        find_run(tmp_path, name)


def test_find_run_where_there_is_none_says_how_to_start_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no run there yet; start one with `necrozma backtest --results /"):
        find_run(tmp_path, "latest")


def test_mark_crashed_marks_what_says_it_runs_but_for_the_caller(tmp_path: Path) -> None:
    put_run(tmp_path, "done")
    put_run(tmp_path, "dead", status=RunStatus.RUNNING)
    put_run(tmp_path, "mine", status=RunStatus.RUNNING)

    with lock_results(tmp_path) as lock:
        assert mark_crashed(lock, current="mine") == ["dead"]
        assert mark_crashed(lock, current="mine") == []

    assert {path.name: read_manifest(path).status for path in ResultsFolder(tmp_path).runs.iterdir()} == {
        "done": RunStatus.COMPLETED,
        "dead": RunStatus.CRASHED,
        "mine": RunStatus.RUNNING,
    }


def test_mark_crashed_marks_a_run_whose_folder_was_renamed_where_it_is(tmp_path: Path) -> None:
    run = put_run(tmp_path, "dead", status=RunStatus.RUNNING)
    run.path.rename(run.path.with_name("kept aside"))

    with lock_results(tmp_path) as lock:
        assert mark_crashed(lock) == ["dead"]

    (path,) = ResultsFolder(tmp_path).runs.iterdir()
    assert (path.name, read_manifest(path).status) == ("kept aside", RunStatus.CRASHED)


def test_diff_runs_of_a_run_with_itself_is_empty(tmp_path: Path) -> None:
    run = put_run(tmp_path, "a", keys={"EURUSD": KEY})
    run.publish_ranking(random_ranking(5))

    diff = diff_runs(tmp_path, run.manifest, run.manifest)

    assert diff == RunDiff(settings={}, inputs={}, versions={}, keys={}, ranking=())


def test_diff_runs_names_what_differs(tmp_path: Path) -> None:
    def changed(run: RunFolder, **changes: object) -> Manifest:
        return replace(run.manifest, **changes)  # type: ignore[arg-type]

    ranking = random_ranking(3)
    before, after = (put_run(tmp_path, name) for name in "ab")
    before.publish_ranking(ranking.slice(0, 2))
    swapped = ranking.take([1, 0, 2]).set_column(0, ranking.schema.field("rank"), pa.array([1, 2, 3], pa.int32()))
    after.publish_ranking(swapped)

    diff = diff_runs(
        tmp_path,
        changed(before, settings={"lots": 0.1, "old": 1}, inputs={"EURUSD": "1"}, versions={"numpy": "1"}),
        changed(after, settings={"lots": 0.2}, inputs={"EURUSD": "1"}, versions={"numpy": "2"}),
    )

    assert diff.settings == {"lots": (0.1, 0.2), "old": (1, None)}
    assert diff.inputs == {}
    assert diff.versions == {"numpy": ("1", "2")}
    rows = ranking.to_pylist()
    profit = [row["net_profit"] for row in rows]
    names = [(row["pair"], row["timeframe"], row["strategy"]) for row in rows]
    assert diff.ranking == (
        RankChange(*names[1], 2, 1, profit[1], profit[1]),
        RankChange(*names[0], 1, 2, profit[0], profit[0]),
        RankChange(*names[2], None, 3, None, profit[2]),
    )


def test_diff_runs_names_pairs_whose_entry_differs(tmp_path: Path) -> None:
    before = put_run(tmp_path, "a", keys={"EURUSD": KEY, "GBPUSD": KEY})
    after = put_run(tmp_path, "b", keys={"EURUSD": OTHER_KEY, "GBPUSD": KEY, "USDJPY": KEY})

    assert diff_runs(tmp_path, before.manifest, after.manifest).keys == {
        "EURUSD": (KEY, OTHER_KEY),
        "USDJPY": (None, KEY),
    }


def test_clean_runs_removes_old_runs_and_what_only_they_name(tmp_path: Path) -> None:
    store = ResultsFolder(tmp_path).store
    for key in (KEY, OTHER_KEY):
        write_entry(store, key=key)
    put_run(tmp_path, "1", keys={"EURUSD": KEY}).publish_report("old")
    put_run(tmp_path, "2", keys={"EURUSD": OTHER_KEY})

    with lock_results(tmp_path) as lock:
        assert clean_runs(lock, keep=1) == Cleaned(runs=("1",), entries=(("EURUSD", KEY),))

    assert [run.run_id for run in list_runs(tmp_path)] == ["2"]
    assert list(store.entries()) == [("EURUSD", OTHER_KEY)]


@settings(max_examples=25)
@given(
    runs=st.lists(st.dictionaries(st.sampled_from(["EURUSD", "GBPUSD"]), st.integers(0, 2)), max_size=5),
    stored=st.sets(st.sampled_from(ENTRIES)),
    keep=st.integers(0, 5),
)
def test_clean_runs_never_removes_what_a_kept_run_names(
    tmp_path_factory: pytest.TempPathFactory,
    runs: list[dict[str, int]],
    stored: set[tuple[str, str]],
    keep: int,
) -> None:
    results = tmp_path_factory.mktemp("results")
    store = ResultsFolder(results).store
    for pair, key in stored:
        write_entry(store, pair, key, rows=1)
    for number, keys in enumerate(runs):
        put_run(results, f"{number}", keys={pair: f"{key:064x}" for pair, key in keys.items()})

    with lock_results(results) as lock:
        clean_runs(lock, keep)

    kept = runs[max(len(runs) - keep, 0) :]
    named = {(pair, f"{key:064x}") for keys in kept for pair, key in keys.items()}
    assert set(store.entries()) == stored & named
    for entry in store.entries():
        store.check(*entry)
    assert len(list_runs(results)) == len(kept)


def test_clean_runs_with_a_manifest_that_cannot_be_trusted_removes_nothing(tmp_path: Path) -> None:
    write_entry(ResultsFolder(tmp_path).store)
    put_run(tmp_path, "1")
    (put_run(tmp_path, "2", keys={"EURUSD": KEY}).path / "manifest.json").write_bytes(b"{}")

    with lock_results(tmp_path) as lock:
        before = tree(tmp_path)
        with pytest.raises(DamagedError):
            clean_runs(lock, keep=0)
        assert tree(tmp_path) == before


def test_clean_runs_of_a_negative_number_is_refused(tmp_path: Path) -> None:
    with lock_results(tmp_path) as lock, pytest.raises(UsageError, match="0 or more, found -1"):
        clean_runs(lock, keep=-1)
