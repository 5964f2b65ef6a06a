"""The throttle of a run: what the settings say reaches the governor, and what is ours is counted as ours."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from config import load_settings
from flows import throttling
from flows.throttling import Throttle
from necrozma_core.throttle.gate import GateState
from necrozma_core.throttle.priority import Priority
from necrozma_core.throttle.sensors.readings import Reading, Readings


class WarmSensors:
    """Sensors of a machine at 95 degrees with 200 megabytes left."""

    def __init__(self, worker_pids: Callable[[], Iterable[int]], own_pids: Callable[[], Iterable[int]]) -> None:
        self.worker_pids, self.own_pids = worker_pids, own_pids

    def read(self) -> Readings:
        return Readings(time=1.0, temperature=Reading.taken(95.0, 1.0), memory_available=Reading.taken(200.0, 1.0))


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Throttle]]:
    monkeypatch.setattr(throttling, "MachineSensors", WarmSensors)
    made: list[Throttle] = []

    def make(**settings: Any) -> Throttle:
        made.append(Throttle(load_settings(settings), tmp_path / "gate", lambda: [7], lambda _: None))
        return made[-1]

    yield make
    for throttle in made:
        throttle.stop()


@pytest.mark.parametrize(
    ("variables", "state"),
    [
        ({}, GateState.RESTING),
        ({"NECROZMA_MAX_TEMPERATURE_C": "100"}, GateState.RESTING),
        ({"NECROZMA_MEMORY_FLOOR_MB": "100"}, GateState.RESTING),
        ({"NECROZMA_MAX_TEMPERATURE_C": "100", "NECROZMA_MEMORY_FLOOR_MB": "0"}, GateState.OPEN),
    ],
)
def test_danger_begins_where_the_settings_say(
    make: Callable[..., Throttle], monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], state: GateState
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    throttle = make()
    throttle.start()
    assert throttle.view().state is state


def test_server_of_the_run_is_counted_as_ours(make: Callable[..., Throttle]) -> None:
    throttle = make()
    throttle.count_as_ours(30)
    sensors = throttle.controller._sensors
    assert (list(sensors.worker_pids()), list(sensors.own_pids())) == ([7], [30])


@pytest.mark.parametrize(
    ("settings", "priority"),
    [
        ({}, Priority.NORMAL),
        ({"nice": True}, Priority.NICE),
        ({"background": True}, Priority.BACKGROUND),
        ({"nice": True, "background": True}, Priority.BACKGROUND),
    ],
)
def test_workers_step_back_as_far_as_was_asked(
    make: Callable[..., Throttle], settings: dict[str, bool], priority: Priority
) -> None:
    assert make(**settings).priority is priority
