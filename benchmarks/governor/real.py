"""The real loop: busy workers on this machine under a limit, with and without a hog, ours beside the original's rule.

``python -m benchmarks.governor.real [--seconds 30] [--write]`` prints a table; ``--json FILE`` keeps every sample, and
``--write`` puts the table into docs/throttling.md and the picture beside it. It wants the machine for itself.
"""

import argparse
import json
import math
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import psutil

from benchmarks.governor.crew import feed, hogs, open_crew
from benchmarks.measuring.measure import describe_machine, markdown_table
from benchmarks.measuring.pages import DOCS, put_between_marks
from necrozma_core.throttle.control import Controller
from necrozma_core.throttle.gate import Gate
from necrozma_core.throttle.limits import Limits
from necrozma_core.throttle.sensors.capacity import measure_capacity
from necrozma_core.throttle.sensors.cpu import ProcessTable, machine_times
from necrozma_core.throttle.sensors.machine import MachineSensors

_PAGE: Final = DOCS / "throttling.md"
_PICTURE: Final = DOCS / "img" / "governor-real.svg"
_SETTLE_S: Final = 10.0
_SAMPLE_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class Measured:
    """One measurement: total CPU in percent of the capacity, a sample every half second, settled.

    Attributes
    ----------
    rule : str
        ``ours`` or ``original``.
    cpu_limit : float
    hog : int
        Cores that another program kept busy meanwhile.
    workers : int
    samples, ours : list of float
        The total, and the part of it that this script's workers and hogs used.
    """

    rule: str
    cpu_limit: float
    hog: int
    workers: int
    samples: list[float]
    ours: list[float]

    @property
    def rest(self) -> float:
        """The mean load of all other programs, neither our workers nor our hogs: how quiet the machine was."""
        return self.mean - statistics.fmean(self.ours)

    @property
    def mean(self) -> float:
        """The mean total."""
        return statistics.fmean(self.samples)

    @property
    def swing(self) -> float:
        """The standard deviation of samples of two seconds."""
        blocks = [statistics.fmean(self.samples[at : at + 4]) for at in range(0, len(self.samples) - 3, 4)]
        return statistics.pstdev(blocks)


class OriginalRule:
    """The original's: every five completed tasks a step down above the limit, up when 20 points below it."""

    def __init__(self, limits: Limits, gate: Gate) -> None:
        self._limits = limits
        self._gate = gate
        self._workers = limits.workers
        self._done = 0
        psutil.cpu_percent()

    def start(self) -> None:
        """Begin with all workers."""
        self._gate.set_allowance(self._workers)

    def poke(self) -> None:
        """Count a completed task; look at the processor after every `Limits.cpu_check_interval` of them."""
        self._done += 1
        if self._done % self._limits.cpu_check_interval:
            return
        percent = psutil.cpu_percent()
        if percent > self._limits.cpu_limit:
            self._workers = max(1, self._workers - 1)
        elif percent < self._limits.cpu_limit - 20:
            self._workers = min(self._limits.workers, self._workers + 1)
        self._gate.set_allowance(self._workers)

    def stop(self) -> None:
        """Nothing to stop."""


def measure(rule: str, cpu_limit: float, hog: int, seconds: float, workers: int) -> Measured:
    """Keep workers busy under a rule and sample the total, from ten seconds after the start on."""
    limits = Limits(workers=workers, cpu_limit=cpu_limit, cooldown_s=0)
    with tempfile.TemporaryDirectory() as folder, hogs(hog) as hog_pids:
        gate = Gate(Path(folder) / "gate", limits)
        # The original cannot hold a running task, so its workers get no gate.
        path = gate.path if rule == "ours" else None
        with open_crew(workers, path) as crew:
            pids = [process.pid for process, _ in crew if process.pid]
            governor = (
                Controller(limits, MachineSensors(lambda: pids), gate, seed=os.getpid())
                if rule == "ours"
                else OriginalRule(limits, gate)
            )
            governor.start()
            threads = [threading.Thread(target=feed, args=(line, gate, governor), daemon=True) for _, line in crew]
            for thread in threads:
                thread.start()
            samples, ours = zip(*_sample(seconds, [*pids, *hog_pids]), strict=True)
            governor.stop()
            gate.close()
    return Measured(rule, cpu_limit, hog, workers, list(samples), list(ours))


def _sample(seconds: float, pids: Sequence[int]) -> Iterator[tuple[float, float]]:
    """Yield the total and our part of it in percent, read apart from the governor's own sensors."""
    time.sleep(_SETTLE_S)
    cpus, table = measure_capacity().cpus, ProcessTable()
    before = machine_times(cpus), sum(table.seconds(pid) or 0.0 for pid in pids), time.monotonic()
    for _ in range(round(seconds / _SAMPLE_S)):
        time.sleep(_SAMPLE_S)
        now = machine_times(cpus), sum(table.seconds(pid) or 0.0 for pid in pids), time.monotonic()
        busy, _stolen = now[0].since(before[0])
        ours = (now[1] - before[1]) / (now[2] - before[2])
        before = now
        yield 100 * busy / now[0].cores, 100 * ours / now[0].cores


def describe(results: Sequence[Measured], cores: float) -> str:
    """Lay the measurements out as a table, one row a limit and hog."""
    rows = []
    cases: dict[tuple[float, int], dict[str, Measured]] = {(result.cpu_limit, result.hog): {} for result in results}
    for result in results:
        cases[result.cpu_limit, result.hog][result.rule] = result
    for (cpu_limit, hog), by_rule in cases.items():
        cells = [
            f"{by_rule[rule].mean:.1f} % (± {by_rule[rule].swing:.1f})" if rule in by_rule else ""
            for rule in ("ours", "original")
        ]
        # No rule can do better: the hog's use and the floor are always in the total.
        least = max(cpu_limit, 100 * (hog + (Limits(workers=1).floor if hog else 0)) / cores)
        rows.append((f"{cpu_limit:g} %", f"{hog} of {cores:g} cores" if hog else "none", f"{least:.0f} %", *cells))
    return markdown_table(("limit", "hog", "best possible", "ours: mean (swing)", "original's rule"), rows)


def draw(results: Sequence[Measured]) -> str:
    """Draw the samples of each measurement without a hog over time, ours and the original's, as SVG."""
    shown = [result for result in results if not result.hog]
    limits = sorted({result.cpu_limit for result in shown})
    width, height, left = 640, 120, 46
    parts = []
    for row, limit in enumerate(limits):
        top = 24 + row * (height + 28)
        level = top + height * (1 - limit / 100)
        parts.append(
            f'<text x="0" y="{top - 8}">limit {limit:g} %</text>'
            f'<text x="0" y="{top + 10}">100 %</text><text x="0" y="{top + height}">0 %</text>'
            f'<rect x="{left}" y="{top}" width="{width - left}" height="{height}" fill="none" stroke="#8888"/>'
            f'<line x1="{left}" x2="{width}" y1="{level:.1f}" y2="{level:.1f}" stroke="#c33" stroke-dasharray="4 3"/>'
        )
        for result in shown:
            if result.cpu_limit == limit:
                colour = "#2a6fdb" if result.rule == "ours" else "#b8860b"
                step = (width - left) / max(1, len(result.samples) - 1)
                points = " ".join(
                    f"{left + number * step:.1f},{top + height * (1 - min(100, sample) / 100):.1f}"
                    for number, sample in enumerate(result.samples)
                )
                parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
    bottom = 24 + len(limits) * (height + 28)
    seconds = max((len(result.samples) for result in shown), default=0) * _SAMPLE_S
    parts.append(
        f'<text x="{left}" y="{bottom}" fill="#2a6fdb">ours</text>'
        f'<text x="{left + 60}" y="{bottom}" fill="#b8860b">original\'s rule</text>'
        f'<text x="{width}" y="{bottom}" text-anchor="end">total CPU over {seconds:g} s, settled</text>'
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {bottom + 8}" role="img" '
        f'font-family="sans-serif" font-size="11" fill="#777"><title>Total CPU under a limit</title>'
        f"{''.join(parts)}</svg>\n"
    )


def main() -> None:
    """Measure, print the table, and put it and the picture into docs if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30, help="of each measurement, after ten to settle")
    parser.add_argument("--limits", type=float, nargs="+", default=[40, 60, 80])
    parser.add_argument("--hogs", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--rules", nargs="+", default=["ours", "original"], choices=["ours", "original"])
    parser.add_argument("--workers", type=int, default=0, help="as many as cores if 0")
    parser.add_argument("--json", type=Path, help="keep every sample here")
    parser.add_argument("--write", action="store_true", help=f"also put the table into docs/{_PAGE.name}")
    arguments = parser.parse_args()
    cores = measure_capacity().cores
    workers = arguments.workers or math.ceil(cores)
    results = []
    for hog in arguments.hogs:
        for cpu_limit in arguments.limits:
            for rule in arguments.rules:
                results.append(measure(rule, cpu_limit, hog, arguments.seconds, workers))
                print(
                    f"{rule}, limit {cpu_limit:g}, hog {hog}: {results[-1].mean:.1f} (rest {results[-1].rest:.1f})",
                    flush=True,
                )
    table = describe(results, cores)
    print(f"\n{table}")
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(result) for result in results]))
    if arguments.write:
        note = (
            f"{workers} workers, {arguments.seconds:g} s each, on {describe_machine()}: "
            "`python -m benchmarks.governor.real --write`"
        )
        picture = f"![Total CPU under three limits, ours and the original's rule](img/{_PICTURE.name})"
        put_between_marks(_PAGE, "governor-real", f"{table}\n\n{note}\n\n{picture}")
        _PICTURE.write_text(draw(results), encoding="utf-8")


if __name__ == "__main__":
    main()
