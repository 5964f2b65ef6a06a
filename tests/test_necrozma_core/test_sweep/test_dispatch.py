"""Pairs that begin before whatever shows them is there."""

import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from necrozma_core.errors import StoppedError, WorkerDiedError, WorkerError
from necrozma_core.sweep.dispatch import Dispatch

PATIENCE_S = 20


class Turn:
    """A throttle for so many at once; counts admissions."""

    def __init__(self, at_once=2):
        self.admitted = 0
        self._places = threading.Semaphore(at_once)
        self._closed = False

    def admit(self):
        while not self._places.acquire(timeout=0.01):
            if self._closed:
                raise StoppedError("closed")
        if self._closed:
            raise StoppedError("closed")
        self.admitted += 1

    def release(self):
        self._places.release()

    def close(self):
        self._closed = True


def _requests(*pairs):
    return [SimpleNamespace(pair=pair) for pair in pairs]


def test_dispatch_begins_pairs_that_nobody_asked_for_yet():
    begun = {pair: threading.Event() for pair in "abc"}
    dispatch = Dispatch(_requests(*"abc"), Turn(), lambda request: begun[request.pair].set())
    dispatch.begin()

    assert all(event.wait(PATIENCE_S) for event in begun.values())


def test_dispatch_next_try_takes_up_what_was_begun_and_computes_once():
    asked = []
    requests = _requests(*"abc")
    dispatch = Dispatch(requests, Turn(), lambda request: asked.append(request.pair) or request.pair.upper())
    dispatch.begin()
    dispatch.wait_begun(3)
    with ThreadPoolExecutor(3) as threads:
        assert list(threads.map(dispatch.next_try, requests)) == ["A", "B", "C"]

    assert sorted(asked) == ["a", "b", "c"]
    assert dispatch.receipt_of("b") == "B"


def test_dispatch_another_try_passes_the_throttle_anew():
    turn, tries = Turn(1), []

    def compute(request):
        tries.append(request.pair)
        if len(tries) == 1:
            raise WorkerDiedError("killed")
        return "receipt"

    dispatch = Dispatch(_requests("a"), turn, compute)
    dispatch.begin()
    with pytest.raises(WorkerDiedError):
        dispatch.next_try(*_requests("a"))

    assert dispatch.next_try(*_requests("a")) == "receipt"
    assert (turn.admitted, tries) == (2, ["a", "a"])


def test_dispatch_waits_for_the_throttle_and_ends_with_it():
    turn, go_on = Turn(1), threading.Event()
    requests = _requests("a", "b")
    dispatch = Dispatch(requests, turn, lambda _: go_on.wait(PATIENCE_S))
    dispatch.begin()
    dispatch.wait_begun(1)
    turn.close()

    with pytest.raises(StoppedError):
        dispatch.wait_begun(2)
    with pytest.raises(StoppedError):
        dispatch.next_try(requests[1])
    go_on.set()
    assert dispatch.next_try(requests[0])


def test_dispatch_without_a_thread_left_fails_that_pair_alone_and_gives_its_turn_back(monkeypatch):
    turn, start = Turn(1), threading.Thread.start

    def refused(thread):
        if thread.name == "necrozma-a":
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refused)
    requests = _requests("a", "b")
    dispatch = Dispatch(requests, turn, lambda request: request.pair.upper())
    dispatch.begin()

    with pytest.raises(WorkerError, match="a: could not be begun"):
        dispatch.next_try(requests[0])
    assert dispatch.next_try(requests[1]) == "B"


def test_dispatch_whose_turn_breaks_leaves_nobody_waiting(monkeypatch):
    class Broken(Turn):
        def admit(self):
            raise ZeroDivisionError("no good")

    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    requests = _requests("a")
    dispatch = Dispatch(requests, Broken(), lambda request: None)
    dispatch.begin()

    with pytest.raises(StoppedError):
        dispatch.next_try(requests[0])


def test_dispatch_pair_that_is_stored_is_not_computed_again_when_showing_it_failed():
    asked = []
    requests = _requests("a")
    dispatch = Dispatch(requests, Turn(), lambda request: asked.append(request.pair) or "receipt")
    dispatch.begin()

    assert [dispatch.next_try(requests[0]) for _ in range(3)] == ["receipt"] * 3
    assert asked == ["a"]
