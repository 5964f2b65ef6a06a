"""The file of a history that no server can use is named, with a command that sets it aside."""

import os
import sqlite3
import stat
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from flows.server.history_file import HISTORY, find_fault
from flows.server.process import make_home
from necrozma_core.errors import DamagedError, UsageError


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """With a history as Prefect's migrations leave it, as far as is looked at."""
    home = tmp_path / "it's home"
    home.mkdir()
    with closing(sqlite3.connect(home / HISTORY)) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
        connection.execute("CREATE TABLE flow_run (id INTEGER PRIMARY KEY, name TEXT)")
        connection.executemany("INSERT INTO flow_run (name) VALUES (?)", [("x" * 200,)] * 500)
        connection.commit()
    return home


def spoil_in_the_middle(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[8_192:40_960] = os.urandom(32_768)
    file.write_bytes(content)


def make_foreign(file: Path) -> None:
    file.unlink()
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE notes (text TEXT)")


def make_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [
        (lambda file: file.write_bytes(os.urandom(9_000)), "is no SQLite database"),
        (lambda file: file.write_bytes(file.read_bytes()[:9_000]), "is damaged ("),
        (spoil_in_the_middle, "is damaged ("),
        (make_foreign, "is the database of another program"),
        (make_folder, "is a folder"),
    ],
)
def test_file_that_no_server_can_use_is_named_and_set_aside_by_the_command(home, spoil, fault):
    spoil(home / HISTORY)
    (home / f"{HISTORY}-wal").touch()
    found = find_fault(home)

    assert isinstance(found, DamagedError)
    assert found.exit_code == 74
    message = str(found)
    assert message.startswith(f"{home / HISTORY} {fault}")
    assert "\n" not in message
    for _ in range(2):
        command = message.partition("and a new one is made: ")[2]
        subprocess.run(command, shell=True, check=True)
        assert [path.name for path in home.iterdir() if not path.name.startswith("aside-")] == []
        # A second one is set aside beside the first.
        (home / HISTORY).write_bytes(b"no history")
        message = str(find_fault(home))


@pytest.mark.parametrize("spoil", [lambda file: None, lambda file: file.unlink(), lambda file: file.write_bytes(b"")])
def test_file_that_is_in_order_or_not_made_yet_has_no_fault(home, spoil):
    spoil(home / HISTORY)
    assert find_fault(home, home / "server.log") is None


def test_file_that_is_locked_just_now_has_no_fault(home):
    with closing(sqlite3.connect(home / HISTORY)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        assert find_fault(home) is None


def test_file_of_a_newer_prefect_is_known_by_the_log(home):
    (home / "server.log").write_text("alembic.util.exc.CommandError: Can't locate revision identified by 'zzzz'\n")
    found = find_fault(home, home / "server.log")

    assert isinstance(found, UsageError)
    assert "was written by a newer Prefect than this one" in str(found)


def test_history_and_logs_of_an_earlier_version_become_their_owners_alone(home):
    names = [HISTORY, f"{HISTORY}-wal", "server.log", "service.log", "service.log.1"]
    for name in names:
        (home / name).touch()
        (home / name).chmod(0o644)
    (home / "notes.txt").touch(0o644)
    home.chmod(0o755)
    make_home(home)

    assert {stat.S_IMODE((home / name).stat().st_mode) for name in names} == {0o600}
    # Somebody may have named a folder that others use.
    assert stat.S_IMODE((home / "notes.txt").stat().st_mode) == 0o644
    assert stat.S_IMODE(home.stat().st_mode) == 0o755


def test_folder_that_no_setting_names_becomes_its_owners_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    for name in ("prefect", "server"):
        home = tmp_path / "necrozma" / name
        home.mkdir(parents=True)
        home.chmod(0o755)
        make_home(home)
        assert stat.S_IMODE(home.stat().st_mode) == 0o700
