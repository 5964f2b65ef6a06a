"""A run without Prefect and without the engine: `session_child.py safely|naively DATA RESULTS`.

Lock, manifest, store, worker processes and ranking are the real ones, as the command uses them when Prefect has failed
under it. So a test can afford to kill it a thousand times.
"""
# ruff: noqa: T201 - printing is how the child answers the test.

import sys
from functools import partial

import toy_pairs

from config import load_settings
from flows import running
from flows.flow_thread import run_in_thread
from flows.launch import _complete
from flows.observer import RunOutcome
from necrozma_core.backtest.request import Receipt
from necrozma_core.errors import NecrozmaError


class Told:
    """An observer that prints."""

    def on_start(self, session: running.RunSession) -> None:
        print("began", session.run.run_id)

    def on_message(self, text: str) -> None:
        print(text)

    def on_pair_done(self, receipt: Receipt) -> None:
        print(receipt.pair, "computed" if receipt.computed else "stored before")

    def on_pair_failed(self, pair: str, error: Exception) -> None:
        print(pair, "failed:", error)

    def on_finish(self, outcome: RunOutcome) -> None:
        print("ended with", int(outcome.exit_code))


def main(how: str, data: str, results: str) -> int:
    """Run it and return the exit code."""
    compute = toy_pairs.compute_naively if how == "naively" else toy_pairs.compute
    running.WorkerPool = partial(running.WorkerPool, run=compute, warm=toy_pairs.nothing)  # type: ignore[misc, assignment]
    quick = {"adaptive_throttling": False, "cooldown_seconds": 0, "workers": 2}
    with running.open_session(load_settings({"data": data, "results": results, **quick}), Told()) as session:
        run_in_thread(session, partial(_complete, session))
        return int(session.outcome().exit_code)


if __name__ == "__main__":
    try:
        sys.exit(main(*sys.argv[1:]))
    except NecrozmaError as error:
        print(error, file=sys.stderr)
        sys.exit(int(error.exit_code))
