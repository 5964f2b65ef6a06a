"""What data reports and comparisons of feeds look like in a terminal."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from rich.table import Table

from flows.terminal.tables import NONE, duration, plain_table

if TYPE_CHECKING:
    from necrozma_core.feeds.compared import FeedComparison
    from necrozma_core.feeds.data_report import DataReport
    from necrozma_core.feeds.days import DayReport


def reports_table(reports: Iterable["DataReport"]) -> Table:
    """Lay out data reports, one pair a line."""
    table = plain_table(
        ("pair", "left"), ("days", "right"), ("ticks/day", "right"), ("spread", "right"), ("95 %", "right"),
        ("widest", "right"), ("zero", "right"), ("gaps", "right"), ("missing", "right"), ("verdict", "left"),
        gap=1,
    )  # fmt: skip
    for report in reports:
        regular = sorted(day.ticks for day in report.days)
        median, most, widest = report.spread_pips
        table.add_row(
            report.pair,
            f"{len(report.days):,}",
            f"{regular[len(regular) // 2]:,}",
            f"{median:.2g}",
            f"{most:.2g}",
            f"{widest:,.1f}",
            share(report.zero_share),
            _count(sum(day.gaps for day in report.days)),
            _count(len(report.missing)),
            "doubtful" if report.is_doubtful else "good",
        )
    return table


def days_table(days: Sequence["DayReport"]) -> Table:
    """Lay out the days of a data report, one a line; nothing stands for none."""
    table = plain_table(
        ("day", "left"), ("ticks", "right"), ("spread", "right"), ("95 %", "right"), ("widest", "right"),
        ("zero", "right"), ("twice", "right"), ("gaps", "right"), ("longest", "right"), ("stale", "right"),
        ("wild", "right"),
        gap=1,
    )  # fmt: skip
    for day in days:
        median, most, widest = day.spread_pips
        table.add_row(
            str(day.day),
            f"{day.ticks:,}",
            f"{median:.2g}",
            f"{most:.2g}",
            f"{widest:,.1f}",
            share(day.zero_spreads / day.ticks),
            _count(day.repeated),
            _count(day.gaps),
            duration(day.longest_gap_ms / 1000) if day.gaps else NONE,
            _count(day.stale),
            _count(day.jumps + day.breaks + day.wide),
        )
    return table


def verdict_lines(report: "DataReport") -> Iterator[str]:
    """Say what a pair's ticks are like."""
    yield f"{report.pair}: {report.ticks:,} ticks, {report.span}"
    yield from (f"  {sentence}" for sentence in report.verdict())


def comparison_table(comparison: "FeedComparison") -> Table:
    """Lay out two feeds of a pair, side by side."""
    table = plain_table(("", "left"), ("A", "right"), ("B", "right"))
    for name, first, second in comparison.rows():
        table.add_row(name, first, second)
    return table


def comparison_heading(comparison: "FeedComparison") -> Iterator[str]:
    """Say what is compared."""
    from necrozma_core.storage.ticks.manifest import format_span  # noqa: PLC0415 -- loads pyarrow

    yield f"{comparison.pair}, {format_span(comparison.first_ms, comparison.last_ms)}"
    for letter, feed in zip("AB", comparison.feeds, strict=True):
        yield f"  {letter} is {feed.name}"


def share(value: float) -> str:
    """Write a share: a dash for none, and nothing rounds to it."""
    if not value:
        return NONE
    return f"{100 * value:.0f} %" if value >= 0.01 else "<1 %"


def _count(number: int) -> str:
    return f"{number:,}" if number else NONE
