"""What lives as long as a run: its folder, the throttle, the workers, and the record of how each pair went.

The session is the truth of a run; Prefect shows it. It works the same whether a script opened it, the command line
did before Prefect was even imported, or the flow did because a deployment runs it.
"""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Final

from necrozma_core.backtest.key import with_key
from necrozma_core.backtest.parts import split
from necrozma_core.backtest.request import PairRequest, Receipt
from necrozma_core.errors import ExitCode, StorageError
from necrozma_core.market.conversion_paths import long_path_lines
from necrozma_core.storage.runs.folder import REPORT_FILE, RunFolder
from necrozma_core.sweep.dispatch import Dispatch
from necrozma_core.sweep.governor_log import governor_table
from necrozma_core.sweep.observer import Observer
from necrozma_core.sweep.outcome import RunOutcome
from necrozma_core.sweep.plan import described_paths, find_stored, without_swap
from necrozma_core.sweep.publishing import publish_json, publish_page, publish_ranking
from necrozma_core.sweep.record import RunRecord
from necrozma_core.sweep.request import SweepRequest
from necrozma_core.sweep.retries import RETRY_DELAYS_S, is_worth_retrying
from necrozma_core.throttle.control import Look
from necrozma_core.throttle.gate import GateView
from necrozma_core.throttle.priority import why_ignored
from necrozma_core.throttle.throttle import Throttle
from necrozma_core.workers.cache import KernelCache
from necrozma_core.workers.pool import WorkerPool
from necrozma_core.workers.progress import ProgressBoard, SlotProgress
from necrozma_core.workers.sharing import Sharing

_SHUTDOWN_S: Final = 2.0


class RunSession:
    """One run, see `necrozma_core.sweep.observer.RunView` for what others see of it. Made by `open_session`.

    Parameters
    ----------
    sweep : SweepRequest
    requests : list of PairRequest
        In the order in which they are begun; at least one.
    run : RunFolder
    crashed : list of str
        Ids of earlier runs that were found dead when this one began.
    scratch : Path
        A folder for what the processes of the run share, gone with the run.
    observer : Observer
    missing : int
        How many of the requests' results the store lacks.

    Attributes
    ----------
    record : RunRecord
    throttle : Throttle
    pool : WorkerPool
    dispatch : Dispatch
        The pairs on their way through throttle and pool.
    """

    def __init__(
        self,
        sweep: SweepRequest,
        requests: list[PairRequest],
        run: RunFolder,
        crashed: list[str],
        scratch: Path,
        observer: Observer,
        missing: int,
    ) -> None:
        self.sweep = sweep
        self.requests = requests
        self.run = run
        self.crashed = crashed
        self.record = RunRecord(requests, run, observer, sweep.retry, strict=sweep.strict)
        self._observer = observer
        self.missing = missing
        self._stop_code: ExitCode | None = None
        self._stopping = threading.Event()
        self._has_tried_json = False
        strategies, workers = sweep.source.count(), sweep.limits.workers
        # Where there are more workers than pairs, a pair with settings enough is cut into parts for several of them.
        parts = max(1, len(split(strategies, workers, scratch)))
        size = max(1, min(workers, missing * parts))
        self._board = ProgressBoard.create(scratch / "progress", size)
        self.throttle = Throttle(
            sweep.limits,
            scratch / "gate",
            lambda: self.pool.computing_pids,
            self.tell,
            lambda: self.pool.loading_pids,
        )
        gate = self.throttle.gate
        self._cache = KernelCache(sweep.kernels)
        self.pool = WorkerPool(
            size,
            self._board,
            self._cache,
            gate_path=gate.path,
            vacate=gate.vacate,
            limits=sweep.workers,
            sharing=Sharing(missing, strategies, scratch, gate.join, gate.leave),
            loaded=self.throttle.note_started,
        )
        self.dispatch = Dispatch(requests, self.throttle, self._compute)

    @property
    def run_id(self) -> str:
        """The run's id, which is its folder's name."""
        return self.run.run_id

    @property
    def folder(self) -> Path:
        """The run's folder."""
        return self.run.path

    @property
    def receipts(self) -> list[Receipt]:
        """Receipts of the pairs that are stored, in the order of their names."""
        return self.record.receipts

    @property
    def is_stopping(self) -> bool:
        """Whether the run was asked to end."""
        return self._stopping.is_set()

    def progress(self) -> list[SlotProgress]:
        """Return what every worker is doing; ValueError once the run is over."""
        return self.pool.progress()

    def gate(self) -> GateView:
        """Return what the throttle's gate is doing."""
        return self.throttle.view()

    def latest_look(self) -> Look:
        """Return what the governor last saw and decided."""
        return self.throttle.latest_look()

    def tell(self, text: str) -> None:
        """Pass a line on to whoever watches."""
        self.record.tell(text)

    def begin(self) -> None:
        """Show the run, and start the workers if there is anything to compute."""
        if remark := why_ignored(self.sweep.workers.priority):
            self.tell(remark)
        with self.record.telling:
            self._observer.on_start(self)
        for line in long_path_lines(described_paths(self.requests)):
            self.tell(line)
        if free := without_swap(self.requests):
            self.tell(f"no swap rates for {', '.join(free)}: their nights are free, those of the others are not")
        if self.missing:
            self.record.begin_phase(self._describe_start())
            self.pool.warm_up()
            self.throttle.start()
        self.dispatch.begin()

    def _describe_start(self) -> str:
        workers = "1 worker" if self._board.slots == 1 else f"{self._board.slots} workers"
        text = f"{self.missing} of {len(self.requests)} pairs to compute; starting {workers}"
        if self._cache.is_sealed():
            return text
        return f"{text}, the first of which compiles the engine: once for this version, up to a minute"

    def stop(self, code: ExitCode = ExitCode.INTERRUPTED) -> None:
        """End the run now: admit nothing, kill the workers, retry nothing. Returns at once; safe in a signal handler.

        Parameters
        ----------
        code : ExitCode
            What the run's outcome will say.
        """
        if self._stop_code is None:
            self._stop_code = code
            self._stopping.set()
            # Elsewhere, because the interrupted code may hold the locks that are needed.
            threading.Thread(target=self._shut_down, name="necrozma-stop", daemon=True).start()

    def backtest_remaining(self) -> None:
        """Backtest the pairs that are neither stored nor failed yet, and note how each went; no error is raised."""
        if remaining := self.record.remaining:
            with ThreadPoolExecutor(len(remaining), thread_name_prefix="necrozma-result") as threads:
                for noted in [threads.submit(self._backtest, request) for request in remaining]:
                    noted.result()

    def complete(
        self,
        rank: Callable[[RunFolder, Sequence[Receipt]], object] = publish_ranking,
        report: Callable[[RunFolder], object] = publish_page,
    ) -> None:
        """End a run that was not stopped: rank what is stored, conclude the manifest, publish the report.

        What was done of it already is not done again.

        Parameters
        ----------
        rank, report : callable
            How the ranking and the report are published.

        Raises
        ------
        DamagedError
            A stored result is not what was committed.
        StorageError
            Something cannot be written.
        """
        receipts = self.receipts
        if not self.record.is_concluded:
            if receipts:
                self.record.begin_phase("ranking the strategies")
                rank(self.run, receipts)
            self.conclude()
        if receipts and REPORT_FILE not in self.run.manifest.files:
            self.record.begin_phase("writing the report")
            report(self.run)
        if receipts and self.sweep.json_copies and not self._has_tried_json:
            self._has_tried_json = True
            self.record.begin_phase("writing the results as JSON")
            self._copy_as_json(receipts)

    def _copy_as_json(self, receipts: Sequence[Receipt]) -> None:
        for receipt in receipts:
            if self.is_stopping:
                return
            try:
                self.tell(f"JSON: {publish_json(self.run, receipt)}")
            except Exception as error:  # noqa: BLE001 -- the results are stored: no copy of them makes a run fail
                what = str(error) if isinstance(error, StorageError) else f"{type(error).__name__}: {error}"
                self.tell(f"{receipt.pair}: its results are stored, but not as JSON: {what}")

    def conclude(self) -> None:
        """Write into the manifest how the run ended; StorageError where that fails."""
        # What was stored before anybody came to hear of it, in a run that was stopped.
        for request in self.record.remaining:
            if receipt := self.dispatch.receipt_of(request.pair):
                self.record.note_result(request, receipt)
        # What the machine was like while pairs were computed: the report wants it.
        with suppress(StorageError):
            if looks := self.throttle.take_records():
                self.run.publish_governor(governor_table(looks))
        self.record.conclude(self._stop_code)

    def outcome(self) -> RunOutcome:
        """Say how the run stands."""
        return self.record.outcome(self._stop_code)

    def close(self) -> None:
        """Stop the workers and the throttle, say in the manifest how the run ended, and show the outcome."""
        self._shut_down()
        self._board.close()
        if not self.record.is_concluded:
            # A run that is left before it was concluded was interrupted; the next one would call it crashed.
            with suppress(StorageError):
                self.conclude()
        self.record.show(self._observer.on_finish, self.outcome())

    def _backtest(self, request: PairRequest) -> None:
        for delay_s in (*RETRY_DELAYS_S, None):
            try:
                result: object = self.dispatch.next_try(request)
            except Exception as error:  # noqa: BLE001 -- it is the pair's, and is noted
                result = error
            if delay_s is None or self.is_stopping or not is_worth_retrying(result):
                self.record.note_result(request, result)
                return
            self._stopping.wait(delay_s)

    def _compute(self, request: PairRequest) -> Receipt:
        request = with_key(request)
        if receipt := find_stored(request):
            return receipt
        self.record.begin_phase(f"{request.pair}: begun")
        receipt = self.pool.run(request)
        self.record.note_computed(receipt)
        return receipt

    def _shut_down(self) -> None:
        self.throttle.stop()
        self.pool.stop(_SHUTDOWN_S)
