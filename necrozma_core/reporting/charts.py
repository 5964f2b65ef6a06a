"""Pictures of results as SVG: no scripts, no fonts, no files; in a page they take its text colour."""

from html import escape
from typing import Final

import numpy as np

from necrozma_core.money.equity import Equity

_WIDTH: Final = 640
_HEIGHT: Final = 140
_MARGIN: Final = 16
"""Room above and below the line for a row of text."""
_MOST_POINTS: Final = 320
"""Half the width in pixels: more could not be seen."""


def equity_svg(equity: Equity, title: str) -> str:
    """Draw the account's equity at the end of each trading day.

    Parameters
    ----------
    equity : Equity
        Of one strategy; its initial balance is the first point and a dashed line.
    title : str
        Read out in place of the picture; escaped here.

    Returns
    -------
    str
        One ``<svg>`` element, which stands alone as a file as well.
    """
    values = np.concatenate(([equity.initial_balance], equity.day_end))
    low, high = float(values.min()), float(values.max())
    shown = np.unique(np.linspace(0, len(values) - 1, min(len(values), _MOST_POINTS)).round().astype(np.int64))
    left = shown * (_WIDTH / max(len(values) - 1, 1))
    down = _MARGIN + (high - values) / ((high - low) or 1.0) * (_HEIGHT - 2 * _MARGIN)
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(left.tolist(), down[shown].tolist(), strict=True))
    ends = equity.time_ms[[0, -1]] if len(equity.time_ms) else equity.time_ms
    days = " to ".join(np.datetime_as_string(ends.astype("datetime64[ms]"), unit="D"))
    start = f"{down[0]:.1f}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'font-family="sans-serif" font-size="11" fill="currentColor"><title>{escape(title)}</title>'
        f'<line x1="0" x2="{_WIDTH}" y1="{start}" y2="{start}" stroke="currentColor" '
        'stroke-dasharray="3 4" opacity="0.5"/>'
        f'<polyline points="{points}" fill="none" stroke="currentColor" stroke-width="1.5"/>'
        f'<text x="2" y="11">{high:,.0f}</text><text x="2" y="{_HEIGHT - 3}">{low:,.0f}</text>'
        f'<text x="{_WIDTH - 2}" y="{_HEIGHT - 3}" text-anchor="end">{days}</text></svg>'
    )
