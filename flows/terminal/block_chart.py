"""A series over time as text: columns of block characters, for any terminal and any log."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from flows.terminal.tables import (
    duration,
)

_EIGHTHS: Final = " ▁▂▃▄▅▆▇█"
_MISSING: Final = "?"


def draw_columns(values: Sequence[float | None], top: float, height: int) -> list[str]:
    """Draw a series as columns, one a value, the first on the left.

    Parameters
    ----------
    values : sequence of float or None
        Clipped to 0 and ``top``. None is drawn as a question mark at the foot.
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


_CHART_WIDTH: Final = 72

_CHART_HEIGHT: Final = 6


def governor_lines(looks: Sequence[Mapping[str, Any]], settings: Mapping[str, Any]) -> Iterator[str]:
    """Write looks at the machine as two charts and the messages.

    Parameters
    ----------
    looks : sequence of mapping
        Rows of GOVERNOR_SCHEMA, at least one.
    settings : mapping
        The run's, for the limit and the number of workers.
    """
    workers = int(settings.get("workers", 1))
    seconds = [(look["time"] - looks[0]["time"]).total_seconds() for look in looks]
    cpu = [100 * look["total"] / look["capacity"] if look["total"] is not None and look["capacity"] else None
           for look in looks]  # fmt: skip
    charts = (
        (f"CPU, percent of the capacity; the limit was {settings.get('cpu_limit', 0):g}", cpu, 100.0),
        (
            f"allowance, of {workers} workers",
            [0.0 if look["resting"] else look["allowance"] for look in looks],
            workers,
        ),
    )
    span = duration(seconds[-1])
    for title, values, top in charts:
        yield title
        spread = spread_evenly(seconds, values, _CHART_WIDTH)
        for row, line in enumerate(draw_columns(spread, top, _CHART_HEIGHT)):
            edge = f"{top:g}" if row == 0 else "0" if row == _CHART_HEIGHT - 1 else ""
            yield f"{edge:>5} │{line}"
        yield f"{'':5} └0s{span:>{_CHART_WIDTH - 2}}"
        yield ""
    for look in looks:
        if look["message"]:
            yield f"{look['time']:%H:%M:%S}  {look['message']}"


def spread_evenly(seconds: Sequence[float], values: Sequence[float | None], count: int) -> list[float | None]:
    """Return ``count`` values at even distances in time, each the last one known by then.

    Parameters
    ----------
    seconds : sequence of float
        When each value was taken, rising from 0.
    values : sequence of float or None
    """
    span = seconds[-1]
    return [values[bisect_right(seconds, span * (step / max(count - 1, 1))) - 1] for step in range(count)]
