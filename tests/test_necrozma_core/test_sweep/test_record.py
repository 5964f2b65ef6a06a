"""What an observer is told of a run that begins something."""

from types import SimpleNamespace
from typing import Any

from necrozma_core.sweep.record import RunRecord


def record(observer: Any) -> RunRecord:
    run: Any = SimpleNamespace()
    return RunRecord([], run, observer)


def test_phase_is_told_to_an_observer_that_listens() -> None:
    heard: list[str] = []
    record(SimpleNamespace(on_phase=heard.append)).begin_phase("ranking")
    assert heard == ["ranking"]


def test_observer_without_the_method_is_not_told() -> None:
    record(object()).begin_phase("ranking")


def test_observer_that_fails_ends_no_phase() -> None:
    def fail(text: str) -> None:
        raise OSError(text)

    record(SimpleNamespace(on_phase=fail)).begin_phase("ranking")
