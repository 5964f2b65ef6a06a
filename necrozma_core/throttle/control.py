"""The loop that joins the three: the sensors are read, the governor decides, the gate is set."""

import logging
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import count
from typing import Final

from necrozma_core.throttle.decisions import Decision, Reason
from necrozma_core.throttle.gate import Gate
from necrozma_core.throttle.governor import decide
from necrozma_core.throttle.limits import Limits
from necrozma_core.throttle.sensors.readings import Readings, Sensors
from necrozma_core.throttle.state import State, initial_state

RECORD_EVERY_S: Final = 2.0
"""A look that changed nothing is recorded no more often than this: a run may last for days."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Look:
    """One look of the loop: when, what was read, what was decided.

    Attributes
    ----------
    at : float
        Seconds since 1970, UTC; for display, never for computing.
    readings : Readings
    decision : Decision
    """

    at: float
    readings: Readings
    decision: Decision


class Controller:
    """Looks at the machine in a separate thread, and sets the gate to what the governor decides.

    Parameters
    ----------
    limits : Limits
    sensors : Sensors
    gate : Gate
    seed : int
        A different one for every run, such as the process id.
    say : callable, optional
        Takes each message for the user; called from the loop's thread.
    wall_clock : callable, optional
        Seconds since 1970, for the records.
    """

    def __init__(
        self,
        limits: Limits,
        sensors: Sensors,
        gate: Gate,
        *,
        seed: int,
        say: Callable[[str], object] = lambda _: None,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._limits = limits
        self._sensors = sensors
        self._gate = gate
        self._say = say
        self._wall_clock = wall_clock
        self._state: State = initial_state(limits, seed)
        self._latest = Look(wall_clock(), Readings(time=0.0), Decision(self._state.allowance, Reason.STEADY))
        self._records: list[Look] = []
        self._records_lock = threading.Lock()
        self._recorded_at = -RECORD_EVERY_S
        self._completed = count(1)
        self._busy_at = -math.inf
        self._busy_seconds = 0.0
        self._busy_workers = 0.0
        self._loaded_workers = math.inf
        self._stopping = False
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="necrozma-governor", daemon=True)

    @property
    def latest(self) -> Look:
        """The newest look; before the first, one without readings."""
        return self._latest

    def start(self) -> None:
        """Begin to look; the first look is made before this returns."""
        self.look()
        self._thread.start()

    def stop(self) -> None:
        """End the loop; the gate stays as it was set last."""
        self._stopping = True
        self._wake.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join()

    def poke(self) -> None:
        """Report that a task has ended; every `Limits.cpu_check_interval` tasks the loop looks at once."""
        # Called from many threads: `next` on a `count` is atomic.
        if next(self._completed) % self._limits.cpu_check_interval == 0:
            self.look_soon()

    def look_soon(self) -> None:
        """Have the loop look at once, because something of ours has started up; returns at once."""
        self._wake.set()

    def take_records(self) -> list[Look]:
        """Return the looks recorded since the last call, oldest first: all changes, and one every two seconds."""
        with self._records_lock:
            records, self._records = self._records, []
        return records

    def look(self) -> Look:
        """Read, decide and set the gate once; the loop's step."""
        readings = self._count_busy(self._sensors.read())
        self._state, decision = decide(self._state, readings, self._limits)
        if decision.resting:
            self._gate.set_allowance(0.0)
        else:
            self._gate.set_allowance(decision.allowance, decision.expected)
        look = Look(self._wall_clock(), readings, decision)
        self._record(look)
        self._latest = look
        if decision.message is not None:
            self._say(decision.message)
        return look

    def _count_busy(self, readings: Readings) -> Readings:
        """Add the mean number of tasks at work between the last two readings of the workers.

        A task in flight waits while its worker loads, so no more are at work than workers have loaded.
        """
        if readings.workers.at > self._busy_at:
            now, before = self._gate.task_seconds(), self._busy_seconds
            elapsed = readings.workers.at - self._busy_at
            in_flight = (now - before) / elapsed if math.isfinite(elapsed) else float(self._gate.in_flight)
            self._busy_workers = min(in_flight, self._loaded_workers, readings.loaded_workers)
            self._busy_at, self._busy_seconds = readings.workers.at, now
            self._loaded_workers = readings.loaded_workers
        return replace(readings, busy_workers=self._busy_workers)

    def _loop(self) -> None:
        while not self._stopping:
            self._wake.wait(self._limits.sample_interval_s)
            self._wake.clear()
            if self._stopping:
                return
            try:
                self.look()
            except Exception:  # noqa: BLE001 -- the last decision may have been a rest, which must not last for ever
                _log.warning("the governor failed; one worker goes on until it looks again", exc_info=True)
                self._gate.set_allowance(1.0)

    def _record(self, look: Look) -> None:
        before = self._latest.decision
        changed = look.decision.allowance != before.allowance or look.decision.resting != before.resting
        if changed or look.decision.message or look.readings.time - self._recorded_at >= RECORD_EVERY_S:
            self._recorded_at = look.readings.time
            with self._records_lock:
                self._records.append(look)
