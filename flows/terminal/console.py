"""What a run says to a person: the start-up block, a line for everything that happens, the ranking at the end."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from flows.terminal.wording import done_line, start_up_block, strategy_failure_lines
from necrozma_core.errors import ExitCode
from necrozma_core.printing import one_line

if TYPE_CHECKING:
    from flows.settings import Settings
    from necrozma_core.backtest.request import Receipt
    from necrozma_core.sweep.observer import RunView
    from necrozma_core.sweep.outcome import RunOutcome


class QuietConsole:
    """Prints errors alone and, at the end, where the results are. The base of the consoles that print more."""

    def __init__(self, settings: "Settings", remarks: Sequence[str] = ()) -> None:
        self.settings = settings
        self.remarks = remarks
        self.run: RunView | None = None
        self.finished: set[str] = set()
        """Pairs that were reported as stored or failed."""

    def stop(self, code: ExitCode) -> bool:
        """End the run, and tell whether one had begun."""
        if self.run is None:
            return False
        self.complain("stopping; what is stored stays. Once more ends at once")
        self.run.stop(code)
        return True

    def on_start(self, run: "RunView") -> None:
        """Remember the run."""
        self.run = run

    def on_message(self, text: str) -> None:
        """Say nothing."""

    def on_phase(self, text: str) -> None:
        """Say nothing."""

    def on_pair_done(self, receipt: "Receipt") -> None:
        """Name the strategies that failed."""
        self.finished.add(receipt.pair)
        for line in strategy_failure_lines(receipt):
            self.complain(line)

    def on_pair_failed(self, pair: str, error: Exception) -> None:
        """Say why."""
        self.finished.add(pair)
        text = str(error)
        self.complain(text if text.startswith(pair) else f"{pair}: {text}")

    def on_finish(self, outcome: "RunOutcome") -> None:
        """Say where the results are."""
        if outcome.ranking_path is not None:
            self.say(str(outcome.ranking_path))

    def say(self, text: str) -> None:
        """Write a line to stdout."""
        typer.echo(text)

    def complain(self, text: str) -> None:
        """Write one line to stderr."""
        # Not by typer, which writes past the stand-in for stderr that the live view puts up.
        print(one_line(text), file=sys.stderr, flush=True)  # noqa: T201


class PlainConsole(QuietConsole):
    """Prints a line for every change: for logs, pipes and ``--plain``."""

    def on_start(self, run: "RunView") -> None:
        """Print the settings and what will be computed."""
        super().on_start(run)
        for remark in self.remarks:
            self.say(remark)
        self.say(start_up_block(self.settings))
        for run_id in run.crashed:
            self.say(f"run {run_id} had died; what it finished is kept")
        pairs = "1 pair" if len(run.requests) == 1 else f"{len(run.requests)} pairs"
        self.say(f"{pairs}, {run.requests[0].source.describe()}, bars of {self.settings.timeframe}")

    def on_message(self, text: str) -> None:
        """Print the line."""
        self.say(text)

    def on_phase(self, text: str) -> None:
        """Print the line."""
        self.say(text)

    def on_pair_done(self, receipt: "Receipt") -> None:
        """Say how it went."""
        super().on_pair_done(receipt)
        if self.run is not None:
            self.say(done_line(receipt, len(self.finished), len(self.run.requests)))

    def on_finish(self, outcome: "RunOutcome") -> None:
        """Show the best of the ranking, and where the rest is."""
        if outcome.all_stored:
            self.say("everything was stored already: nothing computed")
        if outcome.ranking_path is not None and self.run is not None:
            from flows.terminal.stored_runs import show_ranking  # noqa: PLC0415 -- loads pyarrow and rich
            from necrozma_core.storage.runs.manifest import read_manifest  # noqa: PLC0415

            show_ranking(self.run.folder, read_manifest(self.run.folder))
            self.say(f"Results: {outcome.ranking_path}")
            if outcome.report_path is not None:
                self.say(f"Report:  {outcome.report_path}")
