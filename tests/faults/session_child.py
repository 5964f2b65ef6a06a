"""A run without Prefect and without the engine: `session_child.py safely|naively DATA RESULTS`.

Lock, manifest, store, worker processes and ranking are the real ones, as a script uses them. So a test can afford to
kill it a thousand times.
"""
# ruff: noqa: T201 - printing is how the child answers the test.

import os
import sys
from functools import partial
from pathlib import Path

import toy_pairs

from necrozma_core.backtest.request import Receipt
from necrozma_core.errors import NecrozmaError
from necrozma_core.sweep import session
from necrozma_core.sweep.observer import RunView
from necrozma_core.sweep.outcome import RunOutcome
from necrozma_core.sweep.request import SweepRequest
from necrozma_core.sweep.running import run_sweep
from necrozma_core.throttle.limits import Limits


class Told:
    """An observer that prints."""

    def on_start(self, run: RunView) -> None:
        print("began", run.run_id)

    def on_message(self, text: str) -> None:
        print(text)

    def on_phase(self, text: str) -> None:
        pass

    def on_pair_done(self, receipt: Receipt) -> None:
        print(receipt.pair, "computed" if receipt.computed else "stored before")

    def on_pair_failed(self, pair: str, error: Exception) -> None:
        print(pair, "failed:", error)

    def on_finish(self, outcome: RunOutcome) -> None:
        print("ended with", int(outcome.exit_code))


def main(how: str, data: str, results: str) -> int:
    """Run it and return the exit code."""
    compute = toy_pairs.compute_naively if how == "naively" else toy_pairs.compute
    session.WorkerPool = partial(session.WorkerPool, run=compute, warm=toy_pairs.nothing, build=toy_pairs.nothing)  # type: ignore[misc, assignment]
    sweep = SweepRequest(
        data=Path(data),
        results=Path(results),
        limits=Limits(workers=2, adaptive=False, cooldown_s=0.0),
        kernels=Path(os.environ["XDG_CACHE_HOME"]) / "necrozma",
    )
    return int(run_sweep(sweep, Told()).exit_code)


if __name__ == "__main__":
    try:
        sys.exit(main(*sys.argv[1:]))
    except NecrozmaError as error:
        print(error, file=sys.stderr)
        sys.exit(int(error.exit_code))
