"""A Prefect server of ours that stays when the command ends: for deployments, schedules and a shared history.

It listens on loopback only and answers nobody without its password; see
docs/decisions/0006-own-server-with-authentication.md. Everything it has is in one folder: the history (a SQLite file),
the password, what a client needs to know, its log, and which process it is.
"""

import os
import shlex
import sys
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, NoReturn

from flows.server.credentials import make_password, read_password, write_private
from flows.server.environment import HOST, QUIET, server_environment
from flows.server.process import (
    RunningServer,
    end_process,
    holding_lock,
    local_url,
    make_home,
    refuse_taken_port,
    spawn,
)
from necrozma_core.errors import UsageError
from necrozma_core.storage.disk.errors import disk_errors
from necrozma_core.storage.disk.process import Process
from necrozma_core.system.chosen import SYSTEM

_START_TIMEOUT_S: Final = 180.0
_STOP_TIMEOUT_S: Final = 15.0
_LOG_LIMIT: Final = 10_000_000
"""Bytes of a log beyond which the next start begins a new one."""
_CLIENT: Final = "client.env"
_STATE: Final = "service.json"
_LOG: Final = "service.log"
_LOCK: Final = "service.lock"
_KEPT_SETTINGS: Final = ("PREFECT_SERVER_", "PREFECT_API_DATABASE_", "PREFECT_LOGGING_")
"""Of the user's own Prefect settings, those that are about a server; the others say which one a client talks to."""


@dataclass(frozen=True, slots=True)
class StandingServer(RunningServer):
    """A server that stays, as its state file has it."""

    @property
    def password_file(self) -> Path:
        """The file whose only line is what the UI asks for."""
        return self.home / "auth"

    @property
    def client_file(self) -> Path:
        """The environment of a client, for a shell or a systemd unit."""
        return self.home / _CLIENT

    @property
    def log_file(self) -> Path:
        """What the server had to say, unless it runs in the foreground."""
        return self.home / _LOG

    def client_environment(self) -> dict[str, str]:
        """Return what a client needs in its environment, the password included."""
        return {**QUIET, "PREFECT_API_URL": self.api_url, "PREFECT_API_AUTH_STRING": read_password(self.password_file)}


def start_standing(home: Path, port: int, public_url: str | None = None) -> StandingServer:
    """Start the server of a folder in the background and return when it answers; one that runs already is returned.

    Parameters
    ----------
    home : Path
        Made if missing, for its owner alone.
    port : int
        On loopback.
    public_url : str, optional
        Where people reach the server if a proxy stands in front of it: ``https://necrozma.example``.

    Raises
    ------
    UsageError
        The port is taken, or others can read the password.
    StorageError
        The folder cannot be written.
    NecrozmaError
        The server ended while it started, or does not answer; the message names its log.
    """
    make_home(home)
    with holding_lock(home / _LOCK):
        server = find_standing(home) or _spawn(home, port, public_url)
    server.wait_answering(server.log_file, _START_TIMEOUT_S)
    return server


def run_standing(home: Path, port: int, public_url: str | None = None) -> NoReturn:
    """Become the server of a folder: for a supervisor such as systemd, which keeps the log and restarts it.

    Raises
    ------
    UsageError
        It runs already, the port is taken, or others can read the password.
    StorageError
        The folder cannot be written.
    """
    make_home(home)
    with holding_lock(home / _LOCK):
        if server := find_standing(home):
            raise UsageError(f"{home}: its server runs already as process {server.process.pid}, at {server.url}")
        server, environment = _prepare(home, port, public_url)
        # The process keeps its number when it becomes the server.
        server.write(home / _STATE)
    os.chdir(home)
    os.umask(0o077)
    SYSTEM.become(_command(port), environment)


def find_standing(home: Path) -> StandingServer | None:
    """Return the server that runs in a folder; None where none does, whatever an earlier one left behind."""
    return StandingServer.read(home / _STATE)


def stop_standing(home: Path) -> StandingServer | None:
    """Stop the server of a folder and its children, and return when they are gone.

    Returns
    -------
    StandingServer or None
        What was stopped; None where nothing ran.

    Raises
    ------
    UsageError
        It belongs to another user.
    """
    server = find_standing(home)
    if server is None:
        return None
    end_process(server.process, _STOP_TIMEOUT_S)
    (home / _STATE).unlink(missing_ok=True)
    return server


def _spawn(home: Path, port: int, public_url: str | None) -> StandingServer:
    prepared, environment = _prepare(home, port, public_url)
    process = spawn(_command(port), environment, prepared.log_file, os.O_APPEND, cwd=home)
    server = replace(prepared, process=process)
    server.write(home / _STATE)
    return server


def _prepare(home: Path, port: int, public_url: str | None) -> tuple[StandingServer, dict[str, str]]:
    """Make everything that a server needs; the one returned does not run yet and is said to be this process."""
    refuse_taken_port(port)
    url = (public_url or local_url(port)).rstrip("/")
    server = StandingServer(home, Process.current(), port, url)
    make_password(server.password_file)
    client = "".join(f"{name}={shlex.quote(value)}\n" for name, value in server.client_environment().items())
    write_private(server.client_file, client)
    with disk_errors("rename", server.log_file), suppress(FileNotFoundError):
        if server.log_file.stat().st_size > _LOG_LIMIT:
            server.log_file.replace(server.log_file.with_suffix(".log.1"))
    return server, _environment(server)


def _command(port: int) -> list[str]:
    # -P: a folder named like one of Prefect's modules must not take its place.
    start = ["-P", "-m", "prefect", "--no-prompt", "server", "start", "--host", HOST, "--port", str(port)]
    return [sys.executable, *start]


def _environment(server: StandingServer) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("PREFECT_") or name.startswith(_KEPT_SETTINGS)
    }
    ours = {
        "PREFECT_SERVER_API_AUTH_STRING": read_password(server.password_file),
        # The server is a client of itself.
        "PREFECT_API_AUTH_STRING": read_password(server.password_file),
        "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": server.url,
        "PREFECT_SERVER_UI_API_URL": f"{server.url}/api",
        # In memory, as by default, a deployment whose run was going on when the machine went down never runs again.
        "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
    }
    return kept | QUIET | server_environment(server.home, server.port) | ours
