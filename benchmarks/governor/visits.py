"""A load that comes and goes beside busy workers: ``python -m benchmarks.governor.visits [--write]``.

Is the limit held on average over half a minute, how soon is a load made room for, how often does the allowance turn?
It wants the machine for itself, and says what others used meanwhile.
"""

import argparse
import math
import os
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

from benchmarks.governor.crew import feed, hogs, open_crew
from benchmarks.measuring.load import LoadWatch, watch_load
from benchmarks.measuring.measure import describe_machine, markdown_table
from benchmarks.measuring.pages import DOCS, put_between_marks
from benchmarks.targets import keep_figures
from necrozma_core.throttle.control import Controller, Look
from necrozma_core.throttle.gate import Gate
from necrozma_core.throttle.limits import Limits
from necrozma_core.throttle.sensors.capacity import measure_capacity
from necrozma_core.throttle.sensors.cpu import ProcessTable
from necrozma_core.throttle.sensors.machine import MachineSensors

_PAGE: Final = DOCS / "throttling.md"
_NAME: Final = "governor-visits"
_BLOCK_S: Final = 30.0
_STEP_S: Final = 0.5
_OVER: Final = 5.0
_SETTLE_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Visits:
    """What came of it.

    Attributes
    ----------
    cpu_limit : float
    off : float
        Points from the limit of the mean over half a minute, at worst.
    shed_s : float
        Seconds until the load of a visitor was made room for, at worst: until the total, in the mean of a second,
        was less than five points over the limit.
    turns : float
        Changes of the allowance's direction a minute.
    others : float
        Mean load of all other programs in percent: neither workers nor visitors.
    """

    cpu_limit: float
    off: float
    shed_s: float
    turns: float
    others: float


def measure_visits(cpu_limit: float, visits: int, each_s: float, workers: int) -> Visits:
    """Keep workers busy under a limit while a hog comes for a while, goes for as long, and comes again."""
    limits = Limits(workers=workers, cpu_limit=cpu_limit, cooldown_s=0)
    table, came = ProcessTable(), list[float]()
    with tempfile.TemporaryDirectory() as folder:
        gate = Gate(Path(folder) / "gate", limits)
        with open_crew(workers, gate.path) as crew:
            pids = [process.pid for process, _ in crew if process.pid]
            controller = Controller(limits, MachineSensors(lambda: pids), gate, seed=os.getpid())
            controller.start()
            for _, line in crew:
                threading.Thread(target=feed, args=(line, gate, controller), daemon=True).start()
            time.sleep(_SETTLE_S)
            with watch_load() as load:
                used = -sum(table.seconds(pid) or 0.0 for pid in pids)
                time.sleep(each_s)
                for _ in range(visits):
                    came.append(time.time())
                    with hogs(1) as visitors:
                        time.sleep(each_s)
                        used += sum(table.seconds(pid) or 0.0 for pid in visitors)
                    time.sleep(each_s)
                used += sum(table.seconds(pid) or 0.0 for pid in pids)
            looks = controller.take_records()
            controller.stop()
            gate.close()
    return judge(cpu_limit, load, looks, came, used)


def judge(cpu_limit: float, load: LoadWatch, looks: Sequence[Look], came: Sequence[float], used: float) -> Visits:
    """Sum up what was seen: the load, the governor's records, when visitors came, and what they and workers used."""
    first, last = load.looks[0][0], load.looks[-1][0]
    starts = [first + number * _STEP_S for number in range(int((last - first - _BLOCK_S) / _STEP_S) + 1)]
    off = max((abs(load.percent(start, start + _BLOCK_S) - cpu_limit) for start in starts), default=math.nan)
    shed_s = max((_seconds_to_shed(load, at, cpu_limit) for at in came), default=math.nan)
    minutes = (last - first) / 60
    cores = load.looks[0][1].cores
    others = 100 * (load.core_seconds(first, last) - used) / (last - first) / cores
    turns = turns_of([look.decision.allowance for look in looks if first <= look.at <= last])
    return Visits(cpu_limit, off, shed_s, turns / minutes, max(0.0, others))


def turns_of(allowances: Sequence[float]) -> int:
    """Return how often a row of allowances changes its direction."""
    steps = [later - earlier for earlier, later in pairwise(allowances) if later != earlier]
    return sum((later > 0) != (earlier > 0) for earlier, later in pairwise(steps))


def _seconds_to_shed(load: LoadWatch, came: float, cpu_limit: float) -> float:
    for number in range(1, 100):
        waited = number * 0.1
        # The mean of the second that begins then: a single look is noise.
        if load.percent(came + waited, came + waited + 1) < cpu_limit + _OVER:
            return waited
    return math.inf


def describe(results: Sequence[Visits]) -> str:
    """Lay the measurements out as a table, one row a limit."""
    rows = [
        (
            f"{each.cpu_limit:g} %",
            f"{each.off:.1f} points",
            f"{each.shed_s:.1f} s",
            f"{each.turns:.1f}",
            f"{each.others:.1f} %",
        )
        for each in results
    ]
    header = ("limit", "mean of 30 s off it, at worst", "a load was shed within", "turns a minute", "others used")
    return markdown_table(header, rows)


def main() -> None:
    """Measure, print the table, keep its figures, and put it into docs/throttling.md if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limits", type=float, nargs="+", default=[60, 80])
    parser.add_argument("--visits", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=60, help="of a visit, and between two")
    parser.add_argument("--write", action="store_true", help=f"also put the table into docs/{_PAGE.name}")
    arguments = parser.parse_args()
    cores = measure_capacity().cores
    workers = math.ceil(cores)
    results = [measure_visits(limit, arguments.visits, arguments.seconds, workers) for limit in arguments.limits]
    table = describe(results)
    print(table)
    worst = {name: max(getattr(each, name) for each in results) for name in ("off", "shed_s", "turns", "others")}
    keep_figures("visits", worst)
    if arguments.write:
        note = (
            f"{workers} workers beside a program that keeps one core busy for {arguments.seconds:g} s, is gone for as "
            f"long, and comes again, on {describe_machine()}: `python -m benchmarks.governor.visits --write`"
        )
        put_between_marks(_PAGE, _NAME, f"{table}\n\n{note}")


if __name__ == "__main__":
    main()
