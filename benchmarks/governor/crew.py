"""Busy workers at a gate and hogs beside them: what the real loop is measured with."""

import multiprocessing
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Final, Protocol

from necrozma_core.errors import StoppedError
from necrozma_core.throttle.gate import Gate
from necrozma_core.throttle.worker_gate import WorkerGate

_SPAWN: Final = multiprocessing.get_context("spawn")
_UNIT_S: Final = 0.005
_TASK_S: Final = 2.0


class Poked(Protocol):
    """What is told of every completed task."""

    def poke(self) -> None:
        """Count a completed task."""
        ...


def feed(line: Connection, gate: Gate, governor: Poked) -> None:
    """Hand one task after another to a worker."""
    # Errors are expected: at the end of the measurement the workers are killed in the middle of their tasks.
    with suppress(StoppedError, EOFError, OSError):
        while True:
            gate.admit()
            line.send(_TASK_S)
            line.recv()
            gate.release()
            governor.poke()


def _work(line: Connection, path: Path | None, slot: int) -> None:
    gate = WorkerGate.attach(path, slot) if path else None
    while True:
        end = line.recv() + time.process_time()
        if gate:
            gate.begin()
        while time.process_time() < end:
            if gate:
                gate.wait()
            _spin(_UNIT_S)
        if gate:
            gate.end()
        line.send(None)


def _spin(seconds: float) -> None:
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass


def _be_a_hog() -> None:
    while True:
        _spin(1.0)


@contextmanager
def open_crew(workers: int, path: Path | None) -> Iterator[list[tuple[BaseProcess, Connection]]]:
    """Hold workers that wait for tasks, each with the line to it; without a gate's file nothing holds them back."""
    crew: list[tuple[BaseProcess, Connection]] = []
    for slot in range(workers):
        ends: tuple[Any, Any] = _SPAWN.Pipe()
        here, there = ends
        process = _SPAWN.Process(target=_work, args=(there, path, slot), daemon=True)
        process.start()
        crew.append((process, here))
    try:
        yield crew
    finally:
        _end([process for process, _ in crew])


@contextmanager
def hogs(number: int) -> Iterator[list[int]]:
    """Hold so many processes that keep a core busy each, and yield their ids."""
    processes = [_SPAWN.Process(target=_be_a_hog, daemon=True) for _ in range(number)]
    for process in processes:
        process.start()
    try:
        yield [process.pid for process in processes if process.pid]
    finally:
        _end(processes)


def _end(processes: Sequence[BaseProcess]) -> None:
    for process in processes:
        process.kill()
    for process in processes:
        process.join()
