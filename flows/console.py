"""What a run says to a person: the start-up block, a line for everything that happens, the ranking at the end."""

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

import typer

from necrozma_core.errors import ExitCode

if TYPE_CHECKING:
    from config import Settings
    from flows.observer import RunOutcome
    from flows.running import RunSession
    from necrozma_core.feeds import ImportReport
    from necrozma_core.jobs import Receipt

_FAILURES_SHOWN: Final = 3


def start_up_block(settings: "Settings") -> str:
    """Return the words with which a run begins."""
    return (
        "⚡ Multi-Worker Mode:\n"
        f"   Workers: {settings.workers}\n"
        f"   CPU Limit: {settings.cpu_limit:g}%\n"
        f"   Cooldown: {settings.cooldown_seconds:g}s\n"
        f"   Nice Priority: {'Yes' if settings.nice else 'No'}\n"
        "\n"
        f"💾 Storage format: {settings.storage_format.upper()}\n"
    )


def done_line(receipt: "Receipt", settled: int, total: int) -> str:
    """Say that a pair is stored."""
    head = f"[{settled}/{total}] {receipt.pair}: "
    if not receipt.computed:
        return f"{head}stored already"
    seconds = sum(receipt.seconds.values())
    return (
        f"{head}{receipt.strategies:,} strategies, {receipt.trades:,} trades, {receipt.ticks:,} ticks in {seconds:.1f}s"
    )


def strategy_failure_lines(receipt: "Receipt") -> Iterator[str]:
    """Name strategies that failed on a pair whose others went well."""
    for name, reason in receipt.failures[:_FAILURES_SHOWN]:
        yield f"{receipt.pair}: {name} failed: {reason}"
    if (more := len(receipt.failures) - _FAILURES_SHOWN) > 0:
        yield f"{receipt.pair}: {more:,} more strategies failed; `necrozma runs show latest` names them"


def ending_line(outcome: "RunOutcome") -> str | None:
    """Say why a run is not complete and which command completes it; None where it is."""
    if outcome.exit_code is ExitCode.OK:
        return None
    total = len(outcome.receipts) + len(outcome.failures) + len(outcome.pending)
    names = ", ".join(pair for pair, _ in outcome.failures)
    if outcome.exit_code in {ExitCode.INTERRUPTED, ExitCode.TERMINATED}:
        what = f"stopped with {len(outcome.receipts)} of {total} pairs stored; go on with"
    elif names:
        what = f"{len(outcome.failures)} of {total} pairs failed ({names}); retry them with"
    else:
        what = f"{len(outcome.pending)} of {total} pairs were not done ({', '.join(outcome.pending)}); go on with"
    return f"{what}: {outcome.retry}" if outcome.retry else what.partition(";")[0]


def import_lines(report: "ImportReport") -> Iterator[str]:
    """Say what an import did."""
    for name in report.already_stored:
        yield f"{name}: stored already"
    if not report.files:
        return
    files = "1 file" if len(report.files) == 1 else f"{len(report.files)} files"
    yield f"{report.pair}: {report.kept:,} ticks of {files}, {report.span}"
    if report.sub_millisecond:
        yield f"{report.sub_millisecond:,} times were finer than a millisecond and were rounded down to one"
    for reason, count in report.quarantined.items():
        yield f"{count:,} rows set aside: {reason}"
    for path in report.quarantine_files:
        yield f"set aside in {path}"


class QuietConsole:
    """Says nothing but errors and, at the end, where the results are. The base of those that say more."""

    def __init__(self, settings: "Settings", remarks: Sequence[str] = ()) -> None:
        self.settings = settings
        self.remarks = remarks
        self.session: RunSession | None = None
        self.settled: set[str] = set()
        """Pairs that are stored or failed, as far as we were told."""

    def stop(self, code: ExitCode) -> bool:
        """End the run, and tell whether there is one."""
        if self.session is None:
            return False
        self.complain("stopping; what is stored stays. Once more ends at once")
        self.session.stop(code)
        return True

    def on_start(self, session: "RunSession") -> None:
        """Remember the run."""
        self.session = session

    def on_message(self, text: str) -> None:
        """Say nothing."""

    def on_pair_done(self, receipt: "Receipt") -> None:
        """Name the strategies that failed."""
        self.settled.add(receipt.pair)
        for line in strategy_failure_lines(receipt):
            self.complain(line)

    def on_pair_failed(self, pair: str, error: Exception) -> None:
        """Say why."""
        self.settled.add(pair)
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
        # Not by typer, which goes around whatever stands in for stderr while the live view is drawn.
        print(" ".join(text.split()), file=sys.stderr, flush=True)  # noqa: T201


class PlainConsole(QuietConsole):
    """Says everything, a line a change: for logs, pipes and ``--plain``."""

    def on_start(self, session: "RunSession") -> None:
        """Say what will be done, and how."""
        super().on_start(session)
        for remark in self.remarks:
            self.say(remark)
        self.say(start_up_block(self.settings))
        for run_id in session.crashed:
            self.say(f"run {run_id} had died; what it finished is kept")
        pairs = "1 pair" if len(session.requests) == 1 else f"{len(session.requests)} pairs"
        self.say(f"{pairs}, {session.requests[0].source.describe()}, bars of {self.settings.timeframe}")

    def on_message(self, text: str) -> None:
        """Pass it on."""
        self.say(text)

    def on_pair_done(self, receipt: "Receipt") -> None:
        """Say how it went."""
        super().on_pair_done(receipt)
        if self.session is not None:
            self.say(done_line(receipt, len(self.settled), len(self.session.requests)))

    def on_finish(self, outcome: "RunOutcome") -> None:
        """Show the best of the ranking, and where the rest is."""
        if outcome.all_stored:
            self.say("everything was stored already: nothing computed")
        if outcome.ranking_path is not None and self.session is not None:
            from flows.show import show_ranking  # noqa: PLC0415 -- loads pyarrow and rich

            show_ranking(self.session.run.path, self.session.run.manifest)
            self.say(f"Results: {outcome.ranking_path}")
            if outcome.report_path is not None:
                self.say(f"Report:  {outcome.report_path}")


def open_observer(settings: "Settings", remarks: Sequence[str], *, quiet: bool, plain: bool) -> "QuietConsole":
    """Choose how a run is shown: live on a terminal, in lines elsewhere."""
    if quiet:
        return QuietConsole(settings, remarks)
    from flows.tables import open_console  # noqa: PLC0415 -- loads rich

    console = open_console()
    if plain or not console.is_terminal or console.is_dumb_terminal:
        return PlainConsole(settings, remarks)
    from flows.live import LiveConsole  # noqa: PLC0415

    return LiveConsole(settings, remarks, console)
