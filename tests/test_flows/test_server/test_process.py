"""What both servers of ours do as processes."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
from dataclasses import asdict

import pytest

from flows.server.process import (
    RunningServer,
    end_process,
    free_port,
    has_ended,
    holding_lock,
    last_words,
    refuse_taken_port,
    spawn,
    wait_ended,
)
from necrozma_core.errors import NecrozmaError, StorageError, UsageError
from necrozma_core.storage.disk.process import Process

STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
)


def spawned(tmp_path, code: str) -> Process:
    return spawn([sys.executable, "-c", code], os.environ, tmp_path / "log", os.O_TRUNC, cwd=None)


def test_state_file_gives_back_the_server_and_is_its_owners_alone(tmp_path):
    server = RunningServer(tmp_path, Process.current(), 4210, "https://necrozma.example")
    server.write(tmp_path / "state.json")
    assert RunningServer.read(tmp_path / "state.json") == server
    assert stat.S_IMODE((tmp_path / "state.json").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["state.json"]


def test_state_file_without_an_address_is_read_as_that_of_a_runs_server(tmp_path):
    """As earlier versions left it, whose server may still run."""
    (tmp_path / "state.json").write_text(json.dumps({"process": asdict(Process.current()), "port": 4210}))
    server = RunningServer.read(tmp_path / "state.json")
    assert (server.url, server.api_url) == ("http://127.0.0.1:4210", "http://127.0.0.1:4210/api")


def test_state_file_of_a_server_that_ended_is_not_believed(tmp_path):
    process = spawned(tmp_path, "pass")
    RunningServer(tmp_path, process, 4210, "").write(tmp_path / "state.json")
    assert wait_ended(process, 60.0)
    assert RunningServer.read(tmp_path / "state.json") is None


def test_child_that_ended_is_taken_off_the_systems_list(tmp_path):
    process = spawned(tmp_path, "pass")
    assert wait_ended(process, 60.0)
    with pytest.raises(ChildProcessError):
        os.waitpid(process.pid, os.WNOHANG)
    assert has_ended(process)


def test_server_that_ignores_the_request_to_end_is_killed(tmp_path):
    process = spawned(tmp_path, STUBBORN)
    while "up" not in (tmp_path / "log").read_text():
        assert not has_ended(process)
    end_process(process, patience_s=0.2)
    assert wait_ended(process, 60.0)


def test_server_of_another_user_is_left_alone_in_one_line(monkeypatch):
    def refuse(pid: int, kind: signal.Signals) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "kill", refuse)
    monkeypatch.setattr(os, "killpg", refuse)
    with pytest.raises(UsageError, match=r"process 1, is another user's: ask that user to stop it$"):
        end_process(Process(1, "", "", ""), patience_s=0.0)


def test_command_that_is_missing_is_one_line(tmp_path):
    with pytest.raises(NecrozmaError, match=r"cannot be started: .*No such file"):
        spawn([str(tmp_path / "absent")], {}, tmp_path / "log", os.O_TRUNC, cwd=None)


def test_log_that_cannot_be_written_is_a_storage_error(tmp_path):
    with pytest.raises(StorageError, match="log: could not write"):
        spawn([sys.executable], {}, tmp_path / "absent" / "log", os.O_TRUNC, cwd=None)


def test_lock_is_held_by_one_at_a_time(tmp_path):
    entered = threading.Event()

    def enter() -> None:
        with holding_lock(tmp_path / "start.lock"):
            entered.set()

    with holding_lock(tmp_path / "start.lock"):
        second = threading.Thread(target=enter)
        second.start()
        assert not entered.wait(0.2)
    assert entered.wait(60.0)
    second.join()


def test_lock_is_freed_by_a_process_that_is_killed(tmp_path):
    code = (
        "import pathlib, sys, time; from flows.server.process import holding_lock\n"
        "with holding_lock(pathlib.Path(sys.argv[1])): print('held', flush=True); time.sleep(600)"
    )
    lock = tmp_path / "start.lock"
    with subprocess.Popen([sys.executable, "-c", code, str(lock)], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "held\n"
        holder.kill()
    with holding_lock(lock):
        pass


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "see {log}"),
        ("\n \n", "see {log}"),
        ("first\nlast  \n\n", "its last line was 'last', the rest is in {log}"),
        ("x" * 900, "its last line was '" + 299 * "x" + "…', the rest is in {log}"),
    ],
)
def test_last_words_are_the_last_line_that_says_something(tmp_path, text, words):
    log = tmp_path / "log"
    if text is not None:
        log.write_text(text)
    assert last_words(log) == words.format(log=log)


def test_free_port_can_be_listened_on_and_a_taken_one_is_refused():
    port = free_port()
    refuse_taken_port(port)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", port))
        listener.listen()
        with pytest.raises(UsageError, match=f"port {port} on 127.0.0.1 cannot be used"):
            refuse_taken_port(port)
