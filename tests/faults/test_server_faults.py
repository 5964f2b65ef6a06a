"""The server that a run tells its history, killed in mid-run and started again: results first, history after."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.server.standing import StandingServer, start_standing, stop_standing
from necrozma_core.storage.runs.listing import list_runs
from necrozma_core.storage.runs.manifest import PairState, RunStatus

from .command import PAIRS, command_program, patient_program
from .moments import Program, holds

pytestmark = [pytest.mark.faults, pytest.mark.slow]


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandingServer]:
    """A server that stays, as `necrozma server start` makes it."""
    import socket

    for name in [name for name in os.environ if name.startswith("PREFECT_")]:
        monkeypatch.delenv(name)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    yield start_standing(tmp_path / "server", port)
    stop_standing(tmp_path / "server")


def _kill(server: StandingServer) -> None:
    os.killpg(server.process.pid, signal.SIGKILL)
    assert holds(server.process.is_gone, 30.0)


def _states(server: StandingServer) -> list[str]:
    """The states of all flow runs and task runs, as the server that now runs has them."""
    code = (
        "from prefect.client.orchestration import get_client\n"
        "with get_client(sync_client=True) as client:\n"
        "    runs = [*client.read_flow_runs(), *client.read_task_runs()]\n"
        "print(*(run.state.name for run in runs))"
    )
    environment = os.environ | server.client_environment()
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_server_that_is_away_when_the_run_begins_is_waited_for(tmp_path: Path, server: StandingServer) -> None:
    results = tmp_path / "results"
    plain = command_program(tmp_path / "ticks")
    program = Program(plain.words, plain.environment | server.client_environment())
    stop_standing(server.home)
    with program.running(results) as running:
        assert holds(lambda: "it is waited for" in running.output(), 120.0)
        server = start_standing(server.home, server.port)
        code = running.process.wait(240)

    assert code == 0, running.output()
    assert _states(server) == ["Completed"] * (1 + len(PAIRS) + 2), running.output()


def test_server_killed_and_started_again_in_mid_run_gets_the_whole_history(
    tmp_path: Path, server: StandingServer
) -> None:
    folder, results = tmp_path / "patient", tmp_path / "results"
    plain = patient_program(folder)
    program = Program(plain.words, plain.environment | server.client_environment())
    (folder / "wait").touch()
    with program.running(results) as running:
        assert holds((folder / "begun").exists, 120.0)
        assert holds(lambda: "Running" in _states(server), 120.0)
        _kill(server)
        server = start_standing(server.home, server.port)
        (folder / "wait").unlink()
        code = running.process.wait(240)

    words = running.output()
    assert code == 0, words
    [run] = list_runs(results)
    assert (run.status, run.pairs_in(PairState.COMPUTED)) == (RunStatus.COMPLETED, sorted(PAIRS))
    assert _states(server) == ["Completed"] * (1 + len(PAIRS) + 2), words
