"""What the limit costs runs of seconds: ``python -m benchmarks.governor.short [--seconds 5 10 30] [--write]``.

The command as a user runs it, with its server, on jobs that take so long without a limit; under 100 % and under the
default 80 % in turn. It wants the machine for itself, and says what others used meanwhile.
"""

import argparse
import math
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.measuring.command import Bench, bench
from benchmarks.measuring.load import watch_load
from benchmarks.measuring.market import TEN_PAIRS, prepare_ticks
from benchmarks.measuring.measure import Timing, describe_machine, markdown_table
from benchmarks.measuring.pages import DOCS, put_between_marks
from benchmarks.targets import keep_figures
from necrozma_core.throttle.sensors.capacity import measure_capacity

_PAGE: Final = DOCS / "throttling.md"
_NAME: Final = "governor-short"
_TICKS: Final = 1_000_000
_LIMITS: Final = (100, 80)
_PER_STEP: Final = 250
_MOST_FAST: Final = 50


@dataclass(frozen=True, slots=True)
class Throttled:
    """One run under a limit.

    Attributes
    ----------
    seconds : float
        From start to exit.
    busy_percent : float
        The machine's mean load from the second second of the pairs to the last one's end.
    others_percent : float
        The mean load of all other programs, from start to exit.
    """

    seconds: float
    busy_percent: float
    others_percent: float


@dataclass(frozen=True, slots=True)
class Job:
    """A job of some number of settings on some pairs, and its runs under each limit."""

    aimed_s: float
    settings: int
    runs: dict[int, list[Throttled]]

    def of(self, limit: int) -> Timing:
        """Return the times under a limit."""
        return Timing(tuple(run.seconds for run in self.runs[limit]))

    @property
    def ratio(self) -> float:
        """The median over the pairs of runs of how many times as long the limited one took."""
        return statistics.median(
            held.seconds / free.seconds for free, held in zip(self.runs[100], self.runs[80], strict=True)
        )

    @property
    def busy_percent(self) -> float:
        """The median load under the limit, while pairs were computed."""
        return statistics.median(run.busy_percent for run in self.runs[80])

    def others_percent(self, limit: int) -> float:
        """Return the median of what others used under a limit."""
        return statistics.median(run.others_percent for run in self.runs[limit])


def grid_of(settings: int) -> str:
    """Return a grid of about so many settings, all of the same kind; at least 250."""
    steps = max(1, round(settings / _PER_STEP))
    targets = math.ceil(steps / _MOST_FAST)
    return (
        f"family=sma_cross fast=5:{4 + round(steps / targets)}:1 slow=60:300:10 stop_loss_pips=10:55:5 "
        f"take_profit_pips={','.join(str(20 + 10 * number) for number in range(targets))}"
    )


def measure_each(seconds: Sequence[float], rounds: int, ticks: int = _TICKS) -> list[Job]:
    """Measure a job of each length, the limits in turn; a job is sized by two runs without a limit."""
    names = TEN_PAIRS[:2]
    data = prepare_ticks(names, ticks)
    measured = []
    with bench() as place:
        _run(place, data, names, _PER_STEP, 100)  # makes the database and the kernels
        few, many = _PER_STEP, 20 * _PER_STEP
        least, more = (_run(place, data, names, settings, 100).seconds for settings in (few, many))
        per_setting = max(1e-6, (more - least) / (many - few))
        for aimed_s in seconds:
            settings = max(few, round(few + (aimed_s - least) / per_setting))
            runs: dict[int, list[Throttled]] = {limit: [] for limit in _LIMITS}
            for number in range(rounds):
                # Which one comes first changes, so that a machine that slows down slows both.
                for limit in _LIMITS if number % 2 else reversed(_LIMITS):
                    runs[limit].append(_run(place, data, names, settings, limit))
            measured.append(Job(aimed_s, settings, runs))
    return measured


def _run(place: Bench, data: Path, pairs: Sequence[str], settings: int, limit: int) -> Throttled:
    flags = ["--pairs", ",".join(pairs), "--timeframe", "1min", "--workers", str(math.ceil(measure_capacity().cores))]
    flags += ["--grid", grid_of(settings), "--keep-trades", "50"]
    with watch_load() as load:
        began = time.time()
        run = place.run(data, flags, NECROZMA_CPU_LIMIT=str(limit))
    first, last = (began + run.moments[name] for name in ("the first pair is begun", "the last pair is stored"))
    ours = sum(member.cpu_s for member in run.family.members.values())
    others = load.core_seconds(began, began + run.seconds) - ours
    cores = load.looks[0][1].cores
    return Throttled(run.seconds, load.percent(first + 1, last), max(0.0, 100 * others / run.seconds / cores))


def describe(measured: Sequence[Job]) -> str:
    """Lay the measurements out as a table, one row a job."""
    rows = [
        (
            f"{job.aimed_s:g} s, {job.settings:,} settings",
            job.of(100),
            job.of(80),
            f"{job.ratio:.2f}",
            f"{job.busy_percent:.0f} %",
            f"{job.others_percent(100):.0f} %, {job.others_percent(80):.0f} %",
        )
        for job in measured
    ]
    header = ("job", "limit 100 %", "limit 80 %", "times", "CPU while pairs are computed, limit 80 %", "others used")
    return markdown_table(header, rows)


def main() -> None:
    """Measure, print the table, keep its figures, and put it into docs/throttling.md if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, nargs="+", default=[5, 10, 30], help="without a limit")
    parser.add_argument("--rounds", type=int, default=5, help="pairs of runs of each job")
    parser.add_argument("--ticks", type=int, default=_TICKS, help="of each pair; few to see that it runs")
    parser.add_argument("--write", action="store_true", help=f"also put the table into docs/{_PAGE.name}")
    arguments = parser.parse_args()
    if arguments.write and arguments.ticks != _TICKS:
        parser.error("the page tells of another number of ticks")
    measured = measure_each(arguments.seconds, arguments.rounds, arguments.ticks)
    head = (
        f"Two pairs of {arguments.ticks:,} ticks, as many workers as cores, from start to exit with Prefect's server; "
        f"medians (least to most) of {arguments.rounds} pairs of runs, and the median of their ratios. The load is the "
        "whole machine's, from the second second of the pairs on."
    )
    table = f"{head}\n\n{describe(measured)}"
    print(table)
    for job in measured:
        if job.aimed_s == 10:
            off = abs(job.busy_percent - 80)
            keep_figures("short", {"ratio": job.ratio, "off": off, "others": job.others_percent(80)})
    if arguments.write:
        note = f"On {describe_machine()}: `python -m benchmarks.governor.short --write`"
        put_between_marks(_PAGE, _NAME, f"{table}\n\n{note}")


if __name__ == "__main__":
    main()
