"""Measurements that need a new process: the cost of a start, and peak memory.

``benchmarks.measuring.new_process.run_child`` starts this module, which calls one of its functions and prints the
measurement as one line of JSON.
"""

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from benchmarks.measuring.measure import peak_memory_mb


def backtest_one_pair(data: str, pair: str, timeframe: str) -> dict[str, Any]:
    """Backtest one pair as a worker does, once."""
    from necrozma_core.backtest.key import with_key  # noqa: PLC0415
    from necrozma_core.backtest.request import PairRequest  # noqa: PLC0415
    from necrozma_core.backtest.river import evaluate_pair  # noqa: PLC0415 -- the other measurements must not load it
    from necrozma_core.market.timeframes import parse_timeframe  # noqa: PLC0415
    from necrozma_core.strategies.source import StrategySource  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as results:
        start = time.perf_counter()
        request = PairRequest(pair, parse_timeframe(timeframe), StrategySource(), Path(data), Path(results))
        receipt = evaluate_pair(with_key(request), lambda *_: None)
        return {"seconds": time.perf_counter() - start, "trades": receipt.trades}


def rehearse() -> dict[str, Any]:
    """Load the engine and run the kernels of a plain run once, as a worker does before its first pair."""
    from necrozma_core.workers.rehearsal import rehearse as run_kernels  # noqa: PLC0415

    run_kernels()
    return {}


def compile_everything() -> dict[str, Any]:
    """Run every kernel there is, as the first worker of a version does."""
    from necrozma_core.workers.rehearsal import rehearse_everything  # noqa: PLC0415

    rehearse_everything()
    return {}


def show_stored_tasks(folder: str, tasks: str) -> dict[str, Any]:
    """Run a flow of pairs that are stored already; see `benchmarks.overhead`."""
    from benchmarks.overhead import run_stored_tasks  # noqa: PLC0415

    return run_stored_tasks(Path(folder), int(tasks))


def time_statistics(settings: str) -> dict[str, Any]:
    """Judge many settings at once; see `benchmarks.luck.work`."""
    from benchmarks.luck.work import time_statistics as time_each  # noqa: PLC0415

    return time_each(int(settings))


_CHILDREN: Final[dict[str, Callable[..., dict[str, Any]]]] = {
    "compile": compile_everything,
    "pair": backtest_one_pair,
    "rehearse": rehearse,
    "statistics": time_statistics,
    "tasks": show_stored_tasks,
}


def main() -> None:
    """Make the measurement that the command line names, and print it."""
    name, *arguments = sys.argv[1:]
    measured = _CHILDREN[name](*arguments)
    print(json.dumps({**measured, "peak_mb": peak_memory_mb()}))


if __name__ == "__main__":
    main()
