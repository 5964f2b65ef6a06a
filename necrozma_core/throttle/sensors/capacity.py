"""How many cores we may use: the least of affinity, control group quotas and what the machine has."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from necrozma_core.system.chosen import SYSTEM
from necrozma_core.throttle.sensors.cgroups import cgroup_folders, read_number

PROC: Final = Path("/proc")
SYS: Final = Path("/sys")


class Bound(StrEnum):
    """What bounds the capacity."""

    MACHINE = "machine"
    AFFINITY = "affinity"
    QUOTA = "quota"


@dataclass(frozen=True, slots=True)
class Capacity:
    """Cores that this process and its children may use.

    Attributes
    ----------
    cores : float
        The least of the three below; a fraction under a quota.
    machine : int
        Logical cores of the machine.
    cpus : frozenset of int or None
        Numbers of the cores that the affinity leaves; None where the platform has no affinity.
    quota : float or None
        Cores that the tightest control group allows; None without a quota.
    group : Path or None
        That group's folder.
    """

    cores: float
    machine: int
    cpus: frozenset[int] | None = None
    quota: float | None = None
    group: Path | None = None

    @property
    def bound(self) -> Bound:
        """What bounds the capacity; the quota only where it is below the rest."""
        if self.quota is not None and self.quota < self._without_quota:
            return Bound.QUOTA
        return Bound.AFFINITY if self.cpus is not None and len(self.cpus) < self.machine else Bound.MACHINE

    @property
    def _without_quota(self) -> int:
        return min(self.machine, len(self.cpus)) if self.cpus else self.machine


def measure_capacity(
    proc: Path = PROC,
    sysfs: Path = SYS,
    count_cores: Callable[[], int | None] = os.cpu_count,
    affinity: Callable[[], frozenset[int] | None] | None = None,
) -> Capacity:
    """Read affinity and quotas.

    Parameters
    ----------
    proc, sysfs : Path
        Roots of the two file systems.
    count_cores : callable
        Logical cores of the machine; one is assumed where it does not know.
    affinity : callable, optional
        Cores left to this process, or None where the platform cannot tell.
    """
    machine = count_cores() or 1
    cpus = (affinity or SYSTEM.affinity)()
    quota, group = _tightest_quota(proc, sysfs)
    cores: float = min(machine, len(cpus)) if cpus else machine
    return Capacity(cores if quota is None else min(cores, quota), machine, cpus, quota, group)


def _tightest_quota(proc: Path, sysfs: Path) -> tuple[float | None, Path | None]:
    quotas = [(quota, folder) for folder in cgroup_folders("cpu", proc, sysfs) if (quota := _quota(folder)) is not None]
    return min(quotas, default=(None, None), key=lambda found: found[0])


def _quota(folder: Path) -> float | None:
    try:
        # Version 2: "max 100000" or "50000 100000". Nested groups have been seen with an empty file.
        first, second = (folder / "cpu.max").read_text().split()
        quota, period = float(first), float(second)
    except (OSError, ValueError):
        version_1 = read_number(folder / "cpu.cfs_quota_us"), read_number(folder / "cpu.cfs_period_us")
        quota, period = (number or 0.0 for number in version_1)
    return quota / period if quota > 0 and period > 0 else None
