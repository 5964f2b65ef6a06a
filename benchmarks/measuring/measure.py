"""How the benchmarks measure and print: medians with their spread, in tables of Markdown."""

import argparse
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Report:
    """What a benchmark found.

    Attributes
    ----------
    text : str
        Markdown for the page.
    figures : mapping of str to float
        Compared with the aims of `benchmarks.targets`.
    """

    text: str
    figures: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds of several runs of one thing."""

    runs: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle run's seconds."""
        return statistics.median(self.runs)

    def __str__(self) -> str:
        """Median, least and most, in the unit that reads best."""
        unit, name = (1e3, "ms") if self.median < 1 else (1, "s")
        digits = 1 if self.median * unit < 100 else 0
        median, least, most = (f"{value * unit:,.{digits}f}" for value in (self.median, min(self.runs), max(self.runs)))
        return f"{median} {name} ({least} to {most})"


def time_runs(work: Callable[[], object], runs: int = 5, warm_up: int = 1) -> Timing:
    """Time ``work`` several times after it ran ``warm_up`` times uncounted."""
    for _ in range(warm_up):
        work()
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return Timing(tuple(seconds))


def interleaved(works: Mapping[str, Callable[[], float]], runs: int) -> dict[str, Timing]:
    """Take seconds of several things in turn, so that a machine that slows down slows all of them."""
    taken: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(runs):
        for name, work in works.items():
            taken[name].append(work())
    return {name: Timing(tuple(seconds)) for name, seconds in taken.items()}


def peak_memory_mb(pid: int | None = None) -> float:
    """Return the most memory that a process, by default this one, has held so far; NaN where that is not known.

    Read from the high-water mark of the address space, which exec resets. ``getrusage`` would also count the process
    from which a child was forked.
    """
    try:
        for line in Path(f"/proc/{pid or 'self'}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    except (OSError, ValueError):
        pass
    return float("nan")


def megabytes(value: float) -> str:
    """Write megabytes for a table; a dash where they are not known."""
    return "-" if value != value else f"{value:,.0f} MB"  # noqa: PLR0124 -- NaN is the one number unlike itself


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Lay out rows as a Markdown table, columns padded so that it also reads as text."""
    cells = [list(header), *[[str(cell) for cell in row] for row in rows]]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    padded = [[cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in cells]
    lines = ["| " + " | ".join(row) + " |" for row in padded]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def describe_machine() -> str:
    """Name the processor, the cores and the versions that the figures were taken with."""
    libraries = ("numpy", "numba", "pyarrow", "pandas", "prefect")
    versions = ", ".join(f"{name} {version(name)}" for name in libraries)
    return f"{_processor()}, {_cores()} cores; Python {sys.version.split()[0]}, {versions}"


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _processor() -> str:
    try:
        with Path("/proc/cpuinfo").open() as lines:
            return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def one_of(known: Sequence[str]) -> Callable[[str], str]:
    """Return the type of a command's names, of which there may be none: argparse's choices want one on Python 3.11."""

    def name(text: str) -> str:
        if text not in known:
            raise argparse.ArgumentTypeError(f"unknown name {text!r}: expected one of {', '.join(known)}")
        return text

    return name
