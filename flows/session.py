"""One backtest from settings to outcome, through Prefect: what the command line calls.

The server is spawned first, then the workers warm up, then Prefect is imported; all three take their seconds side by
side. The flow runs in a thread of its own, so that the main thread is free for signals: Prefect's own handlers would
let running tasks finish first.
"""

import contextvars
import logging
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from config import Settings
from flows.folders import history_folder
from flows.observer import Observer, RunOutcome
from flows.plan import flow_parameters
from flows.running import RunSession, open_session
from flows.server import QUIET, ServerHandle, configured_api_url, start_server
from necrozma_core.errors import ExitCode, NecrozmaError, PairsFailedError
from necrozma_core.publishing import publish_page, publish_ranking

T = TypeVar("T")

__all__ = ["Observer", "RunOutcome", "RunSession", "run_backtest"]

_log = logging.getLogger(__name__)


def run_backtest(settings: Settings, observer: Observer) -> RunOutcome:
    """Run a backtest and return how it ended; what one pair does wrong is in the outcome, not raised.

    The observer's `on_start` is given the session, whose `stop` ends the run from a signal handler.

    Parameters
    ----------
    settings : Settings
    observer : Observer

    Returns
    -------
    RunOutcome

    Raises
    ------
    UsageError, DataError
        There is nothing to compute, or from.
    LockedError
        Another run holds the results folder.
    StorageError
        The results folder or the server's cannot be written.
    """
    with _server_for(settings) as server, open_session(settings, observer) as session:
        if server is not None:
            session.throttle.count_as_ours(server.pid)
        error = _uninterrupted(session, lambda: _run_flow(session, server))
        if error is not None:
            raise error
        _uninterrupted(session, lambda: _complete(session))
        return session.outcome()


@contextmanager
def _server_for(settings: Settings) -> Iterator[ServerHandle | None]:
    """Hold the embedded server, or nothing where the user has one."""
    if configured_api_url():
        yield None
        return
    server = start_server(settings.prefect_home or history_folder())
    try:
        yield server
    finally:
        server.stop()


def _run_flow(session: RunSession, server: ServerHandle | None) -> NecrozmaError | None:
    """Run the flow against the server; return what the run must fail with.

    Trouble with Prefect itself is told and ends here: results do not depend on it.
    """
    try:
        with _prefect(server, session) as is_ready:
            if not is_ready:
                return None
            from flows.backtest import backtest_pairs  # noqa: PLC0415 -- imports Prefect
            from flows.history import mark_crashed_flow_runs, settle_history  # noqa: PLC0415

            mark_crashed_flow_runs(session.crashed)
            try:
                state = backtest_pairs(**flow_parameters(session.settings, backtest_pairs), return_state=True)
            finally:
                if server is not None and not server.is_alive():
                    session.tell("the Prefect server ended in mid-run: its history of this run is incomplete")
                else:
                    settle_history(session.flow_run_id, session.task_runs)
    except Exception as error:  # noqa: BLE001 -- whatever Prefect and its HTTP client may raise
        _log.debug("the flow run failed", exc_info=True)
        session.tell(f"Prefect failed, its history of this run is incomplete: {type(error).__name__}: {error}")
        return None
    error = state.result(raise_on_failure=False) if state.is_failed() else None
    return error if isinstance(error, NecrozmaError) and not isinstance(error, PairsFailedError) else None


@contextmanager
def _prefect(server: ServerHandle | None, session: RunSession) -> Iterator[bool]:
    """Import Prefect and point it at the server; gives False where the run was stopped before that was done."""
    # Read when Prefect is imported. Its log goes to the server; the terminal belongs to the observer.
    for name, value in {**QUIET, "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL"}.items():
        os.environ.setdefault(name, value)
    from prefect.settings import (  # noqa: PLC0415
        PREFECT_API_URL,
        PREFECT_CLIENT_MAX_RETRIES,
        PREFECT_FLOWS_HEARTBEAT_FREQUENCY,
        temporary_settings,
    )

    if server is None or PREFECT_API_URL.value():
        # Prefect knows more places for settings than `configured_api_url` looks at.
        yield not session.is_stopping
        return
    server.wait_ready(give_up=lambda: session.is_stopping)
    ours = {
        PREFECT_API_URL: server.api_url,
        # It costs a second at the end; a dead run is found by the results folder's lock.
        PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None,
        # Each doubles the wait; a server on this machine that does not answer is gone.
        PREFECT_CLIENT_MAX_RETRIES: 2,
    }
    with temporary_settings(ours):
        yield not session.is_stopping


def _complete(session: RunSession) -> None:
    """Do what the flow did not come to because Prefect failed under it."""
    if session.is_stopping or session.record.is_concluded:
        return
    with ThreadPoolExecutor() as threads, session.admitting():
        for request in session.record.unsettled:
            session.admit()
            threads.submit(session.run_pair, request)
    if session.is_stopping:
        return
    if session.receipts:
        publish_ranking(session.run, session.receipts)
    session.conclude()
    if session.receipts:
        publish_page(session.run)


def _uninterrupted(session: RunSession, work: Callable[[], T]) -> T:
    """Do the work in a thread and wait for it; a KeyboardInterrupt that nobody handled stops the run."""
    with ThreadPoolExecutor(1, thread_name_prefix="necrozma-flow") as threads:
        done = threads.submit(contextvars.copy_context().run, work)
        while True:
            try:
                return done.result()
            except KeyboardInterrupt:
                session.stop(ExitCode.INTERRUPTED)
