"""All sensors together: first looks, jumps of the clock, cores that come and go, sensors that fail."""

import math
import os
import subprocess
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from necrozma_core.throttle.sensors.capacity import Capacity
from necrozma_core.throttle.sensors.cpu import MachineTimes
from necrozma_core.throttle.sensors.machine import MachineSensors, Probes
from necrozma_core.throttle.sensors.readings import Reading, Readings, Starting, Unavailable

TWO_CORES = Capacity(2, 2)


@dataclass
class PaperMachine:
    """Two cores on paper: whatever a probe would read is a field."""

    now: float = 1000.0
    slept: float = 0.0
    capacity: Capacity = TWO_CORES
    busy: float = 0.0
    idle: float = 0.0
    steal: float = 0.0
    group: float = 0.0
    own: float = 0.0
    processes: dict[int, float] = field(default_factory=dict)
    memory: float = 4000.0
    temperature: float = 50.0
    times_fail: bool = False
    starting: dict[int, str] = field(default_factory=dict)

    def pass_time(self, seconds: float, busy: float = 0.0, **processes: float) -> None:
        """Let seconds pass in which so many cores were busy, and processes used so many."""
        self.now += seconds
        self.busy += busy * seconds
        self.idle += (self.capacity.machine - busy) * seconds
        for name, cores in processes.items():
            self.processes[int(name[1:])] = self.processes.get(int(name[1:]), 0.0) + cores * seconds

    def machine_times(self, _cpus: frozenset[int] | None) -> MachineTimes:
        if self.times_fail:
            raise Unavailable("no counters")
        return MachineTimes(self.busy, self.idle, self.steal, self.capacity.machine)

    def temperature_c(self) -> float:
        if math.isinf(self.temperature):
            raise OSError("sensor gone")
        return self.temperature

    def no_battery(self) -> float:
        raise Unavailable("no battery")

    @property
    def probes(self) -> Probes:
        return Probes(
            capacity=lambda: self.capacity,
            machine_times=self.machine_times,
            group_seconds=lambda _: self.group,
            command_seconds=lambda: self.own,
            process_seconds=self.processes.get,
            resident_mb=lambda pid: 100.0 * pid,
            memory_mb=lambda: self.memory,
            temperature_c=self.temperature_c,
            battery_percent=self.no_battery,
            pressure=lambda: math.nan,
            clock=lambda: self.now,
            sleep_clock=lambda: self.now + self.slept,
        )

    def sensors(self) -> MachineSensors:
        return MachineSensors(lambda: list(self.processes), probes=self.probes, starting=lambda: self.starting)


def cores(readings: Readings) -> tuple[float | None, ...]:
    return tuple(reading.value for reading in (readings.total, readings.run_total, readings.workers, readings.others))


def approximately(*values: float) -> object:
    return pytest.approx(values)


def test_first_look_gives_no_rate() -> None:
    readings = PaperMachine().sensors().read()
    assert cores(readings) == (None, None, None, None)
    assert "first look" in readings.total.why
    assert readings.capacity.value == 2


def test_second_look_divides_the_load_into_ours_and_others() -> None:
    machine = PaperMachine(processes={7: 5.0, 8: 9.0})
    sensors = machine.sensors()
    sensors.read()
    machine.own += 0.1
    machine.pass_time(0.5, busy=1.8, p7=0.5, p8=0.5)
    readings = sensors.read()
    assert cores(readings) == approximately(1.8, 1.2, 1.0, 0.6)
    assert readings.run_overhead.value == pytest.approx(0.2)
    assert readings.percent(readings.total) == pytest.approx(90)


def test_what_starts_is_told_apart_by_process_until_it_has_started() -> None:
    machine = PaperMachine(processes={7: 0.0, 8: 0.0}, starting={os.getpid(): "Prefect", 8: "workers"})
    sensors = machine.sensors()
    assert sensors.read().starting == (Starting("Prefect", 1.0), Starting("workers", 1.0))
    machine.own += 0.2
    machine.pass_time(0.5, busy=1.9, p7=0.5, p8=0.8)
    readings = sensors.read()
    assert (readings.workers.value, readings.start_up.value) == approximately(0.5, 1.2)
    assert (readings.run_total.value, readings.run_overhead.value) == approximately(1.7, 0.0)
    assert readings.starting == (Starting("Prefect", pytest.approx(0.4)), Starting("workers", pytest.approx(0.8)))
    assert readings.loaded_workers == 1

    # The worker says that it has loaded: known at once, though the counters are as they were.
    del machine.starting[8]
    machine.now += 0.05
    readings = sensors.read()
    assert readings.starting == (Starting("Prefect", pytest.approx(0.4)),)
    assert (readings.loaded_workers, readings.start_up.value) == (2, pytest.approx(1.2))

    # It loaded for a part of this time, so all of it counts as start; from the next look on it is at work.
    machine.pass_time(0.5, busy=1.9, p7=0.5, p8=0.8)
    readings = sensors.read()
    assert readings.workers.value == pytest.approx(0.5, abs=0.05)
    machine.starting.clear()
    machine.pass_time(0.5, busy=1.5, p7=0.5, p8=1.0)
    assert sensors.read().workers.value == pytest.approx(1.5)
    machine.own += 0.1
    machine.pass_time(0.5, busy=1.7, p7=0.5, p8=1.0)
    readings = sensors.read()
    assert (readings.start_up.value, readings.run_overhead.value) == approximately(0.0, 0.2)


def test_look_too_soon_gives_the_reading_before_with_its_age() -> None:
    machine = PaperMachine()
    sensors = machine.sensors()
    sensors.read()
    machine.pass_time(0.5, busy=1.0)
    sensors.read()
    machine.pass_time(0.05, busy=2.0)
    readings = sensors.read()
    assert readings.total.value == pytest.approx(1)
    assert readings.total.age(readings.time) == pytest.approx(0.05)


def test_worker_that_was_replaced_counts_from_its_birth() -> None:
    machine = PaperMachine(processes={7: 5.0, 8: 5.0})
    sensors = machine.sensors()
    sensors.read()
    machine.pass_time(0.5, busy=1.5, p7=1.0)
    del machine.processes[8]
    machine.processes[9] = 0.25
    assert sensors.read().workers.value == pytest.approx(1.5)


@pytest.mark.parametrize("slept", [3600.0, -3600.0])
def test_jump_between_the_clocks_restarts_the_counting(slept: float) -> None:
    machine = PaperMachine()
    sensors = machine.sensors()
    sensors.read()
    machine.slept = slept
    machine.pass_time(0.5, busy=2.0)
    assert cores(sensors.read()) == (None, None, None, None)
    machine.pass_time(0.5, busy=1.0)
    assert sensors.read().total.value == pytest.approx(1)


def test_look_after_a_long_gap_restarts_the_counting() -> None:
    machine = PaperMachine()
    sensors = machine.sensors()
    sensors.read()
    machine.pass_time(300, busy=2.0)
    assert sensors.read().total.value is None


def test_counter_that_goes_backwards_is_no_reading() -> None:
    machine = PaperMachine(own=5.0)
    sensors = machine.sensors()
    sensors.read()
    machine.pass_time(0.5, busy=1.0)
    machine.own = 4.0
    readings = sensors.read()
    assert readings.total.value == pytest.approx(1)
    assert "backwards" in readings.run_total.why
    machine.pass_time(0.5, busy=1.0)
    assert sensors.read().run_total.value == pytest.approx(0)


def test_counter_that_is_no_number_is_no_reading() -> None:
    machine = PaperMachine()
    sensors = machine.sensors()
    sensors.read()
    machine.pass_time(0.5)
    machine.own = math.nan
    assert sensors.read().run_total.value is None


def test_total_that_vanishes_leaves_our_own_share() -> None:
    machine = PaperMachine(processes={7: 0.0})
    sensors = machine.sensors()
    sensors.read()
    machine.times_fail = True
    machine.pass_time(0.5, busy=1.0, p7=0.8)
    readings = sensors.read()
    assert readings.total == Reading.missing("no counters", machine.now)
    assert readings.run_total.value == pytest.approx(0.8)
    assert readings.others.value is None


def test_total_under_a_quota_is_what_the_group_uses() -> None:
    machine = PaperMachine(capacity=Capacity(0.5, 2, None, 0.5, Path("/group")))
    sensors = machine.sensors()
    sensors.read()
    machine.pass_time(0.5, busy=2.0)
    machine.group += 0.2
    readings = sensors.read()
    assert readings.total.value == pytest.approx(0.4)
    assert readings.percent(readings.total) == pytest.approx(80)


def test_capacity_that_changes_restarts_the_counting() -> None:
    machine = PaperMachine()
    sensors = machine.sensors()
    sensors.read()
    for _ in range(21):
        machine.pass_time(0.5, busy=1.0)
        assert sensors.read().capacity.value == 2
        machine.capacity = Capacity(1, 2, frozenset({0}))
        if machine.now - 1000 >= 9.5:
            break
    machine.pass_time(0.5, busy=1.0)
    readings = sensors.read()
    assert readings.capacity.value == 1
    assert readings.total.value is None


def test_rest_of_the_sensors_is_read_now_and_then_and_says_what_is_missing() -> None:
    machine = PaperMachine(processes={3: 0.0, 4: 0.0})
    sensors = machine.sensors()
    readings = sensors.read()
    assert readings.memory_available.value == 4000
    assert readings.memory_workers.value == 700
    assert readings.temperature.value == 50
    assert readings.battery.describe() == "unavailable (no battery)"
    assert readings.pressure.value is None
    machine.temperature, machine.memory = math.inf, 100.0
    machine.pass_time(0.5)
    assert sensors.read().memory_available.value == 4000
    machine.pass_time(2.0)
    readings = sensors.read()
    assert readings.memory_available.value == 100
    assert readings.temperature.describe() == "unavailable (sensor gone)"


def test_steal_is_shown_apart() -> None:
    machine = PaperMachine()
    sensors = machine.sensors()
    sensors.read()
    machine.pass_time(1.0, busy=1.5)
    machine.steal += 0.5
    readings = sensors.read()
    assert (readings.total.value, readings.steal.value) == approximately(1.5, 0.5)


def test_others_never_use_less_than_nothing() -> None:
    readings = Readings(time=1.0, total=Reading.taken(0.9, 1.0), run_total=Reading.taken(1.0, 1.0))
    assert readings.others.value == 0
    assert replace(readings, run_total=Reading.missing("gone", 1.0)).others.why == "gone"


def test_own_processes_use_never_less_than_nothing_and_are_unknown_where_a_part_is() -> None:
    readings = Readings(time=1.0, run_total=Reading.taken(0.9, 1.0), workers=Reading.taken(1.0, 1.0))
    assert readings.run_overhead.value == 0
    assert replace(readings, run_total=Reading.missing("gone", 1.0)).run_overhead.why == "gone"
    assert replace(readings, workers=Reading.missing("lost", 1.0)).run_overhead.why == "lost"


def test_server_that_was_there_before_the_first_look_counts_from_it() -> None:
    machine = PaperMachine(processes={7: 0.0, 30: 500.0})
    sensors = MachineSensors(lambda: [7], lambda: [30], machine.probes)
    sensors.read()
    machine.pass_time(0.5, busy=1.5, p7=0.5, p30=0.8)
    readings = sensors.read()
    assert cores(readings) == approximately(1.5, 1.3, 0.5, 0.2)
    assert readings.run_overhead.value == pytest.approx(0.8)


def test_real_sensors_see_a_busy_child() -> None:
    child = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        sensors = MachineSensors(lambda: [child.pid])
        sensors.read()
        # The clock is the system's here, and counters move as they do: look until there is something to see.
        seen = next(
            readings
            for readings in iter(sensors.read, None)
            if (readings.workers.value or 0) > 0.05 and readings.total.value is not None
        )
    finally:
        child.kill()
        child.wait()
    assert seen.total.value is not None
    assert seen.workers.value is not None
    assert 0 < seen.workers.value <= (os.cpu_count() or 1)
