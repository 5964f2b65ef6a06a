"""All sensors together: what is read how often, and what is thrown away.

Rates need two looks. So the first look at a counter gives no reading, and neither does one after the clocks jumped
(a suspended laptop), a core came or went, or a counter went backwards: the governor never sees a made-up number.
"""

import math
import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final, Generic, TypeVar

from necrozma_core.system.chosen import SYSTEM
from necrozma_core.throttle.sensors.capacity import PROC, SYS, Bound, Capacity, measure_capacity
from necrozma_core.throttle.sensors.cpu import MachineTimes, ProcessesCpu, ProcessTable, group_seconds, machine_times
from necrozma_core.throttle.sensors.memory import available_mb
from necrozma_core.throttle.sensors.readings import Reading, Readings, Starting, Unavailable
from necrozma_core.throttle.sensors.surroundings import battery_percent, cpu_pressure, hottest_c

C = TypeVar("C")
R = TypeVar("R")

SHORTEST_WINDOW_S: Final = 0.2
"""Counters advance in hundredths of a second: a rate over less than this is mostly rounding."""

_LONGEST_WINDOW_S: Final = 10.0
"""A mean over more than this tells nothing of the load now, so the counters start anew."""
_JUMP_S: Final = 2.0
"""A drift between the two clocks that means a suspended machine. Where the second one is the wall clock, less would
take a correction of it for a suspension."""
_CAPACITY_EVERY_S: Final = 10.0
"""Affinity and quotas rarely change; reading them opens a file for every control group up to the root."""
_SLOW_EVERY_S: Final = 2.0
"""Memory, temperature and battery change slowly, and each reading opens several files."""


def _nothing() -> Iterable[int]:
    return ()


def _nobody() -> Mapping[int, str]:
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Probes:
    """Where the numbers come from; each can be replaced.

    Attributes
    ----------
    capacity : callable
    machine_times : callable
        Takes the cores' numbers, or None for all.
    group_seconds : callable
        Takes a control group's folder.
    command_seconds : callable
        Processor seconds of this process.
    process_seconds : callable
        Takes a process id; None where there is no such process.
    resident_mb : callable
        Takes a process id; None where there is no such process.
    memory_mb, temperature_c, battery_percent, pressure : callable
        One number each.
    clock, sleep_clock : callable
        Seconds; the second goes on while the machine is suspended.
    """

    capacity: Callable[[], Capacity]
    machine_times: Callable[[frozenset[int] | None], MachineTimes]
    group_seconds: Callable[[Path], float]
    command_seconds: Callable[[], float]
    process_seconds: Callable[[int], float | None]
    resident_mb: Callable[[int], float | None]
    memory_mb: Callable[[], float]
    temperature_c: Callable[[], float]
    battery_percent: Callable[[], float]
    pressure: Callable[[], float]
    clock: Callable[[], float] = time.monotonic
    sleep_clock: Callable[[], float] = SYSTEM.clock_that_counts_sleep

    @classmethod
    def of_this_machine(cls, proc: Path = PROC, sysfs: Path = SYS) -> "Probes":
        """Return the real ones, with other roots for ``/proc`` and ``/sys`` where a test wants them."""
        table = ProcessTable()
        return cls(
            capacity=partial(measure_capacity, proc, sysfs),
            machine_times=partial(machine_times, proc=proc),
            group_seconds=group_seconds,
            command_seconds=time.process_time,
            process_seconds=table.seconds_with_children,
            resident_mb=table.resident_mb,
            memory_mb=partial(available_mb, proc, sysfs),
            temperature_c=partial(hottest_c, sysfs),
            battery_percent=partial(battery_percent, sysfs),
            pressure=partial(cpu_pressure, proc),
        )


class Meter(Generic[C, R]):
    """Turns a counter into a rate.

    Parameters
    ----------
    look : callable
        Reads the counter, or raises `Unavailable`.
    rate : callable
        The counter now, before, and the seconds between, to a rate.
    """

    def __init__(self, look: Callable[[], C], rate: Callable[[C, C, float], R]) -> None:
        self._look = look
        self._rate = rate
        self._before: tuple[float, C] | None = None

    def restart(self) -> None:
        """Forget the counter: the next look is a first one."""
        self._before = None

    def read(self, now: float) -> R:
        """Return the rate since the look before.

        Raises
        ------
        Unavailable
            At the first look, and where the counter cannot be read or made no sense.
        """
        before, self._before = self._before, None
        counter = self._look()
        self._before = now, counter
        if before is None:
            raise Unavailable("the first look is no reading")
        return self._rate(counter, before[1], now - before[0])


class MachineSensors:
    """The sensors of the machine that this process runs on.

    Parameters
    ----------
    worker_pids : callable
        The workers that live now.
    run_pids : callable, optional
        Other processes of this run, such as a server it started: ours, but not the gate's to hold.
    probes : Probes, optional
        The real ones by default.
    starting : callable, optional
        Those of all these processes, this one included, that are still starting up, with the name of each.
    """

    def __init__(
        self,
        worker_pids: Callable[[], Iterable[int]],
        run_pids: Callable[[], Iterable[int]] = _nothing,
        probes: Probes | None = None,
        starting: Callable[[], Mapping[int, str]] = _nobody,
    ) -> None:
        self._probes = probes or Probes.of_this_machine()
        self._worker_pids = worker_pids
        self._starting = starting
        self._starting_before: frozenset[int] = frozenset()
        self._cores: dict[int, float] = {}
        self._cores_meter = Meter(self._machine_times, lambda now, before, _: now.since(before))
        self._group_meter = Meter(self._group_seconds, _growth)
        self._workers_meter = Meter(ProcessesCpu(self._probes.process_seconds, worker_pids).by_process, _growths)
        run_processes = ProcessesCpu(self._probes.process_seconds, run_pids)
        self._overhead_meter = Meter(
            lambda: {os.getpid(): self._probes.command_seconds(), **run_processes.by_process()}, _growths
        )
        self._counted_at: float | None = None
        self._drift = 0.0
        self._capacity_at = -_CAPACITY_EVERY_S
        self._slow_at = -_SLOW_EVERY_S
        self._readings = Readings(time=self._probes.clock())
        self.capacity: Capacity | None = None
        """What bounds us, in detail; None before the first look."""

    def read(self) -> Readings:
        """Take what is due and return all readings; a failing sensor becomes a reading that says so."""
        now = self._probes.clock()
        if self.capacity is None or now - self._capacity_at >= _CAPACITY_EVERY_S:
            self._look_at_capacity(now)
        if self._counted_at is None or now - self._counted_at >= SHORTEST_WINDOW_S:
            self._look_at_counters(now)
        if now - self._slow_at >= _SLOW_EVERY_S:
            self._look_at_the_rest(now)
        starting = self._starting()
        self._readings = replace(
            self._readings,
            time=now,
            starting=tuple(Starting(name, self._cores.get(pid, 1.0)) for pid, name in starting.items()),
            loaded_workers=len(set(self._worker_pids()) - starting.keys()),
        )
        return self._readings

    def _look_at_capacity(self, now: float) -> None:
        self._capacity_at = now
        capacity = self._probes.capacity()
        if capacity != self.capacity:
            # The counters so far were of other cores.
            self._cores_meter.restart()
            self._group_meter.restart()
        self.capacity = capacity
        self._readings = replace(self._readings, capacity=Reading.taken(capacity.cores, now))

    def _look_at_counters(self, now: float) -> None:
        drift = self._probes.sleep_clock() - now
        window = 0.0 if self._counted_at is None else now - self._counted_at
        if window > _LONGEST_WINDOW_S or (self._counted_at is not None and abs(drift - self._drift) > _JUMP_S):
            for meter in (self._cores_meter, self._group_meter, self._workers_meter, self._overhead_meter):
                meter.restart()
        self._counted_at, self._drift = now, drift
        total, steal = self._busy_cores(now)
        workers, no_workers = _take_each(self._workers_meter, now)
        overhead, no_overhead = _take_each(self._overhead_meter, now)
        self._cores = overhead | workers
        # A process that has started up by now was starting for a part of the time: all of that time counts as start.
        now_starting = frozenset(self._starting())
        starting, self._starting_before = self._starting_before | now_starting, now_starting
        # Process times are exact and the machine's are sampled at its clock tick, so either may be a little ahead of
        # the other: all are clipped to the capacity.
        most = self._readings.capacity.value or math.inf

        def sum_up(cores: Iterable[float], why: str) -> Reading:
            return Reading.missing(why, now) if why else _at_most(most, Reading.taken(sum(cores), now))

        self._readings = replace(
            self._readings,
            total=_at_most(most, total),
            steal=steal,
            workers=sum_up((cores for pid, cores in workers.items() if pid not in starting), no_workers),
            start_up=sum_up((self._cores.get(pid, 0.0) for pid in starting), no_workers or no_overhead),
            run_total=sum_up(self._cores.values(), no_workers or no_overhead),
        )

    def _busy_cores(self, now: float) -> tuple[Reading, Reading]:
        try:
            total, steal = (Reading.taken(cores, now) for cores in self._cores_meter.read(now))
        except (Unavailable, OSError, ValueError) as error:
            total = steal = Reading.missing(str(error), now)
        if self.capacity is not None and self.capacity.bound is Bound.QUOTA:
            # Only processes of the same control group can use up its quota, so the total is the group's.
            total = _take(lambda: self._group_meter.read(now), now)
        return total, steal

    def _machine_times(self) -> MachineTimes:
        return self._probes.machine_times(None if self.capacity is None else self.capacity.cpus)

    def _group_seconds(self) -> float:
        if self.capacity is None or self.capacity.group is None:
            raise Unavailable("no control group")
        return self._probes.group_seconds(self.capacity.group)

    def _look_at_the_rest(self, now: float) -> None:
        self._slow_at = now
        probes = self._probes
        self._readings = replace(
            self._readings,
            memory_available=_take(probes.memory_mb, now),
            memory_workers=_take(self._workers_mb, now),
            temperature=_take(probes.temperature_c, now),
            battery=_take(probes.battery_percent, now),
            pressure=_take(probes.pressure, now),
        )

    def _workers_mb(self) -> float:
        return sum(self._probes.resident_mb(pid) or 0.0 for pid in self._worker_pids())


def _growth(now: float, before: float, elapsed_s: float) -> float:
    if not now >= before:
        raise Unavailable("the counter went backwards")
    return (now - before) / elapsed_s


def _growths(now: Mapping[int, float], before: Mapping[int, float], elapsed_s: float) -> dict[int, float]:
    return {pid: _growth(seconds, before.get(pid, 0.0), elapsed_s) for pid, seconds in now.items()}


def _at_most(most: float, reading: Reading) -> Reading:
    return reading if reading.value is None else Reading.taken(min(most, reading.value), reading.at)


def _take_each(meter: Meter[dict[int, float], dict[int, float]], now: float) -> tuple[dict[int, float], str]:
    """Return the cores of each process, or why there is no reading."""
    try:
        return meter.read(now), ""
    except (Unavailable, OSError, ValueError) as error:
        return {}, str(error) or type(error).__name__


def _take(probe: Callable[[], float], now: float) -> Reading:
    try:
        return Reading.taken(probe(), now)
    except (Unavailable, OSError, ValueError) as error:
        return Reading.missing(str(error), now)
