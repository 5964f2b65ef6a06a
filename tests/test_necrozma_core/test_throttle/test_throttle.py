"""The throttle of a run: its limits reach the governor, and what is ours is counted as ours."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from necrozma_core.throttle import throttle as module
from necrozma_core.throttle.gate import GateState
from necrozma_core.throttle.limits import Limits
from necrozma_core.throttle.sensors.readings import Reading, Readings
from necrozma_core.throttle.throttle import Throttle

PATIENCE_S = 8
"""Less than the time between two looks that nothing brings about."""


class WarmSensors:
    """Sensors of a machine at 95 degrees with 200 megabytes left."""

    def __init__(
        self,
        worker_pids: Callable[[], Iterable[int]],
        run_pids: Callable[[], Iterable[int]],
        starting: Callable[[], Mapping[int, str]],
    ) -> None:
        self.worker_pids, self.run_pids, self.starting = worker_pids, run_pids, starting

    def read(self) -> Readings:
        return Readings(time=1.0, temperature=Reading.taken(95.0, 1.0), memory_available=Reading.taken(200.0, 1.0))


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Throttle]]:
    monkeypatch.setattr(module, "MachineSensors", WarmSensors)
    made: list[Throttle] = []

    def make(**limits: Any) -> Throttle:
        made.append(Throttle(Limits(workers=1, **limits), tmp_path / "gate", lambda: [7], lambda _: None, list))
        return made[-1]

    yield make
    for throttle in made:
        throttle.stop()


@pytest.mark.parametrize(
    ("limits", "state"),
    [
        ({}, GateState.RESTING),
        ({"max_temperature_c": 100.0}, GateState.RESTING),
        ({"memory_floor_mb": 100.0}, GateState.RESTING),
        ({"max_temperature_c": 100.0, "memory_floor_mb": 0.0}, GateState.OPEN),
    ],
)
def test_danger_begins_where_the_limits_say(
    make: Callable[..., Throttle], limits: dict[str, float], state: GateState
) -> None:
    throttle = make(**limits)
    throttle.start()
    assert throttle.view().state is state


def test_server_of_the_run_is_counted_as_ours(make: Callable[..., Throttle]) -> None:
    throttle = make()
    throttle.count_as_overhead(30)
    sensors: Any = throttle._controller._sensors
    assert (list(sensors.worker_pids()), list(sensors.run_pids())) == ([7], [30])


def test_what_of_the_run_starts_is_known_until_each_says_that_it_is_done(make: Callable[..., Throttle]) -> None:
    throttle = make()
    sensors: Any = throttle._controller._sensors
    throttle.count_as_overhead(30)
    throttle.expect_start_up({20: "Prefect", 30: "its server"})
    throttle._loading_pids = lambda: [7]
    assert sensors.starting() == {20: "Prefect", 30: "its server", 7: "workers"}
    throttle.note_started(30)
    assert sensors.starting() == {20: "Prefect", 7: "workers"}
    throttle.note_started(20)
    throttle._loading_pids = list
    assert not sensors.starting()


def test_end_of_a_start_makes_the_loop_look_at_once(make: Callable[..., Throttle]) -> None:
    throttle = make(sample_interval_s=10)
    throttle.start()
    before = throttle.latest_look()
    throttle.note_started()
    deadline = time.monotonic() + PATIENCE_S
    while throttle.latest_look() is before:
        assert time.monotonic() < deadline
        time.sleep(0.01)
