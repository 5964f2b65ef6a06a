"""What a run tells whoever watches it, and how it ended."""

import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from necrozma_core.errors import ExitCode

if TYPE_CHECKING:
    from flows.running import RunSession
    from necrozma_core.backtest.request import Receipt


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """How a run ended.

    Attributes
    ----------
    run_id : str
    exit_code : ExitCode
    ranking_path, report_path : Path or None
        None where there is nothing to rank.
    receipts : tuple of Receipt
        Of the pairs that are stored, in the order of their names.
    failures : tuple of (pair, error)
        Likewise.
    pending : tuple of str
        Pairs that the run did not come to.
    all_stored : bool
        Nothing had to be computed.
    retry : str
        The command that computes what is missing; empty where nothing is.
    seconds : dict of str to float
    """

    run_id: str
    exit_code: ExitCode
    ranking_path: Path | None
    report_path: Path | None
    receipts: "tuple[Receipt, ...]"
    failures: tuple[tuple[str, Exception], ...]
    pending: tuple[str, ...]
    all_stored: bool
    retry: str = ""
    seconds: dict[str, float] = field(default_factory=dict)


class Observer(Protocol):
    """Whoever shows a run to a person. Called from several threads, one at a time."""

    def on_start(self, session: "RunSession") -> None:
        """Take note of the run, before anything is computed."""
        ...

    def on_message(self, text: str) -> None:
        """Show a line about something that happened."""
        ...

    def on_pair_done(self, receipt: "Receipt") -> None:
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

    def on_start(self, session: "RunSession") -> None:
        """Log what will be done."""
        self._log.info("run %s: %d pairs in %s", session.run.run_id, len(session.requests), session.run.path)

    def on_message(self, text: str) -> None:
        """Log it."""
        self._log.info("%s", text)

    def on_pair_done(self, receipt: "Receipt") -> None:
        """Log what came out."""
        how = "computed" if receipt.computed else "stored before"
        self._log.info("%s: %s, %d strategies, %d trades", receipt.pair, how, receipt.strategies, receipt.trades)

    def on_pair_failed(self, pair: str, error: Exception) -> None:
        """Log why."""
        self._log.error("%s failed: %s", pair, error)

    def on_finish(self, outcome: RunOutcome) -> None:
        """Log how."""
        self._log.info("run %s ended: %s, ranking %s", outcome.run_id, outcome.exit_code.name, outcome.ranking_path)
