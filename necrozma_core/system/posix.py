"""What Linux and macOS do better than the portable calls, and what Linux alone has."""

import sys

assert sys.platform != "win32"  # for the type checker, which then skips the rest

import ctypes
import errno
import os
import resource
import signal
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any, Final, NoReturn

from necrozma_core.system.locks import lock_file
from necrozma_core.system.portable import PortableSystem

_PR_SET_PDEATHSIG: Final = 1

# For glibc's mallopt: the process keeps freed memory, and large arrays come from the heap like small ones. A worker
# needs as much for the next pair as for this one, and a fresh page from the kernel costs more than filling it.
_KEEP_MEMORY: Final = {"M_TRIM_THRESHOLD": (-1, 2**31 - 1), "M_TOP_PAD": (-2, 2**26), "M_MMAP_MAX": (-4, 0)}

_IS_LINUX: Final = sys.platform == "linux"


class PosixSystem(PortableSystem):
    """The calls of POSIX, and of Linux where it has more."""

    has_priorities = True
    has_memory_limits = True
    has_parent_death = _IS_LINUX

    # Files.

    def sync_file(self, path: Path) -> None:
        """Wait until a file's bytes are on the disk."""
        _fsync(path, os.O_RDONLY)

    def sync_folder(self, folder: Path) -> None:
        """Wait until a folder's names are on the disk."""
        try:
            _fsync(folder, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            # Some network and FUSE file systems have no fsync for folders; they order names themselves.
            if error.errno not in (errno.EINVAL, errno.ENOTSUP):
                raise

    def replace(self, source: Path, target: Path) -> None:
        """Put `source` in the place of `target` in one step, whoever has them open."""
        source.replace(target)

    @contextmanager
    def claim(self, temporary: Path) -> Iterator[None]:
        """Make a temporary and lock it while its writer lives, which can be seen from any container."""
        descriptor = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_RDONLY, 0o666)
        try:
            with suppress(OSError):
                lock_file(descriptor, shared=True)
            yield
        finally:
            os.close(descriptor)

    def is_claimed(self, temporary: Path) -> bool:
        """Tell whether somebody holds a temporary's lock, which the kernel frees when its writer dies."""
        try:
            descriptor = os.open(temporary, os.O_RDONLY)
        except OSError:
            return True
        try:
            return not lock_file(descriptor)
        except OSError:
            return True
        finally:
            os.close(descriptor)

    @contextmanager
    def alone_in(self, folder: Path) -> Iterator[None]:
        """Hold a folder against other writers of ours, which wait."""
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            # A file system without such locks is served by the lock of the results folder alone.
            with suppress(OSError):
                lock_file(descriptor, wait=True)
            yield
        finally:
            os.close(descriptor)

    def is_of_user(self, status: os.stat_result) -> bool:
        """Tell whether a file or folder belongs to this user."""
        return status.st_uid == os.getuid()

    def is_private(self, status: os.stat_result) -> bool:
        """Tell whether a file or folder is closed to all but its owner."""
        return not status.st_mode & 0o077

    # Processes.

    def boot(self) -> str:
        """Name the start of this machine, as Linux does."""
        with suppress(OSError):
            return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return super().boot()

    def started(self, pid: int) -> str:
        """Name the start of a process; empty once it ended."""
        if not _IS_LINUX:
            return super().started(pid)
        # Fields 3, 20 and 22; the second, the command in parentheses, may itself hold spaces and parentheses.
        with suppress(OSError, IndexError):
            stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            # A zombie has ended; only its parent has not looked yet. But a killed process's first thread is one while
            # others are still dying, and until the last of them is gone the process has its ports and locks.
            has_ended = stat[0] == "Z" and stat[17] in ("0", "1")
            return "" if has_ended else stat[19]
        return ""

    def exists(self, pid: int) -> bool:
        """Tell whether there is a process of this number."""
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            pass
        return True

    def detached(self) -> dict[str, Any]:
        """Return what `subprocess.Popen` is given for a child in a session of its own, whose files are its user's."""
        return {"start_new_session": True, "umask": 0o077}

    def leads_group(self, pid: int) -> bool:
        """Tell whether a process leads its group, which otherwise may be somebody's shell."""
        with suppress(ProcessLookupError):
            return os.getpgid(pid) == pid
        return False

    def end(self, pid: int, *, force: bool, group: bool = False) -> None:
        """Ask a process, or its group, to end, or kill it; raises what the portable call does."""
        send = os.killpg if group else os.kill
        send(pid, signal.SIGKILL if force else signal.SIGTERM)

    def become(self, command: Sequence[str], environment: Mapping[str, str]) -> NoReturn:
        """Run another program in this process's place, under its number."""
        os.execve(command[0], list(command), environment)  # noqa: S606 -- no shell, a literal command

    def reserve_port(self, probe: socket.socket) -> None:
        """Let a socket bind as a server will: what a just ended one left behind is no obstacle."""
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)

    # Workers.

    def prepare_spawning(self) -> None:
        """Start multiprocessing's resource tracker, which was seen to die where two children started it at once."""
        with suppress(OSError):
            resource_tracker.ensure_running()

    def deafen_children(self) -> None:
        """Keep Ctrl-C from the children that this thread will start, from their first instruction on."""
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})

    def deafen(self) -> None:
        """Keep Ctrl-C from this process; its parent's block is inherited."""

    def is_deaf(self) -> bool:
        """Tell whether no Ctrl-C comes to this thread."""
        return signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ())

    def end_with_parent(self, parent: int) -> None:
        """Have the kernel kill this process with its parent's thread that made it, even inside compiled code."""
        if _IS_LINUX:
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        # The kernel sends no signal for a parent that died before the call above.
        if os.getppid() != parent:
            os._exit(1)

    def keep_freed_memory(self) -> None:
        """Tell glibc to keep freed memory for the next allocation."""
        if _IS_LINUX:
            libc = ctypes.CDLL(None)
            if hasattr(libc, "gnu_get_libc_version"):
                for parameter, value in _KEEP_MEMORY.values():
                    libc.mallopt(parameter, value)

    def be_nice(self, niceness: int) -> None:
        """Add to this process's niceness, which cannot be taken back; OSError where that is refused."""
        os.nice(niceness)

    def be_idle(self, niceness: int) -> None:
        """Ask for the processor only when nobody else wants it, and on Linux for the disk last as well."""
        if sys.platform == "linux":
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
        else:
            self.be_nice(niceness)

    def limit_memory(self, size: int) -> None:
        """Bound what this process may allocate, in bytes."""
        # RLIMIT_DATA counts what is allocated; RLIMIT_AS also hundreds of megabytes of code that are only mapped.
        kind = resource.RLIMIT_DATA if _IS_LINUX else resource.RLIMIT_AS
        _, hard = resource.getrlimit(kind)
        resource.setrlimit(kind, (size if hard == resource.RLIM_INFINITY else min(size, hard), hard))

    def allocated(self, pid: int) -> int:
        """Return the bytes that a process has allocated; 0 where the system does not tell."""
        with suppress(OSError, ValueError):
            for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines():
                name, _, value = line.partition(":")
                if name == "VmData":
                    return int(value.split()[0]) << 10
        return 0

    # The machine.

    def affinity(self) -> frozenset[int] | None:
        """Return the cores this process may run on, or None where the platform cannot tell."""
        if sys.platform == "linux":
            with suppress(OSError):
                return frozenset(os.sched_getaffinity(0))
        return None

    def clock_that_counts_sleep(self) -> float:
        """Return the seconds of a clock that counts the time of a suspended machine."""
        if sys.platform == "linux":
            return time.clock_gettime(time.CLOCK_BOOTTIME)
        return super().clock_that_counts_sleep()


def _fsync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
