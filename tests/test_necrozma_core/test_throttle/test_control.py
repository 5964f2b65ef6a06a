"""The loop: readings in, gate set, decisions kept, and an end at any moment."""

import math
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from necrozma_core.throttle.control import RECORD_EVERY_S, Controller
from necrozma_core.throttle.decisions import Reason
from necrozma_core.throttle.gate import Gate, GateState
from necrozma_core.throttle.limits import Limits
from necrozma_core.throttle.sensors.readings import Reading, Readings

PATIENCE_S = 20


class PaperSensors:
    """Sensors that tell of a full machine, half a second further on at each look."""

    def __init__(self) -> None:
        self.now = 100.0
        self.looks = 0
        self.heat = 50.0
        self.error: Exception | None = None
        self.total = 4.0
        self.loaded = math.inf
        self.looked = threading.Condition()

    def read(self) -> Readings:
        with self.looked:
            self.looks += 1
            self.looked.notify_all()
        if self.error:
            raise self.error
        self.now += 0.5
        return Readings(
            time=self.now,
            capacity=Reading.taken(4.0, self.now),
            total=Reading.taken(self.total, self.now),
            run_total=Reading.taken(self.total, self.now),
            workers=Reading.taken(self.total, self.now),
            temperature=Reading.taken(self.heat, self.now),
            loaded_workers=self.loaded,
        )

    def wait_for_look(self, number: int) -> bool:
        with self.looked:
            return self.looked.wait_for(lambda: self.looks >= number, PATIENCE_S)


@pytest.fixture
def sensors() -> PaperSensors:
    return PaperSensors()


@pytest.fixture
def make_controller(tmp_path: Path, sensors: PaperSensors) -> Iterator[Callable[..., Controller]]:
    made: list[Controller] = []

    def make(say: Callable[[str], object] = lambda _: None, **limits: object) -> Controller:
        settings = Limits(**({"workers": 4, "cpu_limit": 50, "cooldown_s": 0} | limits))  # type: ignore[arg-type]
        made.append(Controller(settings, sensors, Gate(tmp_path / "gate", settings), seed=1, say=say))
        return made[-1]

    yield make
    for controller in made:
        controller.stop()


def gate_of(controller: Controller) -> Gate:
    return controller._gate


def test_look_sets_the_gate_and_tells_the_user(
    make_controller: Callable[..., Controller], sensors: PaperSensors
) -> None:
    said: list[str] = []
    controller = make_controller(said.append)
    gate_of(controller).admit()
    look = controller.look()
    # Half of four cores fits two workers, which is known from the start and no news.
    assert gate_of(controller).view().allowance == look.decision.allowance <= 2
    assert controller.latest is look
    assert said == []
    sensors.heat = 120.0
    assert [controller.look().decision.message] == said


def test_rest_holds_everything(make_controller: Callable[..., Controller], sensors: PaperSensors) -> None:
    controller = make_controller()
    sensors.heat = 120.0
    assert controller.look().decision.resting
    assert gate_of(controller).view().state is GateState.RESTING
    sensors.heat = 50.0
    assert not controller.look().decision.resting
    assert gate_of(controller).view().allowance > 0


def test_tasks_in_flight_are_averaged_over_the_reading(
    make_controller: Callable[..., Controller], sensors: PaperSensors, monkeypatch: pytest.MonkeyPatch
) -> None:
    controller = make_controller()
    controller.look()
    seconds = gate_of(controller).task_seconds()
    monkeypatch.setattr(Gate, "task_seconds", lambda _: seconds + 1.25)
    assert controller.look().readings.busy_workers == 2.5


def test_tasks_that_wait_for_a_worker_to_load_are_not_at_work(
    make_controller: Callable[..., Controller], sensors: PaperSensors, monkeypatch: pytest.MonkeyPatch
) -> None:
    controller = make_controller()
    monkeypatch.setattr(sensors, "loaded", 1.0)
    controller.look()
    seconds = gate_of(controller).task_seconds()
    monkeypatch.setattr(Gate, "task_seconds", lambda _: seconds + 1.25)
    assert controller.look().readings.busy_workers == 1


def test_records_hold_every_change_and_now_and_then_the_rest(
    make_controller: Callable[..., Controller], sensors: PaperSensors
) -> None:
    controller = make_controller(cpu_limit=100)
    sensors.total = 0.1
    for _ in range(40):
        controller.look()
    quiet = controller.take_records()
    assert len(quiet) == pytest.approx(40 * 0.5 / RECORD_EVERY_S, abs=1)
    assert controller.take_records() == []
    sensors.heat = 120.0
    controller.look()
    (record,) = controller.take_records()
    assert record.decision.reason is Reason.HEAT
    assert record.at == pytest.approx(time.time(), abs=3600)


def test_loop_looks_by_itself_until_it_is_stopped(
    make_controller: Callable[..., Controller], sensors: PaperSensors
) -> None:
    controller = make_controller(sample_interval_s=0.1)
    controller.start()
    assert sensors.wait_for_look(4)
    controller.stop()
    looks = sensors.looks
    assert not [thread for thread in threading.enumerate() if thread.name == "necrozma-governor"]
    assert sensors.looks == looks


def test_completed_tasks_make_the_loop_look_at_once(
    make_controller: Callable[..., Controller], sensors: PaperSensors
) -> None:
    controller = make_controller(sample_interval_s=10, cpu_check_interval=5)
    controller.start()
    for _ in range(5):
        assert sensors.looks == 1
        controller.poke()
    # Ten seconds have not passed before the next look, or the whole test would be slower than its patience.
    assert sensors.wait_for_look(2)
    controller.stop()


def test_loop_that_fails_leaves_one_worker_and_looks_again(
    make_controller: Callable[..., Controller], sensors: PaperSensors, caplog: pytest.LogCaptureFixture
) -> None:
    controller = make_controller(sample_interval_s=0.1, cpu_limit=100)
    sensors.heat = 120.0
    controller.start()
    assert gate_of(controller).view().state is GateState.RESTING
    sensors.error = RuntimeError("broken sensor")
    assert sensors.wait_for_look(sensors.looks + 2)
    assert gate_of(controller).view().allowance == 1
    assert "broken sensor" in caplog.text
    sensors.error, sensors.heat = None, 50.0
    assert sensors.wait_for_look(sensors.looks + 2)
    controller.stop()
    assert gate_of(controller).view().allowance > 1


def test_stop_before_start_is_no_error(make_controller: Callable[..., Controller]) -> None:
    make_controller().stop()
