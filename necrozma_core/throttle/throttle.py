"""The throttle of a run: gate, governor and sensors behind one face."""

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from necrozma_core.throttle.control import Controller, Look
from necrozma_core.throttle.gate import Gate, GateView
from necrozma_core.throttle.limits import Limits
from necrozma_core.throttle.sensors.machine import MachineSensors


class Throttle:
    """Gate and governor of one run.

    Parameters
    ----------
    limits : Limits
    path : Path
        The gate's file, which the workers open too; made here.
    worker_pids : callable
        The workers that live now.
    tell : callable
        Takes a line for the user.
    loading_pids : callable, optional
        Those of the workers that take no task yet.
    """

    def __init__(
        self,
        limits: Limits,
        path: Path,
        worker_pids: Callable[[], Iterable[int]],
        tell: Callable[[str], None],
        loading_pids: Callable[[], Iterable[int]] = list,
    ) -> None:
        self._run_pids: list[int] = []
        self._starting: dict[int, str] = {}
        self._loading_pids = loading_pids
        self.gate = Gate(path, limits)
        sensors = MachineSensors(worker_pids, lambda: self._run_pids, starting=self._all_starting)
        self._controller = Controller(limits, sensors, self.gate, seed=os.getpid(), say=tell)
        self._is_looking = False

    def count_as_overhead(self, pid: int) -> None:
        """Count another process of the run, such as its server, as ours rather than as somebody else's."""
        self._run_pids.append(pid)

    def expect_start_up(self, names: Mapping[int, str]) -> None:
        """Take what some of the run's processes use for a start that will end, until each has started up.

        Parameters
        ----------
        names : mapping of int to str
            The name that the user is told, by process id: of this process, or of one that is counted as overhead.
        """
        self._starting = self._starting | dict(names)

    def note_started(self, *pids: int) -> None:
        """Report that processes have started up, workers or expected ones: what they used is free at once."""
        self._starting = {pid: name for pid, name in self._starting.items() if pid not in pids}
        self._controller.look_soon()

    def start(self) -> None:
        """Begin to look at the machine."""
        self._controller.start()
        self._is_looking = True

    def admit(self) -> None:
        """Wait until one more task may start; StoppedError if none ever will."""
        self.gate.admit()

    def release(self) -> None:
        """Report that an admitted task has ended."""
        self.gate.release()
        self._controller.poke()

    def view(self) -> GateView:
        """Return the gate's state for display."""
        return self.gate.view()

    def latest_look(self) -> Look:
        """Return the newest look: what was read, and what was decided."""
        return self._controller.latest

    def take_records(self) -> list[Look]:
        """Return the looks recorded since the last call: all changes, and one every two seconds."""
        return self._controller.take_records()

    def stop(self) -> None:
        """Close the gate and end the loop."""
        self.gate.close()
        if self._is_looking:
            self._controller.stop()

    def _all_starting(self) -> dict[int, str]:
        return self._starting | dict.fromkeys(self._loading_pids(), "workers")
