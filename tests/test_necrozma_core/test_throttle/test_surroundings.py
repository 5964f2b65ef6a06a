"""Memory, temperature, battery, pressure: values where there are any, a reason where there are none."""

import pytest
from test_throttle.machine_folders import MachineFolders

from necrozma_core.throttle.sensors.memory import available_mb
from necrozma_core.throttle.sensors.readings import Reading, Unavailable
from necrozma_core.throttle.sensors.surroundings import battery_percent, cpu_pressure, hottest_c

GIBIBYTE = 2**30


def test_memory_available_is_the_machines(machine: MachineFolders) -> None:
    machine.write("proc/meminfo", "MemTotal: 4000000 kB\nMemAvailable: 1000000 kB\n")
    assert available_mb(machine.proc, machine.sysfs) == 1024


def test_memory_available_in_a_group_is_what_it_leaves(machine: MachineFolders) -> None:
    machine.write("proc/meminfo", "MemAvailable: 8000000 kB\n")
    machine.write("proc/self/cgroup", "0::/a/b\n")
    machine.write("sys/fs/cgroup/a/memory.max", f"{GIBIBYTE}\n")
    machine.write("sys/fs/cgroup/a/memory.current", f"{GIBIBYTE - 300_000_000}\n")
    machine.write("sys/fs/cgroup/a/memory.stat", "anon 5\ninactive_file 100000000\n")
    machine.write("sys/fs/cgroup/a/b/memory.max", "max\n")
    machine.write("sys/fs/cgroup/a/b/memory.current", "5\n")
    assert available_mb(machine.proc, machine.sysfs) == 400


def test_memory_available_in_a_version_1_group_is_what_it_leaves(machine: MachineFolders) -> None:
    machine.write("proc/meminfo", "MemAvailable: 8000000 kB\n")
    machine.write("proc/self/cgroup", "4:memory:/box\n")
    machine.write("sys/fs/cgroup/memory/box/memory.limit_in_bytes", "500000000\n")
    machine.write("sys/fs/cgroup/memory/box/memory.usage_in_bytes", "600000000\n")
    assert available_mb(machine.proc, machine.sysfs) == 0


@pytest.mark.parametrize("text", ["", "MemTotal: 5 kB\n", "MemAvailable: many kB\n"])
def test_memory_of_a_strange_machine_is_unavailable(machine: MachineFolders, text: str) -> None:
    machine.write("proc/meminfo", text)
    with pytest.raises(Unavailable):
        available_mb(machine.proc, machine.sysfs)


def test_temperature_is_that_of_the_processor(machine: MachineFolders) -> None:
    machine.write("sys/class/thermal/thermal_zone0/type", "iwlwifi_1\n")
    machine.write("sys/class/thermal/thermal_zone0/temp", "99000\n")
    machine.write("sys/class/thermal/thermal_zone1/type", "x86_pkg_temp\n")
    machine.write("sys/class/thermal/thermal_zone1/temp", "71000\n")
    machine.write("sys/class/hwmon/hwmon0/name", "coretemp\n")
    machine.write("sys/class/hwmon/hwmon0/temp2_input", "73500\n")
    machine.write("sys/class/hwmon/hwmon1/name", "nvme\n")
    machine.write("sys/class/hwmon/hwmon1/temp1_input", "88000\n")
    assert hottest_c(machine.sysfs) == 73.5


def test_temperature_without_a_sensor_of_the_processor_is_the_hottest_there_is(machine: MachineFolders) -> None:
    machine.write("sys/class/thermal/thermal_zone0/type", "board\n")
    machine.write("sys/class/thermal/thermal_zone0/temp", "45000\n")
    assert hottest_c(machine.sysfs) == 45


@pytest.mark.parametrize("text", ["", "n/a", "0", "255000", "-128000"])
def test_temperature_that_cannot_be_is_unavailable(machine: MachineFolders, text: str) -> None:
    machine.write("sys/class/thermal/thermal_zone0/type", "x86_pkg_temp\n")
    machine.write("sys/class/thermal/thermal_zone0/temp", text)
    with pytest.raises(Unavailable, match="no sensor"):
        hottest_c(machine.sysfs)


def test_battery_is_the_least_of_those_that_feed_the_machine(machine: MachineFolders) -> None:
    for name, kind, scope, left in (
        ("AC", "Mains", "", ""),
        ("BAT0", "Battery", "System", "80"),
        ("BAT1", "Battery", "", "30"),
        ("mouse", "Battery", "Device", "5"),
    ):
        machine.write(f"sys/class/power_supply/{name}/type", f"{kind}\n")
        machine.write(f"sys/class/power_supply/{name}/scope", f"{scope}\n")
        machine.write(f"sys/class/power_supply/{name}/capacity", f"{left}\n")
    assert battery_percent(machine.sysfs) == 30


def test_battery_of_a_desktop_is_unavailable(machine: MachineFolders) -> None:
    with pytest.raises(Unavailable, match="no battery"):
        battery_percent(machine.sysfs)


def test_pressure_is_that_of_the_last_ten_seconds(machine: MachineFolders) -> None:
    machine.write("proc/pressure/cpu", "some avg10=12.50 avg60=3.00 avg300=1.00 total=5\nfull avg10=0.00 total=0\n")
    assert cpu_pressure(machine.proc) == 12.5


@pytest.mark.parametrize("text", [None, "", "some avg60=1\n"])
def test_pressure_that_is_not_measured_is_unavailable(machine: MachineFolders, text: str | None) -> None:
    if text is not None:
        machine.write("proc/pressure/cpu", text)
    with pytest.raises(Unavailable):
        cpu_pressure(machine.proc)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_reading_that_is_no_number_is_missing(value: float) -> None:
    reading = Reading.taken(value, 5.0)
    assert reading.value is None
    assert "the sensor says" in reading.describe()


def test_reading_grows_old() -> None:
    reading = Reading.taken(3.0, 10.0)
    assert reading.age(12.5) == 2.5
    assert reading.fresh(12.5, 5) == 3
    assert reading.fresh(16, 5) is None
    assert Reading().fresh(16, 5) is None
    assert reading.describe(" MB") == "3.0 MB"
    assert Reading.missing("no sensor", 0.0).describe() == "unavailable (no sensor)"
