"""A whole sweep in one call and without Prefect: for a script, a notebook, another program."""

import threading
from concurrent.futures import Future, wait

from necrozma_core.backtest.request import Receipt
from necrozma_core.errors import ExitCode
from necrozma_core.sweep.observer import Observer, RunView
from necrozma_core.sweep.opening import open_session
from necrozma_core.sweep.outcome import RunOutcome
from necrozma_core.sweep.request import SweepRequest
from necrozma_core.sweep.session import RunSession


class Silent:
    """An observer that shows nothing; a base for one that shows little."""

    def on_start(self, run: RunView) -> None:
        """Show nothing."""

    def on_message(self, text: str) -> None:
        """Show nothing."""

    def on_phase(self, text: str) -> None:
        """Show nothing."""

    def on_pair_done(self, receipt: Receipt) -> None:
        """Show nothing."""

    def on_pair_failed(self, pair: str, error: Exception) -> None:
        """Show nothing."""

    def on_finish(self, outcome: RunOutcome) -> None:
        """Show nothing."""


def run_sweep(sweep: SweepRequest, observer: Observer | None = None) -> RunOutcome:
    """Backtest every strategy on every pair; what is stored already is not computed again.

    Worker processes are started, so a script calls this below ``if __name__ == "__main__":`` or from a function.

    Parameters
    ----------
    sweep : SweepRequest
    observer : Observer, optional
        Is told what happens; without one nothing is shown.

    Returns
    -------
    RunOutcome
        What one pair does wrong is in there, not raised; `RunOutcome.raise_failures` does that. Ctrl-C stops the run
        in order: what is stored stays, and the outcome says so. Before the run is open, Ctrl-C is raised.

    Raises
    ------
    UsageError, DataError
        There is nothing to compute, or from.
    LockedError
        Another run holds the results folder.
    StorageError
        The results folder cannot be written.
    """
    with open_session(sweep, observer or Silent()) as session:
        _wait_for(session)
    return session.outcome()


def _wait_for(session: RunSession) -> None:
    """Let a thread do the work, so that Ctrl-C finds the main thread able to stop the workers."""
    done: Future[None] = Future()

    def work() -> None:
        try:
            session.backtest_remaining()
            if not session.is_stopping:
                session.complete()
            done.set_result(None)
        except BaseException as error:  # noqa: BLE001 -- raised where it is waited for
            done.set_exception(error)

    threading.Thread(target=work, name="necrozma-sweep", daemon=True).start()
    while not done.done():
        try:
            wait([done])
        except KeyboardInterrupt:
            session.stop(ExitCode.INTERRUPTED)
    done.result()
