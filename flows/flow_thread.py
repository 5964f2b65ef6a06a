"""The flow in a thread of its own, so that the main thread is free for signals."""

import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import Final

from necrozma_core.errors import ExitCode
from necrozma_core.sweep.session import RunSession

_LOOK_S: Final = 0.1


class Crossing:
    """Point of no return: before it a stopped run is abandoned, after it we wait for an orderly end."""

    def __init__(self, session: RunSession) -> None:
        self._session = session
        self._lock = threading.Lock()
        self._crossed: bool | None = None

    def cross(self) -> bool:
        """Go on, if the run was not stopped before."""
        with self._lock:
            if self._crossed is None:
                self._crossed = not self._session.is_stopping
            return self._crossed

    def is_given_up(self) -> bool:
        """Tell whether the run was stopped before this was crossed; then it never will be."""
        return self._session.is_stopping and not self.cross()


def run_in_thread(session: RunSession, work: "Callable[[Crossing], None]") -> None:
    """Do the work in a thread and wait for it; a KeyboardInterrupt that nobody handled stops the run.

    A run that is stopped while Prefect is imported, which takes seconds, does not wait for that.
    """
    crossing = Crossing(session)
    done: Future[None] = Future()

    def do() -> None:
        try:
            work(crossing)
            done.set_result(None)
        except BaseException as error:  # noqa: BLE001 -- raised where it is waited for
            done.set_exception(error)

    threading.Thread(target=contextvars.copy_context().run, args=(do,), name="necrozma-flow", daemon=True).start()
    while not done.done():
        try:
            wait([done], timeout=_LOOK_S)
        except KeyboardInterrupt:
            session.stop(ExitCode.INTERRUPTED)
        if crossing.is_given_up():
            return
    done.result()
