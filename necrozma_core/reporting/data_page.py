"""What the stored ticks are like as one HTML page that needs nothing else."""

from collections.abc import Sequence
from html import escape
from typing import Final

import numpy as np

from necrozma_core.feeds.data_report import DataReport
from necrozma_core.feeds.days import DayReport
from necrozma_core.reporting.page import document

_WIDTH: Final = 960
_HEIGHT: Final = 140
_TEXT: Final = 14
_MARK: Final = "#d9480f"
"""Of what is doubtful: seen on light and on dark ground."""


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
    parts = ["<h1>Data report</h1>", _overview(reports), *(_pair(report) for report in reports)]
    return document("Data report", "\n".join(parts))


def table_of(heads: Sequence[str], rows: Sequence[Sequence[str]], texts: int = 1) -> str:
    """Write a table whose first columns are texts and whose others are numbers; every cell is escaped."""
    kinds = ["" if position < texts else ' class="number"' for position in range(len(heads))]
    head = "".join(f'<th scope="col"{kind}>{escape(name)}</th>' for name, kind in zip(heads, kinds, strict=True))
    body = "\n".join(
        "<tr>" + "".join(f"<td{kind}>{escape(cell)}</td>" for cell, kind in zip(row, kinds, strict=True)) + "</tr>"
        for row in rows
    )
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>\n{body}\n</tbody></table></div>'


def _overview(reports: Sequence[DataReport]) -> str:
    heads = (
        "pair", "verdict", "days", "ticks", "spread, pips", "95 %", "widest", "no spread", "gaps", "days missing",
    )  # fmt: skip
    rows = [
        (
            report.pair,
            "doubtful" if report.is_doubtful else "good",
            f"{len(report.days):,}",
            f"{report.ticks:,}",
            *(f"{spread:,.2f}" for spread in report.spread_pips),
            f"{100 * report.zero_share:.1f} %",
            f"{sum(day.gaps for day in report.days):,}",
            f"{len(report.missing):,}",
        )
        for report in reports
    ]
    return table_of(heads, rows, texts=2)


def _pair(report: DataReport) -> str:
    verdict = "".join(f"<li>{escape(sentence)}</li>" for sentence in report.verdict())
    note = " class='note'" if report.is_doubtful else ""
    return (
        f"<h2>{escape(report.pair)}</h2><p class='soft'>{report.ticks:,} ticks, {escape(report.span)}</p>"
        f"<div{note}><ul>{verdict}</ul></div><figure>{days_svg(report)}</figure>{_days(report.days)}"
    )


def _days(days: Sequence[DayReport]) -> str:
    heads = (
        "day", "ticks", "spread, pips", "95 %", "widest", "no spread", "repeated", "gaps", "longest, min", "stale",
        "longest, min", "jumps", "breaks", "wide",
    )  # fmt: skip
    rows = [_cells(day) for day in days]
    return (
        f"<details><summary>{len(days):,} trading days, each ending at 17:00 New York</summary>"
        f"{table_of(heads, rows)}</details>"
    )


def _cells(day: DayReport) -> tuple[str, ...]:
    median, most, widest = day.spread_pips
    return (
        f"{day.day}{' (weekend)' if day.is_weekend else ''}",
        f"{day.ticks:,}",
        f"{median:.2f}",
        f"{most:.2f}",
        f"{widest:,.1f}",
        f"{100 * day.zero_spreads / day.ticks:.1f} %",
        f"{day.repeated:,}",
        f"{day.gaps:,}",
        f"{day.longest_gap_ms / 60_000:,.0f}",
        f"{day.stale:,}",
        f"{day.longest_stale_ms / 60_000:,.0f}",
        f"{day.jumps:,}",
        f"{day.breaks:,}",
        f"{day.wide:,}",
    )


def days_svg(report: DataReport) -> str:
    """Draw ticks a day as columns, the median spread as a line, and marks where something is doubtful or missing.

    Returns
    -------
    str
        One ``<svg>`` element; days are as far apart as in the calendar, so that what is missing is a hole.
    """
    days = report.days
    most = max(day.ticks for day in days)
    widest = max(day.spread_pips[0] for day in days) or 1.0
    step = _WIDTH / (int((days[-1].day - days[0].day).astype(np.int64)) + 1)
    foot, room = _HEIGHT - _TEXT, _HEIGHT - 3 * _TEXT

    def across(day: np.datetime64) -> float:
        return (int((day - days[0].day).astype(np.int64)) + 0.5) * step

    columns = "".join(f"M{across(day.day):.1f} {foot}v{-day.ticks / most * room:.1f}" for day in days)
    line = " ".join(f"{across(day.day):.1f},{foot - day.spread_pips[0] / widest * room:.1f}" for day in days)
    wild = [day.day for day in days if day.jumps or day.breaks or day.wide or day.is_weekend]
    marks = "".join(f"M{across(day):.1f} {2 * _TEXT}l-3 -7h6z" for day in wild)
    holes = "".join(f"M{across(day):.1f} {foot}v{-room}" for day in report.missing)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" font-family="sans-serif" '
        f'font-size="11" fill="currentColor"><title>{escape(report.pair)}: ticks and median spread a day</title>'
        f'<path d="{columns}" stroke="currentColor" stroke-width="{max(0.8 * step, 0.3):.2f}" opacity="0.35"/>'
        f'<path d="{holes}" stroke="{_MARK}" stroke-width="{max(0.8 * step, 0.5):.2f}" opacity="0.25"/>'
        f'<polyline points="{line}" fill="none" stroke="currentColor" stroke-width="1.5"/>'
        f'<path d="{marks}" fill="{_MARK}"/>'
        f'<text x="2" y="11">columns: up to {most:,} ticks a day; line: median spread up to {widest:.1f} pips'
        f"{_legend(bool(wild), bool(report.missing))}</text>"
        f'<text x="2" y="{_HEIGHT - 2}">{days[0].day}</text>'
        f'<text x="{_WIDTH - 2}" y="{_HEIGHT - 2}" text-anchor="end">{days[-1].day}</text></svg>'
    )


def _legend(has_marks: bool, has_holes: bool) -> str:
    return ("; triangles: doubtful ticks" if has_marks else "") + ("; shaded: days missing" if has_holes else "")
