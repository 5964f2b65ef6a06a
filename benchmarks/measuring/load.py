"""How busy the machine was, with any work, while something was measured."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from necrozma_core.throttle.sensors.capacity import measure_capacity
from necrozma_core.throttle.sensors.cpu import MachineTimes, machine_times

_LOOK_S: Final = 0.1


class LoadWatch:
    """Counters of our cores, looked at ten times a second; filled by `watch_load`.

    Attributes
    ----------
    looks : list of (float, MachineTimes)
        When, seconds since 1970, and the counters.
    """

    def __init__(self) -> None:
        self._cpus = measure_capacity().cpus
        self.looks: list[tuple[float, MachineTimes]] = []

    def look(self) -> None:
        """Read the counters once more."""
        self.looks.append((time.time(), machine_times(self._cpus)))

    def percent(self, first: float, last: float) -> float:
        """Return the mean load between two times in percent of our cores; NaN where there were no two looks."""
        within = [times for at, times in self.looks if first <= at <= last]
        if len(within) < 2 or within[-1].busy + within[-1].idle <= within[0].busy + within[0].idle:
            return float("nan")
        busy, _stolen = within[-1].since(within[0])
        return 100 * busy / within[0].cores

    def core_seconds(self, first: float, last: float) -> float:
        """Return the processor seconds that were used between two times, by anybody."""
        within = [times.busy for at, times in self.looks if first <= at <= last]
        return within[-1] - within[0] if within else float("nan")


@contextmanager
def watch_load() -> Iterator[LoadWatch]:
    """Look at the load of the machine while the block runs."""
    watch, done = LoadWatch(), threading.Event()
    watch.look()

    def look_on() -> None:
        while not done.wait(_LOOK_S):
            watch.look()

    thread = threading.Thread(target=look_on, daemon=True)
    thread.start()
    try:
        yield watch
    finally:
        done.set()
        thread.join()
        watch.look()
