"""The parent's half of the gate: how many tasks may start, when it rests, and how it ends."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from necrozma_core.errors import StoppedError
from necrozma_core.throttle.gate import Gate, GateState
from necrozma_core.throttle.limits import Limits

PATIENCE_S = 20


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Caller:
    """Somebody in a thread who asks to be admitted."""

    def __init__(self, call: Callable[[], None]) -> None:
        self.error: BaseException | None = None
        self._call = call
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._call()
        except StoppedError as error:
            self.error = error

    def returns(self) -> bool:
        self._thread.join(PATIENCE_S)
        return not self._thread.is_alive()

    @property
    def waits(self) -> bool:
        # A caller that would be let in is let in at once; a short look is only ever too kind to the gate.
        self._thread.join(0.05)
        return self._thread.is_alive()


def make_gate(tmp_path: Path, clock: Clock | None = None, **limits: object) -> Gate:
    arguments = {"workers": 2, "cooldown_s": 0.0} | limits
    return Gate(tmp_path / "gate", Limits(**arguments), clock or Clock())  # type: ignore[arg-type]


@pytest.mark.parametrize(("allowance", "tasks"), [(0.1, 1), (1.0, 1), (1.6, 2), (2.0, 2), (3.2, 4)])
def test_gate_admits_the_allowance_rounded_up(tmp_path: Path, allowance: float, tasks: int) -> None:
    gate = make_gate(tmp_path, workers=4)
    gate.set_allowance(allowance)
    for _ in range(tasks):
        gate.admit()
    late = Caller(gate.admit)
    assert late.waits
    assert gate.in_flight == tasks
    gate.release()
    assert late.returns()
    assert gate.in_flight == tasks


def test_gate_that_opens_lets_the_waiting_in(tmp_path: Path) -> None:
    gate = make_gate(tmp_path)
    gate.set_allowance(0.0)
    late = Caller(gate.admit)
    assert late.waits
    assert gate.view().state is GateState.RESTING
    gate.set_allowance(0.1)
    assert late.returns()


def test_gate_that_closes_ends_every_wait(tmp_path: Path) -> None:
    gate = make_gate(tmp_path)
    gate.set_allowance(0.0)
    waiting = [Caller(gate.admit) for _ in range(5)]
    assert all(caller.waits for caller in waiting)
    gate.close()
    assert all(caller.returns() and isinstance(caller.error, StoppedError) for caller in waiting)
    with pytest.raises(StoppedError):
        gate.admit()
    gate.set_allowance(2.0)
    assert gate.view().state is GateState.CLOSED


def test_cooldown_is_taken_between_batches_and_shown_counting_down(tmp_path: Path) -> None:
    clock = Clock()
    gate = make_gate(tmp_path, clock, cooldown_s=5, cooldown_explicit=True)
    gate.admit()
    gate.admit()
    gate.release()
    # The batch is not done yet, so nobody else starts although there is room.
    late = Caller(gate.admit)
    assert late.waits
    assert gate.view().cooling_left_s == 0
    gate.release()
    assert late.waits
    assert gate.view().state is GateState.COOLING
    clock.now += 3
    assert gate.view().cooling_left_s == 2
    clock.now += 2
    assert late.returns()
    assert gate.view().cooling_left_s == 0


def test_cooldown_that_nobody_asked_for_is_no_longer_than_the_batch(tmp_path: Path) -> None:
    clock = Clock()
    gate = make_gate(tmp_path, clock, cooldown_s=5, workers=1)
    gate.admit()
    clock.now += 0.5
    gate.release()
    assert gate.view().cooling_left_s == 0.5


def test_cooldown_of_zero_never_waits(tmp_path: Path) -> None:
    gate = make_gate(tmp_path, cooldown_s=0, workers=2)
    gate.admit()
    for _ in range(20):
        gate.admit()
        gate.release()
    assert gate.view().state is GateState.OPEN


def test_cooldown_ends_at_once_when_the_gate_closes(tmp_path: Path) -> None:
    gate = make_gate(tmp_path, cooldown_s=3600, cooldown_explicit=True, workers=1)
    gate.admit()
    gate.release()
    late = Caller(gate.admit)
    assert late.waits
    gate.close()
    assert late.returns()
    assert isinstance(late.error, StoppedError)


def test_batches_may_be_larger_than_the_workers(tmp_path: Path) -> None:
    gate = make_gate(tmp_path, Clock(), cooldown_s=5, cooldown_explicit=True, workers=1, batch_size=3)
    for _ in range(3):
        gate.admit()
        gate.release()
    assert gate.view().state is GateState.COOLING


def test_task_seconds_are_summed_over_the_tasks_in_flight(tmp_path: Path) -> None:
    clock = Clock()
    gate = make_gate(tmp_path, clock)
    gate.admit()
    clock.now += 1
    gate.admit()
    clock.now += 2
    assert gate.task_seconds() == 5
    gate.release()
    clock.now += 1
    assert gate.task_seconds() == 6


def test_task_of_an_allowance_that_is_foreseen_begins_now_and_shares_what_there_is(tmp_path: Path) -> None:
    gate = make_gate(tmp_path, workers=2)
    gate.set_allowance(0.1, expected=1.6)
    gate.admit()
    # A pair's helper is asked for once, when the pair begins.
    assert gate.join()
    assert gate.view().allowance == 0.1
    gate.leave()
    gate.set_allowance(0.1)
    assert not gate.join()


def test_view_says_holding_while_fewer_than_all_workers_are_allowed(tmp_path: Path) -> None:
    gate = make_gate(tmp_path)
    gate.set_allowance(0.8)
    assert (gate.view().state, gate.view().allowance) == (GateState.HOLDING, 0.8)
    gate.set_allowance(2.0)
    assert gate.view().state is GateState.OPEN


def test_gate_helpers_count_as_tasks_in_flight_but_not_towards_the_batch(tmp_path: Path) -> None:
    gate = make_gate(tmp_path, workers=3, cooldown_s=5.0, cooldown_explicit=True, batch_size=2)
    gate.set_allowance(2.4)
    gate.admit()

    assert [gate.join(), gate.join(), gate.join()] == [True, True, False]
    assert gate.in_flight == 3
    gate.leave()
    gate.leave()
    gate.release()
    assert gate.view().state is not GateState.COOLING
    gate.admit()
    gate.release()
    assert gate.view().state is GateState.COOLING


def test_gate_closed_lets_no_helper_join(tmp_path: Path) -> None:
    gate = make_gate(tmp_path)
    gate.close()

    assert not gate.join()
