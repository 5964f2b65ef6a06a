"""One run at a time in a results folder, and who it is. The kernel frees the lock when its holder dies."""

import fcntl
import json
import os
import platform
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from necrozma_core.errors import LockedError
from necrozma_core.storage.publish import disk_errors, make_folder, remove_stale_temporaries

LOCK_FILE: Final = ".lock"

_NETWORK_FILE_SYSTEMS: Final = frozenset(
    (
        "9p", "afs", "beegfs", "ceph", "cifs", "fuse.ceph", "fuse.glusterfs", "fuse.s3fs", "fuse.sshfs", "gfs2", "gpfs",
        "lustre", "nfs", "nfs4", "ocfs2", "smb3", "smbfs", "vboxsf", "virtiofs",
    )
)  # fmt: skip
_MOUNTS: Final = Path("/proc/self/mounts")


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


class ResultsLock:
    """The lock of a results folder while it is held; whoever has one may change what others rely on."""

    def __init__(self, folder: Path, descriptor: int) -> None:
        self.folder = folder
        self.stale_temporaries = 0
        self._descriptor = descriptor

    def announce(self, run_id: str = "") -> None:
        """Write who holds the lock, for those who are refused; a run's id as soon as it is known."""
        holder = {**asdict(Process.current()), "run": run_id, "since": datetime.now(UTC).isoformat(timespec="seconds")}
        # Only a hint for a message, so neither a torn nor a missing one matters.
        with suppress(OSError):
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, json.dumps(holder).encode() + b"\n", 0)


@contextmanager
def lock_results(folder: Path) -> Iterator[ResultsLock]:
    """Hold the lock of a results folder, and remove what killed writers left in it.

    Raises
    ------
    LockedError
        Another run holds it; the message says which process on which host, since when, with which run.
    StorageError
        The folder cannot be made or written, or its file system has no locks.
    """
    make_folder(folder)
    path = folder / LOCK_FILE
    with disk_errors("lock", path):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        with disk_errors("lock", path):
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise LockedError(_refusal(folder, descriptor)) from None
        lock = ResultsLock(folder, descriptor)
        lock.announce()
        lock.stale_temporaries = remove_stale_temporaries(folder)
        yield lock
    finally:
        # Never removed: another process may have it open already and would lock a file without a name.
        os.close(descriptor)


def network_file_system(folder: Path, mounts: Path = _MOUNTS) -> str | None:
    """Return the kind of network file system that a folder lies on (``nfs4``), or None.

    There a lock may not be seen by other hosts, and a rename may not be atomic; worth a warning.
    None also where the system does not list its mounts.
    """
    try:
        lines = mounts.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return None
    resolved = folder.resolve()
    nearest, kind = Path("/"), ""
    for line in lines:
        fields = line.split(" ")
        point = Path(re.sub(r"\\([0-7]{3})", lambda escape: chr(int(escape[1], 8)), fields[1]))
        # A later line covers an earlier one at the same place.
        if resolved.is_relative_to(point) and len(point.parts) >= len(nearest.parts):
            nearest, kind = point, fields[2]
    return kind if kind in _NETWORK_FILE_SYSTEMS else None


def _refusal(folder: Path, descriptor: int) -> str:
    advice = "wait for it to end, or choose another --results"
    try:
        holder = json.loads(os.pread(descriptor, 4096, 0))
        run = f", run {holder['run']}," if holder["run"] else ""
        who = f"process {holder['pid']} on {holder['host']}{run} since {holder['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        who = "another process"
    return f"{folder}: locked by {who}; {advice}"


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
