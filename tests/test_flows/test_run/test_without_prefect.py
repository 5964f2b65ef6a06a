"""Runs that start nothing of Prefect: everything is stored, or no history is wanted."""

import json
import os
import re
import signal
import subprocess
import sys
from types import SimpleNamespace

import pytest

from flows.launch import run_backtest
from flows.sweep_request import sweep_request
from necrozma_core.errors import ExitCode, StorageError
from necrozma_core.storage.runs.folder import RunFolder
from necrozma_core.storage.runs.listing import list_runs
from necrozma_core.storage.runs.manifest import PairState, RunStatus
from necrozma_core.storage.runs.untold import UNTOLD_FILE, untold_runs
from necrozma_core.sweep.running import run_sweep

from .conftest import PAIRS, ROOT, Watcher, is_running, wait_until

# Counts what starts a process, also where multiprocessing does, and says what was imported.
_COUNTING = """
import _posixsubprocess, json, os, sys
started = []
def counting(name, start):
    def counted(*arguments):
        started.append(name)
        return start(*arguments)
    return counted
import multiprocessing.util, subprocess
_posixsubprocess.fork_exec = counting("fork_exec", _posixsubprocess.fork_exec)
subprocess._fork_exec = counting("Popen", subprocess._fork_exec)
for name in ("fork", "forkpty", "posix_spawn", "posix_spawnp"):
    setattr(os, name, counting(name, getattr(os, name)))
from flows.cli.app import app
try:
    app(sys.argv[1:])
except SystemExit as end:
    code = end.code
print(json.dumps({
    "code": code, "started": started, "imported": sorted({"prefect", "numba"} & sys.modules.keys())
}), file=sys.stderr)
"""
_GRID = "family=rsi period=7,14 low=20:30:5"
_FILE = """
import numpy as np

class Odd:
    name, params, stop_loss_pips, take_profit_pips = "odd", {}, 20.0, 40.0

    def signals(self, bars):
        return np.zeros(len(bars), dtype=np.int8)

def strategies():
    return [Odd()]
"""


@pytest.fixture
def counted(tmp_path, ticks):
    """Run the command in a process that counts what it starts and imports."""

    def go(*flags):
        words = ["backtest", "--data", ticks, "--results", tmp_path / "results", "--timeframe", "1h", "--plain",
                 "--workers", "2", "--cooldown", "0", *flags]  # fmt: skip
        command = [sys.executable, "-c", _COUNTING, *map(str, words)]
        # The machine's load must not hold the run back.
        environment = os.environ | {
            "NECROZMA_ADAPTIVE_THROTTLING": "false",
            "NECROZMA_PREFECT_HOME": str(tmp_path / "home"),
        }
        ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=250)
        *errors, last = ended.stderr.splitlines()
        return SimpleNamespace(lines=ended.stdout.splitlines(), errors=errors, **json.loads(last))

    return go


@pytest.fixture
def mine(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(_FILE)
    return path


@pytest.fixture
def store(settings):
    """Compute some pairs without Prefect, so that a later run finds them stored."""

    def compute(**others):
        outcome = run_sweep(sweep_request(settings(**others)))
        assert outcome.exit_code is ExitCode.OK
        return outcome

    return compute


@pytest.mark.parametrize("kind", ["default", "grid", "file"])
def test_run_that_computes_nothing_imports_no_prefect_and_no_compiler_and_starts_nothing_for_it(
    counted, store, mine, tmp_path, kind
):
    flags, chosen = {
        "default": ([], {}),
        "grid": (["--grid", _GRID], {"grid": _GRID}),
        "file": (["--strategies", str(mine)], {"strategies": mine}),
    }[kind]
    before = store(**chosen)
    ended = counted(*flags)

    # A user's file is tried where it can end no process but its own.
    started = ["Popen"] if kind == "file" else []
    assert (ended.code, ended.started, ended.imported, ended.errors) == (0, started, [], [])
    assert ended.lines[0].startswith("looking up what is stored in ")
    assert "everything was stored already: nothing computed" in ended.lines
    again = list_runs(tmp_path / "results")[0]
    assert (again.status, {record.state for record in again.pairs.values()}) == (
        RunStatus.COMPLETED,
        {PairState.REUSED},
    )
    assert again.files.keys() == {"ranking.parquet", "report.html"}
    assert ended.lines[-1] == f"Report:  {tmp_path / 'results' / 'runs' / again.run_id / 'report.html'}"
    assert not (tmp_path / "home").exists()
    # The run that computed them asked for no history.
    assert [untold.run.run_id for untold in untold_runs(tmp_path / "results")] == [again.run_id]
    assert before.run_id != again.run_id


def test_run_without_history_computes_in_workers_and_says_each_phase(counted, tmp_path):
    ended = counted("--no-history")

    assert (ended.code, ended.imported, ended.errors) == (0, [], [])
    assert ended.started  # the workers: what is counted above is counted
    assert any(line.startswith("3 of 3 pairs to compute; starting 2 workers") for line in ended.lines)
    for line in (*(f"{pair}: begun" for pair in PAIRS), "ranking the strategies", "writing the report"):
        assert line in ended.lines
    [run] = list_runs(tmp_path / "results")
    assert (run.status, len(run.pairs_in(PairState.COMPUTED))) == (RunStatus.COMPLETED, 3)
    assert run.settings["history"] is False
    assert "governor.parquet" in run.files
    assert untold_runs(tmp_path / "results") == []


def _flow_runs(api, name):
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterName

    return api.read_flow_runs(flow_run_filter=FlowRunFilter(name=FlowRunFilterName(any_=[name])))


def test_run_that_computes_nothing_is_told_to_a_server_that_runs(run, store, api):
    store(pairs="EURUSD")
    result = run(pairs="EURUSD")

    assert result.outcome.all_stored
    [flow_run] = _flow_runs(api, result.outcome.run_id)
    assert flow_run.state.name == "Completed"
    assert set(flow_run.tags) == {"necrozma", "EURUSD"}
    assert flow_run.parameters["timeframe"] == "1h"
    assert not (result.session.folder / UNTOLD_FILE).exists()


def test_run_that_no_server_was_told_of_is_told_by_the_next_that_starts_one(run, store, settings, api, tmp_path):
    store(pairs="EURUSD")
    dead = RunFolder.create(settings().results, settings={}, inputs={}, keys={}, versions={})
    kept = run(pairs="EURUSD", prefect_home=tmp_path / "no server")
    assert [untold.crashed for untold in untold_runs(settings().results)] == [(dead.run_id,)]
    assert any("no Prefect server runs: the next run that starts Prefect" in phase for phase in kept.watcher.phases)
    assert _flow_runs(api, kept.outcome.run_id) == []

    run(pairs="GBPUSD")
    [flow_run] = _flow_runs(api, kept.outcome.run_id)
    assert flow_run.state.name == "Completed"
    assert untold_runs(settings().results) == []
    run(pairs="GBPUSD")
    assert len(_flow_runs(api, kept.outcome.run_id)) == 1


def test_server_that_is_not_prefect_costs_nothing(run, store, settings, monkeypatch, webhook):
    store(pairs="EURUSD")
    monkeypatch.setenv("PREFECT_API_URL", webhook.url)
    result = run(pairs="EURUSD")
    assert result.outcome.exit_code is ExitCode.OK
    assert len(untold_runs(settings().results)) == 1
    assert any("did not take this run" in phase for phase in result.watcher.phases)


def test_run_without_history_whose_ranking_cannot_be_written_fails_with_the_disk(settings, store, monkeypatch, webhook):
    store(pairs="EURUSD")

    def full(self, table, figures):
        raise StorageError("ranking.parquet: could not write: No space left on device; free some space")

    monkeypatch.setattr(RunFolder, "publish_ranking", full)
    monkeypatch.setenv("NECROZMA_NOTIFY_URL", webhook.url)
    with pytest.raises(StorageError, match="No space left"):
        run_backtest(settings(pairs="EURUSD", history=False), Watcher())
    [sent] = webhook.received
    assert (sent["body"]["state"], "No space left" in sent["body"]["message"]) == ("FAILED", True)


@pytest.mark.parametrize("is_kept", [True, False])
def test_end_of_a_run_without_prefect_is_posted(run, store, monkeypatch, webhook, is_kept, tmp_path):
    store(pairs="EURUSD")
    monkeypatch.setenv("NECROZMA_NOTIFY_URL", webhook.url)
    result = run(pairs="EURUSD", history=is_kept, prefect_home=tmp_path / "home")
    [sent] = webhook.received
    assert (sent["body"]["run"], sent["body"]["state"], sent["body"]["flow"]) == (
        result.outcome.run_id,
        "COMPLETED",
        "backtest-pairs",
    )


def test_pair_that_fails_without_history_leaves_the_others_done_and_names_the_command(run, odd, monkeypatch, webhook):
    path, _ = odd("os.kill(os.getpid(), signal.SIGKILL)")
    monkeypatch.setenv("NECROZMA_NOTIFY_URL", webhook.url)
    result = run(strategies=path, history=False)

    assert result.outcome.exit_code is ExitCode.PAIRS_FAILED
    assert [pair for pair, _ in result.outcome.failures] == ["USDJPY"]
    assert "--no-history" in result.outcome.retry
    [sent] = webhook.received
    assert (sent["body"]["state"], "--no-history" in sent["body"]["message"]) == ("FAILED", True)


@pytest.mark.faults
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signal_ends_a_run_without_history_in_order(spawn, odd, tmp_path, number, code):
    path, tries = odd("while not (folder.parent / 'free').exists(): time.sleep(0.01)")
    process = spawn("--strategies", path, "--no-history")
    results = tmp_path / "results"

    def told():
        return [run for run in list_runs(results) if len(run.pairs_in(PairState.COMPUTED)) == 2]

    wait_until(lambda: (list(tries.iterdir()) and told()) or process.poll() is not None)
    workers = [int(pid) for pid in os.popen(f"ps -o pid= --ppid {process.pid}").read().split()]
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == code, errors
    assert re.search("stopped with 2 of 3 pairs stored; go on with: .*necrozma backtest", errors)
    assert "--no-history" in errors.splitlines()[-1]
    wait_until(lambda: not any(is_running(pid) for pid in workers), 20)
    assert [run.status for run in list_runs(results)] == [RunStatus.CANCELLED]
