"""The embedded Prefect server: a child process on loopback with a folder of its own, shared by whoever needs it.

Prefect's own ephemeral mode loses the last states of a run and dies of the user's Ctrl-C; this server is our own
child, in its own session, and is drained before it is left. See docs/decisions/0001-prefect-thread-runner.md.

Importing this module does not import Prefect: the server is spawned first, and Prefect is imported while it starts.
"""

import os
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from flows.server.environment import HOST, QUIET, server_environment
from flows.server.process import (
    RunningServer,
    end_process,
    free_port,
    has_ended,
    holding_lock,
    local_url,
    make_home,
    spawn,
    wait_ended,
)
from necrozma_core.storage.disk.errors import disk_errors
from necrozma_core.system.locks import lock_file

_START_TIMEOUT_S: Final = 120.0
_STOP_TIMEOUT_S: Final = 5.0
_LEASE: Final = "users.lock"
_LOCK: Final = "start.lock"
_STATE: Final = "server.json"
_LOG: Final = "server.log"

_IDLE_SERVICES: Final = (
    "CANCELLATION_CLEANUP", "DB_VACUUM", "FOREMAN", "LATE_RUNS", "PAUSE_EXPIRATIONS", "REPOSSESSOR", "SCHEDULER",
    "TRIGGERS",
)  # fmt: skip
"""Parts of Prefect's server that an embedded one does without: nothing is deployed, scheduled or paused there."""


class EmbeddedServer:
    """A server in use; it stays while anybody uses it, and ends with its last user, however that one ends.

    Made by `start_embedded`.
    """

    def __init__(self, running: RunningServer, lease: int) -> None:
        self._running = running
        self._lease = lease
        self._stop_lock = threading.Lock()

    @property
    def home(self) -> Path:
        """The folder that keeps the history."""
        return self._running.home

    @property
    def url(self) -> str:
        """Where the UI is."""
        return self._running.url

    @property
    def api_url(self) -> str:
        """What PREFECT_API_URL would be."""
        return self._running.api_url

    @property
    def pid(self) -> int:
        """The server's process id."""
        return self._running.process.pid

    @property
    def log_file(self) -> Path:
        """What the server had to say."""
        return self.home / _LOG

    def is_alive(self) -> bool:
        """Tell whether the server's process runs."""
        return not has_ended(self._running.process)

    def wait_ready(self, timeout_s: float = _START_TIMEOUT_S, give_up: Callable[[], bool] = lambda: False) -> None:
        """Return when the server answers, or when it is no longer wanted.

        Raises
        ------
        NecrozmaError
            It ended while it started, or did not answer in time; the message names its log.
        """
        self._running.wait_answering(self.log_file, timeout_s, give_up)

    def stop(self) -> None:
        """Stop using the server; the last user waits for its end. Safe to call more than once."""
        with self._stop_lock:
            if self._lease < 0:
                return
            lease, self._lease = self._lease, -1
            with holding_lock(self.home / _LOCK):
                os.close(lease)
                if _is_used(self.home):
                    return
                # The server leaves by itself once it gets the lease; one that does not is killed and not waited for.
                if not wait_ended(self._running.process, _STOP_TIMEOUT_S):
                    end_process(self._running.process, patience_s=0.0)
                (self.home / _STATE).unlink(missing_ok=True)


def start_embedded(home: Path, extra: Mapping[str, str] | None = None) -> EmbeddedServer:
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
    make_home(home)
    with holding_lock(home / _LOCK):
        # A server that is leaving holds the lease exclusively until its process is gone: this waits for that.
        lease = _take_lease(home)
        try:
            running = RunningServer.read(home / _STATE) or _spawn(home, extra or {})
        except BaseException:
            os.close(lease)
            raise
    return EmbeddedServer(running, lease)


def running_api_url(home: Path) -> str | None:
    """Return where the API of a folder's server is; None where none runs or it does not answer.

    It is not joined, so it may end at any time.
    """
    running = RunningServer.read(home / _STATE)
    return running.api_url if running is not None and running.is_answering() else None


def _spawn(home: Path, extra: Mapping[str, str]) -> RunningServer:
    port = free_port()
    environment = {f"PREFECT_SERVER_SERVICES_{name}_ENABLED": "false" for name in _IDLE_SERVICES} | os.environ
    environment.pop("PREFECT_PROFILE", None)
    environment |= QUIET | server_environment(home, port) | dict(extra)
    # By path and not as a module: the child must find neither our names nor the working folder's before Prefect's.
    script = Path(__file__).with_name("embedded_process.py")
    command = [sys.executable, "-P", str(script), str(home / _LEASE), HOST, str(port)]
    process = spawn(command, environment, home / _LOG, os.O_TRUNC, cwd=None)
    running = RunningServer(home, process, port, local_url(port))
    running.write(home / _STATE)
    return running


def _take_lease(home: Path) -> int:
    """Become a user of the server: every user holds a shared lock, which the system frees however the user ends."""
    path = home / _LEASE
    with disk_errors("lock", path):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        lock_file(descriptor, shared=True, wait=True)
    return descriptor


def _is_used(home: Path) -> bool:
    """Tell whether the server still has a user; to be asked behind the start lock, so that nobody comes meanwhile."""
    descriptor = os.open(home / _LEASE, os.O_RDWR)
    try:
        # Exclusive is free: no user is left. Shared is free: users are left, who share it.
        # Where neither lock is free, the server holds it exclusively, which it does only after its last user left.
        return not lock_file(descriptor) and lock_file(descriptor, shared=True)
    finally:
        os.close(descriptor)
