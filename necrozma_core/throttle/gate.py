"""The parent's half of the gate: admits tasks, sets what the workers are held to, and rests between batches."""

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from necrozma_core.errors import StoppedError
from necrozma_core.throttle.gate_file import ALLOWED, CLOSED, OPEN, REST, SINCE, GateFile
from necrozma_core.throttle.limits import Limits

_WAKE_S: Final = 0.2
"""The longest wait in `Gate.admit` before the clock is looked at again: the end of a cooldown notifies nobody."""


class GateState(StrEnum):
    """What the gate is doing."""

    OPEN = "open"
    HOLDING = "holding"
    RESTING = "resting"
    COOLING = "cooling"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class GateView:
    """The gate at one moment, for display.

    Attributes
    ----------
    state : GateState
    allowance : float
        Workers; 0 while resting.
    cooling_left_s : float
        Seconds of cooldown left; 0 if there is none.
    """

    state: GateState
    allowance: float
    cooling_left_s: float


class Gate:
    """The parent's half: admits tasks and sets what the workers are held to.

    Parameters
    ----------
    path : Path
        The shared file; made anew.
    limits : Limits
        One slot for each of its workers; cooldown and batches.
    clock : callable, optional
        Seconds of the clock that all processes share.

    Raises
    ------
    OSError
        If the file cannot be made.
    """

    def __init__(self, path: Path, limits: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        self.path = path
        self._file = GateFile.create(path, limits.workers)
        self._fields = self._file.fields
        self._limits = limits
        self._clock = clock
        self._changed = threading.Condition()
        self._allowance = float(limits.workers)
        self._expected = float(limits.workers)
        self._in_flight = 0
        self._counted_at = clock()
        self._task_seconds = 0.0
        self._batch = 0
        self._batch_began = 0.0
        self._cool_until: float | None = None
        self._closed = False

    @property
    def in_flight(self) -> int:
        """Tasks admitted and not released."""
        return self._in_flight

    def task_seconds(self) -> float:
        """Return the seconds for which tasks have been in flight, summed over the tasks."""
        with self._changed:
            self._count(0)
            return self._task_seconds

    def admit(self) -> None:
        """Wait until a task may start; every call that returns must be followed by one of `release`.

        At most so many tasks are in flight as the allowance that is expected, rounded up. After a batch the next task
        waits until the whole batch is done and the cooldown is over.

        Raises
        ------
        StoppedError
            If the gate is or becomes closed.
        """
        with self._changed:
            while not self._may_start():
                # The wait is bounded, because the cooldown ends by the clock and nobody notifies.
                self._changed.wait(min(_WAKE_S, self._cooling_left() or _WAKE_S))
            if self._batch == 0:
                self._batch_began = self._clock()
            self._batch += 1
            self._count(1)

    def join(self) -> bool:
        """Let one more worker help with a task that was admitted, if there is room; True must be followed by `leave`.

        A helper counts like a task against the allowance, but not towards the batch. The call never waits.
        """
        with self._changed:
            has_room = not self._closed and self._has_room()
            if has_room:
                self._count(1)
            return has_room

    def leave(self) -> None:
        """Report that a helper is done, before the task that it helped with is released."""
        with self._changed:
            self._count(-1)
            self._changed.notify_all()

    def release(self) -> None:
        """Report that an admitted task has ended, whether it succeeded or not."""
        with self._changed:
            self._count(-1)
            if self._in_flight == 0 and self._batch >= self._limits.tasks_per_batch:
                now = self._clock()
                self._batch = 0
                self._cool_until = now + self._limits.rest_after(now - self._batch_began)
            self._changed.notify_all()

    def set_allowance(self, allowance: float, expected: float | None = None) -> None:
        """Let so many workers run. From N on no worker is held; at 0 all are, and no task is admitted.

        Parameters
        ----------
        allowance : float
        expected : float, optional
            The allowance that is foreseen to come within seconds, where that is more: tasks are admitted by it, and
            share the allowance until then. So a task that is shared by several workers begins with all of them.
        """
        with self._changed:
            self._allowance = allowance
            self._expected = allowance if expected is None else max(allowance, expected)
            field = self._allowed_field(allowance)
            if self._fields[ALLOWED] == OPEN:
                self._fields[SINCE] = int(self._clock() * 1e9)
            if not self._closed:
                self._fields[ALLOWED] = field
            self._changed.notify_all()

    def vacate(self, slot: int) -> None:
        """Report that a slot's worker is gone; the others get its share until it has a successor."""
        self._fields[self._file.busy_field(slot)] = 0

    def close(self) -> None:
        """Close for good: callers that wait in `admit` and workers that are held get StoppedError within a moment."""
        with self._changed:
            self._closed = True
            self._fields[ALLOWED] = CLOSED
            self._changed.notify_all()

    def view(self) -> GateView:
        """Return the gate's state for display."""
        with self._changed:
            return GateView(self._state(), self._allowance, self._cooling_left())

    def _count(self, change: int) -> None:
        now = self._clock()
        self._task_seconds += self._in_flight * (now - self._counted_at)
        self._counted_at = now
        self._in_flight += change

    def _may_start(self) -> bool:
        if self._closed:
            raise StoppedError("the run is ending; no more tasks are begun")
        if self._cooling_left() > 0 or self._batch_is_full():
            return False
        return self._has_room()

    def _has_room(self) -> bool:
        return self._in_flight < math.ceil(self._expected - 1e-9)

    def _batch_is_full(self) -> bool:
        return self._limits.cooldown_s > 0 and self._batch >= self._limits.tasks_per_batch

    def _cooling_left(self) -> float:
        return 0.0 if self._cool_until is None else max(0.0, self._cool_until - self._clock())

    def _state(self) -> GateState:
        if self._closed:
            return GateState.CLOSED
        if self._allowance <= 0:
            return GateState.RESTING
        if self._cooling_left() > 0:
            return GateState.COOLING
        return GateState.OPEN if self._allowance >= self._limits.workers else GateState.HOLDING

    def _allowed_field(self, allowance: float) -> int:
        if allowance >= self._limits.workers:
            return OPEN
        return REST + max(1, round(1000 * allowance)) if allowance > 0 else REST
