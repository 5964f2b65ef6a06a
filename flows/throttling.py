"""The throttle of a run: the gate its tasks pass, and the loop that sets it."""

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from config import Settings
from necrozma_core.throttle.control import Controller
from necrozma_core.throttle.gate import Gate, GateView
from necrozma_core.throttle.limits import Limits
from necrozma_core.throttle.priority import Priority, why_ignored
from necrozma_core.throttle.sensors.machine import MachineSensors


class Throttle:
    """Gate and governor of one run.

    Parameters
    ----------
    settings : Settings
    path : Path
        The gate's file, which the workers open too; made here.
    worker_pids : callable
        The workers that live now.
    tell : callable
        Takes a line for the user.
    """

    def __init__(
        self, settings: Settings, path: Path, worker_pids: Callable[[], Iterable[int]], tell: Callable[[str], None]
    ) -> None:
        limits = Limits(
            workers=settings.workers,
            cpu_limit=settings.cpu_limit,
            adaptive=settings.adaptive_throttling,
            cooldown_s=settings.cooldown_seconds,
            cooldown_explicit=settings.cooldown_explicit,
            cpu_check_interval=settings.cpu_check_interval,
            max_temperature_c=settings.max_temperature_c,
            memory_floor_mb=settings.memory_floor_mb,
        )
        self._own_pids: list[int] = []
        self.priority = _priority(settings, tell)
        self.gate = Gate(path, limits)
        sensors = MachineSensors(worker_pids, lambda: self._own_pids)
        self.controller = Controller(limits, sensors, self.gate, seed=os.getpid(), say=tell)
        self._is_looking = False

    def count_as_ours(self, pid: int) -> None:
        """Count another process of the run, such as its server, as ours rather than as somebody else's."""
        self._own_pids.append(pid)

    def start(self) -> None:
        """Begin to look at the machine."""
        self.controller.start()
        self._is_looking = True

    def admit(self) -> None:
        """Wait until one more task may start; StoppedError if none ever will."""
        self.gate.admit()

    def release(self) -> None:
        """Tell that an admitted task has ended."""
        self.gate.release()
        self.controller.poke()

    def view(self) -> GateView:
        """Return what is going on at the gate."""
        return self.gate.view()

    def stop(self) -> None:
        """End it: nobody is admitted, nobody looks."""
        self.gate.close()
        if self._is_looking:
            self.controller.stop()


def _priority(settings: Settings, tell: Callable[[str], None]) -> Priority:
    priority = Priority.BACKGROUND if settings.background else Priority.NICE if settings.nice else Priority.NORMAL
    if remark := why_ignored(priority):
        tell(remark)
    return priority
