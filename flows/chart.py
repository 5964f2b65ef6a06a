"""A series over time as text: columns of block characters, for any terminal and any log."""

from collections.abc import Sequence
from typing import Final

_EIGHTHS: Final = " ▁▂▃▄▅▆▇█"
_MISSING: Final = "?"


def draw_columns(values: Sequence[float | None], top: float, height: int) -> list[str]:
    """Draw a series as columns, one a value, the first on the left.

    Parameters
    ----------
    values : sequence of float or None
        0 to ``top``; what is beyond is cut. None is drawn as a question mark at the foot.
    top : float
        What a full column stands for, above 0.
    height : int
        Lines.

    Returns
    -------
    list of str
        ``height`` lines, the topmost first, each as long as there are values.
    """
    columns = [_column(value, top, height) for value in values]
    return ["".join(column[row] for column in columns) for row in reversed(range(height))]


def _column(value: float | None, top: float, height: int) -> str:
    """Return one column, its foot first."""
    if value is None:
        return _MISSING.ljust(height)
    full, rest = divmod(round(max(0.0, min(value / top, 1.0)) * height * 8), 8)
    return (_EIGHTHS[-1] * full + (_EIGHTHS[rest] if rest else "")).ljust(height)
