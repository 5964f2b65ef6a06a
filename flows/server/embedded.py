"""The embedded Prefect server: a child process on loopback with a folder of its own, shared by whoever needs it.

Prefect's own ephemeral mode loses the last states of a run and dies of the user's Ctrl-C; this server is our own
child, in its own session, and is drained before it is left. See docs/decisions/0001-prefect-thread-runner.md.

Importing this module does not import Prefect: the server is spawned first, and Prefect is imported while it starts.
"""

import fcntl
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from flows.server.environment import HOST, QUIET, is_healthy, server_environment
from necrozma_core.errors import NecrozmaError
from necrozma_core.storage.disk.errors import disk_errors
from necrozma_core.storage.disk.process import Process

_START_TIMEOUT_S: Final = 120.0
_STOP_TIMEOUT_S: Final = 5.0
_POLL_S: Final = 0.05
_LEASE: Final = "users.lock"
_DOOR: Final = "start.lock"
_STATE: Final = "server.json"
_LOG: Final = "server.log"


_IDLE_SERVICES: Final = (
    "CANCELLATION_CLEANUP", "DB_VACUUM", "FOREMAN", "LATE_RUNS", "PAUSE_EXPIRATIONS", "REPOSSESSOR", "SCHEDULER",
    "TRIGGERS",
)  # fmt: skip
"""What an embedded server has no use for: nothing is deployed, scheduled, paused or automated there."""


@dataclass(frozen=True, slots=True)
class _Running:
    """A server as its starter wrote it down."""

    process: Process
    port: int

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"


class ServerHandle:
    """A server in use; it stays while anybody uses it, and ends with its last user, however that one ends.

    Made by `start_server`.
    """

    def __init__(self, home: Path, running: _Running, lease: int, child: "subprocess.Popen[bytes] | None") -> None:
        self.home = home
        self._running = running
        self._lease = lease
        self._child = child
        self._stop_lock = threading.Lock()

    @property
    def url(self) -> str:
        """Where the UI is."""
        return self._running.url

    @property
    def api_url(self) -> str:
        """What PREFECT_API_URL would be."""
        return f"{self._running.url}/api"

    @property
    def pid(self) -> int:
        """The server's process id."""
        return self._running.process.pid

    @property
    def is_shared(self) -> bool:
        """Whether somebody else started it."""
        return self._child is None

    def is_alive(self) -> bool:
        """Tell whether the server's process runs."""
        return not self._has_ended()

    def wait_ready(self, timeout_s: float = _START_TIMEOUT_S, give_up: Callable[[], bool] = lambda: False) -> None:
        """Return when the server answers, or when it is no longer wanted.

        Raises
        ------
        NecrozmaError
            It ended while it started, or did not answer in time; the message names its log.
        """
        deadline = time.monotonic() + timeout_s
        while not is_healthy(self._running.port):
            if give_up():
                return
            if self._has_ended():
                raise NecrozmaError(f"the Prefect server ended while it started; {self._last_words()}")
            if time.monotonic() > deadline:
                raise NecrozmaError(f"the Prefect server did not answer within {timeout_s:g} s; {self._last_words()}")
            time.sleep(_POLL_S)

    def stop(self) -> None:
        """Stop using the server; the last user waits for its end. Safe to call more than once."""
        with self._stop_lock:
            if self._lease < 0:
                return
            lease, self._lease = self._lease, -1
            with _door(self.home):
                os.close(lease)
                if _others_remain(self.home):
                    return
                self._wait_gone()
                (self.home / _STATE).unlink(missing_ok=True)

    def _wait_gone(self) -> None:
        deadline = time.monotonic() + _STOP_TIMEOUT_S
        while not self._has_ended():
            if time.monotonic() > deadline:
                with suppress(ProcessLookupError):
                    os.kill(self.pid, 9)
                return
            time.sleep(_POLL_S)

    def _has_ended(self) -> bool:
        if self._child is not None:
            return self._child.poll() is not None
        return self._running.process.is_gone()

    def _last_words(self) -> str:
        log = self.home / _LOG
        with suppress(OSError):
            lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
            if lines:
                return f"its last line was {lines[-1][:300]!r}, the rest is in {log}"
        return f"see {log}"


def start_server(home: Path, extra: Mapping[str, str] | None = None) -> ServerHandle:
    """Start the server of a folder, or join the one that runs there; return before it answers.

    Parameters
    ----------
    home : Path
        Keeps the history (a SQLite file), the log and the state file; made if missing. One server at a time runs
        there: two would write the same database.
    extra : mapping of str to str, optional
        More of Prefect's settings, as environment variables; without effect on a server that runs already.

    Raises
    ------
    StorageError
        The folder cannot be made or written.
    NecrozmaError
        No process can be started.
    """
    with disk_errors("use", home):
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _door(home):
        # A server that is just leaving holds the lock for itself until it is gone.
        lease = _take_lease(home)
        try:
            running, child = _read_state(home), None
            if running is None:
                running, child = _spawn(home, extra or {})
        except BaseException:
            os.close(lease)
            raise
    return ServerHandle(home, running, lease, child)


def _spawn(home: Path, extra: Mapping[str, str]) -> tuple[_Running, "subprocess.Popen[bytes]"]:
    port = _free_port()
    environment = {f"PREFECT_SERVER_SERVICES_{name}_ENABLED": "false" for name in _IDLE_SERVICES} | os.environ
    environment.pop("PREFECT_PROFILE", None)
    environment |= QUIET | server_environment(home, port) | dict(extra)
    # Not as a module: the child must find neither ours nor the working folder's names before Prefect's.
    command = [
        sys.executable,
        "-P",
        str(Path(__file__).with_name("embedded_process.py")),
        str(home / _LEASE),
        HOST,
        str(port),
    ]
    try:
        with (home / _LOG).open("wb") as log:
            child = subprocess.Popen(
                command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
    except OSError as error:
        raise NecrozmaError(f"the Prefect server cannot be started: {error}") from error
    running = _Running(Process.of(child.pid), port)
    _write_state(home, running)
    return running, child


def _take_lease(home: Path) -> int:
    path = home / _LEASE
    with disk_errors("lock", path):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_SH)
    return descriptor


def _others_remain(home: Path) -> bool:
    """Tell whether the server still has a user; to be asked behind the door, so that nobody comes meanwhile."""
    descriptor = os.open(home / _LEASE, os.O_RDWR | os.O_CLOEXEC)
    try:
        for kind, answer in ((fcntl.LOCK_EX, False), (fcntl.LOCK_SH, True)):
            with suppress(BlockingIOError):
                fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
                return answer
        # Only the server itself locks it alone, and does so when its last user is gone.
        return False
    finally:
        os.close(descriptor)


@contextmanager
def _door(home: Path) -> Iterator[None]:
    """Let one process at a time start, join or leave the server of a folder."""
    path = home / _DOOR
    with disk_errors("lock", path):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _read_state(home: Path) -> _Running | None:
    """Return the server that runs in a folder, if there is one."""
    try:
        state = json.loads((home / _STATE).read_bytes())
        running = _Running(Process(**state["process"]), int(state["port"]))
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return None if running.process.is_gone() else running


def _write_state(home: Path, running: _Running) -> None:
    path = home / _STATE
    with disk_errors("write", path):
        temporary = path.with_suffix(f".{os.getpid()}")
        temporary.write_text(json.dumps({"process": asdict(running.process), "port": running.port}))
        temporary.chmod(0o600)
        temporary.replace(path)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port
