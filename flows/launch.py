"""One backtest from settings to outcome, through Prefect: what the command line calls.

The server is spawned first, then the workers warm up, then Prefect is imported; all three take their seconds side by
side. The flow runs in a thread of its own, so that the main thread is free for signals: Prefect's own handlers would
let running tasks finish first.
"""

import gc
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from typing import Any

from flows.binding import FlowBinding, bind
from flows.flow_thread import Crossing, run_in_thread
from flows.folders import history_folder
from flows.server.address import configured_api_url
from flows.server.embedded import EmbeddedServer, start_embedded
from flows.server.environment import QUIET
from flows.settings import Settings
from flows.sweep_request import flow_parameters, sweep_request
from necrozma_core.errors import NecrozmaError, PairsFailedError
from necrozma_core.sweep.observer import Observer
from necrozma_core.sweep.opening import open_session
from necrozma_core.sweep.outcome import RunOutcome
from necrozma_core.sweep.session import RunSession

_log = logging.getLogger(__name__)


def run_backtest(settings: Settings, observer: Observer) -> RunOutcome:
    """Run a backtest and return how it ended; what one pair does wrong is in the outcome, not raised.

    The observer's `on_start` is given the run, whose `stop` ends it from a signal handler.

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
    sweep = sweep_request(settings)
    with (
        _server_for(settings) as server,
        open_session(sweep, observer, [server.pid] if server is not None else []) as session,
        bind(session) as binding,
    ):
        starting = {os.getpid(): "Prefect"} | ({server.pid: "its server"} if server is not None else {})
        session.throttle.expect_start_up(starting)
        with _quiet_logging():
            run_in_thread(session, partial(_run_flow, settings, binding, server))
        # Where Prefect failed, no flow has said so.
        session.throttle.note_started(*starting)
        run_in_thread(session, partial(_complete, session))
        return session.outcome()


@contextmanager
def _server_for(settings: Settings) -> Iterator[EmbeddedServer | None]:
    """Hold the embedded server, or nothing where the user has one."""
    if configured_api_url():
        yield None
        return
    server = start_embedded(settings.prefect_home or history_folder())
    try:
        yield server
    finally:
        server.stop()


def _run_flow(settings: Settings, binding: FlowBinding, server: EmbeddedServer | None, crossing: Crossing) -> None:
    """Run the flow against the server.

    Trouble with Prefect itself is told and ends here: results do not depend on it.

    Raises
    ------
    NecrozmaError
        What the run must fail with.
    """
    session = binding.session
    try:
        with _prefect(server, session):
            from flows.backtest import backtest_pairs  # noqa: PLC0415 -- loaded by then, with Prefect
            from flows.history import drain_history, mark_crashed_flow_runs  # noqa: PLC0415

            if not crossing.cross():
                return
            mark_crashed_flow_runs(session.crashed)
            try:
                state = backtest_pairs(**flow_parameters(settings, backtest_pairs), return_state=True)
            finally:
                if server is not None and not server.is_alive():
                    session.tell("the Prefect server ended in mid-run: its history of this run is incomplete")
                else:
                    drain_history(binding.flow_run_id, binding.task_runs)
            error = state.result(raise_on_failure=False) if state.is_failed() else None
    except Exception as failure:  # noqa: BLE001 -- whatever Prefect and its HTTP client may raise
        _log.debug("the flow run failed", exc_info=True)
        session.tell(f"Prefect failed, its history of this run is incomplete: {type(failure).__name__}: {failure}")
        return
    if isinstance(error, NecrozmaError) and not isinstance(error, PairsFailedError):
        raise error
    if error is not None and not isinstance(error, NecrozmaError):
        session.tell(f"Prefect failed, its history of this run is incomplete: {type(error).__name__}: {error}")


@contextmanager
def _prefect(server: EmbeddedServer | None, session: RunSession) -> Iterator[None]:
    """Import Prefect and point it at the server, once that answers."""
    # Read when Prefect is imported. Its log goes to the server; the terminal belongs to the observer.
    levels = {f"PREFECT_LOGGING_HANDLERS_{handler}_LEVEL": "CRITICAL" for handler in ("CONSOLE", "DEBUG")}
    for name, value in {**QUIET, **levels}.items():
        os.environ.setdefault(name, value)
    # All of Prefect with it, while the server starts. What an import makes is there to stay: looking through it for
    # garbage is a sixth of it.
    gc.disable()
    try:
        import_module("flows.backtest")
    finally:
        gc.freeze()
        gc.enable()
    from prefect.settings import (  # noqa: PLC0415
        PREFECT_API_URL,
        PREFECT_CLIENT_MAX_RETRIES,
        PREFECT_FLOWS_HEARTBEAT_FREQUENCY,
        temporary_settings,
    )

    from flows.history import wait_for_server  # noqa: PLC0415
    from flows.log_lines import follow_stderr  # noqa: PLC0415

    # Whoever asks for its lines by the environment finds them above the view, not across it.
    follow_stderr()
    # A run's end waits up to a second for the thread that sends them; a dead run is found by the folder's lock.
    ours: dict[Any, Any] = {PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}
    # Prefect knows more places for settings than `configured_api_url` looks at: the user may have a server after all.
    is_users = server is None or bool(PREFECT_API_URL.value())
    if server is not None and not is_users:
        server.wait_ready(give_up=lambda: session.is_stopping)
        session.throttle.note_started(server.pid)
        # A retry takes twice as long as the one before; a server on this machine that does not answer is gone.
        ours |= {PREFECT_API_URL: server.api_url, PREFECT_CLIENT_MAX_RETRIES: 1}
    with temporary_settings(ours):
        if is_users:
            wait_for_server(session.tell, lambda: not session.dispatch.is_idle(), lambda: not session.is_stopping)
        yield


def _complete(session: RunSession, crossing: Crossing) -> None:
    """Do what the flow did not come to because Prefect failed under it; nothing, where it came to all."""
    if not crossing.cross():
        return
    session.backtest_remaining()
    if not session.is_stopping:
        session.complete()


@contextmanager
def _quiet_logging() -> Iterator[None]:
    """Keep handlers that fail, as Prefect's do when its server is gone, from writing over the terminal."""
    before, logging.raiseExceptions = logging.raiseExceptions, False
    try:
        yield
    finally:
        logging.raiseExceptions = before
