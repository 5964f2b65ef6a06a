"""One worker process behind a Pebble pool of one: called, watched, replaced when it dies."""

import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from concurrent.futures.process import BrokenProcessPool
from typing import Any, Final, NamedTuple, ParamSpec, TypeVar, cast

from pebble import ProcessExpired, ProcessPool

from necrozma_core.errors import (
    StoppedError,
    WorkerCrashedError,
    WorkerDiedError,
    WorkerError,
    WorkerMemoryError,
    WorkerRefusedError,
    WorkerTimeoutError,
    shown,
)
from necrozma_core.system.chosen import SYSTEM
from necrozma_core.system.refusals import explain_no_worker, explain_refusal
from necrozma_core.workers.job import WorkerSetup, become_worker
from necrozma_core.workers.progress import ProgressBoard, SlotProgress, SlotState
from necrozma_core.workers.spawn import WorkerContext

P = ParamSpec("P")
T = TypeVar("T")

_LOOK_S: Final = 0.2
"""Time between two looks at a call: at its timeout, its worker's death, and `Slot.stop`."""
_BRIEF_S: Final = 0.02
"""Time between two looks at a process that was killed."""
_START_S: Final = 120.0
"""A call that no worker has taken by then is made again in a new one; a worker needs about a second to start."""
_LAST_WORDS_S: Final = 2.0
"""How long Pebble has to report the death of a worker before we do."""
_KILLS: Final = frozenset(
    int(getattr(signal, name, -1)) for name in ("SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGKILL", "SIGXCPU")
)
"""What people and systems end processes with; a crash has other signals."""
_FRESH_STARTS: Final = 5
"""Workers in a row that may die before they take a call."""


class Slot:
    """The parent's half of a slot: one worker process at a time, under a number for the gate and the progress board.

    Parameters
    ----------
    setup : WorkerSetup
        What a worker of this slot is told when it starts.
    environment : mapping of str to str
        Set in the worker before it imports anything.
    board : ProgressBoard
        Read for the time that the gate held the worker, which does not count as the worker's own.
    vacate : callable
        Told the slot's number when its worker is gone.
    """

    def __init__(
        self,
        setup: WorkerSetup,
        environment: dict[str, str],
        board: ProgressBoard,
        vacate: Callable[[int], object] = lambda _: None,
    ) -> None:
        self._setup = setup
        self._board = board
        self._vacate = vacate
        self._environment = environment
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._closing: list[threading.Thread] = []
        self._worker = self._new_worker()

    @property
    def number(self) -> int:
        """The number under which gate and progress board know its workers."""
        return self._setup.slot

    @property
    def pid(self) -> int | None:
        """The worker's process id, or None before it started."""
        return self._worker.pid

    def call(self, function: Callable[P, T], timeout_s: float | None, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function in the worker and return what it returns.

        Parameters
        ----------
        function : callable
            Importable by name; its arguments and result are pickled.
        timeout_s : float or None
            Seconds after which the worker is killed. The time held by the gate and that of loading the engine do not
            count.

        Raises
        ------
        WorkerDiedError
            The worker was killed or crashed while it ran the function.
        WorkerError
            No worker could be started; the function is not to blame.
        WorkerTimeoutError, WorkerMemoryError
            It took longer, or more memory, than allowed. As after a death, the next call gets a new worker.
        StoppedError
            `stop` was called.
        Exception
            What the function raised.
        """
        refused: OSError | RuntimeError | None = None
        for _ in range(_FRESH_STARTS):
            if self._worker.is_gone():
                self._renew()
            try:
                future = self._schedule(function, args, kwargs)
            except (OSError, _NoThreadError) as error:
                # The system refused what a worker needs, or multiprocessing's resource tracker had just died.
                future, refused = None, error
            if future is not None and self._watch(future, timeout_s):
                return self._outcome(future)
            # The worker died before it took the call, so the call did not kill it and is made again.
            self._renew()
        if refused is not None:
            raise WorkerRefusedError(f"no worker process can be started: {explain_no_worker(refused)}")
        raise WorkerError(f"{_FRESH_STARTS} worker processes in a row died while they started; see the log for why")

    def restart(self) -> None:
        """Kill the worker; the next call gets a new one."""
        self._renew()

    def stop(self) -> None:
        """Kill the worker; calls that run or come later raise StoppedError."""
        with self._lock:
            if self._stopped.is_set():
                return
            self._stopped.set()
            self._discard(self._worker)

    def join(self, timeout_s: float) -> bool:
        """Wait for the worker's end after `stop`; tell whether it ended."""
        deadline = time.monotonic() + timeout_s
        # Pebble may be starting another worker; its thread ends that one too before it ends itself.
        for thread in self._closing:
            thread.join(max(0.0, deadline - time.monotonic()))
        while self._worker.is_alive():
            if time.monotonic() > deadline:
                return False
            time.sleep(_BRIEF_S)
        return True

    def _new_worker(self) -> "_Worker":
        context = WorkerContext(self._environment)
        # Pebble asks for a context of Unix alone, and takes any.
        unix_context = cast(Any, context)
        pool = ProcessPool(max_workers=1, initializer=become_worker, initargs=(self._setup,), context=unix_context)
        return _Worker(pool, context)

    def _schedule(self, function: Callable[..., T], args: Any, kwargs: Any) -> "Future[T] | None":
        if self._stopped.is_set():
            raise StoppedError("the run is ending")
        try:
            return self._worker.pool.schedule(function, args=args, kwargs=kwargs)
        except RuntimeError as error:
            if explain_refusal(error):
                raise _NoThreadError(*error.args) from error
            return None

    def _watch(self, future: "Future[T]", timeout_s: float | None) -> bool:
        """Wait for the end of a call; False if it was never begun."""
        asked = time.monotonic()
        begun = gone = None
        moved = _Movement()
        # Only this process can run the call: a pool of one gives up a call that its dead worker had not taken.
        runner = self._worker.context.newest
        while not wait([future], timeout=_LOOK_S).done:
            if self._stopped.is_set():
                raise StoppedError("the run is ending")
            now = time.monotonic()
            if not future.running():
                # The call's time begins when a worker takes it; a new worker needs a second to start.
                if not self._worker.pool.active or now - asked > _START_S:
                    return future.done()
                continue
            self._look_at_memory()
            row = self._board.read(self._setup.slot)
            moved.note(row, now)
            # A new worker loads the engine first, which is not the call's doing.
            begun = None if row.state is SlotState.WARMING else begun or now
            if timeout_s is not None and begun is not None and now - begun - row.held_until(now) > timeout_s:
                raise self._overdue(timeout_s, row, moved.stands_s(row, now))
            if runner is not None and not runner.is_alive():
                # Pebble reports a death at once, but never of a worker that ended with status 0, as a library may.
                gone = gone or now
                if now - gone > _LAST_WORDS_S:
                    raise self._died(runner.pid, runner.exitcode or 0)
        return not isinstance(future.exception(), BrokenProcessPool)

    def _look_at_memory(self) -> None:
        """End a worker that outgrew its memory, where the system does not hold it to its limit."""
        limit_mb, pid = self._setup.memory_mb, self.pid
        if limit_mb is None or SYSTEM.has_memory_limits or pid is None:
            return
        if (taken := SYSTEM.allocated(pid)) > limit_mb << 20:
            self._renew()
            found = f"{taken >> 20} MB, where {limit_mb} MB are allowed"
            raise WorkerMemoryError(f"out of memory ({found}); allow more with --worker-memory")

    def _overdue(self, timeout_s: float, row: SlotProgress, stands_s: float) -> WorkerTimeoutError:
        pid = self.pid
        self._renew()
        at = f" in strategy {shown(row.label)} ({row.done + 1} of {row.total})" if row.stage == "strategies" else ""
        error = WorkerTimeoutError(
            f"its worker (process {pid}) was ended after {timeout_s:g} s{at}; "
            "allow more with --pair-timeout if it was not hanging"
        )
        # A strategy that had just begun did not take the time.
        if at and stands_s > timeout_s / 2:
            advice = "allow more with --pair-timeout if it was not hanging"
            error.suspect = row.done, f"it did not return within {timeout_s:g} s; {advice}"
        return error

    def _died(self, pid: int | None, exitcode: int) -> WorkerDiedError:
        row = self._board.read(self._setup.slot)
        self._renew()
        error = _death(pid, exitcode)
        if row.stage == "strategies" and row.pid == pid:
            error.suspect = row.done, f"whenever it ran, its worker {_manner(exitcode)}"
        return error

    def _outcome(self, future: "Future[T]") -> T:
        error = future.exception()
        if error is None:
            return future.result()
        if self._stopped.is_set():
            raise StoppedError("the run is ending") from error
        if isinstance(error, ProcessExpired):
            raise self._died(error.pid, error.exitcode) from None
        if isinstance(error, WorkerMemoryError):
            # The worker's memory may be fragmented; a new process starts clean.
            self._renew()
        raise error

    def _renew(self) -> None:
        with self._lock:
            if self._stopped.is_set():
                return
            self._discard(self._worker)
            self._worker = self._new_worker()

    def _discard(self, worker: "_Worker") -> None:
        worker.kill()
        self._board.clear(self._setup.slot)
        self._vacate(self._setup.slot)
        # In a thread: a killed worker may have left half a message in the pipe, and `join` would wait for the rest.
        thread = threading.Thread(target=worker.pool.join, name="necrozma-closing", daemon=True)
        thread.start()
        self._closing = [*(closing for closing in self._closing if closing.is_alive()), thread]


class _Movement:
    """For how long a worker has been at the same strategy, time held by the gate not counted."""

    def __init__(self) -> None:
        self._at: tuple[str, int] | None = None
        self._since = self._held_s = 0.0

    def note(self, row: SlotProgress, now: float) -> None:
        if self._at != (row.stage, row.done):
            self._at, self._since, self._held_s = (row.stage, row.done), now, row.held_until(now)

    def stands_s(self, row: SlotProgress, now: float) -> float:
        return now - self._since - (row.held_until(now) - self._held_s)


class _Worker(NamedTuple):
    """A Pebble pool of one, and the context that knows its process."""

    pool: ProcessPool
    context: WorkerContext

    @property
    def pid(self) -> int | None:
        process = self.context.newest
        return process.pid if process else None

    def is_alive(self) -> bool:
        process = self.context.newest
        return process is not None and process.pid is not None and process.is_alive()

    def is_gone(self) -> bool:
        """Tell whether the process was started and has ended."""
        return self.pid is not None and not self.is_alive()

    def kill(self) -> None:
        self.pool.stop()  # type: ignore[no-untyped-call]
        process = self.context.newest
        if process is not None and self.is_alive():
            process.kill()


class _NoThreadError(RuntimeError):
    """The system starts no thread for Pebble."""


def _death(pid: int | None, exitcode: int) -> WorkerDiedError:
    """Return the death of a worker: a crash unless a signal of somebody's killed it."""
    kind = WorkerDiedError if -exitcode in _KILLS else WorkerCrashedError
    return kind(f"its worker (process {pid}) {_manner(exitcode)}")


def _manner(exitcode: int) -> str:
    if exitcode > 255:
        return f"crashed with Windows' status {exitcode:#x}"
    if exitcode >= 0:
        return f"ended by itself with status {exitcode}"
    try:
        name = signal.Signals(-exitcode).name
    except ValueError:
        name = "unknown"
    advice = "; the system may be short of memory" if name == "SIGKILL" else ""
    return f"was killed by signal {-exitcode} ({name}){advice}"
