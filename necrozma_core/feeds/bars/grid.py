"""The timeframe of bars, told by their opening times; all of them lie on its grid, in order, or one is named."""

from typing import Final

import numpy as np

from necrozma_core.errors import DataError, UsageError
from necrozma_core.market.arrays import Int64Array
from necrozma_core.market.timeframes import format_timeframe, parse_timeframe

_HOUR_MS: Final = 3_600_000
_USUAL_SHARE: Final = 0.05
"""A distance between neighbours that this share of them has is no slip, even where quiet minutes make most of the
distances longer."""

_WEEKEND_MS: Final = 40 * _HOUR_MS


def find_timeframe(time_ms: Int64Array, row: Int64Array, source: str) -> int:
    """Find the timeframe, and check that every time belongs to it.

    Parameters
    ----------
    time_ms : int64 array, shape (n_bars,)
        Opening times, milliseconds since 1970 UTC.
    row : int64 array, shape (n_bars,)
        Their rows, for messages.
    source : str

    Returns
    -------
    int
        Milliseconds: the smallest distance between neighbours that is no exception among them.

    Raises
    ------
    DataError
        There is one bar alone; a time stands twice, is earlier than the one before it, or is off the grid; or the
        distance is none that divides a day.
    """
    if len(time_ms) < 2:
        raise DataError(f"{source}: expected at least two bars, which tell their timeframe, found {len(time_ms)}")
    steps = np.diff(time_ms)
    _refuse_disorder(time_ms, steps, row, source)
    distances, counts = np.unique(steps, return_counts=True)
    # Of a few bars one distance may be a slip, unless no distance is there twice.
    usual = distances[counts >= min(max(_USUAL_SHARE * len(steps), 2), int(counts.max()))]
    timeframe_ms = int(usual[0])
    name = _name(timeframe_ms, source)
    # Bars of more than an hour begin where their feed's day does: 17:00 New York, say, whose clock is changed on
    # weekends.
    unit = min(timeframe_ms, _HOUR_MS)
    off = time_ms % unit != 0
    off[1:] |= steps < timeframe_ms
    off[1:] |= (steps < _WEEKEND_MS) & (steps % timeframe_ms != 0)
    if off.any():
        first = int(off.argmax())
        count = int(off.sum())
        raise DataError(
            f"{source}: row {row[first]}: expected a bar of {name}, the usual distance of the times, found "
            f"{_moment(time_ms[first])}"
            + (f" after {_moment(time_ms[first - 1])}" if first else "")
            + f"; {count:,} such {'row' if count == 1 else 'rows'}: mend the file, or import each timeframe by itself"
        )
    return timeframe_ms


def _refuse_disorder(time_ms: Int64Array, steps: Int64Array, row: Int64Array, source: str) -> None:
    if not (steps <= 0).any():
        return
    if (steps < 0).all():
        raise DataError(f"{source}: row {row[1]}: the newest bar comes first; sort the file by time")
    first = int((steps <= 0).argmax()) + 1
    twice, late = int((steps == 0).sum()), int((steps < 0).sum())
    if steps[first - 1] == 0:
        raise DataError(
            f"{source}: row {row[first]}: expected every time once, found {_moment(time_ms[first])} in row "
            f"{row[first - 1]} too; {twice:,} such rows: mend the file"
        )
    raise DataError(
        f"{source}: row {row[first]}: expected a time after the {_moment(time_ms[first - 1])} of row "
        f"{row[first - 1]}, found {_moment(time_ms[first])}; {late:,} such rows: sort the file by time"
    )


def _name(timeframe_ms: int, source: str) -> str:
    name = format_timeframe(timeframe_ms)
    try:
        parse_timeframe(name)
    except UsageError as error:
        raise DataError(
            f"{source}: expected bars whose length divides a day, such as 1min, 1h or 1d, found times {name} apart"
        ) from error
    return name


def _moment(time_ms: np.int64) -> str:
    return f"{np.datetime64(int(time_ms), 'ms').astype('datetime64[s]')}Z".replace("T", " ")
