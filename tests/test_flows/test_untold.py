"""A run that started no Prefect is told to a server once, whatever fails or is killed on the way."""

from itertools import count
from typing import Any

import pytest

from flows.untold import mark_crashed, tell_untold
from necrozma_core.storage.disk.lock import lock_results
from necrozma_core.storage.runs.folder import RunFolder
from necrozma_core.storage.runs.listing import mark_crashed as mark_dead
from necrozma_core.storage.runs.manifest import PairRecord, PairState, RunStatus
from necrozma_core.storage.runs.untold import UNTOLD_FILE, note_untold, untold_runs

KEY = "0" * 64
SETTINGS = {"timeframe": "1h", "workers": 2, "keep_trades": None, "cooldown_seconds": 5.0, "cooldown_explicit": False}


class LostError(Exception):
    """The server went away, or the process was killed."""


class Server:
    """What Prefect's server keeps, as far as it is asked; `lost_at` is the number of the request that fails."""

    def __init__(self) -> None:
        self.flow_runs: dict[str, dict[str, Any]] = {}
        self.artifacts: list[dict[str, Any]] = []
        self.dead: list[str] = []
        self.lost_at: tuple[int, bool] | None = None
        self._numbers = count()

    def __call__(self, path: str, body: Any) -> Any:
        number = next(self._numbers)
        lost, before = self.lost_at if self.lost_at is not None else (-1, False)
        if number == lost and before:
            raise LostError
        answer = self._answer(path, body)
        if number == lost:
            raise LostError  # it took the request; nobody heard
        return answer

    def _answer(self, path: str, body: Any) -> Any:
        match path.strip("/").split("/"):
            case ["flows"]:
                return {"id": body["name"]}
            case ["flow_runs"]:
                made = {**body, "id": body["name"], "state_type": body["state"]["type"]}
                return self.flow_runs.setdefault(body["idempotency_key"], made)
            case ["artifacts", "filter"]:
                [run] = body["artifacts"]["flow_run_id"]["any_"]
                return [artifact for artifact in self.artifacts if artifact["flow_run_id"] == run]
            case ["artifacts"]:
                self.artifacts.append(body)
            case ["flow_runs", "filter"]:
                chosen = body["flow_runs"]
                tagged = [tag.removeprefix("run:") for tag in chosen.get("tags", {"any_": []})["any_"]]
                return [{"id": name} for name in (chosen["name"]["any_"] if "name" in chosen else tagged)]
            case ["task_runs", "filter"]:
                return [{"id": f"task of {body['task_runs']['flow_run_id']['any_'][0]}"}]
            case ["task_runs" | "flow_runs", name, "set_state"]:
                for run in self.flow_runs.values():
                    if run["id"] == name:
                        run["state_type"], run["message"] = body["state"]["type"], body["state"]["message"]
                        return None
                self.dead.append(name)
        return None


@pytest.fixture
def results(tmp_path):
    """A results folder with one run that everything was stored for, and that is untold."""
    folder = tmp_path / "results"
    run = RunFolder.create(folder, settings=SETTINGS, inputs={}, keys={"EURUSD": KEY}, versions={})
    note_untold(run.path, ["20260101-000000-dead"], is_wanted=True)
    run.record("EURUSD", PairRecord(KEY, PairState.REUSED))
    run.publish_report("<html>")
    run.finish(RunStatus.COMPLETED)
    return folder


def test_run_is_told_with_its_name_parameters_report_and_end(results):
    server = Server()
    tell_untold(results, server, 60)

    [flow_run] = server.flow_runs.values()
    [path] = (results / "runs").iterdir()
    assert (flow_run["name"], flow_run["state_type"]) == (path.name, "COMPLETED")
    assert flow_run["tags"] == ["necrozma", "EURUSD"]
    # As `flow_parameters` spells them.
    assert flow_run["parameters"] == {"timeframe": "1h", "workers": 2, "keep_trades": "all"}
    assert "1 of 1 pairs stored" in flow_run["message"]
    assert {artifact["key"] for artifact in server.artifacts} == {"run", "report"}
    assert server.dead == ["task of 20260101-000000-dead", "20260101-000000-dead"]
    assert untold_runs(results) == []
    assert not (path / UNTOLD_FILE).exists()


@pytest.mark.faults
@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("number", range(11))
def test_telling_cut_off_anywhere_is_done_again_without_a_trace(results, number, before):
    server = Server()
    server.lost_at = (number, before)
    with pytest.raises(LostError):
        tell_untold(results, server, 60)
    assert len(untold_runs(results)) == 1

    tell_untold(results, server, 60)
    [flow_run] = server.flow_runs.values()
    assert flow_run["state_type"] == "COMPLETED"
    assert sorted(artifact["key"] for artifact in server.artifacts) == ["report", "run"]
    assert untold_runs(results) == []


def test_run_told_before_its_note_was_removed_leaves_no_second_trace(results):
    server = Server()
    [untold] = untold_runs(results)
    tell_untold(results, server, 60)
    note_untold(untold.folder, untold.crashed, is_wanted=True)

    tell_untold(results, server, 60)
    assert (len(server.flow_runs), len(server.artifacts)) == (1, 2)


def test_run_killed_in_the_middle_is_told_as_crashed_once_it_is_found(tmp_path):
    run = RunFolder.create(tmp_path, settings=SETTINGS, inputs={}, keys={"EURUSD": KEY}, versions={})
    note_untold(run.path, [], is_wanted=True)
    server = Server()
    tell_untold(tmp_path, server, 60)
    assert server.flow_runs == {}

    with lock_results(tmp_path) as lock:
        mark_dead(lock)
    tell_untold(tmp_path, server, 60)
    assert [run["state_type"] for run in server.flow_runs.values()] == ["CRASHED"]


def test_run_without_history_tells_only_what_it_found_dead(tmp_path):
    run = RunFolder.create(tmp_path, settings=SETTINGS, inputs={}, keys={"EURUSD": KEY}, versions={})
    note_untold(run.path, ["dead"], is_wanted=False)
    run.finish(RunStatus.COMPLETED)
    server = Server()
    tell_untold(tmp_path, server, 60)
    assert (server.flow_runs, server.dead) == ({}, ["task of dead", "dead"])


def test_telling_ends_in_time_and_leaves_the_rest_for_later(results):
    server = Server()
    tell_untold(results, server, -1)
    assert (len(untold_runs(results)), server.flow_runs) == (1, {})


def test_damaged_note_is_left_out(results):
    [untold] = untold_runs(results)
    (untold.folder / UNTOLD_FILE).write_text("{}")
    assert untold_runs(results) == []


def test_flow_run_that_asks_is_not_marked_and_no_other_twice():
    server = Server()
    mark_crashed(server, ["dead", "asking"], "asking")
    assert server.dead == ["task of dead", "dead"]


def test_nobody_dead_asks_nothing():
    mark_crashed(lambda path, body: pytest.fail("asked"), [])
