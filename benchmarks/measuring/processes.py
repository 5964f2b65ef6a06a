"""Peak memory and processor time of a command and all processes it starts, by role, watched from outside."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import psutil

from benchmarks.measuring.measure import peak_memory_mb

_LOOK_S: Final = 0.1


class Role(StrEnum):
    """What a process of the family does."""

    COMMAND = "command"
    SERVER = "server"
    WORKER = "worker"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Usage:
    """One process as it was last seen.

    Attributes
    ----------
    role : Role
    peak_mb : float
        The most memory it had held until then.
    cpu_s : float
        Processor seconds it had used until then.
    began_s : float
        When it was started, seconds after the family's first: the system's clock of starts is up to a second off.
    """

    role: Role
    peak_mb: float
    cpu_s: float
    began_s: float


class Family:
    """A process and all that descend from it; filled by `watch`."""

    def __init__(self) -> None:
        self.members: dict[int, Usage] = {}

    def peak_mb(self, role: Role) -> float:
        """Return the peak of the largest member with a role; NaN without one."""
        return max((member.peak_mb for member in self.members.values() if member.role is role), default=float("nan"))

    def began_s(self, role: Role) -> float:
        """Return when the first member with a role was started, seconds after the family's first; NaN without one."""
        return min((member.began_s for member in self.members.values() if member.role is role), default=float("nan"))

    def look(self, root: psutil.Process) -> None:
        """Record the usage of every member that runs now."""
        with suppress(psutil.Error):
            for process in (root, *root.children(recursive=True)):
                with suppress(psutil.Error):
                    usage = _usage(process, root)
                    # A process that is just ending has no memory and no command line: keep its last record.
                    if usage.peak_mb > 0 or process.pid not in self.members:
                        self.members[process.pid] = usage


@contextmanager
def watch(pid: int) -> Iterator[Family]:
    """Look at a process and its descendants ten times a second while the block runs."""
    family, done = Family(), threading.Event()
    root = psutil.Process(pid)

    def look_on() -> None:
        while not done.wait(_LOOK_S):
            family.look(root)

    thread = threading.Thread(target=look_on, daemon=True)
    thread.start()
    try:
        yield family
    finally:
        done.set()
        thread.join()


def _usage(process: psutil.Process, root: psutil.Process) -> Usage:
    times = process.cpu_times()
    return Usage(
        role_of(" ".join(process.cmdline())),
        peak_memory_mb(process.pid),
        times.user + times.system,
        process.create_time() - root.create_time(),
    )


def role_of(command: str) -> Role:
    """Return a process's role in a run, by its command line."""
    if "necrozma backtest" in command:
        return Role.COMMAND
    if "embedded_process.py" in command or "prefect" in command:
        return Role.SERVER
    if "resource_tracker" in command:
        return Role.OTHER
    return Role.WORKER if "multiprocessing" in command or "necrozma-worker" in command else Role.OTHER
