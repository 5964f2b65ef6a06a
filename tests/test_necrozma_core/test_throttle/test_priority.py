"""Stepping behind: in a child, because it cannot be taken back."""

import os
import subprocess
import sys

import pytest

from necrozma_core.system.chosen import SYSTEM
from necrozma_core.system.portable import PortableSystem
from necrozma_core.throttle import priority
from necrozma_core.throttle.priority import NICENESS, Priority, lower_priority, why_ignored

needs_priorities = pytest.mark.skipif(not SYSTEM.has_priorities, reason="needs priorities of the Unix kind")


def in_a_child(expression: str) -> str:
    script = f"import os; from necrozma_core.throttle.priority import *; {expression}"
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.strip()


@needs_priorities
def test_nice_worker_is_ten_steps_down() -> None:
    before = os.nice(0)
    said = in_a_child("print(lower_priority(Priority.NICE), os.nice(0))")
    assert said == f"None {min(19, before + NICENESS)}"


@needs_priorities
@pytest.mark.skipif(not hasattr(os, "SCHED_IDLE"), reason="needs Linux")
def test_background_worker_runs_when_nothing_else_does() -> None:
    assert (
        in_a_child("print(lower_priority(Priority.BACKGROUND), os.sched_getscheduler(0) == os.SCHED_IDLE)")
        == "None True"
    )


@needs_priorities
def test_normal_worker_stays_as_it_is() -> None:
    before = os.nice(0)
    assert lower_priority(Priority.NORMAL) is None
    assert os.nice(0) == before


@needs_priorities
def test_priority_that_is_refused_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_step: int) -> int:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "nice", refuse)
    said = lower_priority(Priority.NICE)
    assert said == "a lower priority was refused (Operation not permitted): the workers run at normal priority"


def test_priority_on_windows_is_ignored_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(priority, "SYSTEM", PortableSystem())
    assert why_ignored(Priority.NORMAL) is None
    said = lower_priority(Priority.NICE)
    assert said == "the --nice flag requires Unix-like systems (Linux, macOS); on Windows, this flag is ignored"
    assert lower_priority(Priority.BACKGROUND) == why_ignored(Priority.BACKGROUND)
