"""What shows a run to a person, and what of the run it may see."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from necrozma_core.backtest.request import PairRequest, Receipt
from necrozma_core.errors import ExitCode
from necrozma_core.sweep.outcome import RunOutcome
from necrozma_core.throttle.control import Look
from necrozma_core.throttle.gate import GateView
from necrozma_core.workers.progress import SlotProgress


class RunView(Protocol):
    """A run as an observer sees it; safe to ask from any thread."""

    @property
    def run_id(self) -> str:
        """The run's id, which is its folder's name."""
        ...

    @property
    def folder(self) -> Path:
        """The run's folder."""
        ...

    @property
    def requests(self) -> Sequence[PairRequest]:
        """One a pair, in the order in which they are begun; at least one."""
        ...

    @property
    def crashed(self) -> Sequence[str]:
        """Ids of earlier runs that were found dead when this one began."""
        ...

    @property
    def is_stopping(self) -> bool:
        """Whether the run was asked to end."""
        ...

    def progress(self) -> list[SlotProgress]:
        """Return what every worker is doing; ValueError once the run is over."""
        ...

    def gate(self) -> GateView:
        """Return what the throttle's gate is doing."""
        ...

    def latest_look(self) -> Look:
        """Return what the governor last saw and decided."""
        ...

    def stop(self, code: ExitCode = ExitCode.INTERRUPTED) -> None:
        """End the run now; returns at once, safe in a signal handler."""
        ...


class Observer(Protocol):
    """What shows a run to a person. Called from several threads, one at a time.

    What `on_start` raises ends the run; what the others raise is logged, because no result depends on it.
    """

    def on_start(self, run: RunView) -> None:
        """Take note of the run, before anything is computed."""
        ...

    def on_message(self, text: str) -> None:
        """Show a line about something that happened."""
        ...

    def on_phase(self, text: str) -> None:
        """Show what the run begins to do; an observer without this method is not told."""
        ...

    def on_pair_done(self, receipt: Receipt) -> None:
        """Show that a pair is stored."""
        ...

    def on_pair_failed(self, pair: str, error: Exception) -> None:
        """Show that a pair failed for good."""
        ...

    def on_finish(self, outcome: RunOutcome) -> None:
        """Show how the run ended."""
        ...


class RunLog:
    """Writes what happens to a log, as a run without a terminal does."""

    def __init__(self, log: "logging.Logger | logging.LoggerAdapter[logging.Logger]") -> None:
        self._log = log

    def on_start(self, run: RunView) -> None:
        """Log what will be done."""
        self._log.info("run %s: %d pairs in %s", run.run_id, len(run.requests), run.folder)

    def on_message(self, text: str) -> None:
        """Log it."""
        self._log.info("%s", text)

    def on_phase(self, text: str) -> None:
        """Log it."""
        self._log.info("%s", text)

    def on_pair_done(self, receipt: Receipt) -> None:
        """Log what came out."""
        how = "computed" if receipt.computed else "stored before"
        self._log.info("%s: %s, %d strategies, %d trades", receipt.pair, how, receipt.strategies, receipt.trades)

    def on_pair_failed(self, pair: str, error: Exception) -> None:
        """Log why."""
        self._log.error("%s failed: %s", pair, error)

    def on_finish(self, outcome: RunOutcome) -> None:
        """Log how."""
        if failed := outcome.describe_strategies():
            self._log.warning("run %s: %s", outcome.run_id, failed)
        ending = (
            f"{len(outcome.receipts)} pairs stored, {len(outcome.failures)} failed, {len(outcome.pending)} not done"
        )
        self._log.info("run %s ended: %s, %s", outcome.run_id, ending, outcome.ranking_path or "no ranking")
