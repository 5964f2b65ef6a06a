"""The embedded server: started once, shared, left behind by nobody."""

import os
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from prefect.client.schemas.objects import StateType

from flows.server.address import configured_api_url
from flows.server.embedded import start_embedded
from necrozma_core.errors import DamagedError, NecrozmaError, StorageError

from .conftest import is_running, wait_until

ROOT = Path(__file__).parents[3]


def test_import_of_the_server_does_not_import_prefect():
    code = "import sys, flows.server.embedded, flows.launch; sys.exit('prefect' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


@pytest.mark.parametrize(
    ("environment", "files", "url"),
    [
        ({}, {}, None),
        ({"PREFECT_API_URL": "http://team/api"}, {}, "http://team/api"),
        ({}, {"prefect.toml": '[api]\nurl = "http://file/api"'}, "http://file/api"),
        ({}, {"pyproject.toml": '[tool.prefect.api]\nurl = "http://project/api"'}, "http://project/api"),
        ({}, {"profiles.toml": 'active = "a"\n[profiles.a]\nPREFECT_API_URL = "http://a/api"\n[profiles.b]\n'}, "http://a/api"),
        (
            {"PREFECT_PROFILE": "b"},
            {"profiles.toml": 'active = "a"\n[profiles.a]\nPREFECT_API_URL = "http://a/api"\n[profiles.b]\n'},
            None,
        ),
        ({}, {"profiles.toml": "not [ toml"}, None),
        ({}, {"prefect.toml": "[server.api]\nport = 1"}, None),
    ],
)  # fmt: skip
def test_configured_server_is_found_where_prefect_looks(environment, files, url, tmp_path):
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    environment = {"PREFECT_HOME": str(tmp_path), **environment}

    assert configured_api_url(environment, tmp_path) == url


def test_server_folder_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "home").write_text("a file")

    with pytest.raises(StorageError, match="could not use: File exists"):
        start_embedded(tmp_path / "home")


def test_server_that_ends_while_it_starts_says_why(tmp_path):
    handle = start_embedded(tmp_path / "home", {"PREFECT_API_DATABASE_CONNECTION_URL": "nonsense://"})
    with pytest.raises(NecrozmaError, match=r"ended while it started; its last error was .*server.log"):
        handle.wait_ready()
    handle.stop()


def test_server_with_a_damaged_history_says_how_to_set_it_aside(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    (home / "prefect.db").write_bytes(b"not a database" * 1_000)
    handle = start_embedded(home)
    with pytest.raises(DamagedError, match=r"prefect.db is no SQLite database, .* set it aside, .*: mkdir "):
        handle.wait_ready()
    handle.stop()


def test_files_of_the_server_are_their_owners_alone(history):
    assert stat.S_IMODE(history.home.stat().st_mode) == 0o700
    files = [path for path in history.home.rglob("*") if path.is_file()]
    assert {path.name for path in files} >= {"prefect.db", "server.log", "server.json"}
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in files} == {path.name: 0o600 for path in files}


def test_server_no_longer_wanted_is_not_waited_for(tmp_path):
    handle = start_embedded(tmp_path / "home")
    handle.wait_ready(give_up=lambda: True)
    handle.stop()

    assert not is_running(handle.pid)
    assert not (tmp_path / "home" / "server.json").exists()


@pytest.mark.slow
def test_server_is_joined_by_a_second_user_and_ends_with_the_last(tmp_path, history):
    first = start_embedded(tmp_path / "home")
    second = start_embedded(tmp_path / "home")
    assert second.pid == first.pid
    first.stop()
    assert is_running(second.pid)
    second.stop()
    second.stop()

    assert not is_running(second.pid)


_USER = """
import os, sys
from pathlib import Path
from flows.server.embedded import start_embedded
handle = start_embedded(Path({home!r}))
print(handle.pid, flush=True)
sys.stdin.readline()
"""


@pytest.mark.faults
def test_server_ends_when_its_users_are_killed(tmp_path):
    script = textwrap.dedent(_USER).format(home=str(tmp_path / "home"))
    users = [
        subprocess.Popen(
            [sys.executable, "-c", script], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    pids = {int(user.stdout.readline()) for user in users}
    [pid] = pids
    users[0].kill()
    users[0].wait()
    assert is_running(pid)
    users[1].kill()
    users[1].wait()
    wait_until(lambda: not is_running(pid), 20)

    # The next user finds the dead server's state and starts another.
    handle = start_embedded(tmp_path / "home")
    assert handle.pid != pid
    handle.stop()
    for user in users:
        user.communicate()


@pytest.mark.slow
def test_history_of_a_run_is_complete_after_a_second_start(spawn, own_history):
    """With a server of the run's own, which is gone when the run is."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.sorting import FlowRunSort
    from prefect.settings import PREFECT_API_URL, temporary_settings

    process = spawn(home=own_history)
    _, errors = process.communicate(timeout=180)
    assert process.returncode == 0, errors
    assert not (own_history / "server.json").exists()

    again = start_embedded(own_history)
    again.wait_ready()
    try:
        with temporary_settings({PREFECT_API_URL: again.api_url}), get_client(sync_client=True) as client:
            [flow_run] = client.read_flow_runs(sort=FlowRunSort.START_TIME_DESC, limit=1)
            counts = {kind.name: _count(client, flow_run.id, kind) for kind in StateType}
    finally:
        again.stop()
    assert {kind: number for kind, number in counts.items() if number} == {"COMPLETED": 5}
    assert flow_run.state.name == "Completed"


def _count(client, flow_run_id, kind):
    wanted = {
        "flow_runs": {"id": {"any_": [str(flow_run_id)]}},
        "task_runs": {"state": {"type": {"any_": [kind.name]}}},
    }
    return client.request("POST", "/task_runs/count", json=wanted).json()


@pytest.mark.slow
def test_server_refuses_a_foreign_page(history):
    """A page that the user visits can send requests to loopback; it must change nothing."""
    import urllib.error
    import urllib.request

    request = urllib.request.Request(
        f"{history.api_url}/variables/",
        b'{"name": "foreign", "value": 1}',
        {"Origin": "https://elsewhere.example", "Content-Type": "application/json"},
    )
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(request)
    answer = urllib.request.urlopen(
        urllib.request.Request(f"{history.api_url}/health", headers={"Origin": "https://elsewhere.example"})
    )
    assert answer.headers.get("Access-Control-Allow-Origin") is None


def test_server_is_run_by_path_without_our_names_on_the_path(history):
    command = Path(f"/proc/{history.pid}/cmdline").read_bytes().split(b"\0")
    assert b"-P" in command
    assert os.fsencode(str(ROOT / "flows" / "server" / "embedded_process.py")) in command
