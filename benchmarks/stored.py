"""How long a run takes that finds everything stored, beside the help, which is all that starting the command costs."""

import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.measuring.command import NECROZMA, Bench, bench
from benchmarks.measuring.market import TEN_PAIRS, prepare_ticks
from benchmarks.measuring.measure import Report, interleaved, markdown_table
from benchmarks.scale import FULL, Scale

_HELP: Final = "`necrozma --help`"
_GRID: Final = "family=sma_cross fast=5:50:5 slow=60:200:20"
_HELPS: Final = 6
"""How many times the help's seconds a run may take, beside `_ALLOWED_S`: a slower machine is slower at both."""
_ALLOWED_S: Final = 1.0


def measure_stored(scale: Scale = FULL) -> Report:
    """Return the table of runs that compute nothing while no server runs, in turn with the help."""
    pairs = TEN_PAIRS[: scale.pairs[-1]]
    data = prepare_ticks(pairs, scale.few_ticks)
    with bench() as place:
        results = data.parent / f"stored-{scale.few_ticks}"
        flags = ["backtest", "--data", str(data), "--results", str(results), "--pairs", ",".join(pairs)]
        cases = {"the default fifty": flags, "a grid of 80": [*flags, "--grid", _GRID]}
        for case in cases.values():
            _seconds(place, [*case, "--no-history", "--workers", "2", "--cooldown", "0"])
        works: dict[str, Callable[[], float]] = {_HELP: partial(_seconds, place, ["--help"])}
        works |= {f"{name}, all stored": partial(_seconds, place, case) for name, case in cases.items()}
        for work in works.values():
            work()
        times = interleaved(works, scale.runs)
    helps = times.pop(_HELP)
    rows = [(_HELP, helps, "")]
    worst = 0.0
    for name, timing in times.items():
        # By pairs of runs that were made one after the other: both slow down with the machine.
        above = statistics.median(run - _HELPS * each for run, each in zip(timing.runs, helps.runs, strict=True))
        worst = max(worst, above)
        rows.append((name, timing, f"{above:.2f} s"))
    head = (
        f"{len(pairs)} pairs, a whole run with its ranking and report, no server running; in turn, median (least to "
        f"most) of {scale.runs}. The last column, at most {_ALLOWED_S:g} s, is the median of the paired differences."
    )
    header = ("what", "start to exit", f"less {_HELPS} times the help")
    return Report(f"{head}\n\n{markdown_table(header, rows)}", {"above_help": worst})


def _seconds(place: Bench, flags: Sequence[str]) -> float:
    start = time.perf_counter()
    subprocess.run([NECROZMA, *flags], env=place.environment(), check=True, capture_output=True, cwd=Path.home())
    return time.perf_counter() - start
