"""What the stored ticks are like as one HTML page that needs nothing else."""

from collections.abc import Sequence
from html import escape
from typing import Final

from necrozma_core.feeds.data_report import DataReport, DayReport
from necrozma_core.reporting.page import document

_WIDTH: Final = 640
_HEIGHT: Final = 120
_TEXT: Final = 14


def render_data_report(reports: Sequence[DataReport]) -> str:
    """Render reports of pairs as HTML.

    Parameters
    ----------
    reports : sequence of DataReport
        In the order in which they are shown.

    Returns
    -------
    str
        A whole document; equal input gives equal text.
    """
    parts = ["<h1>Data report</h1>", *(_pair(report) for report in reports)]
    return document("Data report", "\n".join(parts))


def _pair(report: DataReport) -> str:
    verdict = "".join(f"<li>{escape(sentence)}</li>" for sentence in report.verdict())
    note = " class='note'" if report.is_doubtful else ""
    return (
        f"<h2>{escape(report.pair)}</h2><p class='soft'>{report.ticks:,} ticks, {escape(report.span)}</p>"
        f"<ul{note}>{verdict}</ul><figure>{days_svg(report)}</figure>{_table(report.days)}"
    )


def _table(days: Sequence[DayReport]) -> str:
    heads = ("day", "ticks", "spread, pips", "95 %", "widest", "no spread", "repeated", "gaps", "longest, minutes")
    head = "".join(f"<th class='number'>{name}</th>" for name in heads)
    rows = "".join(
        "<tr>" + "".join(f"<td class='number'>{cell}</td>" for cell in _cells(day)) + "</tr>" for day in days
    )
    return (
        f"<details><summary>{len(days):,} trading days, each ending at 17:00 New York</summary>"
        f"<div class='wide'><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div></details>"
    )


def _cells(day: DayReport) -> tuple[str, ...]:
    median, most, widest = day.spread_pips
    return (
        str(day.day),
        f"{day.ticks:,}",
        f"{median:.1f}",
        f"{most:.1f}",
        f"{widest:.1f}",
        f"{100 * day.zero_spreads / day.ticks:.0f} %",
        f"{day.repeated:,}",
        f"{day.gaps:,}",
        f"{day.longest_gap_ms / 60_000:.0f}",
    )


def days_svg(report: DataReport) -> str:
    """Draw ticks a day as columns and the median spread as a line; one ``<svg>`` element."""
    days = report.days
    most = max(day.ticks for day in days)
    widest = max(day.spread_pips[0] for day in days) or 1.0
    step = _WIDTH / len(days)
    room = _HEIGHT - 2 * _TEXT
    columns = "".join(
        f'<rect x="{number * step:.2f}" y="{_HEIGHT - _TEXT - day.ticks / most * room:.1f}" '
        f'width="{max(step - 0.5, 0.3):.2f}" height="{day.ticks / most * room:.1f}"/>'
        for number, day in enumerate(days)
    )
    line = " ".join(
        f"{(number + 0.5) * step:.2f},{_HEIGHT - _TEXT - day.spread_pips[0] / widest * room:.1f}"
        for number, day in enumerate(days)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" font-family="sans-serif" '
        f'font-size="11" fill="currentColor"><title>{escape(report.pair)}: ticks and median spread a day</title>'
        f'<g opacity="0.35">{columns}</g>'
        f'<polyline points="{line}" fill="none" stroke="currentColor" stroke-width="1.5"/>'
        f'<text x="2" y="11">columns: up to {most:,} ticks a day; line: median spread up to {widest:.1f} pips</text>'
        f'<text x="2" y="{_HEIGHT - 2}">{days[0].day}</text>'
        f'<text x="{_WIDTH - 2}" y="{_HEIGHT - 2}" text-anchor="end">{days[-1].day}</text></svg>'
    )
