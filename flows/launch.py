"""One backtest from settings to outcome, through Prefect where it is needed: what the command line calls.

The server is spawned first, then the workers warm up, then Prefect is imported; all three take their seconds side by
side. The flow runs in a thread of its own, so that the main thread is free for signals: Prefect's own handlers would
let running tasks finish first.

Where everything is stored already, and where no history is wanted, nothing of Prefect is started or imported. The
history has a run that computed nothing from a server that runs, or from the next run that starts one.
"""

import gc
import logging
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from typing import Any, Final

from flows.binding import FlowBinding, bind
from flows.flow_thread import Crossing, run_in_thread
from flows.folders import history_folder
from flows.notifications import notifying
from flows.server.address import configured_api_url
from flows.server.embedded import EmbeddedServer, running_api_url, start_embedded
from flows.server.environment import QUIET
from flows.server.plain_api import PlainApi
from flows.settings import Settings
from flows.sweep_request import flow_parameters, sweep_request
from flows.untold import tell_untold
from necrozma_core.errors import NecrozmaError, PairsFailedError, StorageError
from necrozma_core.storage.runs.untold import note_untold
from necrozma_core.sweep.observer import Observer
from necrozma_core.sweep.opening import open_session
from necrozma_core.sweep.outcome import RunOutcome
from necrozma_core.sweep.session import RunSession

_TELLING_S: Final = 2.0
"""What a run that computed nothing spends on telling of itself and of runs like it before."""

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
        _ServerOfRun(settings) as server,
        open_session(sweep, observer, server.start) as session,
        bind(session) as binding,
    ):
        if not settings.history or not session.missing:
            return _run_without_prefect(settings, session)
        embedded = server.embedded
        starting = {os.getpid(): "Prefect"} | ({embedded.pid: "its server"} if embedded is not None else {})
        session.throttle.expect_start_up(starting)
        with _quiet_logging():
            run_in_thread(session, partial(_run_flow, settings, binding, embedded))
        # Where Prefect failed, no flow has said so.
        session.throttle.note_started(*starting)
        run_in_thread(session, partial(_complete, session))
        return session.outcome()


class _ServerOfRun:
    """The embedded server, once a run needs it; none where the user has one, or wants no history."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.embedded: EmbeddedServer | None = None

    def __enter__(self) -> "_ServerOfRun":
        return self

    def __exit__(self, *raised: object) -> None:
        if self.embedded is not None:
            self.embedded.stop()

    def start(self) -> Iterable[int]:
        """Start it and return its process id, if there is to be one."""
        if not self._settings.history or configured_api_url():
            return ()
        self.embedded = start_embedded(self._settings.prefect_home or history_folder())
        return (self.embedded.pid,)


def _run_without_prefect(settings: Settings, session: RunSession) -> RunOutcome:
    """Take a run through that Prefect does not show as it goes: everything is stored, or no history is wanted."""
    if settings.history or session.crashed:
        # Before anything else, so that also a run that is killed is told of.
        note_untold(session.folder, session.crashed, is_wanted=settings.history)
    with notifying(session.run_id, session.outcome):
        run_in_thread(session, partial(_complete, session))
        if settings.history and not session.is_stopping:
            _tell_running_server(settings, session)
    return session.outcome()


def _tell_running_server(settings: Settings, session: RunSession) -> None:
    """Tell the history of runs that started no Prefect, this one among them, if a server runs already."""
    url = configured_api_url() or running_api_url(settings.prefect_home or history_folder())
    reason = "no Prefect server runs"
    if url is not None:
        try:
            tell_untold(settings.results, PlainApi(url), _TELLING_S)
        except StorageError:
            raise
        except Exception:  # noqa: BLE001 -- whatever answers there need not be the Prefect that we know
            _log.debug("the Prefect server at %s was not told", url, exc_info=True)
            reason = "the Prefect server did not take this run"
        else:
            return
    session.record.begin_phase(f"{reason}: the next run that starts Prefect brings this one into the history")


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
            from flows.history import drain_history, mark_crashed_flow_runs, tell_untold_runs  # noqa: PLC0415

            if not crossing.cross():
                return
            mark_crashed_flow_runs(session.crashed)
            try:
                state = backtest_pairs(**flow_parameters(settings), return_state=True)
            finally:
                session.record.begin_phase("waiting until the history is complete")
                is_there = server is None or server.is_alive()
                drain_history(binding.flow_run_id if is_there else None, binding.task_runs)
                if is_there and not session.is_stopping:
                    tell_untold_runs(settings.results)
            error = state.result(raise_on_failure=False) if state.is_failed() else None
    except Exception as failure:  # noqa: BLE001 -- whatever Prefect and its HTTP client may raise
        _log.debug("the flow run failed", exc_info=True)
        _tell_lost_history(binding, server, failure)
        return
    if isinstance(error, NecrozmaError) and not isinstance(error, PairsFailedError):
        raise error
    if not is_there or (error is not None and not isinstance(error, NecrozmaError)):
        _tell_lost_history(binding, server, error)


def _tell_lost_history(binding: FlowBinding, server: EmbeddedServer | None, failure: object) -> None:
    """Say what Prefect's history of a run lacks, and why."""
    lack = "this run is not in the history" if binding.flow_run_id is None else "the history of this run is incomplete"
    if isinstance(failure, NecrozmaError):
        reason = str(failure)
    elif server is not None and not server.is_alive():
        reason = f"the Prefect server ended in mid-run, see {server.log_file}"
    else:
        reason = f"Prefect failed with {type(failure).__name__}: {failure}"
    binding.session.tell(f"{lack}, its results are not affected: {reason}")


@contextmanager
def _prefect(server: EmbeddedServer | None, session: RunSession) -> Iterator[None]:
    """Import Prefect and point it at the server, once that answers."""
    session.record.begin_phase("starting Prefect beside them, for the history")
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
    from flows.server.patience import Patience, patient_clients  # noqa: PLC0415
    from flows.terminal.log_lines import follow_stderr  # noqa: PLC0415

    # Whoever asks for its lines by the environment finds them above the view, not across it.
    follow_stderr()
    # A run's end waits up to a second for the thread that sends them; a dead run is found by the folder's lock.
    ours: dict[Any, Any] = {PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}
    # Prefect knows more places for settings than `configured_api_url` looks at: the user may have a server after all.
    is_users = server is None or bool(PREFECT_API_URL.value())
    if server is not None and not is_users:
        server.wait_ready(give_up=lambda: session.is_stopping)
        session.throttle.note_started(server.pid)
        # Whether a call is repeated, and when, is for `Patience` to say: it knows whether the server lives.
        ours |= {PREFECT_API_URL: server.api_url, PREFECT_CLIENT_MAX_RETRIES: 0}

    def is_working() -> bool:
        return not session.dispatch.is_idle()

    is_alive = None if server is None or is_users else server.is_alive
    with temporary_settings(ours):
        if is_users:
            wait_for_server(session.tell, is_working, lambda: not session.is_stopping)
        with patient_clients(Patience(is_alive, is_working, lambda: session.is_stopping)):
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
