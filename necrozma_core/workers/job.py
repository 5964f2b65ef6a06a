"""What runs in a worker process: gate and progress around the river for one pair.

The parent imports this module for the names of these functions, so only their bodies may load the compiler.
"""

import logging
import os
import pickle
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import parent_process
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from necrozma_core.errors import NecrozmaError, WorkerMemoryError
from necrozma_core.printing import keep_logs_printable
from necrozma_core.system.chosen import SYSTEM
from necrozma_core.throttle.priority import Priority, lower_priority, why_ignored
from necrozma_core.throttle.worker_gate import WorkerGate
from necrozma_core.workers.progress import ProgressBoard, SlotState, SlotWriter

if TYPE_CHECKING:
    # A worker lowers its priority before it imports anything large, and learns its work by the name of this module.
    from necrozma_core.backtest.parts import Part
    from necrozma_core.backtest.request import PairRequest, Receipt

T = TypeVar("T")

THREADS_ENVIRONMENT: Final = dict.fromkeys(
    ("ARROW_IO_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"
)
"""One numeric thread a worker: the pool alone decides how many cores are busy, not five libraries beside it."""


@dataclass(frozen=True, slots=True)
class WorkerSetup:
    """What a worker is told when it starts.

    Attributes
    ----------
    slot : int
        Its number at the gate and on the board.
    board_path : Path
    gate_path : Path or None
        None where nothing holds the worker back.
    priority : Priority
        How politely it asks for the processor.
    memory_mb : int or None
        What it may allocate.
    """

    slot: int
    board_path: Path
    gate_path: Path | None = None
    priority: Priority = Priority.NORMAL
    memory_mb: int | None = None

    def environment(self) -> dict[str, str]:
        """Return the variables that must be set before the worker imports anything."""
        # Arrow's own allocator reserves a gigabyte at once, which a memory limit counts as used, and returns memory
        # that the next row group needs again. The system's allocator keeps it, see `necrozma_core.workers.prelude`.
        return THREADS_ENVIRONMENT | {"ARROW_DEFAULT_MEMORY_POOL": "system"}


class WorkerSlot:
    """A worker's half of its slot: its row on the board and its gate. Also the checkpoint that the river calls."""

    def __init__(self, setup: WorkerSetup) -> None:
        self.progress = SlotWriter(ProgressBoard(setup.board_path), setup.slot)
        self._gate = WorkerGate.attach(setup.gate_path, setup.slot, self.progress.hold) if setup.gate_path else None
        self._memory_mb = setup.memory_mb
        self._is_bound = False

    @contextmanager
    def at_work(self, pair: str) -> Iterator["WorkerSlot"]:
        """Hold the time of a pair: it is shown on the board, has a share at the gate, and its memory is bounded."""
        self.bound_memory()
        self.progress.begin(pair)
        if self._gate:
            self._gate.begin()
        try:
            yield self
        finally:
            if self._gate:
                self._gate.end()
            self.progress.rest()

    def bound_memory(self) -> None:
        """Set this worker's memory limit. Called once the engine is loaded, because loading must not fail.

        Raises
        ------
        WorkerMemoryError
            The engine alone takes all of it.
        """
        if self._memory_mb is not None and not self._is_bound:
            _bound_memory(self._memory_mb)
            self._is_bound = True

    def __call__(self, stage: str, done: int, total: int, label: str, ticks: int) -> None:
        """Show how far the pair is, and wait while the gate holds this worker; StoppedError once it is closed."""
        self.progress.advance(stage, done, total, label, ticks)
        if self._gate:
            self._gate.wait()


def become_worker(setup: WorkerSetup) -> None:
    """Make this process a worker; Pebble calls it once in each."""
    global _slot  # noqa: PLW0603 -- a process has one slot, and Pebble hands nothing from here to the jobs
    # Pebble's handler is Python code, which runs only after compiled code has returned. The default ends the process
    # at once; there is nothing to clean up.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if not SYSTEM.has_parent_death:
        threading.Thread(target=_end_with_parent, daemon=True).start()
    keep_logs_printable()
    step_back(setup)
    _slot = WorkerSlot(setup)
    _slot.progress.rest()


def step_back(setup: WorkerSetup) -> None:
    """Lower this worker's priority as it was told; where that is refused, the first worker says so for all."""
    remark = lower_priority(setup.priority)
    # Where the platform has no priorities, the parent has said so already.
    if remark and setup.slot == 0 and why_ignored(setup.priority) is None:
        logging.getLogger(__name__).warning("%s", remark)


def run_pair(request: "PairRequest") -> "Receipt":
    """Backtest one pair in this worker.

    Raises
    ------
    WorkerMemoryError
        The pair needs more memory than the worker may use.
    NecrozmaError
        What the river raised; anything that cannot be sent to the parent becomes one.
    """
    ensure_rehearsed()
    from necrozma_core.backtest.river import evaluate_pair  # noqa: PLC0415 -- only workers load the compiler

    return in_slot(request.pair, lambda slot: evaluate_pair(request, slot, slot.progress.show_helper))


def run_part(request: "PairRequest", part: "Part") -> dict[str, float]:
    """Backtest some of a pair's strategies in this worker, and return seconds by stage; raises what `run_pair` does."""
    ensure_rehearsed()
    from necrozma_core.backtest.parts import evaluate_part  # noqa: PLC0415 -- only workers load the compiler

    return in_slot(request.pair, lambda slot: evaluate_part(request, part, slot))


def run_join(request: "PairRequest", parts: "Sequence[Part]", seconds: dict[str, float]) -> "Receipt":
    """Store in this worker what several found for a pair; raises what `run_pair` does."""
    from necrozma_core.backtest.parts import join_parts  # noqa: PLC0415 -- only workers load the compiler

    return in_slot(request.pair, lambda _: join_parts(request, parts, seconds))


def compile_here() -> None:
    """Run every kernel once, which compiles those that the cache does not hold."""
    _current_slot().progress.rest(SlotState.WARMING)
    try:
        from necrozma_core.workers.rehearsal import rehearse_everything  # noqa: PLC0415 -- only workers load the compiler

        rehearse_everything()
    finally:
        _current_slot().progress.rest()


def rehearse_here() -> None:
    """Load the engine, with the kernels that every run needs."""
    global _rehearsed  # noqa: PLW0603 -- a process loads its engine once
    _current_slot().progress.rest(SlotState.WARMING)
    try:
        from necrozma_core.workers.rehearsal import rehearse  # noqa: PLC0415 -- only workers load the compiler

        rehearse()
        _current_slot().bound_memory()
        _rehearsed = True
    finally:
        _current_slot().progress.rest()


def ensure_rehearsed() -> None:
    """Load the engine in a worker that took the slot of a dead one, before the time of its first pair begins."""
    if not _rehearsed:
        rehearse_here()


def in_slot(pair: str, work: Callable[[WorkerSlot], T]) -> T:
    """Do a pair's work as this process's worker; `run_pair` says what may be raised."""
    try:
        with _current_slot().at_work(pair) as slot:
            return work(slot)
    except MemoryError as error:
        detail = str(error) or "an allocation failed"
        raise WorkerMemoryError(f"out of memory ({detail}); allow more with --worker-memory") from None
    except Exception as error:  # noqa: BLE001 -- handed on, whatever it is
        raise _portable(error) from error.__cause__


_slot: WorkerSlot | None = None
_rehearsed = False


def _current_slot() -> WorkerSlot:
    if _slot is None:
        raise RuntimeError("this process is not a worker: become_worker was not called")
    return _slot


def _portable(error: Exception) -> Exception:
    """Return the error, or one with the same text if it cannot be pickled and sent to the parent."""
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 -- bytes of our own making
    except Exception:  # noqa: BLE001 -- a stranger's __reduce__ may raise anything
        return NecrozmaError(f"{type(error).__name__}: {error}")
    return error


def _bound_memory(memory_mb: int) -> None:
    limit, taken = memory_mb << 20, SYSTEM.allocated(os.getpid())
    if taken >= limit:
        raise WorkerMemoryError(
            f"the engine alone takes {taken >> 20} MB, and a worker may use {memory_mb} MB; "
            "allow more with --worker-memory"
        )
    SYSTEM.limit_memory(limit)


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
