"""How long a run waits for its Prefect server: while that lives and for a bounded time, not a moment for a dead one.

A server whose SQLite file is locked answers 503, which two runs that begin together bring about. Prefect's client
repeats a call a fixed number of times, whoever answers and whatever lives. Here, every call of this process is repeated
as long as the run can wait for it; results are computed meanwhile.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import anyio
import httpx
from prefect.client.base import PrefectHttpxAsyncClient, PrefectHttpxSyncClient
from prefect.events.clients import PrefectEventsClient
from prefect.exceptions import PrefectHTTPStatusError

_PATIENCE_S: Final = 60.0
"""For a server that lives and refuses; longer while pairs are computed. A locked database is free within seconds."""
_PARTING_S: Final = 5.0
"""The same once the run is to stop: whoever pressed Ctrl-C waits for it."""
_PAUSES_S: Final = (0.2, 0.5, 1.0, 2.0)
"""Between two tries; the last one for all further ones."""
_REFUSALS: Final = frozenset({408, 429, 502, 503, 504})
"""What a server answers that cannot serve a call now; 503 is Prefect's answer where its database is locked."""
_FORBIDDEN: Final = 403
_BROKEN: Final = (httpx.TimeoutException, httpx.NetworkError, httpx.ProtocolError)


class ServerGoneError(Exception):
    """The server's process has ended. Prefect's clients wait after a refused connection, but not after this."""


class Patience:
    """Says of a call that failed whether it is tried again.

    Parameters
    ----------
    is_alive : callable, optional
        Tells whether the server's process lives; None for a server of the user's, whose process is out of sight. Such
        a server is one that lives as long as it answers, and Prefect's own tries for one that does not are kept.
    is_working : callable
        Tells whether pairs are being computed.
    is_stopping : callable
        Tells whether the run is ending early.
    """

    def __init__(
        self,
        is_alive: Callable[[], bool] | None,
        is_working: Callable[[], bool],
        is_stopping: Callable[[], bool],
    ) -> None:
        self._is_alive = is_alive
        self._is_working = is_working
        self._is_stopping = is_stopping
        self._lost_until = 0.0
        self._lock = threading.Lock()

    def refuse_dead(self) -> None:
        """Raise ServerGoneError where the server's process has ended."""
        if self._is_alive is not None and not self._is_alive():
            raise ServerGoneError("its process has ended")

    def pause_after(self, error: Exception, tries: int, began: float) -> float:
        """Return the seconds after which a failed call is tried again.

        Parameters
        ----------
        error : Exception
            What the call failed with.
        tries : int
            So many tries failed.
        began : float
            When the first began, by the monotonic clock.

        Raises
        ------
        Exception
            The error, where another try does not help or the run has waited long enough.
        ServerGoneError
            The server has ended.
        """
        if not self._may_help(error):
            raise error
        self.refuse_dead()
        waited, now = time.monotonic() - began, time.monotonic()
        limit = _PARTING_S if self._is_stopping() else _PATIENCE_S
        with self._lock:
            # What was given up once is not waited for again by every call that follows.
            if now < self._lost_until or (waited > limit and (self._is_stopping() or not self._is_working())):
                self._lost_until = max(self._lost_until, now + _PATIENCE_S)
                raise error
        return _PAUSES_S[min(tries, len(_PAUSES_S)) - 1]

    def _may_help(self, error: Exception) -> bool:
        if isinstance(error, PrefectHTTPStatusError):
            code = error.response.status_code
            return code in _REFUSALS or (code == _FORBIDDEN and "Invalid CSRF token" in error.response.text)
        return self._is_alive is not None and isinstance(error, _BROKEN)


@contextmanager
def patient_clients(patience: Patience) -> Iterator[None]:
    """Make all of Prefect's clients in this process wait for the server as long as the run can.

    The clients are made inside Prefect, which sends no events by a client of another class than its own. So the calls
    of its classes are replaced, for as long as the block lasts.
    """
    send, send_async = PrefectHttpxSyncClient.send, PrefectHttpxAsyncClient.send
    reconnect = PrefectEventsClient._reconnect
    PrefectHttpxSyncClient.send = _patient(send, patience)  # type: ignore[method-assign]
    PrefectHttpxAsyncClient.send = _patient_async(send_async, patience)  # type: ignore[method-assign]
    PrefectEventsClient._reconnect = _unless_dead(reconnect, patience)  # type: ignore[method-assign]
    try:
        yield
    finally:
        PrefectHttpxSyncClient.send = send  # type: ignore[method-assign]
        PrefectHttpxAsyncClient.send = send_async  # type: ignore[method-assign]
        PrefectEventsClient._reconnect = reconnect  # type: ignore[method-assign]


def _unless_dead(reconnect: Callable[..., Any], patience: Patience) -> Callable[..., Any]:
    """Connect no more once the server is dead: Prefect's client would try for ten seconds, at every event."""

    async def connect(client: PrefectEventsClient) -> Any:
        patience.refuse_dead()
        return await reconnect(client)

    return connect


def _patient(send: Callable[..., Any], patience: Patience) -> Callable[..., Any]:
    def patiently(client: PrefectHttpxSyncClient, request: httpx.Request, *args: Any, **kwargs: Any) -> Any:
        began, tries = time.monotonic(), 0
        while True:
            patience.refuse_dead()
            try:
                return send(client, request, *args, **kwargs)
            except Exception as error:  # noqa: BLE001 -- raised again unless another try may help
                tries += 1
                pause_s = patience.pause_after(error, tries, began)
            time.sleep(pause_s)

    return patiently


def _patient_async(send: Callable[..., Any], patience: Patience) -> Callable[..., Any]:
    async def patiently(client: PrefectHttpxAsyncClient, request: httpx.Request, *args: Any, **kwargs: Any) -> Any:
        began, tries = time.monotonic(), 0
        while True:
            patience.refuse_dead()
            try:
                return await send(client, request, *args, **kwargs)
            except Exception as error:  # noqa: BLE001 -- as above
                tries += 1
                pause_s = patience.pause_after(error, tries, began)
            await anyio.sleep(pause_s)

    return patiently
