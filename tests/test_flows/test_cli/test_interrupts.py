"""Ctrl-C and SIGTERM: the first ends in order, the second at once, and before there is a run the process just ends."""

import signal
import subprocess
import sys
from collections.abc import Callable

import pytest

PROGRAM = """
import os, threading, time
from flows.cli.interrupts import Interrupts
stopped = threading.Event()
def stop(code):
    # Not print: the signal may come while the line below is being printed, and buffers do not nest.
    os.write(1, b"stop %d\\n" % code)
    stopped.set()
    return {answer}
with Interrupts(stop):
    print("ready", flush=True)
    # Short waits: Python misses a signal that comes between its last look and the beginning of a wait.
    while not stopped.wait(0.05):
        pass
    print("waiting", flush=True)
    end = time.monotonic() + {wait}
    while time.monotonic() < end:
        time.sleep(0.01)
print("left", flush=True)
"""

Started = Callable[..., "subprocess.Popen[str]"]


def start(spawn: Started, monkeypatch: pytest.MonkeyPatch, *, answer: bool, wait: float) -> "subprocess.Popen[str]":
    from flows.cli.interrupts import __file__ as module

    monkeypatch.setenv("PYTHONPATH", module.rpartition("/flows/")[0])
    process = spawn(sys.executable, "-c", PROGRAM.format(answer=answer, wait=wait))
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_first_signal_stops_and_lets_the_run_end_in_order(
    number: signal.Signals, code: int, spawn: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = start(spawn, monkeypatch, answer=True, wait=0.01)
    process.send_signal(number)
    output, _ = process.communicate(timeout=30)
    assert output == f"stop {code}\nwaiting\nleft\n"
    assert process.returncode == 0


@pytest.mark.parametrize(("second", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_second_signal_ends_at_once(
    second: signal.Signals, code: int, spawn: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = start(spawn, monkeypatch, answer=True, wait=600)
    process.send_signal(signal.SIGINT)
    assert process.stdout is not None
    assert [process.stdout.readline(), process.stdout.readline()] == ["stop 130\n", "waiting\n"]
    process.send_signal(second)
    assert process.wait(timeout=30) == code


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signal_without_a_run_ends_the_process(
    number: signal.Signals, code: int, spawn: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = start(spawn, monkeypatch, answer=False, wait=600)
    process.send_signal(number)
    output, errors = process.communicate(timeout=30)
    assert (process.returncode, output, errors) == (code, f"stop {code}\n", "")
