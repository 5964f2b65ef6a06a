"""What works on every system that Python and psutil know; Windows has nothing else."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, NoReturn

_REPLACE_WAITS_S: Final = (0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8)
"""A reader has a manifest open for a millisecond, a virus scanner a new file for most of a second."""


class PortableSystem:
    """The calls that differ between systems, in the form that all of them have.

    Attributes
    ----------
    ending_signals : tuple of signal.Signals
        What asks a command to end; the first is Ctrl-C.
    has_priorities, has_memory_limits, has_parent_death : bool
        Whether the system has priorities of the Unix kind, limits a process's memory by itself, and ends a process
        when its parent dies. What it does not do by itself, our own code does where it can.
    """

    ending_signals: tuple[signal.Signals, ...] = (signal.SIGINT, signal.SIGTERM)
    if sys.platform == "win32":
        # Ctrl-Break, and what a console sends when its window is closed.
        ending_signals = (*ending_signals, signal.SIGBREAK)
    has_priorities = False
    has_memory_limits = False
    has_parent_death = False

    # Files.

    def sync_file(self, path: Path) -> None:
        """Wait until a file's bytes are on the disk. Windows syncs only what is open for writing."""
        with path.open("r+b") as file:
            os.fsync(file.fileno())

    def sync_folder(self, folder: Path) -> None:
        """Wait until a folder's names are on the disk; here nothing, as Windows syncs no folders."""

    def replace(self, source: Path, target: Path) -> None:
        """Put `source` in the place of `target` in one step.

        Windows refuses while somebody has one of them open. Ours are open for moments, so this waits up to two
        seconds.
        """
        for wait_s in _REPLACE_WAITS_S:
            try:
                source.replace(target)
            except PermissionError:
                if target.is_dir():
                    raise
                time.sleep(wait_s)
            else:
                return
        source.replace(target)

    @contextmanager
    def claim(self, temporary: Path) -> Iterator[None]:
        """Make a temporary, ``<name>.<pid>-<random>.tmp``, and keep it from being taken for a dead writer's.

        It is not held open, because Windows renames no open file: the number in its name says whose it is.
        """
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        yield

    def is_claimed(self, temporary: Path) -> bool:
        """Tell whether the writer of a temporary lives; also where its name does not say."""
        with suppress(ValueError):
            return self.exists(int(temporary.name.split(".")[-2].partition("-")[0]))
        return True

    @contextmanager
    def alone_in(self, folder: Path) -> Iterator[None]:
        """Hold a folder against other writers of ours; here the lock of the results folder alone does that."""
        yield

    def is_of_user(self, status: os.stat_result) -> bool:
        """Tell whether a file or folder belongs to this user; here nobody is asked."""
        return True

    def is_private(self, status: os.stat_result) -> bool:
        """Tell whether a file or folder is closed to others; here nobody is asked, and a user's profile is private."""
        return True

    # Processes.

    def boot(self) -> str:
        """Name the start of this machine, as far as the system does; here a process's start time says enough."""
        return ""

    def started(self, pid: int) -> str:
        """Name the start of a process, so that it is told from a later one of the same number; empty once it ended."""
        import psutil  # noqa: PLC0415 -- most commands look at no process

        try:
            process = psutil.Process(pid)
            # A zombie has ended; only its parent has not looked yet.
            return "" if process.status() == psutil.STATUS_ZOMBIE else f"{process.create_time():.2f}"
        except psutil.Error:
            return ""

    def exists(self, pid: int) -> bool:
        """Tell whether there is a process of this number. Not by signal 0, which Windows takes for a Ctrl-C."""
        import psutil  # noqa: PLC0415 -- most commands look at no process

        return psutil.pid_exists(pid)

    def detached(self) -> dict[str, Any]:
        """Return what `subprocess.Popen` is given for a child that a Ctrl-C of our terminal does not reach."""
        if sys.platform == "win32":
            return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
        return {}

    def leads_group(self, pid: int) -> bool:
        """Tell whether a process leads a group that holds nothing but its children; here there are no groups."""
        return False

    def end(self, pid: int, *, force: bool, group: bool = False) -> None:
        """Ask a process, or the group that it leads, to end; with `force` kill it with its children.

        Raises
        ------
        ProcessLookupError
            There is none.
        PermissionError
            It is another user's.
        """
        import psutil  # noqa: PLC0415 -- most commands end no process

        try:
            process = psutil.Process(pid)
            family = [*process.children(recursive=True), process] if force else [process]
            for member in family:
                with suppress(psutil.NoSuchProcess):
                    if force:
                        member.kill()
                    elif sys.platform == "win32":
                        os.kill(pid, signal.CTRL_BREAK_EVENT)
                    else:
                        member.terminate()
        except psutil.NoSuchProcess as error:
            raise ProcessLookupError(str(error)) from error
        except psutil.AccessDenied as error:
            raise PermissionError(str(error)) from error

    def become(self, command: Sequence[str], environment: Mapping[str, str]) -> NoReturn:
        """Run another program in this process's place; here it is a child, whose exit status becomes ours."""
        with subprocess.Popen(command, env=environment) as child:
            while True:
                with suppress(KeyboardInterrupt):
                    sys.exit(child.wait())

    def reserve_port(self, probe: socket.socket) -> None:
        """Let a socket bind only to a port that a server could have."""
        if sys.platform == "win32":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)

    # Workers.

    def prepare_spawning(self) -> None:
        """Start what multiprocessing needs beside its children; here nothing."""

    def deafen_children(self) -> None:
        """Keep Ctrl-C from the children that this thread will start; here they close their ears themselves."""

    def deafen(self) -> None:
        """Keep Ctrl-C from this process, a child that was just started."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    def is_deaf(self) -> bool:
        """Tell whether no Ctrl-C comes to this process."""
        return signal.getsignal(signal.SIGINT) == signal.SIG_IGN

    def end_with_parent(self, parent: int) -> None:
        """Have the system end this process with its parent; here `has_parent_death` says that our own thread does."""

    def keep_freed_memory(self) -> None:
        """Keep freed memory for the next allocation, where the allocator can be told."""

    def be_nice(self, niceness: int) -> None:
        """Let others go first on the processor; here nothing, see `has_priorities`."""

    def be_idle(self, niceness: int) -> None:
        """Ask for the processor only when nobody else wants it; where there is no such class, let others go first."""
        self.be_nice(niceness)

    def limit_memory(self, size: int) -> None:
        """Bound what this process may allocate, in bytes; here nothing, see `has_memory_limits`."""

    def allocated(self, pid: int) -> int:
        """Return the bytes that a process has allocated, as `limit_memory` counts them; 0 where nobody tells."""
        import psutil  # noqa: PLC0415 -- most commands look at no process

        try:
            memory = psutil.Process(pid).memory_info()
        except psutil.Error:
            return 0
        # Windows tells what was allocated; elsewhere what lies in memory comes closest.
        return int(getattr(memory, "private", memory.rss))

    # The machine.

    def affinity(self) -> frozenset[int] | None:
        """Return the cores this process may run on, or None where the platform cannot tell."""
        import psutil  # noqa: PLC0415 -- Linux asks the kernel

        read = getattr(psutil.Process(), "cpu_affinity", None)
        try:
            return None if read is None else frozenset(read())
        except (OSError, psutil.Error):
            return None

    def clock_that_counts_sleep(self) -> float:
        """Return the seconds of a clock that, unlike the monotonic one, counts the time of a suspended machine."""
        return time.time()
