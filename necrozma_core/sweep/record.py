"""How each pair of a run went: noted on the disk at once, told to whoever watches, summed up at the end."""

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec

from necrozma_core.backtest.request import PairRequest, Receipt
from necrozma_core.errors import (
    AllStrategiesFailedError,
    DamagedError,
    ExitCode,
    NecrozmaError,
    StoppedError,
    StorageError,
    shown,
)
from necrozma_core.storage.runs.folder import RANKING_FILE, REPORT_FILE, RunFolder
from necrozma_core.storage.runs.manifest import PairRecord, PairState, RunStatus
from necrozma_core.sweep.observer import Observer
from necrozma_core.sweep.outcome import RunOutcome

P = ParamSpec("P")

_log = logging.getLogger(__name__)


class RunRecord:
    """The record of one run; safe to use from many threads.

    Parameters
    ----------
    requests : list of PairRequest
    run : RunFolder
    observer : Observer
    retry : str
        The command that computes what is missing.
    strict : bool
        The run fails by one failed strategy, not only by more than half of them.
    """

    def __init__(
        self, requests: list[PairRequest], run: RunFolder, observer: Observer, retry: str = "", *, strict: bool = False
    ) -> None:
        self._retry = retry
        self._strict = strict
        self._requests = requests
        self._run = run
        self._observer = observer
        self._began = time.monotonic()
        self._receipts: dict[str, Receipt] = {}
        self._failures: dict[str, Exception] = {}
        self._computing: tuple[float, float] | None = None
        # Observers are told one thing at a time, and may ask how the run stands.
        self.telling = threading.RLock()

    @property
    def receipts(self) -> list[Receipt]:
        """Receipts of the pairs that are stored, in the order of their names."""
        with self.telling:
            return [self._receipts[pair] for pair in sorted(self._receipts)]

    @property
    def remaining(self) -> list[PairRequest]:
        """Requests of pairs that are neither stored nor failed yet, in order."""
        with self.telling:
            done = self._receipts.keys() | self._failures.keys()
        return [request for request in self._requests if request.pair not in done]

    @property
    def is_concluded(self) -> bool:
        """Whether the manifest says how the run ended."""
        return self._run.manifest.status is not RunStatus.RUNNING

    def tell(self, text: str) -> None:
        """Pass a line on to whoever watches."""
        self.show(self._observer.on_message, text)

    def begin_phase(self, text: str) -> None:
        """Tell whoever watches what the run begins to do."""
        # Observers of scripts that are older than this method have none.
        if (on_phase := getattr(self._observer, "on_phase", None)) is not None:
            self.show(on_phase, text)

    def show(self, method: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> None:
        """Call a method of the observer's, one at a time; what it raises is logged, for no result depends on it."""
        with self.telling:
            try:
                method(*args, **kwargs)
            except Exception:  # noqa: BLE001 -- whatever somebody's own code may raise
                _log.exception("the observer failed in %s", getattr(method, "__name__", method))

    def note_computed(self, receipt: Receipt) -> None:
        """Take note that a pair was computed just now, which its task may tell only later."""
        end = time.monotonic()
        start = end - sum(receipt.seconds.values())
        with self.telling:
            known_start, known_end = self._computing or (start, end)
            self._computing = min(start, known_start), max(end, known_end)

    def note_result(self, request: PairRequest, result: object) -> None:
        """Note a pair's receipt, or the error that it failed with; that the run is ending is neither."""
        if isinstance(result, StoppedError):
            return
        with self.telling:
            try:
                if isinstance(result, Receipt):
                    self._note_receipt(result)
                else:
                    unknown = NecrozmaError(f"{request.pair}: expected a receipt, found {shown(result)}")
                    self._note_failure(request, result if isinstance(result, Exception) else unknown)
            except StorageError as error:
                # The manifest cannot be written. The pair's results may be there, but the run is in trouble.
                self._failures[request.pair] = error
                self.show(self._observer.on_pair_failed, request.pair, error)

    def conclude(self, stop_code: ExitCode | None) -> None:
        """Write into the manifest how the run ended.

        Raises
        ------
        StorageError
            It cannot be written.
        """
        outcome = self.outcome(stop_code)
        if stop_code is not None:
            status = RunStatus.CANCELLED
        else:
            status = RunStatus.COMPLETED if outcome.exit_code is ExitCode.OK else RunStatus.FAILED
        counts = {"strategies": outcome.strategies, "failed_strategies": outcome.failed_strategies}
        self._run.finish(status, outcome.seconds, counts)

    def outcome(self, stop_code: ExitCode | None) -> RunOutcome:
        """Say how the run stands.

        Parameters
        ----------
        stop_code : ExitCode or None
            Of what stopped the run, if something did.
        """
        with self.telling:
            receipts, failures = self.receipts, dict(self._failures)
        stored = {receipt.pair for receipt in receipts}
        missing = sorted({request.pair for request in self._requests} - stored)
        code = _exit_code(missing, failures)
        if code is ExitCode.OK and self._have_too_many_failed(receipts):
            code = ExitCode.PAIRS_FAILED
        return RunOutcome(
            run_id=self._run.run_id,
            exit_code=code if stop_code is None else stop_code,
            ranking_path=self._published(RANKING_FILE),
            report_path=self._published(REPORT_FILE),
            receipts=tuple(receipts),
            failures=tuple((pair, failures[pair]) for pair in sorted(failures)),
            pending=tuple(pair for pair in missing if pair not in failures),
            all_stored=not missing and not any(receipt.computed for receipt in receipts),
            retry=self._retry if missing else "",
            seconds=self._seconds(),
        )

    def _have_too_many_failed(self, receipts: list[Receipt]) -> bool:
        failed = sum(len(receipt.failures) for receipt in receipts)
        return failed > 0 if self._strict else 2 * failed > sum(receipt.strategies for receipt in receipts)

    def _seconds(self) -> dict[str, float]:
        seconds = {"run": time.monotonic() - self._began}
        if self._computing is not None:
            # From the first pair's beginning to the last one's end, without start-up and closing.
            seconds["pairs"] = self._computing[1] - self._computing[0]
        return seconds

    def _note_receipt(self, receipt: Receipt) -> None:
        self._receipts[receipt.pair] = receipt
        self._failures.pop(receipt.pair, None)
        counts = {
            "strategies": receipt.strategies,
            "failed_strategies": len(receipt.failures),
            "trades": receipt.trades,
            "ticks": receipt.ticks,
        }
        state = PairState.COMPUTED if receipt.computed else PairState.REUSED
        record = PairRecord(receipt.key, state, None, receipt.failures, counts, dict(receipt.seconds))
        self._run.record(receipt.pair, record)
        self.show(self._observer.on_pair_done, receipt)

    def _note_failure(self, request: PairRequest, error: Exception) -> None:
        self._failures[request.pair] = error
        counts = {}
        if isinstance(error, AllStrategiesFailedError):
            counts = {"strategies": error.strategies, "failed_strategies": error.strategies}
        self._run.record(request.pair, PairRecord(request.key, PairState.FAILED, str(error), counts=counts))
        self.show(self._observer.on_pair_failed, request.pair, error)

    def _published(self, name: str) -> Path | None:
        return self._run.path / name if name in self._run.manifest.files else None


def _exit_code(missing: list[str], failures: dict[str, Exception]) -> ExitCode:
    # Damaged ticks are one pair's trouble; a disk that is full or fails is everybody's.
    if any(isinstance(error, StorageError) and not isinstance(error, DamagedError) for error in failures.values()):
        return ExitCode.DISK
    return ExitCode.PAIRS_FAILED if missing else ExitCode.OK
