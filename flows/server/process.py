"""What both servers of ours do as processes: one starter at a time, a state file, an end in order."""

import json
import os
import re
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Self

from flows.folders import history_folder, server_folder
from flows.server.credentials import open_private, write_private
from flows.server.environment import HOST, is_healthy
from flows.server.history_file import find_fault, keep_private
from necrozma_core.errors import NecrozmaError, UsageError, shown
from necrozma_core.storage.disk.errors import disk_errors
from necrozma_core.storage.disk.process import Process
from necrozma_core.system.chosen import SYSTEM
from necrozma_core.system.locks import lock_file

_POLL_S: Final = 0.05
_ERROR: Final = re.compile(r"[\w.]*(Error|Exception)\b[^:]*: ")
"""The last line of a traceback, which the lines that uvicorn ends with do not repeat."""
_MOST_QUOTED: Final = 300
"""Characters of a log line that a message repeats."""

_children: Final[dict[Process, "subprocess.Popen[bytes]"]] = {}
"""Servers that this very process started: only their parent can take them off the system's list once they ended."""


@dataclass(frozen=True, slots=True)
class RunningServer:
    """A server as its state file has it.

    Attributes
    ----------
    home : Path
        The folder that holds everything the server has.
    process : Process
    port : int
        On loopback.
    url : str
        Where people find the UI; clients on this machine use `api_url`.
    """

    home: Path
    process: Process
    port: int
    url: str

    @classmethod
    def read(cls, file: Path) -> Self | None:
        """Return the server of a state file; None where none runs, whatever an earlier one left behind."""
        try:
            state = json.loads(file.read_bytes())
            process, port = Process(**state["process"]), int(state["port"])
            # A run's server once left it out: its UI is where its API is.
            server = cls(file.parent, process, port, str(state.get("url", local_url(port))))
        except (OSError, ValueError, TypeError, KeyError):
            return None
        return None if has_ended(process) else server

    def write(self, file: Path) -> None:
        """Put the server into a state file, whole or not at all; StorageError where that cannot be written."""
        write_private(file, json.dumps({"process": asdict(self.process), "port": self.port, "url": self.url}))

    @property
    def api_url(self) -> str:
        """What PREFECT_API_URL is for clients on this machine."""
        return f"{local_url(self.port)}/api"

    def is_answering(self) -> bool:
        """Ask the server whether it is well."""
        return is_healthy(self.port)

    def wait_answering(self, log: Path, timeout_s: float, give_up: Callable[[], bool] = lambda: False) -> None:
        """Return when the server answers, or when it is no longer wanted.

        Raises
        ------
        DamagedError, UsageError
            The server ended because the file of its history is damaged, or another version's.
        NecrozmaError
            It ended for another reason while it started, or did not answer in time; the message names its log.
        """
        deadline = time.monotonic() + timeout_s
        while not self.is_answering():
            if give_up():
                return
            if has_ended(self.process):
                message = f"the Prefect server ended while it started; {last_words(log)}"
                raise find_fault(self.home, log) or NecrozmaError(message)
            if time.monotonic() > deadline:
                raise NecrozmaError(f"the Prefect server did not answer within {timeout_s:g} s; {last_words(log)}")
            time.sleep(_POLL_S)


def local_url(port: int) -> str:
    """Return where a server of ours listens."""
    return f"http://{HOST}:{port}"


def make_home(home: Path) -> None:
    """Make a server's folder, for its owner alone, if it is missing; StorageError where that fails.

    A folder that is there keeps its mode, since somebody may have named one that others use; what we wrote in it is
    made its owner's alone. So is the folder itself where no setting named it.
    """
    with disk_errors("use", home):
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
    keep_private(home)
    if home in {history_folder(), server_folder()}:
        with suppress(OSError):
            home.chmod(0o700)


@contextmanager
def holding_lock(file: Path) -> Iterator[None]:
    """Let one process at a time start, join or leave the server of a folder; the others wait."""
    with disk_errors("lock", file):
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        lock_file(descriptor, wait=True)
        yield
    finally:
        os.close(descriptor)


def spawn(command: Sequence[str], environment: Mapping[str, str], log: Path, how: int, cwd: Path | None) -> Process:
    """Start a server in a session of its own, where a Ctrl-C of the terminal does not reach it.

    Parameters
    ----------
    command : sequence of str
    environment : mapping of str to str
    log : Path
        Gets all that the server prints; made for its owner alone.
    how : int
        ``os.O_TRUNC`` for a new log, ``os.O_APPEND`` to go on with the old one.
    cwd : Path or None
        The server's working folder; None for that of this process.

    Raises
    ------
    StorageError
        The log cannot be written.
    NecrozmaError
        No process can be started.
    """
    with disk_errors("write", log), open_private(log, how) as output:
        try:
            child = subprocess.Popen(
                command,
                cwd=cwd,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                **SYSTEM.detached(),
            )
        except OSError as error:
            raise NecrozmaError(f"the Prefect server cannot be started: {error}") from error
    process = Process.of(child.pid)
    _children[process] = child
    return process


def has_ended(process: Process) -> bool:
    """Tell whether a server's process has ended."""
    if (child := _children.get(process)) is not None:
        return child.poll() is not None
    return process.is_gone()


def wait_ended(process: Process, timeout_s: float) -> bool:
    """Wait for a server's end, and tell whether it came in time."""
    deadline = time.monotonic() + timeout_s
    while not (ended := has_ended(process)) and time.monotonic() < deadline:
        time.sleep(_POLL_S)
    return ended


def end_process(process: Process, patience_s: float) -> None:
    """Ask a server to end, wait, and kill what is left of it and of its children.

    Parameters
    ----------
    process : Process
    patience_s : float
        Seconds that the server has for an end in order, and as many again for its end once it is killed.

    Raises
    ------
    UsageError
        The process is another user's.
    """
    group = SYSTEM.leads_group(process.pid)
    for force in (False, True):
        if force and not group and has_ended(process):
            return
        try:
            SYSTEM.end(process.pid, force=force, group=group)
        except ProcessLookupError:
            continue
        except PermissionError as error:
            text = f"the server, process {process.pid}, is another user's: ask that user to stop it"
            raise UsageError(text) from error
        wait_ended(process, patience_s)


def last_words(log: Path) -> str:
    """Quote the last error of a server's log for a message, or else its last line, and say where the rest is."""
    with suppress(OSError):
        lines = [
            line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()
        ]
        if errors := [line for line in lines if _ERROR.match(line)]:
            return f"its last error was {shown(errors[-1], _MOST_QUOTED)}, the rest is in {log}"
        if lines:
            return f"its last line was {shown(lines[-1], _MOST_QUOTED)}, the rest is in {log}"
    return f"see {log}"


def free_port() -> int:
    """Return a port of loopback on which nobody listens just now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def refuse_taken_port(port: int) -> None:
    """Raise UsageError where a server could not listen on a port."""
    with socket.socket() as probe:
        SYSTEM.reserve_port(probe)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            advice = "choose another with --port or NECROZMA_SERVER_PORT"
            raise UsageError(f"port {port} on {HOST} cannot be used ({error.strerror}); {advice}") from error
