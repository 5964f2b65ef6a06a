"""A worker's half of the gate: where it waits between two pieces of work. An open gate takes 0.1 microseconds."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from necrozma_core.errors import StoppedError
from necrozma_core.throttle.gate_file import ALLOWED, CLOSED, OPEN, REST, SINCE, GateFile
from necrozma_core.throttle.schedule import find_window

_GLANCE_NS: Final = 50_000_000
"""The longest sleep of a held worker before it looks at the gate again. So a rest that ends is noticed after 50 ms
(measured, docs/throttling.md); shorter wakes held workers more often for nothing."""
_GRACE_NS: Final = 5_000_000
"""After passing, skip the schedule for 5 ms: computing it costs microseconds, and any overrun is charged as debt."""
_LONGEST_DEBT_NS: Final = 30_000_000_000
"""Debt is clipped to 30 seconds. More lets one long piece of work stop its worker for minutes, less gives a worker with
long pieces more than its share."""


class WorkerGate:
    """Where a worker waits between two pieces of work. Made by `attach`; for one thread only.

    A worker waits without a lock and without a message under way, so killing it then loses only its own work.
    """

    def __init__(
        self,
        file: GateFile,
        slot: int,
        on_hold: Callable[[bool], object] | None = None,
        clock_ns: Callable[[], int] = time.monotonic_ns,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._fields = file.fields
        self._slot = slot
        self._busy = file.busy_field(slot)
        self._all = file.busy_fields
        self._on_hold = on_hold
        self._clock_ns = clock_ns
        self._sleep = sleep
        self._ran_from_ns: int | None = None
        self._debt_ns = 0
        self._passed = OPEN
        self._passed_until_ns = 0
        self._fields[self._busy] = 0

    @classmethod
    def attach(cls, path: Path, slot: int, on_hold: Callable[[bool], object] | None = None) -> "WorkerGate":
        """Open a gate's file as the worker of a slot.

        Parameters
        ----------
        path : Path
            As given to `Gate`.
        slot : int
            The worker's number, from 0.
        on_hold : callable, optional
            Called with True when a hold begins and False when it ends.

        Raises
        ------
        OSError
            If the file cannot be mapped.
        """
        return cls(GateFile.attach(path), slot, on_hold)

    def begin(self) -> None:
        """Mark this worker as at work, so that it gets its share."""
        self._fields[self._busy] = os.getpid()
        self._ran_from_ns = None
        self._debt_ns = 0
        self._passed = OPEN

    def end(self) -> None:
        """Mark this worker as idle, so that the others get its share."""
        self._fields[self._busy] = 0

    def wait(self) -> None:
        """Return as soon as this worker may run; called between two pieces of work, while no lock is held.

        Raises
        ------
        StoppedError
            If the gate is or becomes closed.
        """
        field = self._fields[ALLOWED]
        if field and (field != self._passed or self._clock_ns() >= self._passed_until_ns):
            self._wait_for_turn()

    def _wait_for_turn(self) -> None:
        if not self._fields[self._busy]:
            self.begin()
        now = self._clock_ns()
        resume = self._next_turn(now, ran=True)
        if resume > now:
            now = self._hold(now, resume)
        self._passed = self._fields[ALLOWED]
        self._passed_until_ns = now + _GRACE_NS
        self._ran_from_ns = now

    def _hold(self, now: int, resume: int) -> int:
        """Sleep until this worker may run, and return the time at which it does."""
        if self._on_hold:
            self._on_hold(True)
        try:
            while resume > now:
                self._sleep(min(resume - now, _GLANCE_NS) / 1e9)
                self._ran_from_ns, now = now, self._clock_ns()
                resume = self._next_turn(now, ran=False)
        finally:
            if self._on_hold:
                self._on_hold(False)
        return now

    def _next_turn(self, now: int, *, ran: bool) -> int:
        """Return when this worker may run, and update its debt: what it ran beyond its window.

        Parameters
        ----------
        now : int
        ran : bool
            Whether it ran since the last look, or was held.
        """
        field = self._fields[ALLOWED]
        if field == OPEN:
            self._debt_ns = 0
            return now
        if field == CLOSED:
            raise StoppedError("the run is ending; the work is left as it is")
        if field == REST:
            return now + _GLANCE_NS
        at_work = self._fields[self._all].tolist()
        workers = sum(map(bool, at_work))
        window = find_window((field - REST) / 1000, workers, sum(map(bool, at_work[: self._slot])))
        # Only the time since the gate left OPEN is charged.
        since = now if self._ran_from_ns is None else min(now, max(self._ran_from_ns, self._fields[SINCE]))
        allowed = window.open_until(now) - window.open_until(since)
        used = now - since if ran else 0
        self._debt_ns = min(_LONGEST_DEBT_NS, max(0, self._debt_ns + used - allowed))
        return window.resume_at(now, self._debt_ns)
