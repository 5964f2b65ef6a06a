"""Memory that can be had without swapping: the machine's, or what is left in our control group."""

import sys
from pathlib import Path

import psutil

from necrozma_core.throttle.sensors.capacity import PROC, SYS
from necrozma_core.throttle.sensors.cgroups import cgroup_folders, read_field, read_number
from necrozma_core.throttle.sensors.readings import Unavailable


def available_mb(proc: Path = PROC, sysfs: Path = SYS) -> float:
    """Return the megabytes available to us: the least of the machine's and every control group's that bounds us.

    Raises
    ------
    Unavailable
        Where the platform does not say.
    """
    return min([_machine_mb(proc), *_groups_mb(proc, sysfs)])


def _machine_mb(proc: Path) -> float:
    if proc == PROC and not sys.platform.startswith("linux"):
        return psutil.virtual_memory().available / 1e6
    text = proc / "meminfo"
    try:
        fields = dict(line.split(":", 1) for line in text.read_text().splitlines() if ":" in line)
        return float(fields["MemAvailable"].split()[0]) * 1024 / 1e6
    except (OSError, ValueError, KeyError, IndexError) as error:
        raise Unavailable(f"{text} does not say what is available") from error


def _groups_mb(proc: Path, sysfs: Path) -> list[float]:
    left = []
    for folder in cgroup_folders("memory", proc, sysfs):
        for limit_name, usage_name, cache_name in (
            ("memory.max", "memory.current", "inactive_file"),
            ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
        ):
            limit, usage = read_number(folder / limit_name), read_number(folder / usage_name)
            if limit is not None and usage is not None:
                # Pages of files that nobody has touched lately are given back when somebody asks.
                cache = read_field(folder / "memory.stat", cache_name) or 0.0
                left.append(max(0.0, limit - usage + cache) / 1e6)
    return left
