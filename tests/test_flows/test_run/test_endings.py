"""Runs that end before they are done, as processes of their own: signals, and no orphans whatever happens."""

import json
import os
import re
import signal

import psutil
import pytest

from necrozma_core.storage.runs.listing import list_runs
from necrozma_core.storage.runs.manifest import PairState, RunStatus

from .conftest import is_running, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.faults]


def _relatives(process):
    """Workers and what else the run started, but for the server that all tests share."""
    return [child.pid for child in psutil.Process(process.pid).children(recursive=True)]


def _begun(process, tries):
    """Wait until the pair that never ends was begun, and return the processes that must go."""
    wait_until(lambda: list(tries.iterdir()) or process.poll() is not None)
    assert process.poll() is None, process.communicate()
    # Pairs begin before the flow does; that the others are told of is the flow's doing.
    wait_until(lambda: _told(tries.parent / "results") or process.poll() is not None, 60)
    relatives = _relatives(process)
    assert relatives
    return relatives


def _told(results):
    return [run for run in list_runs(results) if len(run.pairs_in(PairState.COMPUTED)) == 2]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signal_in_mid_run_ends_it_in_seconds_and_a_second_run_completes_it(spawn, odd, tmp_path, api, number, code):
    path, tries = odd("while not (folder.parent / 'free').exists(): time.sleep(0.01)")
    process = spawn("--strategies", path, "--workers", "1")
    relatives = _begun(process, tries)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)

    assert process.returncode == code
    assert re.search(r"go on with: .*necrozma backtest .*--data /", errors)
    wait_until(lambda: not any(is_running(pid) for pid in relatives), 10)
    [run] = list_runs(tmp_path / "results")
    assert run.status is RunStatus.CANCELLED
    [flow_run] = _flow_runs(api, run.run_id)
    assert flow_run.state.name == "Cancelled"

    (tmp_path / "free").touch()
    again = spawn("--strategies", path)
    assert again.wait(120) == 0
    finished = list_runs(tmp_path / "results")[0]
    stored = run.pairs_in(PairState.COMPUTED)
    assert finished.pairs_in(PairState.REUSED) == stored


def test_second_signal_ends_at_once(spawn, odd):
    path, tries = odd("time.sleep(600)")
    process = spawn("--strategies", path)
    relatives = _begun(process, tries)
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGINT)

    assert process.wait(20) == 130
    wait_until(lambda: not any(is_running(pid) for pid in relatives), 10)


def test_parent_killed_leaves_no_orphan_and_the_next_run_marks_it_crashed(spawn, odd, tmp_path, api, task_states):
    path, tries = odd("while not (folder.parent / 'free').exists(): time.sleep(0.01)")
    process = spawn("--strategies", path, "--workers", "1")
    relatives = _begun(process, tries)
    process.kill()
    process.wait()
    wait_until(lambda: not any(is_running(pid) for pid in relatives), 10)
    [dead] = list_runs(tmp_path / "results")
    [flow_run] = _flow_runs(api, dead.run_id)
    assert flow_run.state.name == "Running"

    (tmp_path / "free").touch()
    again = spawn("--strategies", path)
    output, _ = again.communicate(timeout=120)

    assert again.returncode == 0
    assert dead.run_id in output
    assert {run.run_id: run.status for run in list_runs(tmp_path / "results")}[dead.run_id] is RunStatus.CRASHED
    assert api.read_flow_run(flow_run.id).state.name == "Crashed"
    assert "Running" not in task_states(flow_run.id).values()


def test_server_killed_in_mid_run_costs_no_result(spawn, odd, tmp_path, own_history):
    path, tries = odd("while not (folder.parent / 'free').exists(): time.sleep(0.01)")
    process = spawn("--strategies", path, home=own_history)
    _begun(process, tries)
    os.kill(json.loads((own_history / "server.json").read_text())["process"]["pid"], signal.SIGKILL)
    (tmp_path / "free").touch()
    output, errors = process.communicate(timeout=180)

    assert process.returncode == 0
    [told] = [line for line in output.splitlines() if "the history of this run" in line]
    assert told.startswith(
        "the history of this run is incomplete, its results are not affected: the Prefect server ended"
    )
    assert errors == ""
    [run] = list_runs(tmp_path / "results")
    assert (run.status, run.pairs_in(PairState.COMPUTED)) == (RunStatus.COMPLETED, ["EURUSD", "GBPUSD", "USDJPY"])
    assert "ranking.parquet" in run.files


def _flow_runs(api, name):
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterName

    return api.read_flow_runs(flow_run_filter=FlowRunFilter(name=FlowRunFilterName(any_=[name])))
