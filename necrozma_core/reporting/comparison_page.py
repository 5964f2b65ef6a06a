"""Two feeds side by side as one HTML page that needs nothing else."""

from collections.abc import Sequence
from html import escape
from typing import Final

import numpy as np

from necrozma_core.feeds.compared import FeedComparison
from necrozma_core.reporting.data_page import table_of
from necrozma_core.reporting.page import document
from necrozma_core.storage.ticks.manifest import format_span

_WIDTH: Final = 960
_HEIGHT: Final = 140
_TEXT: Final = 14


def render_comparisons(comparisons: Sequence[FeedComparison]) -> str:
    """Render comparisons of feeds as HTML.

    Parameters
    ----------
    comparisons : sequence of FeedComparison
        In the order in which they are shown.

    Returns
    -------
    str
        A whole document; names of folders are escaped, and equal input gives equal text.
    """
    return document("Feeds compared", "\n".join(["<h1>Feeds compared</h1>", *map(_comparison, comparisons)]))


def _comparison(comparison: FeedComparison) -> str:
    verdict = "".join(f"<li>{escape(sentence)}</li>" for sentence in comparison.verdict())
    names = "".join(
        f"<li>{letter}: {escape(feed.name)}</li>" for letter, feed in zip("AB", comparison.feeds, strict=True)
    )
    note = " class='note'" if comparison.is_moved or not comparison.is_alike else ""
    shared = "".join(f"<p>{escape(line)}</p>" for line in comparison.shared())
    picture = f"<figure>{difference_svg(comparison)}</figure>" if comparison.days else ""
    return (
        f"<h2>{escape(comparison.pair)}</h2><p class='soft'>"
        f"{escape(format_span(comparison.first_ms, comparison.last_ms))}</p><ul>{names}</ul>"
        f"<div{note}><ul>{verdict}</ul></div>{table_of(('', 'A', 'B'), list(comparison.rows()))}"
        f"{shared}{picture}"
        f"{_months(comparison)}{_days(comparison)}"
    )


def _months(comparison: FeedComparison) -> str:
    rows = [
        (
            str(shift.month),
            "–" if shift.minutes is None else f"{shift.minutes:+,}" if shift.minutes else "0",
            f"{shift.correlation:.2f}",
        )
        for shift in comparison.shifts
    ]
    return table_of(("month", "B's clock after A's, minutes", "correlation"), rows) if rows else ""


def _days(comparison: FeedComparison) -> str:
    rows = [
        (str(day.day), f"{day.ticks[0]:,}", f"{day.ticks[1]:,}", f"{day.difference_pips:+.2f}")
        for day in comparison.days
    ]
    table = table_of(("day", "ticks of A", "ticks of B", "B's mid minus A's, pips"), rows)
    return f"<details><summary>{len(rows):,} shared trading days</summary>{table}</details>" if rows else ""


def difference_svg(comparison: FeedComparison) -> str:
    """Draw the median difference of each shared day; one ``<svg>`` element."""
    days = comparison.days
    most = max(abs(day.difference_pips) for day in days) or 1.0
    step = _WIDTH / (int((days[-1].day - days[0].day).astype(np.int64)) + 1)
    middle, room = _HEIGHT / 2, _HEIGHT / 2 - _TEXT - 2
    columns = "".join(
        f"M{(int((day.day - days[0].day).astype(np.int64)) + 0.5) * step:.1f} {middle:g}"
        f"v{-day.difference_pips / most * room:.1f}"
        for day in days
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" font-family="sans-serif" '
        f'font-size="11" fill="currentColor"><title>{escape(comparison.pair)}: median difference a day</title>'
        f'<path d="M0 {middle:g}h{_WIDTH}" stroke="currentColor" stroke-dasharray="3 4" opacity="0.5"/>'
        f'<path d="{columns}" stroke="currentColor" stroke-width="{max(0.8 * step, 0.3):.2f}" opacity="0.6"/>'
        f'<text x="2" y="11">median of B\'s mid minus A\'s a day, up to {most:.2f} pips</text>'
        f'<text x="2" y="{_HEIGHT - 2}">{days[0].day}</text>'
        f'<text x="{_WIDTH - 2}" y="{_HEIGHT - 2}" text-anchor="end">{days[-1].day}</text></svg>'
    )
