"""A Prefect server of ours that stays when the command ends: for deployments, schedules and a shared history.

It listens on loopback only and answers nobody without its password; see
docs/decisions/0006-own-server-with-authentication.md. Everything it has is in one folder: the history (a SQLite file),
the password, what a client needs to know, its log, and which process it is.
"""

import fcntl
import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, NoReturn

from flows.server.credentials import make_password, open_private, read_password, write_private
from flows.server.environment import HOST, QUIET, is_healthy, server_environment
from necrozma_core.errors import NecrozmaError, UsageError
from necrozma_core.storage.disk.errors import disk_errors
from necrozma_core.storage.disk.process import Process

_START_TIMEOUT_S: Final = 180.0
_STOP_TIMEOUT_S: Final = 15.0
_POLL_S: Final = 0.1
_LOG_LIMIT: Final = 10_000_000
_CLIENT: Final = "client.env"
_STATE: Final = "service.json"
_LOG: Final = "service.log"
_DOOR: Final = "service.lock"
_KEPT_SETTINGS: Final = ("PREFECT_SERVER_", "PREFECT_API_DATABASE_", "PREFECT_LOGGING_")
"""Of the user's own Prefect settings, those that are about a server; the others say which one a client talks to."""


@dataclass(frozen=True, slots=True)
class Service:
    """A server that runs.

    Attributes
    ----------
    home : Path
    process : Process
    port : int
    url : str
        Where people find the UI; clients on this machine use `api_url`.
    """

    home: Path
    process: Process
    port: int
    url: str

    @property
    def api_url(self) -> str:
        """What PREFECT_API_URL is for clients on this machine."""
        return f"http://{HOST}:{self.port}/api"

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

    def is_answering(self) -> bool:
        """Ask the server whether it is well."""
        return is_healthy(self.port)

    def client_environment(self) -> dict[str, str]:
        """Return what a client needs in its environment, the password included."""
        return {**QUIET, "PREFECT_API_URL": self.api_url, "PREFECT_API_AUTH_STRING": read_password(self.password_file)}


def start_service(home: Path, port: int, public_url: str | None = None) -> Service:
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
    with _door(home):
        service = find_service(home)
        if service is None:
            service = _spawn(home, port, public_url)
    deadline = time.monotonic() + _START_TIMEOUT_S
    while not service.is_answering():
        if _has_ended(service.process):
            raise NecrozmaError(f"the Prefect server ended while it started; {_last_words(service)}")
        if time.monotonic() > deadline:
            raise NecrozmaError(f"the Prefect server does not answer; {_last_words(service)}")
        time.sleep(_POLL_S)
    return service


def run_service(home: Path, port: int, public_url: str | None = None) -> NoReturn:
    """Become the server of a folder: for a supervisor such as systemd, which keeps the log and restarts it.

    Raises
    ------
    UsageError
        It runs already, the port is taken, or others can read the password.
    StorageError
        The folder cannot be written.
    """
    with _door(home):
        if service := find_service(home):
            raise UsageError(f"{home}: its server runs already as process {service.process.pid}, at {service.url}")
        service, environment = _prepare(home, port, public_url)
        _note(service, Process.current())
    os.chdir(home)
    os.umask(0o077)
    os.execve(sys.executable, _command(port), environment)  # noqa: S606 -- no shell, a literal command


def find_service(home: Path) -> Service | None:
    """Return the server that runs in a folder; None where none does, whatever an earlier one left behind."""
    try:
        state = json.loads((home / _STATE).read_bytes())
        service = Service(home, Process(**state["process"]), int(state["port"]), str(state["url"]))
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return None if _has_ended(service.process) else service


def stop_service(home: Path) -> Service | None:
    """Stop the server of a folder and its children, and return when they are gone.

    Returns
    -------
    Service or None
        What was stopped; None where nothing ran.

    Raises
    ------
    UsageError
        It belongs to another user.
    """
    service = find_service(home)
    if service is None:
        return None
    _end(service.process)
    (home / _STATE).unlink(missing_ok=True)
    return service


def _spawn(home: Path, port: int, public_url: str | None) -> Service:
    service, environment = _prepare(home, port, public_url)
    with disk_errors("write", service.log_file), open_private(service.log_file, os.O_APPEND) as log:
        try:
            child = subprocess.Popen(
                _command(port),
                cwd=home,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                umask=0o077,
            )
        except OSError as error:
            raise NecrozmaError(f"the Prefect server cannot be started: {error}") from error
    return _note(service, Process.of(child.pid))


def _prepare(home: Path, port: int, public_url: str | None) -> tuple[Service, dict[str, str]]:
    """Make everything that a server needs; what is returned is not running yet."""
    _refuse_taken(port)
    url = (public_url or f"http://{HOST}:{port}").rstrip("/")
    service = Service(home, Process.current(), port, url)
    make_password(service.password_file)
    client = "".join(f"{name}={shlex.quote(value)}\n" for name, value in service.client_environment().items())
    write_private(service.client_file, client)
    with disk_errors("rename", service.log_file), suppress(FileNotFoundError):
        if service.log_file.stat().st_size > _LOG_LIMIT:
            service.log_file.replace(service.log_file.with_suffix(".log.1"))
    return service, _environment(service)


def _note(service: Service, process: Process) -> Service:
    state = {"process": asdict(process), "port": service.port, "url": service.url}
    write_private(service.home / _STATE, json.dumps(state))
    return Service(service.home, process, service.port, service.url)


def _command(port: int) -> list[str]:
    # -P: a folder named like one of Prefect's modules must not take its place.
    start = ["-P", "-m", "prefect", "--no-prompt", "server", "start", "--host", HOST, "--port", str(port)]
    return [sys.executable, *start]


def _environment(service: Service) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("PREFECT_") or name.startswith(_KEPT_SETTINGS)
    }
    ours = {
        "PREFECT_SERVER_API_AUTH_STRING": read_password(service.password_file),
        # The server is a client of itself.
        "PREFECT_API_AUTH_STRING": read_password(service.password_file),
        "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": service.url,
        "PREFECT_SERVER_UI_API_URL": f"{service.url}/api",
        # In memory, as by default, a deployment whose run was going on when the machine went down never runs again.
        "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
    }
    return kept | QUIET | server_environment(service.home, service.port) | ours


def _refuse_taken(port: int) -> None:
    with socket.socket() as probe:
        # As the server itself will bind: what a just ended one left behind is no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            advice = "choose another with --port or NECROZMA_SERVER_PORT"
            raise UsageError(f"port {port} on {HOST} cannot be used ({error.strerror}); {advice}") from error


@contextmanager
def _door(home: Path) -> Iterator[None]:
    """Let one process at a time start a server in a folder."""
    path = home / _DOOR
    with disk_errors("lock", path):
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _end(process: Process) -> None:
    """Ask a server to end, wait, and kill what is left of it and of its children."""
    send: Callable[[int, int], None] = os.kill
    with suppress(ProcessLookupError):
        # Only the group of a server that leads one holds nothing but its children; another may be somebody's shell.
        send = os.killpg if os.getpgid(process.pid) == process.pid else os.kill
    _send(send, process, signal.SIGTERM)
    if send is os.killpg or not _has_ended(process):
        _send(send, process, signal.SIGKILL)


def _send(send: Callable[[int, int], None], process: Process, kind: signal.Signals) -> None:
    try:
        send(process.pid, kind)
    except ProcessLookupError:
        return
    except PermissionError as error:
        raise UsageError(f"the server, process {process.pid}, is another user's: ask that user to stop it") from error
    deadline = time.monotonic() + _STOP_TIMEOUT_S
    while not _has_ended(process) and time.monotonic() < deadline:
        time.sleep(_POLL_S)


def _has_ended(process: Process) -> bool:
    # A child of this very process stays as a zombie until somebody asks for it.
    with suppress(ChildProcessError):
        os.waitpid(process.pid, os.WNOHANG)
    return process.is_gone()


def _last_words(service: Service) -> str:
    with suppress(OSError):
        lines = [line.strip() for line in service.log_file.read_text(errors="replace").splitlines() if line.strip()]
        if lines:
            return f"its last line was {lines[-1][:300]!r}, the rest is in {service.log_file}"
    return f"see {service.log_file}"
