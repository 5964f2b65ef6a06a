"""Processor time as counters that only grow: the machine's, a control group's, our own processes'."""

import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

import psutil

from necrozma_core.throttle.sensors.capacity import PROC
from necrozma_core.throttle.sensors.cgroups import read_field, read_number
from necrozma_core.throttle.sensors.readings import Unavailable

T = TypeVar("T")

_TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


@dataclass(frozen=True, slots=True)
class MachineTimes:
    """Seconds since the machine started, summed over some of its cores.

    Attributes
    ----------
    busy, idle, steal : float
        ``busy`` contains ``steal``; waiting for a disk is idle.
    cores : int
        How many cores were summed.
    """

    busy: float
    idle: float
    steal: float
    cores: int

    def since(self, earlier: "MachineTimes") -> tuple[float, float]:
        """Return the cores that were busy between two readings, and those of them that were stolen.

        Raises
        ------
        Unavailable
            If a counter went backwards or stood still, or cores came or went.
        """
        busy, idle = self.busy - earlier.busy, self.idle - earlier.idle
        if self.cores != earlier.cores:
            raise Unavailable("the number of cores changed")
        if not busy >= 0:
            raise Unavailable("the counter went backwards")
        # Linux sometimes takes back a little of the time spent waiting for a disk, so idle is clipped at 0.
        elapsed = busy + max(idle, 0.0)
        if not elapsed > 0:
            raise Unavailable("the counter stood still")
        return self.cores * busy / elapsed, self.cores * max(self.steal - earlier.steal, 0.0) / elapsed


def machine_times(cpus: frozenset[int] | None = None, proc: Path = PROC) -> MachineTimes:
    """Read the counters of the cores in ``cpus``, of all where it is None.

    Raises
    ------
    Unavailable
        Where the platform shows none.
    """
    if proc == PROC and not sys.platform.startswith("linux"):
        times = psutil.cpu_times()
        busy = sum(times) - times.idle
        return MachineTimes(busy, times.idle, 0.0, psutil.cpu_count() or 1)
    try:
        rows = _core_rows((proc / "stat").read_text())
    except (OSError, ValueError) as error:
        raise Unavailable(f"{proc / 'stat'}: {error}") from error
    counted = [times for core, times in rows.items() if cpus is None or core in cpus]
    if not counted:
        raise Unavailable(f"{proc / 'stat'} does not list our cores")
    busy, idle, steal = (sum(column) / _TICKS_PER_S for column in zip(*counted, strict=True))
    return MachineTimes(busy, idle, steal, len(counted))


def group_seconds(group: Path) -> float:
    """Return the processor seconds that a control group has used.

    Raises
    ------
    Unavailable
        Where its folder has no such file.
    """
    if (microseconds := read_field(group / "cpu.stat", "usage_usec")) is not None:
        return microseconds / 1e6
    if (nanoseconds := read_number(group / "cpuacct.usage")) is not None:
        return nanoseconds / 1e9
    raise Unavailable(f"{group} counts no use")


class ProcessesCpu:
    """Processor seconds of a changing set of processes, those included that have ended.

    Parameters
    ----------
    seconds_of : callable
        A process id to the seconds it has used, or None where there is no such process.
    pids : callable
        The processes that live now.
    """

    def __init__(self, seconds_of: Callable[[int], float | None], pids: Callable[[], Iterable[int]]) -> None:
        self._seconds_of = seconds_of
        self._pids = pids
        self._last: dict[int, float] | None = None
        self._sums: dict[int, float] = {}

    def seconds(self) -> float:
        """Look at the processes again and return the sum, which never goes down; raises what `by_process` does."""
        return sum(self.by_process().values())

    def by_process(self) -> dict[int, float]:
        """Look at the processes again and return the seconds of each that was ever seen, which never go down.

        A process that the last call did not see was started since then, so all its seconds count.

        Raises
        ------
        Unavailable
            If there are processes, and none of them can be read.
        """
        pids = tuple(self._pids())
        now = {pid: seconds for pid in pids if (seconds := self._seconds_of(pid)) is not None}
        if pids and not now:
            raise Unavailable("none of our processes can be read")
        for pid, seconds in now.items():
            before = seconds if self._last is None else self._last.get(pid, 0.0)
            # A smaller number belongs to a new process with a reused id: clip, since its past is unknown.
            self._sums[pid] = self._sums.get(pid, 0.0) + max(0.0, seconds - before)
        self._last = now
        return dict(self._sums)


class ProcessTable:
    """What the system says about single processes; keeps their handles, which are slow to make."""

    def __init__(self) -> None:
        self._handles: dict[int, psutil.Process] = {}

    def seconds(self, pid: int) -> float | None:
        """Return the seconds a process has used; None if it is gone or hidden."""
        times = self._ask(pid, psutil.Process.cpu_times)
        return None if times is None else times.user + times.system

    def seconds_with_children(self, pid: int) -> float | None:
        """Return the seconds that a process and its ended children have used, where the platform counts those."""
        times = self._ask(pid, psutil.Process.cpu_times)
        if times is None:
            return None
        children = getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0)
        return times.user + times.system + children

    def resident_mb(self, pid: int) -> float | None:
        """Return the megabytes of memory that a process holds; None if it is gone or hidden."""
        memory = self._ask(pid, psutil.Process.memory_info)
        return None if memory is None else memory.rss / 1e6

    def _ask(self, pid: int, question: Callable[[psutil.Process], T]) -> T | None:
        try:
            handle = self._handles.get(pid)
            if handle is None:
                handle = self._handles[pid] = psutil.Process(pid)
            return question(handle)
        except (psutil.Error, OSError):
            self._handles.pop(pid, None)
            return None


def _core_rows(text: str) -> dict[int, tuple[float, float, float]]:
    """Return busy, idle and stolen ticks of each core, from lines like ``cpu7 user nice system idle ...``."""
    rows = {}
    for name, *fields in map(str.split, text.splitlines()):
        if name.startswith("cpu") and name != "cpu":
            user, nice, system, idle, iowait, irq, softirq, steal = (
                float(field) for field in [*fields, *"00000000"][:8]
            )
            rows[int(name[3:])] = user + nice + system + irq + softirq + steal, idle + iowait, steal
    return rows
