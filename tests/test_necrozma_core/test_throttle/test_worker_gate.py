"""A worker's half of the gate: on a clock of paper, and in processes that are killed."""

import multiprocessing
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from necrozma_core.errors import StoppedError
from necrozma_core.throttle.gate import Gate, GateState
from necrozma_core.throttle.gate_file import GateFile
from necrozma_core.throttle.limits import Limits
from necrozma_core.throttle.schedule import PERIOD_NS
from necrozma_core.throttle.worker_gate import WorkerGate

SECOND_NS = 10**9
START_NS = 10**15
PATIENCE_S = 30


class Paper:
    """A clock that sleeping and working move on, for one worker of a gate."""

    def __init__(self, path: Path, slot: int = 0) -> None:
        self.now_ns = START_NS
        self.longest_sleep_s = 0.0
        self.holds: list[bool] = []
        self.while_asleep: Callable[[], None] = lambda: None
        self.gate = WorkerGate(GateFile.attach(path), slot, self.holds.append, lambda: self.now_ns, self.sleep)

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.longest_sleep_s = max(self.longest_sleep_s, seconds)
        self.now_ns += max(1, round(seconds * 1e9))
        self.while_asleep()

    def work_until(self, end_ns: int, unit_ns: int) -> float:
        """Work in units, waiting between them; the share of the time that was work."""
        begun, worked = self.now_ns, 0
        while self.now_ns < end_ns:
            self.gate.wait()
            self.now_ns += unit_ns
            worked += unit_ns
        return worked / (self.now_ns - begun)


def busy_slots(gate: Gate) -> list[bool]:
    file = GateFile.attach(gate.path)
    return [bool(pid) for pid in file.fields[file.busy_fields]]


def make_gate(tmp_path: Path, workers: int = 2) -> Gate:
    return Gate(tmp_path / "gate", Limits(workers=workers, cooldown_s=0), lambda: START_NS / 1e9)


def test_open_gate_is_passed_without_a_look_at_the_clock(tmp_path: Path) -> None:
    gate = make_gate(tmp_path)

    def no_clock() -> int:
        raise AssertionError("looked at the clock")

    worker = WorkerGate(GateFile.attach(gate.path), 0, clock_ns=no_clock)
    worker.begin()
    worker.wait()


@pytest.mark.parametrize("unit_ms", [0.5, 5, 50, 700])
@pytest.mark.parametrize("allowance", [0.05, 0.3, 0.8, 1.0])
def test_share_of_a_single_worker_is_exact_however_long_its_units_are(
    tmp_path: Path, allowance: float, unit_ms: float
) -> None:
    gate = make_gate(tmp_path)
    gate.set_allowance(allowance)
    worker = Paper(gate.path)
    worker.gate.begin()
    # Long units owe for minutes.
    share = worker.work_until(START_NS + 300 * SECOND_NS, round(unit_ms * 1e6))
    assert share == pytest.approx(allowance, rel=0.05)
    assert worker.longest_sleep_s <= 0.05


def test_workers_that_share_get_equal_shares(tmp_path: Path) -> None:
    gate = make_gate(tmp_path, workers=3)
    gate.set_allowance(1.6)
    workers = [Paper(gate.path, slot) for slot in range(3)]
    for worker in workers:
        worker.gate.begin()
    shares = [worker.work_until(START_NS + 60 * SECOND_NS, 3_000_000) for worker in workers]
    assert shares == pytest.approx([1.6 / 3] * 3, rel=0.02)


def test_worker_that_ends_leaves_its_share_to_the_others(tmp_path: Path) -> None:
    gate = make_gate(tmp_path)
    gate.set_allowance(1.0)
    first, second = Paper(gate.path, 0), Paper(gate.path, 1)
    first.gate.begin()
    second.gate.begin()
    assert first.work_until(START_NS + 20 * SECOND_NS, 1_000_000) == pytest.approx(0.5, rel=0.05)
    second.gate.end()
    assert first.work_until(START_NS + 40 * SECOND_NS, 1_000_000) == pytest.approx(1.0, rel=0.05)


def test_worker_that_died_is_vacated_by_the_parent_or_its_successor(tmp_path: Path) -> None:
    gate = make_gate(tmp_path)
    gate.set_allowance(1.0)
    first, dead = Paper(gate.path, 0), Paper(gate.path, 1)
    first.gate.begin()
    dead.gate.begin()
    assert busy_slots(gate) == [True, True]
    gate.vacate(1)
    assert first.work_until(START_NS + 20 * SECOND_NS, 1_000_000) == pytest.approx(1.0, rel=0.05)
    dead.gate.begin()
    WorkerGate.attach(gate.path, 1)
    assert busy_slots(gate) == [True, False]


def test_time_that_ran_while_the_gate_was_open_is_owed_to_nobody(tmp_path: Path) -> None:
    now = START_NS
    gate = Gate(tmp_path / "gate", Limits(workers=2, cooldown_s=0), lambda: now / 1e9)
    worker = Paper(gate.path)
    worker.gate.begin()
    gate.set_allowance(0.5)
    worker.work_until(START_NS + SECOND_NS, 1_000_000)
    gate.set_allowance(2.0)
    worker.work_until(START_NS + 100 * SECOND_NS, 1_000_000)
    now = worker.now_ns
    gate.set_allowance(0.5)
    before = worker.now_ns
    worker.gate.wait()
    assert worker.now_ns - before <= PERIOD_NS


def test_held_worker_goes_on_within_a_twentieth_of_a_second(tmp_path: Path) -> None:
    gate = make_gate(tmp_path)
    gate.set_allowance(0.0)
    worker = Paper(gate.path)
    worker.gate.begin()
    opened_ns = 0

    def open_after_a_minute() -> None:
        nonlocal opened_ns
        if not opened_ns and worker.now_ns >= START_NS + 60 * SECOND_NS:
            opened_ns = worker.now_ns
            gate.set_allowance(2.0)

    worker.while_asleep = open_after_a_minute
    worker.gate.wait()
    assert 0 < opened_ns <= worker.now_ns <= opened_ns + 50_000_000
    assert worker.holds == [True, False]


def test_held_worker_is_told_when_the_gate_closes(tmp_path: Path) -> None:
    gate = make_gate(tmp_path)
    gate.set_allowance(0.0)
    worker = Paper(gate.path)
    worker.gate.begin()
    worker.while_asleep = gate.close
    with pytest.raises(StoppedError):
        worker.gate.wait()
    assert worker.holds == [True, False]


def test_allowance_that_changes_takes_effect_while_held(tmp_path: Path) -> None:
    gate = make_gate(tmp_path)
    gate.set_allowance(0.05)
    worker = Paper(gate.path)
    worker.gate.begin()
    worker.work_until(START_NS + SECOND_NS, 10_000_000)
    gate.set_allowance(0.9)
    begun = worker.now_ns
    assert worker.work_until(begun + 20 * SECOND_NS, 10_000_000) == pytest.approx(0.9, rel=0.05)


def _work_at_the_gate(path: Path, line: Connection, holds: Connection) -> None:
    gate = WorkerGate.attach(path, 0, holds.send)
    gate.begin()
    for done in range(10**9):
        gate.wait()
        line.send(done)


def start_worker(gate: Gate) -> tuple[BaseProcess, Connection, Connection]:
    """Start a worker at the gate's first slot; what it has done comes on one line, that it is held on another."""
    context = multiprocessing.get_context("spawn")
    done, done_there = context.Pipe(duplex=False)
    holds, holds_there = context.Pipe(duplex=False)
    process = context.Process(target=_work_at_the_gate, args=(gate.path, done_there, holds_there), daemon=True)
    process.start()
    done_there.close()
    holds_there.close()
    return process, done, holds


def read_until_held(line: Connection, holds: Connection) -> int:
    """Read what a worker sends until the gate holds it, or it would wait for the pipe instead; the last number."""
    done, deadline = -1, time.monotonic() + PATIENCE_S
    while not holds.poll() or line.poll():
        assert time.monotonic() < deadline
        if line.poll():
            done = line.recv()
    assert holds.recv() is True
    return done


def test_worker_killed_while_held_leaves_a_gate_that_works(tmp_path: Path) -> None:
    gate = Gate(tmp_path / "gate", Limits(workers=1, cooldown_s=0))
    killed, line, holds = start_worker(gate)
    assert line.poll(PATIENCE_S)
    gate.set_allowance(0.0)
    read_until_held(line, holds)
    killed.kill()
    killed.join(PATIENCE_S)
    assert killed.exitcode == -9
    line.close()
    gate.set_allowance(1.0)
    successor, line, _ = start_worker(gate)
    assert line.poll(PATIENCE_S)
    assert line.recv() == 0
    gate.close()
    successor.join(PATIENCE_S)
    assert successor.exitcode == 1
    assert gate.view().state is GateState.CLOSED


def test_word_holds_a_worker_in_the_middle_of_its_task_and_lets_it_go_on(tmp_path: Path) -> None:
    gate = Gate(tmp_path / "gate", Limits(workers=1, cooldown_s=0))
    process, line, holds = start_worker(gate)
    assert line.poll(PATIENCE_S)
    gate.set_allowance(0.0)
    done = read_until_held(line, holds)
    # Four glances at the gate: time enough for a worker that is not held to send more.
    assert not line.poll(0.2)
    gate.set_allowance(1.0)
    assert line.poll(PATIENCE_S)
    assert line.recv() == done + 1
    assert holds.recv() is False
    process.kill()
    process.join(PATIENCE_S)
