"""A process that can be told from a later one with the same number."""

import os
import platform
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


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
        return cls(pid, platform.node(), _boot(), _started(pid))

    def is_gone(self) -> bool:
        """Tell whether the process surely ended; False also where nothing is known, as on another host."""
        if self.host != platform.node():
            return False
        if self.boot != _boot():
            return True
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            pass
        return self.started != _started(self.pid)


def _boot() -> str:
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return ""


def _started(pid: int) -> str:
    # Fields 3, 20 and 22; the second, the command in parentheses, may itself hold spaces and parentheses.
    with suppress(OSError, IndexError):
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        # A zombie has ended; only its parent has not looked yet. But a killed process's first thread is one while
        # others are still dying, and until the last of them is gone the process has its ports and locks.
        has_ended = stat[0] == "Z" and stat[17] in ("0", "1")
        return "" if has_ended else stat[19]
    return ""
