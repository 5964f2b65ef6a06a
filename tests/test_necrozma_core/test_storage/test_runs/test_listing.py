"""The runs of a results folder: found, compared, cleaned, the dead marked."""

from dataclasses import replace
from pathlib import Path

import pytest
from run_samples import put_run

from necrozma_core.errors import UsageError
from necrozma_core.storage.disk.lock import lock_results
from necrozma_core.storage.disk.process import Process
from necrozma_core.storage.results_folder import ResultsFolder
from necrozma_core.storage.runs.listing import find_run, list_runs, mark_crashed
from necrozma_core.storage.runs.manifest import RunStatus, read_manifest


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


def test_find_run_takes_a_label_that_one_run_has(tmp_path: Path) -> None:
    for run_id, label in (("1", "first"), ("2", "twice"), ("3", "twice"), ("4", None)):
        put_run(tmp_path, run_id, settings={"label": label})

    assert find_run(tmp_path, "first").run_id == "1"
    with pytest.raises(UsageError, match="run 'twice' is one of 3, 2: give more of its id"):
        find_run(tmp_path, "twice")


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
