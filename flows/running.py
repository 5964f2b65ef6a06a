"""What lives as long as a run: lock, run folder, throttle, workers, and the record of how each pair went.

The session is the truth of a run; Prefect shows it. It works the same whether the command line opened it, before
Prefect was even imported, or the flow did because a deployment runs it.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

from config import Settings, load_settings
from flows.dispatch import Dispatch
from flows.folders import cache_folder
from flows.governor_log import governor_table
from flows.observer import Observer, RunLog, RunOutcome
from flows.plan import plan_requests, recorded_inputs
from flows.record import RunRecord
from flows.sweep_request import recorded_settings
from flows.throttling import Throttle
from necrozma_core.backtest.key import with_key
from necrozma_core.backtest.parts import split
from necrozma_core.backtest.request import PairRequest, Receipt, stored_receipt
from necrozma_core.errors import ExitCode, StoppedError, StorageError
from necrozma_core.storage.disk.lock import ResultsLock, lock_results
from necrozma_core.storage.disk.network import network_file_system
from necrozma_core.storage.disk.publish import probe_writable
from necrozma_core.storage.results.store import ResultStore
from necrozma_core.storage.runs.folder import STORE_FOLDER, RunFolder
from necrozma_core.storage.runs.listing import mark_crashed, mark_ended
from necrozma_core.storage.runs.manifest import RunStatus
from necrozma_core.workers.cache import KernelCache
from necrozma_core.workers.limits import WorkerLimits
from necrozma_core.workers.pool import WorkerPool
from necrozma_core.workers.progress import ProgressBoard, SlotProgress
from necrozma_core.workers.sharing import Sharing

if TYPE_CHECKING:
    # A session is opened before Prefect is imported.
    from uuid import UUID

    from prefect.states import State

_SHUTDOWN_S: Final = 2.0


class RunSession:
    """One run; also the turnstile that its tasks pass, see `flows.runner.Turnstile`. Made by `open_session`.

    Attributes
    ----------
    settings : Settings
    requests : list of PairRequest
        In the order in which they are begun.
    run : RunFolder
    crashed : list of str
        Ids of earlier runs that were found dead when this one began.
    record : RunRecord
    throttle : Throttle
    pool : WorkerPool
    dispatch : Dispatch
        The pairs on their way through throttle and pool.
    flow_run_id : UUID or None
        The flow run that shows this run, once there is one.
    """

    def __init__(
        self,
        settings: Settings,
        requests: list[PairRequest],
        run: RunFolder,
        crashed: list[str],
        folder: Path,
        observer: Observer,
    ) -> None:
        self.settings = settings
        self.requests = requests
        self.run = run
        self.crashed = crashed
        self.flow_run_id: UUID | None = None
        self.record = RunRecord(settings, requests, run, observer)
        # Told of how many pairs are stored or failed, after each.
        self.on_settled: Callable[[int], None] = lambda _: None
        self._observer = observer
        self._missing = sum(not _is_stored(request) for request in requests)
        self._stop_code: ExitCode | None = None
        self._left = threading.Condition()
        self._admitted = 0
        self._inside = 0
        self._pair_tasks = 0
        strategies = requests[0].source.count()
        # A pair is shared where there are more workers than pairs, if it has settings enough.
        shares = max(1, len(split(strategies, settings.workers, folder)))
        size = max(1, min(settings.workers, self._missing * shares))
        self._board = ProgressBoard.create(folder / "progress", size)
        self.throttle = Throttle(settings, folder / "gate", lambda: self.pool.pids, self.tell)
        limits = WorkerLimits(self.throttle.priority, settings.worker_memory_mb, settings.pair_timeout_s)
        self.pool = WorkerPool(
            size,
            self._board,
            KernelCache(cache_folder()),
            gate_path=self.throttle.gate.path,
            vacate=self.throttle.gate.vacate,
            limits=limits,
            sharing=Sharing(self._missing, strategies, folder, self.throttle.gate.join, self.throttle.gate.leave),
        )
        self.dispatch = Dispatch(requests, self.throttle, self._compute)

    @property
    def receipts(self) -> list[Receipt]:
        """Receipts of the pairs that are stored, in the order of their names."""
        return self.record.receipts

    @property
    def settled(self) -> int:
        """Pairs that are stored or failed."""
        return len(self.requests) - len(self.record.unsettled)

    @property
    def is_stopping(self) -> bool:
        """Whether the run was asked to end."""
        return self._stop_code is not None

    @property
    def task_runs(self) -> int:
        """Task runs that the run has brought about in Prefect: a pair each, then the ranking and the report."""
        is_ranked = self.receipts and self.record.is_concluded and not self.is_stopping
        return self._pair_tasks + (2 if is_ranked else 0)

    def progress(self) -> list[SlotProgress]:
        """Return what every worker is doing."""
        return self.pool.progress()

    def tell(self, text: str) -> None:
        """Pass a line on to whoever watches."""
        self.record.tell(text)

    def begin(self) -> None:
        """Show the run, and start the workers if there is anything to compute."""
        with self.record.telling:
            self._observer.on_start(self)
        if self._missing:
            self.pool.warm_up()
            self.throttle.start()
        self.dispatch.begin()

    def stop(self, code: ExitCode = ExitCode.INTERRUPTED) -> None:
        """End the run now: admit nothing, kill the workers, retry nothing. Returns at once; safe in a signal handler.

        Parameters
        ----------
        code : ExitCode
            What the run's outcome will say.
        """
        if self._stop_code is None:
            self._stop_code = code
            # Elsewhere, because the interrupted code may hold the locks that are needed.
            threading.Thread(target=self._shut_down, name="necrozma-stop", daemon=True).start()

    @contextmanager
    def admitting(self) -> Iterator[None]:
        """Hold a block that submits pairs, and wait until all of them have left.

        That the run was stopped meanwhile ends the block and nothing more.
        """
        with suppress(StoppedError):
            yield
        with self._left:
            self._left.wait_for(lambda: self._inside == 0)

    def admit(self) -> None:
        """Wait until one more pair has begun.

        Raises
        ------
        StoppedError
            The run was stopped.
        """
        if self.is_stopping:
            raise StoppedError("the run is ending")
        self.dispatch.wait_begun(self._admitted + 1)
        with self._left:
            self._admitted += 1
            self._inside += 1

    def leave(self, parameters: Mapping[str, Any], state: "State[Any] | None") -> None:
        """Note how a pair's task ended; None where it came to no state."""
        self._pair_tasks += state is not None
        try:
            if state is not None and not state.is_cancelled():
                request, result = parameters["request"], state.result(raise_on_failure=False)
                # The task may have come when its pair was stored already, by this very run.
                if isinstance(result, Receipt):
                    result = self.dispatch.receipt_of(request.pair) or result
                self.record.settle(request, result)
                self.on_settled(self.settled)
        finally:
            with self._left:
                self._inside -= 1
                self._left.notify_all()

    def run_pair(self, request: PairRequest) -> None:
        """Backtest a pair without Prefect, and note how it went."""
        try:
            self.record.settle(request, self.dispatch.run(request))
        except Exception as error:  # noqa: BLE001 -- it is the pair's, and is noted there
            self.record.settle(request, error)

    def conclude(self) -> None:
        """Write into the manifest how the run ended; StorageError where that fails."""
        # What was stored before a task came to tell of it, in a run that was stopped.
        for request in self.record.unsettled:
            if receipt := self.dispatch.receipt_of(request.pair):
                self.record.settle(request, receipt)
        # What the machine was like while pairs were computed: the report wants it.
        with suppress(StorageError):
            if looks := self.throttle.controller.take_records():
                self.run.publish_governor(governor_table(looks))
        self.record.conclude(self._stop_code)

    def outcome(self) -> RunOutcome:
        """Say how the run stands."""
        return self.record.outcome(self._stop_code)

    def cancelled_state(self) -> "State[None]":
        """Return the state in which a stopped run leaves its flow."""
        from prefect.states import Cancelled  # noqa: PLC0415 -- a session is opened before Prefect is imported

        return Cancelled(message=f"stopped with {len(self.receipts)} of {len(self.requests)} pairs stored")

    def close(self) -> None:
        """Stop the workers and the throttle, say in the manifest how the run ended, and show the outcome."""
        self._shut_down()
        self._board.close()
        if not self.record.is_concluded:
            # Whoever leaves without having concluded was interrupted; the next run would call this one crashed.
            with suppress(StorageError):
                self.conclude()
        with self.record.telling:
            self._observer.on_finish(self.outcome())

    def _compute(self, request: PairRequest) -> Receipt:
        request = with_key(request)
        store = ResultStore(request.results_dir / STORE_FOLDER)
        if store.has(request.pair, request.key):
            return stored_receipt(store, request)
        receipt = self.pool.run(request)
        self.record.note_computed(receipt)
        return receipt

    def _shut_down(self) -> None:
        self.throttle.stop()
        self.pool.stop(_SHUTDOWN_S)


_current: RunSession | None = None


@contextmanager
def open_session(settings: Settings, observer: Observer, own_pids: Iterable[int] = ()) -> Iterator[RunSession]:
    """Hold a run: everything it needs is there, its folder exists, its workers warm up.

    Parameters
    ----------
    settings : Settings
    observer : Observer
    own_pids : iterable of int
        Other processes of the run, such as its server, whose load is not somebody else's.

    Raises
    ------
    LockedError
        Another run holds the results folder.
    UsageError, DataError
        There is nothing to compute, or from.
    StorageError
        The results folder cannot be written.
    """
    global _current  # noqa: PLW0603 -- a process runs one backtest, which a flow called by Prefect must find
    requests = plan_requests(settings)
    with ExitStack() as stack:
        lock = stack.enter_context(lock_results(settings.results))
        probe_writable(settings.results)
        # Before this run exists: whatever says that it is running is dead, because we hold the lock.
        crashed = mark_crashed(lock)
        folder = stack.enter_context(TemporaryDirectory(prefix="necrozma-"))
        with _ending(lock):
            run = _make_run(settings, requests, lock)
            session = RunSession(settings, requests, run, crashed, Path(folder), observer)
            stack.callback(session.close)
        for pid in own_pids:
            session.throttle.count_as_ours(pid)
        if kind := network_file_system(settings.results):
            session.tell(f"{settings.results} is on a network file system ({kind}): start no run there elsewhere")
        try:
            session.begin()
            _current = session
            yield session
        except Exception:
            raise
        except BaseException:
            # Prefect ends a run that was cancelled in its UI by raising one of these, on the worker's SIGTERM.
            session.stop(ExitCode.TERMINATED)
            raise
        finally:
            _current = None


@contextmanager
def flow_session() -> Iterator[RunSession]:
    """Hold the run of the flow that calls: the one that this process has open, or one of the flow's own.

    The flow's task runner is held back by it, and the flow run gets its name and its pairs as tags.
    """
    from prefect.context import FlowRunContext  # noqa: PLC0415 -- a session is opened before Prefect is imported
    from prefect.logging import get_run_logger  # noqa: PLC0415

    from flows.history import mark_crashed_flow_runs, name_flow_run  # noqa: PLC0415
    from tasks.progress import Progress  # noqa: PLC0415

    context = FlowRunContext.get()
    with ExitStack() as stack:
        session = _current
        is_ours = session is None
        if session is None:
            settings = load_settings(context.parameters)
            session = stack.enter_context(open_session(settings, RunLog(get_run_logger())))
        context.task_runner.hold_back(session)
        session.flow_run_id = context.flow_run.id
        name_flow_run(context.flow_run.id, session)
        # Not before: until then this flow run, retried, may bear the name of the dead run that it continues.
        if is_ours:
            mark_crashed_flow_runs(session.crashed)
        session.on_settled = Progress(len(session.requests)).show
        yield session


@contextmanager
def _ending(lock: ResultsLock) -> Iterator[None]:
    """Say in the manifest of a run that never comes to be that it is over: a signal may come while it is made."""
    try:
        yield
    except BaseException as error:
        with suppress(StorageError):
            mark_ended(lock, RunStatus.FAILED if isinstance(error, Exception) else RunStatus.CANCELLED)
        raise


def _make_run(settings: Settings, requests: list[PairRequest], lock: ResultsLock) -> RunFolder:
    run = RunFolder.create(
        settings.results,
        settings=recorded_settings(settings),
        inputs=recorded_inputs(requests),
        keys={request.pair: request.key for request in requests if request.key},
    )
    lock.announce(run.run_id)
    return run


def _is_stored(request: PairRequest) -> bool:
    if not request.key:
        return False
    return ResultStore(request.results_dir / STORE_FOLDER).has(request.pair, request.key)
