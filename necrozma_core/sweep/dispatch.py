"""Begins the pairs of a run one after the other, while whatever is to show them is perhaps still starting.

Prefect and its server take seconds to start, in which workers would have nothing to do. So the dispatch begins the
pairs by itself, each when the throttle lets it; whoever shows a pair takes up what comes of it. A further try passes
the throttle anew.
"""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import Protocol

from necrozma_core.backtest.request import PairRequest, Receipt
from necrozma_core.errors import StoppedError, WorkerError


class Turn(Protocol):
    """What a pair waits for: the throttle of a run."""

    def admit(self) -> None:
        """Wait until one more may be computed; StoppedError if none ever will."""
        ...

    def release(self) -> None:
        """Tell that one that was admitted has ended."""
        ...


class Dispatch:
    """The pairs of a run on their way through the throttle; whoever shows a pair asks for what comes of it here.

    Parameters
    ----------
    requests : sequence of PairRequest
        In the order in which they are begun.
    turn : Turn
    compute : callable
        Backtests a pair, or finds it stored.
    """

    def __init__(self, requests: Sequence[PairRequest], turn: Turn, compute: Callable[[PairRequest], Receipt]) -> None:
        self._requests = requests
        self._turn = turn
        self._compute = compute
        self._changed = threading.Condition()
        self._begun = 0
        self._is_over = False
        self._waiting = {request.pair for request in requests}
        self._tries: dict[str, Future[Receipt]] = {}
        self._receipts: dict[str, Receipt] = {}

    def begin(self) -> None:
        """Begin the first pairs, and go on with the others as they may; returns at once."""
        threading.Thread(target=self._begin_all, name="necrozma-dispatch", daemon=True).start()

    def wait_begun(self, number: int) -> None:
        """Return when so many pairs have begun.

        Raises
        ------
        StoppedError
            The run is ending, and they never will.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._begun >= number or self._is_over)
            if self._begun < number:
                raise StoppedError("the run is ending")

    def next_try(self, request: PairRequest) -> Receipt:
        """Return what comes of a pair's next try; raises what the backtest does.

        The dispatch begins a pair's first try by itself, in order; any further one passes the throttle here.
        """
        with self._changed:
            self._changed.wait_for(lambda: request.pair not in self._waiting or self._is_over)
            if request.pair in self._waiting:
                raise StoppedError("the run is ending")
            attempt = self._tries.pop(request.pair, None)
        if receipt := self._receipts.get(request.pair):
            # What failed was showing it.
            return receipt
        return attempt.result() if attempt else self._admit_and_compute(request)

    def is_idle(self) -> bool:
        """Tell whether every pair has been begun and none is being computed."""
        with self._changed:
            return not self._waiting and all(attempt.done() for attempt in self._tries.values())

    def receipt_of(self, pair: str) -> Receipt | None:
        """Return the receipt of a pair that was computed here."""
        return self._receipts.get(pair)

    def _begin_all(self) -> None:
        try:
            with suppress(StoppedError):
                for request in self._requests:
                    self._turn.admit()
                    self._begin_one(request)
        finally:
            # Also where something failed that should not have: nobody may wait for a pair that never begins.
            with self._changed:
                self._is_over = True
                self._changed.notify_all()

    def _begin_one(self, request: PairRequest) -> None:
        """Begin the first try of a pair that was admitted, in a thread of its own."""
        attempt: Future[Receipt] = Future()

        def compute() -> None:
            try:
                attempt.set_result(self._compute_admitted(request))
            except BaseException as error:  # noqa: BLE001 -- raised where the try is asked for
                attempt.set_exception(error)

        try:
            threading.Thread(target=compute, name=f"necrozma-{request.pair}").start()
        except RuntimeError as error:
            # The system has no thread left. The pair fails by itself, and the others have their turn.
            self._turn.release()
            attempt.set_exception(WorkerError(f"{request.pair}: could not be begun: {error}"))
        with self._changed:
            self._tries[request.pair] = attempt
            self._waiting.discard(request.pair)
            self._begun += 1
            self._changed.notify_all()

    def _admit_and_compute(self, request: PairRequest) -> Receipt:
        self._turn.admit()
        return self._compute_admitted(request)

    def _compute_admitted(self, request: PairRequest) -> Receipt:
        try:
            receipt = self._compute(request)
            self._receipts[request.pair] = receipt
            return receipt
        finally:
            self._turn.release()
