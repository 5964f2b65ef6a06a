"""What a run says, in words."""

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from necrozma_core.errors import ExitCode
from necrozma_core.strategies.source import SourceKind, StrategySource

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from flows.settings import Settings
    from necrozma_core.backtest.request import Receipt
    from necrozma_core.feeds.intake import ImportReport
    from necrozma_core.sweep.outcome import RunOutcome


_FAILURES_SHOWN: Final = 3
_FILES_SHOWN: Final = 3
_FINDINGS_SHOWN: Final = 5


def start_up_block(settings: "Settings") -> str:
    """Return the words with which a run begins."""
    return (
        "⚡ Multi-Worker Mode:\n"
        f"   Workers: {settings.workers}\n"
        f"   CPU Limit: {settings.cpu_limit:g}%\n"
        f"   Cooldown: {settings.cooldown_seconds:g}s\n"
        f"   Nice Priority: {'Yes' if settings.nice else 'No'}\n"
        "\n"
        f"💾 Storage format: PARQUET{' and JSON' if settings.storage_format == 'json' else ''}\n"
    )


def strategies_line(source: StrategySource, count: int) -> str:
    """Say how many strategies a source holds, and what of its grids was left out."""
    if source.kind is not SourceKind.FILE:
        return source.describe()
    return f"{'1 strategy' if count == 1 else f'{count:,} strategies'} of {source.origin}"


def done_line(receipt: "Receipt", finished: int, total: int) -> str:
    """Say that a pair is stored."""
    head = f"[{finished}/{total}] {receipt.pair}: "
    if not receipt.computed:
        return f"{head}stored already"
    seconds = sum(receipt.seconds.values())
    failed = f" ({len(receipt.failures):,} failed)" if receipt.failures else ""
    return (
        f"{head}{receipt.strategies:,} strategies{failed}, {receipt.trades:,} trades, "
        f"{receipt.ticks:,} {receipt.made_from} in {seconds:.1f}s"
    )


def strategy_failure_lines(receipt: "Receipt") -> Iterator[str]:
    """Name strategies that failed on a pair whose others went well."""
    for name, reason in receipt.failures[:_FAILURES_SHOWN]:
        yield f"{receipt.pair}: {name} failed: {reason}"
    if (more := len(receipt.failures) - _FAILURES_SHOWN) > 0:
        yield f"{receipt.pair}: {more:,} more strategies failed"


def ending_line(outcome: "RunOutcome", results: Path) -> str | None:
    """Say what a run lacks: strategies that failed, pairs that are missing; None where it lacks nothing.

    Parameters
    ----------
    outcome : RunOutcome
    results : Path
        The run's results folder, for the commands that are offered.
    """
    if not (failed := outcome.describe_strategies()):
        return _missing_pairs(outcome)
    named = f"`necrozma runs show {outcome.run_id} --results {shlex.quote(str(results.absolute()))}` names them"
    return "; ".join([failed, _missing_pairs(outcome) or named])


def _missing_pairs(outcome: "RunOutcome") -> str | None:
    """Say why a run is not complete and which command completes it; None where it is."""
    if not (outcome.failures or outcome.pending or outcome.exit_code in {ExitCode.INTERRUPTED, ExitCode.TERMINATED}):
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


def left_line(paths: "Sequence[Path]") -> str:
    """Say which files of a folder were not taken for ticks."""
    return f"{_files([path.name for path in paths])}: left alone, no ticks by the name"


def _files(names: "Sequence[str]") -> str:
    more = len(names) - _FILES_SHOWN
    return ", ".join(names[:_FILES_SHOWN]) + (f" and {more:,} more" if more > 0 else "")


def import_lines(report: "ImportReport") -> Iterator[str]:
    """Say what an import did."""
    if report.already_stored:
        yield f"{_files(report.already_stored)}: stored already"
    if report.empty:
        yield f"{_files(report.empty)}: no quotes in {'it' if len(report.empty) == 1 else 'them'}, left out"
    if not report.files:
        return
    for description in report.formats.values():
        yield f"read as {description}"
    files = "1 file" if len(report.files) == 1 else f"{len(report.files)} files"
    yield f"{report.pair}: {report.kept:,} ticks of {files}, {report.span}"
    yield from _counted(report)
    for reason, count in report.quarantined.items():
        yield f"{count:,} rows set aside: {reason}"
    for finding in report.findings[:_FINDINGS_SHOWN]:
        yield f"doubtful: {finding}"
    if (more := len(report.findings) - _FINDINGS_SHOWN) > 0:
        yield f"doubtful: {more:,} more of these"
    yield from report.lacks
    for path in report.quarantine_files:
        yield f"set aside in {path}"


def _counted(report: "ImportReport") -> Iterator[str]:
    if report.known:
        yield f"{report.known:,} of them were stored already, the same"
    if report.rounded:
        yield f"{report.rounded:,} prices had the dust of binary fractions (1.0850000000000002) and were rid of it"
    if report.swapped:
        yield f"{report.swapped:,} {'row' if report.swapped == 1 else 'rows'} with the ask below the bid: exchanged"
    if report.one_sided:
        yield f"{report.one_sided:,} first rows left out: one side had no price yet"
    if report.repeated:
        repeat = "tick repeats" if report.repeated == 1 else "ticks repeat"
        yield f"{report.repeated:,} {repeat} the one before in time and prices"
    if report.sub_millisecond:
        yield f"{report.sub_millisecond:,} times were finer than a millisecond and were rounded down to one"
