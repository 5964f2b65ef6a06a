"""The turnstile in front of Prefect's thread runner."""

import threading
import time

import pytest
from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.futures import wait

from flows.runner import ThrottledRunner
from necrozma_core.errors import StoppedError

pytestmark = pytest.mark.slow


class Door:
    """A turnstile for at most so many at once, which closes after so many in all."""

    def __init__(self, at_once=1, in_all=1_000):
        self._free = threading.Semaphore(at_once)
        self._left_to_admit = in_all
        self.inside, self.most_inside = 0, 0
        self.ended = []

    def admit(self):
        if self._left_to_admit == 0:
            raise StoppedError("closed")
        self._left_to_admit -= 1
        self._free.acquire()
        self.inside += 1
        self.most_inside = max(self.most_inside, self.inside)

    def leave(self, parameters, state):
        self.ended.append((parameters["number"], state.name if state else None))
        self.inside -= 1
        self._free.release()


class Tries:
    def __init__(self):
        self.count = 0


@task(cache_policy=NO_CACHE, retries=1, retry_delay_seconds=0)
def work(number, tries=None):
    if tries is not None:
        tries.count += 1
        if tries.count == 1:
            raise OSError("once more")
    time.sleep(0.05)
    if number < 0:
        raise ValueError("below zero")
    return number


def _run(door, body):
    runner = ThrottledRunner()
    runner.hold_back(door)

    @flow(task_runner=runner, name="runner-test")
    def runs():
        return body()

    return runs(return_state=True)


@pytest.mark.parametrize("at_once", [1, 3])
def test_map_lets_in_no_more_than_the_turnstile_does(at_once, api):
    door = Door(at_once)
    state = _run(door, lambda: [future.result() for future in work.map(range(8))])

    assert state.result() == list(range(8))
    assert door.most_inside == at_once
    assert door.inside == 0
    assert sorted(door.ended) == [(number, "Completed") for number in range(8)]


def test_submit_of_a_task_that_fails_is_told_and_leaves(api):
    door = Door()
    _run(door, lambda: wait([work.submit(-1), work.submit(1)]))

    assert door.ended == [(-1, "Failed"), (1, "Completed")]


def test_retry_keeps_its_admission(api):
    door, tries = Door(), Tries()
    _run(door, lambda: wait([work.submit(1, tries)]))

    assert tries.count == 2
    assert door.ended == [(1, "Completed")]


def test_map_ends_when_the_turnstile_closes(api):
    door = Door(at_once=2, in_all=3)
    state = _run(door, lambda: wait(work.map(range(8))))

    assert state.is_failed()
    assert isinstance(state.result(raise_on_failure=False), StoppedError)
    assert sorted(door.ended) == [(number, "Completed") for number in range(3)]


def test_duplicate_hands_the_turnstile_on():
    door = Door()
    runner = ThrottledRunner(max_workers=3, turnstile=door)
    copy = runner.duplicate()

    assert isinstance(copy, ThrottledRunner)
    assert (copy._turnstile, copy._max_workers) == (door, 3)


def test_submit_that_prefect_refuses_leaves_the_turnstile():
    door = Door()
    runner = ThrottledRunner(turnstile=door)

    with pytest.raises(RuntimeError, match="not started"):
        runner.submit(work, {"number": 1})
    assert door.ended == [(1, None)]
    assert door.inside == 0
