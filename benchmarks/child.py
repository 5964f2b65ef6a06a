"""Measurements that need a process of their own: what it costs to begin, and what it holds at its most.

``run_child`` starts this module anew; each function below prints one JSON line of what it measured.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from benchmarks.measure import peak_memory_mb

_ROOT: Final = Path(__file__).parents[1]
_ONE_THREAD: Final = dict.fromkeys(
    ("ARROW_IO_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"
)


def run_child(name: str, *arguments: str, environment: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Run one of the functions below in a new process with one numeric thread.

    Returns
    -------
    dict
        What it printed, and ``wall``: seconds from its start to its end.

    Raises
    ------
    SystemExit
        If it fails, with what it printed.
    """
    command = [sys.executable, "-m", "benchmarks.child", name, *arguments]
    start = time.perf_counter()
    done = subprocess.run(
        command,
        cwd=_ROOT,
        env={**os.environ, **_ONE_THREAD, **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    wall = time.perf_counter() - start
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return {**json.loads(done.stdout.splitlines()[-1]), "wall": wall}


def backtest_one_pair(data: str, pair: str, timeframe: str) -> dict[str, Any]:
    """Take one pair through the river as a worker does, once."""
    from necrozma_core.evaluation import backtest_pair  # noqa: PLC0415 -- loading it is not what is measured elsewhere
    from necrozma_core.jobs import PairRequest, with_key  # noqa: PLC0415
    from necrozma_core.strategies.source import StrategySource  # noqa: PLC0415
    from necrozma_core.timeframes import parse_timeframe  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as results:
        start = time.perf_counter()
        request = PairRequest(pair, parse_timeframe(timeframe), StrategySource(), Path(data), Path(results))
        receipt = backtest_pair(with_key(request), lambda *_: None)
        return {"seconds": time.perf_counter() - start, "trades": receipt.trades}


def rehearse() -> dict[str, Any]:
    """Load the engine and run every kernel once, as a worker does before its first pair."""
    from necrozma_core.workers.rehearsal import rehearse as run_every_kernel  # noqa: PLC0415

    run_every_kernel()
    return {}


def settle_tasks(folder: str, tasks: str) -> dict[str, Any]:
    """Run a flow of pairs that are stored already; see `benchmarks.overhead`."""
    from benchmarks.overhead import run_stored_tasks  # noqa: PLC0415

    return run_stored_tasks(Path(folder), int(tasks))


_CHILDREN: Final[dict[str, Callable[..., dict[str, Any]]]] = {
    "pair": backtest_one_pair,
    "rehearse": rehearse,
    "tasks": settle_tasks,
}


def main() -> None:
    """Do what the command line names and print what was measured."""
    name, *arguments = sys.argv[1:]
    measured = _CHILDREN[name](*arguments)
    print(json.dumps({**measured, "peak_mb": peak_memory_mb()}))


if __name__ == "__main__":
    main()
