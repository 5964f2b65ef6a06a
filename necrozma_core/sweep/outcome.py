"""How a run ended."""

from dataclasses import dataclass, field
from pathlib import Path

from necrozma_core.backtest.request import Receipt
from necrozma_core.errors import ExitCode, PairsFailedError


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
        The command that computes what is missing; empty where nothing is, or where no command does.
    seconds : dict of str to float
    """

    run_id: str
    exit_code: ExitCode
    ranking_path: Path | None
    report_path: Path | None
    receipts: tuple[Receipt, ...]
    failures: tuple[tuple[str, Exception], ...]
    pending: tuple[str, ...]
    all_stored: bool
    retry: str = ""
    seconds: dict[str, float] = field(default_factory=dict)

    def raise_failures(self) -> None:
        """Raise PairsFailedError where pairs failed, with their names and what retries them."""
        if self.failures:
            total = len(self.receipts) + len(self.failures) + len(self.pending)
            names = ", ".join(pair for pair, _ in self.failures)
            advice = f"retry them with: {self.retry}" if self.retry else "the same sweep, run again, retries them"
            raise PairsFailedError(f"{len(self.failures)} of {total} pairs failed ({names}); {advice}")
