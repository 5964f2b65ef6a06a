"""Where the processor seconds of a whole job go, in every process of it.

The processes sample themselves: `benchmarks/measuring/sampler` is put on their path. A profiler that stops a process to
inspect it makes a job of four processes take several times as long, and counts waiting threads as working ones.
"""

import json
import tempfile
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from benchmarks.job import TIMEFRAME
from benchmarks.measuring.command import bench
from benchmarks.measuring.market import TEN_PAIRS, prepare_ticks
from benchmarks.measuring.measure import Report, markdown_table
from benchmarks.measuring.processes import Role, role_of
from benchmarks.measuring.sampler.sitecustomize import FOLDER
from benchmarks.scale import FULL, Scale

_SAMPLER: Final = Path(__file__).with_name("sampler")
_LEAST: Final = 0.01
_UNSEEN: Final = "what the sampler did not see: libraries' own threads, the end"
_BEFORE: Final = "the interpreter's start"

Spent = dict[Role, dict[str, float]]
"""Processor seconds by role and by what they were spent on."""


def measure_profile(scale: Scale = FULL) -> Report:
    """Return where the processor seconds of a whole job of two workers go."""
    pairs = TEN_PAIRS[: scale.pairs[-1]]
    data = prepare_ticks(pairs, scale.ticks)
    flags = ["--pairs", ",".join(pairs), "--timeframe", TIMEFRAME, "--workers", "2"]
    with bench() as place, tempfile.TemporaryDirectory() as folder:
        plain = [place.run(data, flags).seconds for _ in range(2)][-1]  # the first makes database and kernels
        sampled = place.run(data, flags, PYTHONPATH=str(_SAMPLER), **{FOLDER: folder}).seconds
        found = [json.loads(path.read_text()) for path in sorted(Path(folder).glob("*.json"))]
    return Report(_describe(sum_up(found), plain, sampled))


def sum_up(processes: list[Mapping[str, Any]]) -> Spent:
    """Add up the samples of a run's processes, by role."""
    spent: Spent = defaultdict(lambda: defaultdict(float))
    for process in processes:
        role = role_of(process["command"])
        seconds: Mapping[str, float] = process["seconds"]
        for what, value in seconds.items():
            spent[role][what] += value
        spent[role][_BEFORE] += process["before"]
        unseen = process["total"] - process["sampler"] - process["before"] - sum(seconds.values())
        spent[role][_UNSEEN] += max(0.0, unseen)
    return {role: dict(seconds) for role, seconds in spent.items()}


def _describe(spent: Spent, plain: float, sampled: float) -> str:
    total = sum(sum(seconds.values()) for seconds in spent.values())
    names = {Role.COMMAND: "the command", Role.SERVER: "the server", Role.WORKER: "the workers", Role.OTHER: "others"}
    rows: list[tuple[str, str, str, str]] = []
    sums = []
    for role in Role:
        seconds = spent.get(role)
        if not seconds:
            continue
        subtotal = sum(seconds.values())
        sums.append(f"{names[role]} {subtotal:.1f} s")
        shown = {what: value for what, value in seconds.items() if value >= _LEAST * total}
        ordered = sorted(shown.items(), key=lambda entry: -entry[1])
        if rest := subtotal - sum(shown.values()):
            ordered.append((f"{len(seconds) - len(shown)} things of less than {100 * _LEAST:.0f} % each", rest))
        for what, value in ordered:
            rows.append((names[role], what, f"{value:.2f} s", f"{100 * value / total:.0f} %"))
    head = (
        f"Processor seconds of one run, two workers, no server running: {total:.1f} s in all, {', '.join(sums)}. "
        f"It took {sampled:.1f} s from start to exit with every process sampling itself, {plain:.1f} s without. "
        "Compiled loops count for the function that calls them."
    )
    return f"{head}\n\n{markdown_table(('process', 'what it does', 'processor time', 'of all'), rows)}"
