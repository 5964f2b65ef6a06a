"""How long a start takes: imports, kernels, the server."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.measuring.command import NECROZMA
from benchmarks.measuring.measure import Report, Timing, interleaved, markdown_table
from benchmarks.measuring.new_process import run_child
from benchmarks.scale import FULL, Scale
from flows.server.embedded import start_embedded

_ROOT: Final = Path(__file__).parents[1]


def measure_startup(scale: Scale = FULL) -> Report:
    """Return the table of everything that happens before the first pair is begun."""
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        kernels, home = {"NUMBA_CACHE_DIR": str(scratch / "kernels")}, scratch / "prefect"
        compiled = [_compile(scratch / f"kernels-{number}") for number in range(scale.job_runs)]
        first = [_start(scratch / f"prefect-{number}") for number in range(scale.job_runs)]
        _child(kernels)  # this and the next line make the kernels and the database that the works below find
        _start(home)
        works: dict[str, Callable[[], float]] = {
            "Python itself": partial(_python, "pass"),
            "`necrozma --help`": partial(_seconds, [NECROZMA, "--help"]),
            "import of numba": partial(_python, "import numba"),
            "a worker: engine loaded, every kernel run once": partial(_child, kernels),
            "import of Prefect": partial(_python, "import prefect"),
            "import of the flow, Prefect with it": partial(_python, "import flows.backtest"),
            "the server, start to its first answer": partial(_start, home),
        }
        times = interleaved(works, scale.job_runs)
    times["a worker the first time, all kernels compiled"] = Timing(tuple(compiled))
    times["the server the first time, its database made"] = Timing(tuple(first))
    head = (
        f"Each in a process of its own, the interpreter's start included; median (least to most) of {scale.job_runs}."
    )
    table = markdown_table(("what", "time"), [*times.items()])
    return Report(f"{head}\n\n{table}", {"help": times["`necrozma --help`"].median})


def _seconds(command: Sequence[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, cwd=_ROOT, check=True, capture_output=True)
    return time.perf_counter() - start


def _python(code: str) -> float:
    return _seconds([sys.executable, "-c", code])


def _child(environment: Mapping[str, str]) -> float:
    return float(run_child("rehearse", environment=environment)["wall"])


def _compile(folder: Path) -> float:
    return float(run_child("compile", environment={"NUMBA_CACHE_DIR": str(folder)})["wall"])


def _start(home: Path) -> float:
    """Seconds until a server of a folder answers; it is gone afterwards."""
    start = time.perf_counter()
    server = start_embedded(home)
    try:
        server.wait_ready()
        return time.perf_counter() - start
    finally:
        server.stop()
