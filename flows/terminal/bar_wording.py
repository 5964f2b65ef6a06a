"""What is said of bars: an import, and those that are stored."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from necrozma_core.feeds.bars.reports import BarImport, BarImportReport
    from necrozma_core.storage.bars.store import BarsSummary

_FILES_SHOWN: Final = 3
_FINDINGS_SHOWN: Final = 5


def bar_import_lines(report: "BarImportReport") -> Iterator[str]:
    """Say what an import of bars did."""
    if report.already_stored:
        yield f"{_files(report.already_stored)}: stored already"
    if report.empty:
        yield f"{_files(report.empty)}: no bars in {'it' if len(report.empty) == 1 else 'them'}, left out"
    for description in report.formats.values():
        yield f"read as {description}"
    for made in report.imports:
        yield from _import_lines(made)


def stored_bars_line(summary: "BarsSummary") -> str:
    """Say which bars of a pair are stored."""
    from necrozma_core.market.timeframes import format_timeframe  # noqa: PLC0415
    from necrozma_core.storage.bars.joining import format_moment  # noqa: PLC0415

    return (
        f"{summary.pair}: {summary.bars:,} bars of {format_timeframe(summary.timeframe_ms)}, "
        f"{format_moment(summary.first_ms)} to {format_moment(summary.last_ms)}, spread: {summary.spread}"
    )


def _import_lines(made: "BarImport") -> Iterator[str]:
    from necrozma_core.market.timeframes import format_timeframe  # noqa: PLC0415
    from necrozma_core.storage.bars.joining import format_moment  # noqa: PLC0415

    files = "1 file" if len(made.files) == 1 else f"{len(made.files)} files"
    yield (
        f"{made.pair}: {made.bars:,} bars of {format_timeframe(made.timeframe_ms)} of {files}, "
        f"{format_moment(made.first_ms)} to {format_moment(made.last_ms)}"
    )
    if made.sides == made.spread:
        yield "both sides are the files' own"
    else:
        yield f"the prices were read as the {made.sides}; the other side is made of it with the spread: {made.spread}"
    if made.known:
        yield f"{made.known:,} of them were stored already, the same"
    yield from made.notes
    for finding in made.findings[:_FINDINGS_SHOWN]:
        yield f"doubtful: {finding}"
    if (more := len(made.findings) - _FINDINGS_SHOWN) > 0:
        yield f"doubtful: {more:,} more of these"


def _files(names: tuple[str, ...]) -> str:
    more = len(names) - _FILES_SHOWN
    return ", ".join(names[:_FILES_SHOWN]) + (f" and {more:,} more" if more > 0 else "")
