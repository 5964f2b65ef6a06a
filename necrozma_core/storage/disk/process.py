"""A process that can be told from a later one with the same number."""

import os
import platform
from dataclasses import dataclass

from necrozma_core.system.chosen import SYSTEM


@dataclass(frozen=True, slots=True)
class Process:
    """A process that can be told from a later one with the same number.

    Attributes
    ----------
    pid : int
    host : str
    boot, started : str
        The host's boot and the process's start, as the kernel names them; empty where it does not.
    """

    pid: int
    host: str
    boot: str
    started: str

    @classmethod
    def current(cls) -> "Process":
        """Describe the process that calls."""
        return cls.of(os.getpid())

    @classmethod
    def of(cls, pid: int) -> "Process":
        """Describe a process of this host that runs, such as a child."""
        return cls(pid, platform.node(), SYSTEM.boot(), SYSTEM.started(pid))

    def is_gone(self) -> bool:
        """Tell whether the process surely ended; False also where nothing is known, as on another host."""
        if self.host != platform.node():
            return False
        if self.boot != SYSTEM.boot() or not SYSTEM.exists(self.pid):
            return True
        return self.started != SYSTEM.started(self.pid)
