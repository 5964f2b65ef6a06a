"""How a run ended."""

from dataclasses import dataclass, field
from pathlib import Path

from necrozma_core.backtest.request import Receipt
from necrozma_core.errors import AllStrategiesFailedError, ExitCode, PairsFailedError


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

    @property
    def strategies(self) -> int:
        """Strategies that were tried, each counted once a pair; not those of pairs that failed for another reason."""
        return sum(receipt.strategies for receipt in self.receipts) + self._all_failed

    @property
    def failed_strategies(self) -> int:
        """Those of `strategies` that failed; a pair all of whose strategies fail is not stored, but failed itself."""
        return sum(len(receipt.failures) for receipt in self.receipts) + self._all_failed

    @property
    def _all_failed(self) -> int:
        return sum(error.strategies for _, error in self.failures if isinstance(error, AllStrategiesFailedError))

    def describe_strategies(self) -> str:
        """Say how many strategies failed; empty where none did."""
        if not self.failed_strategies:
            return ""
        counted = ", counted on each pair" if len(self.receipts) + len(self.failures) > 1 else ""
        return f"{self.failed_strategies:,} of {self.strategies:,} strategies failed{counted}"

    def raise_failures(self) -> None:
        """Raise PairsFailedError where pairs failed, with their names and what retries them.

        Also where no pair did and the exit code says that too many strategies failed; how many is in the message.
        """
        if self.failures:
            total = len(self.receipts) + len(self.failures) + len(self.pending)
            names = ", ".join(pair for pair, _ in self.failures)
            advice = f"retry them with: {self.retry}" if self.retry else "the same sweep, run again, retries them"
            raise PairsFailedError(f"{len(self.failures)} of {total} pairs failed ({names}); {advice}")
        if self.exit_code is ExitCode.PAIRS_FAILED and not self.pending:
            raise PairsFailedError(f"{self.describe_strategies()}; the run's manifest names them, with the reasons")
