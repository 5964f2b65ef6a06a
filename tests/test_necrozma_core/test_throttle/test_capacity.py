"""Capacity is the least of affinity, quotas on the way to the root, and cores."""

import os
import subprocess
import sys

import pytest
from test_throttle.machine_folders import MachineFolders

from necrozma_core.system.chosen import SYSTEM
from necrozma_core.throttle.sensors.capacity import Bound, Capacity, measure_capacity


def measure(machine: MachineFolders, cores: int | None = 8, cpus: frozenset[int] | None = None) -> Capacity:
    return measure_capacity(machine.proc, machine.sysfs, lambda: cores, lambda: cpus)


def test_capacity_of_a_bare_machine_is_its_cores(machine: MachineFolders) -> None:
    assert measure(machine) == Capacity(8, 8)
    assert measure(machine).bound is Bound.MACHINE


def test_capacity_of_a_machine_that_cannot_count_is_one_core(machine: MachineFolders) -> None:
    assert measure(machine, cores=None).cores == 1


def test_capacity_under_taskset_is_the_cores_left(machine: MachineFolders) -> None:
    capacity = measure(machine, cpus=frozenset({3}))
    assert capacity.cores == 1
    assert capacity.bound is Bound.AFFINITY


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "50000 100000\n"}, 0.5),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "max 100000\n"}, 8),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": ""}, 8),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "0 0\n"}, 8),
        ({"proc/self/cgroup": "garbage\n", "sys/fs/cgroup/cpu.max": "150000 100000\n"}, 1.5),
        ({"sys/fs/cgroup/cpu.max": "150000 100000\n"}, 1.5),
        # The tightest on the way up counts, wherever it is.
        (
            {
                "proc/self/cgroup": "0::/slice/unit/job\n",
                "sys/fs/cgroup/slice/cpu.max": "300000 100000\n",
                "sys/fs/cgroup/slice/unit/cpu.max": "100000 100000\n",
                "sys/fs/cgroup/slice/unit/job/cpu.max": "max 100000\n",
            },
            1,
        ),
        # In a container the recorded path may be the host's.
        ({"proc/self/cgroup": "0::/docker/abc\n", "sys/fs/cgroup/cpu.max": "200000 100000\n"}, 2),
        ({"proc/self/cgroup": "0::/../other\n", "sys/fs/cgroup/cpu.max": "200000 100000\n"}, 2),
        # Version 1, and both versions side by side.
        (
            {
                "proc/self/cgroup": "4:cpu,cpuacct:/box\n0::/\n",
                "sys/fs/cgroup/cpu,cpuacct/box/cpu.cfs_quota_us": "50000\n",
                "sys/fs/cgroup/cpu,cpuacct/box/cpu.cfs_period_us": "100000\n",
                "sys/fs/cgroup/unified/cgroup.procs": "",
            },
            0.5,
        ),
        (
            {
                "proc/self/cgroup": "4:cpu:/box\n",
                "sys/fs/cgroup/cpu/box/cpu.cfs_quota_us": "-1\n",
                "sys/fs/cgroup/cpu/box/cpu.cfs_period_us": "100000\n",
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "400000\n",
                "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
            },
            4,
        ),
    ],
)
def test_quota_is_found_wherever_it_is_set(machine: MachineFolders, files: dict[str, str], cores: float) -> None:
    for path, text in files.items():
        machine.write(path, text)
    capacity = measure(machine)
    assert capacity.cores == cores
    assert capacity.bound is (Bound.QUOTA if cores < 8 else Bound.MACHINE)


def test_quota_above_the_affinity_does_not_bind(machine: MachineFolders) -> None:
    machine.write("sys/fs/cgroup/cpu.max", "300000 100000\n")
    capacity = measure(machine, cpus=frozenset({0, 1}))
    assert (capacity.cores, capacity.quota, capacity.bound) == (2, 3, Bound.AFFINITY)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs Linux")
def test_affinity_of_this_process_is_what_the_system_says() -> None:
    assert SYSTEM.affinity() == frozenset(os.sched_getaffinity(0))


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this platform ties no process to a core")
def test_process_tied_to_one_core_has_that_core_for_its_machine() -> None:
    """The child keeps its core busy while it looks, so whoever counted another core as well would see half a load."""
    script = """
import os
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
from necrozma_core.throttle.sensors.machine import MachineSensors
sensors = MachineSensors(lambda: ())
seen = next(seen for seen in iter(sensors.read, None) if seen.total.value is not None)
print(seen.capacity.value, sensors.capacity.bound.value, seen.percent(seen.total) > 75)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == ["1", "affinity" if (os.cpu_count() or 1) > 1 else "machine", "True"]
