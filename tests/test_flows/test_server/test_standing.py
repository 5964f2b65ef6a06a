"""The life of our own server's process, with a stand-in that answers within milliseconds."""

import json
import os
import shlex
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows.cli.app import app
from flows.server import standing
from flows.server.standing import StandingServer, find_standing, start_standing, stop_standing
from necrozma_core.errors import NecrozmaError, StorageError, UsageError
from necrozma_core.storage.disk.process import Process

# Answers like Prefect's server, has a child that does not want to end, and shows what it was given.
STAND_IN = """
import http.server, json, os, pathlib, signal, subprocess, sys
child = subprocess.Popen([sys.executable, "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"],
    stdout=subprocess.PIPE)
child.stdout.readline()
pathlib.Path("seen.json").write_text(json.dumps({"child": child.pid, "environment": dict(os.environ)}))
class Health(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers()
    def log_message(self, *_): pass
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Health).serve_forever()
"""


@pytest.fixture
def home(tmp_path):
    home = tmp_path / "server"
    yield home
    stop_standing(home)


@pytest.fixture
def stand_in(monkeypatch):
    monkeypatch.setattr(standing, "_command", lambda port: [sys.executable, "-c", STAND_IN, str(port)])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(condition, timeout_s: float = 30.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, condition
        time.sleep(0.02)


def seen(home: Path) -> dict:
    return json.loads((home / "seen.json").read_text())


def is_alive(pid: int) -> bool:
    try:
        # A zombie is as good as gone.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_start_answers_and_is_found(home, stand_in):
    started = start_standing(home, free_port())
    assert started.is_answering()
    assert find_standing(home) == started


def test_start_twice_returns_the_one_that_runs(home, stand_in):
    first = start_standing(home, free_port())
    assert start_standing(home, free_port()) == first


def test_start_from_two_threads_starts_one(home, stand_in):
    port, found = free_port(), []
    threads = [threading.Thread(target=lambda: found.append(start_standing(home, port))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert len(set(found)) == 1


def test_server_has_its_own_session(home, stand_in):
    pid = start_standing(home, free_port()).process.pid
    assert os.getsid(pid) == pid != os.getsid(0)


def test_stop_ends_the_server_and_its_stubborn_child(home, stand_in, monkeypatch):
    monkeypatch.setattr(standing, "_STOP_TIMEOUT_S", 2.0)
    started = start_standing(home, free_port())
    child = seen(home)["child"]
    assert stop_standing(home) == started
    assert not is_alive(started.process.pid)
    wait_until(lambda: not is_alive(child))
    assert find_standing(home) is None
    assert stop_standing(home) is None


def test_stop_spares_the_group_of_a_server_that_leads_none(home, stand_in):
    """As when a shell script runs `server run`: the script is in the same group."""
    port = free_port()
    home.mkdir()
    command = shlex.join(standing._command(port))
    with subprocess.Popen(
        ["sh", "-c", f"{command} & echo $!; wait; echo went on"],
        cwd=home,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as shell:
        process = Process.of(int(shell.stdout.readline()))
        running = StandingServer(home, process, port, "")
        running.write(home / "service.json")
        wait_until(running.is_answering)
        assert stop_standing(home) == running
        os.kill(seen(home)["child"], signal.SIGKILL)
        assert shell.stdout.readline() == "went on\n"


def test_server_killed_meanwhile_is_not_found_and_can_be_started_again(home, stand_in):
    first = start_standing(home, free_port())
    os.killpg(first.process.pid, signal.SIGKILL)
    wait_until(lambda: find_standing(home) is None)
    second = start_standing(home, free_port())
    assert second.process.pid != first.process.pid
    assert second.is_answering()


def test_pid_of_another_process_is_not_taken_for_the_server(home, stand_in):
    """The machine was restarted and the number given to somebody else, here to this test."""
    started = start_standing(home, free_port())
    stop_standing(home)
    state = {"process": {"pid": os.getpid(), "host": started.process.host, "boot": started.process.boot,
             "started": started.process.started}, "port": started.port, "url": started.url}  # fmt: skip
    (home / "service.json").write_text(json.dumps(state))
    assert find_standing(home) is None
    assert stop_standing(home) is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"process": {}}', '{"process": {"pid": "x"}, "port": 1, "url": ""}'])
def test_damaged_state_file_means_that_nothing_runs(home, text):
    home.mkdir()
    (home / "service.json").write_text(text)
    assert find_standing(home) is None


def test_taken_port_is_refused_by_name(home, stand_in):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(UsageError, match=rf"port {port} .*--port or NECROZMA_SERVER_PORT"):
            start_standing(home, port)


def test_server_that_ends_at_once_is_reported_with_its_last_line(home, monkeypatch):
    monkeypatch.setattr(standing, "_command", lambda port: [sys.executable, "-c", "raise SystemExit('no database')"])
    with pytest.raises(NecrozmaError, match=r"ended while it started; its last line was 'no database'.*service\.log"):
        start_standing(home, free_port())


def test_home_that_cannot_be_made_is_a_storage_error(tmp_path, stand_in):
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="file"):
        start_standing(tmp_path / "file" / "server", free_port())


def test_everything_in_the_folder_is_its_owners_alone(home, stand_in):
    start_standing(home, free_port())
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    private = {"auth", "client.env", "seen.json", "service.json", "service.lock", "service.log"}
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in home.iterdir()} == dict.fromkeys(private, 0o600)


def test_password_is_made_once_and_long(home, stand_in):
    start_standing(home, free_port())
    first = (home / "auth").read_text()
    stop_standing(home)
    start_standing(home, free_port())
    assert (home / "auth").read_text() == first
    user, _, secret = first.strip().partition(":")
    assert user == "necrozma"
    assert len(secret) == 32


def test_passwords_of_two_servers_differ(tmp_path, stand_in):
    homes = [tmp_path / "a", tmp_path / "b"]
    for home in homes:
        start_standing(home, free_port())
        stop_standing(home)
    assert (homes[0] / "auth").read_text() != (homes[1] / "auth").read_text()


def test_password_that_others_can_read_is_refused(home, stand_in):
    start_standing(home, free_port())
    stop_standing(home)
    (home / "auth").chmod(0o640)
    with pytest.raises(UsageError, match=r"auth: others can read .*mode 640, should be 600"):
        start_standing(home, free_port())


def test_empty_password_is_refused(home, stand_in):
    home.mkdir()
    (home / "auth").touch(0o600)
    with pytest.raises(UsageError, match="holds no password"):
        start_standing(home, free_port())


def test_server_is_told_to_be_strict_and_quiet(home, stand_in, monkeypatch):
    for name in ("PREFECT_API_URL", "PREFECT_UI_API_URL", "PREFECT_PROFILE", "PREFECT_API_KEY"):
        monkeypatch.setenv(name, "http://elsewhere.example/api")
    monkeypatch.setenv("PREFECT_SERVER_DATABASE_CONNECTION_URL", "postgresql+asyncpg://db.example/prefect")
    port = free_port()
    start_standing(home, port)
    environment = seen(home)["environment"]
    prefect = {name: value for name, value in environment.items() if name.startswith("PREFECT_")}
    password = (home / "auth").read_text().strip()
    assert "elsewhere" not in str(prefect)
    assert prefect["PREFECT_SERVER_API_AUTH_STRING"] == password
    assert prefect["PREFECT_SERVER_CSRF_PROTECTION_ENABLED"] == "true"
    assert prefect["PREFECT_SERVER_CORS_ALLOWED_ORIGINS"] == f"http://127.0.0.1:{port}"
    assert prefect["PREFECT_SERVER_API_HOST"] == "127.0.0.1"
    assert prefect["PREFECT_SERVER_ANALYTICS_ENABLED"] == "false"
    assert environment["DO_NOT_TRACK"] == "1"
    assert prefect["PREFECT_HOME"] == str(home)
    assert prefect["PREFECT_SERVER_DATABASE_CONNECTION_URL"] == "postgresql+asyncpg://db.example/prefect"


def test_public_url_is_the_only_origin_and_what_the_ui_calls(home, stand_in):
    server = start_standing(home, free_port(), "https://necrozma.example/")
    environment = seen(home)["environment"]
    assert environment["PREFECT_SERVER_CORS_ALLOWED_ORIGINS"] == "https://necrozma.example"
    assert environment["PREFECT_SERVER_UI_API_URL"] == "https://necrozma.example/api"
    assert server.url == "https://necrozma.example"
    assert server.api_url.startswith("http://127.0.0.1:")


def test_password_is_on_no_command_line(home, stand_in):
    started = start_standing(home, free_port())
    secret = (home / "auth").read_text().strip().partition(":")[2]
    assert secret not in Path(f"/proc/{started.process.pid}/cmdline").read_text()


def test_client_file_gives_a_shell_what_a_client_needs(home, stand_in, tmp_path):
    started = start_standing(home, free_port())
    show = "import json, os; print(json.dumps(dict(os.environ)))"
    script = f'set -a; . "{started.client_file}"; set +a; exec "{sys.executable}" -c "{show}"'
    with os.popen(f"env -i sh -c '{script}'") as shell:
        environment = json.loads(shell.read())
    assert started.client_environment().items() <= environment.items()
    assert environment["PREFECT_API_URL"] == started.api_url


def necrozma(*words: str):
    return CliRunner().invoke(app, list(words))


def test_commands_start_show_and_stop_it(home, stand_in, monkeypatch):
    monkeypatch.setenv("NECROZMA_SERVER_HOME", str(home))
    monkeypatch.setenv("NECROZMA_SERVER_PORT", str(port := free_port()))
    assert necrozma("server", "status").exit_code == 3
    started = necrozma("server", "start")
    assert started.exit_code == 0
    assert f"Prefect server: http://127.0.0.1:{port} " in started.stdout
    assert str(home / "auth") in started.stdout
    assert (home / "auth").read_text().strip() not in started.output
    running = necrozma("server", "status")
    assert running.exit_code == 0
    assert f"http://127.0.0.1:{port} runs (process " in running.stdout
    assert "stopped process" in necrozma("server", "stop").stdout
    assert necrozma("server", "status").exit_code == 3
    assert necrozma("server", "stop").stdout == f"no server runs in {home}\n"


def test_flags_go_before_variables(home, stand_in, monkeypatch, tmp_path):
    monkeypatch.setenv("NECROZMA_SERVER_HOME", str(tmp_path / "another"))
    port = free_port()
    necrozma("server", "start", "--home", str(home), "--port", str(port))
    assert find_standing(home).port == port
    assert not (tmp_path / "another").exists()


@pytest.mark.parametrize("port", ["0", "65536", "-1"])
def test_impossible_port_is_refused_in_one_line(home, port):
    refused = necrozma("server", "start", "--home", str(home), "--port", port)
    assert refused.exit_code == 2
    assert "--port: " in refused.stderr
    assert refused.stderr.count("\n") == 1


def test_server_that_does_not_answer_is_said_to_run(home, monkeypatch):
    """It may still be starting, or hang."""
    home.mkdir()
    StandingServer(home, Process.current(), free_port(), "http://127.0.0.1:1").write(home / "service.json")
    silent = necrozma("server", "status", "--home", str(home))
    (home / "service.json").unlink()
    assert silent.exit_code == 3
    assert "runs but does not answer, see" in silent.stdout


def test_large_log_is_set_aside(home, stand_in, monkeypatch):
    monkeypatch.setattr(standing, "_LOG_LIMIT", 10)
    home.mkdir()
    (home / "service.log").write_text("long enough to be set aside")
    started = start_standing(home, free_port())
    assert started.log_file.read_text() == ""
    assert (home / "service.log.1").exists()
