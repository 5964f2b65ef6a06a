"""Ticks, or the bars of a feed, gathered into bars."""

from typing import Final

import numpy as np

from necrozma_core.kernels.bars import build_bars, gather_bars
from necrozma_core.market.bar_grid import BarGrid, Days
from necrozma_core.market.bars import Bars
from necrozma_core.market.quote_bars import QuoteBars
from necrozma_core.market.ticks import Ticks

_MIDNIGHT: Final = BarGrid()


def bars_from_ticks(ticks: Ticks, timeframe_ms: int, grid: BarGrid = _MIDNIGHT) -> Bars:
    """Gather ticks into bars.

    A tick at ``t`` belongs to the bar that opens at or before ``t`` and ends after it. Without a grid, bars open at
    multiples of their length.

    Parameters
    ----------
    ticks : Ticks
        Possibly empty.
    timeframe_ms : int
        Length of a bar in milliseconds, above zero and at most a day.
    grid : BarGrid

    Returns
    -------
    Bars
        One bar for every interval that holds a tick.
    """
    days = _days(ticks.time_ms, timeframe_ms, grid)
    arrays = build_bars(ticks.time_ms, ticks.bid, ticks.ask, timeframe_ms, *days)
    for array in arrays:
        array.setflags(write=False)
    times, bid, ask, mid2, count, first = arrays
    return Bars(timeframe_ms, ticks.digits, times, bid, ask, mid2, count, first, grid)


def bars_from_quote_bars(given: QuoteBars, timeframe_ms: int, grid: BarGrid = _MIDNIGHT) -> Bars:
    """Gather the bars of a feed into longer ones, or as long ones.

    Parameters
    ----------
    given : QuoteBars
        Possibly none.
    timeframe_ms : int
        A multiple of theirs.
    grid : BarGrid
        One that never begins a bar within one of those given.

    Returns
    -------
    Bars
        ``first_tick`` counts the quotes of :func:`ticks_of_quote_bars`, two to each bar given. Mid prices are the means
        of bid and ask in the same column: which extremes met is not known.
    """
    days = _days(given.open_time_ms, timeframe_ms, grid)
    given = given.writable()
    times, bid, ask, mid2, count, first = gather_bars(
        given.open_time_ms, given.bid, given.ask, given.tick_count, timeframe_ms, *days
    )
    arrays = times, bid, ask, mid2, count, 2 * first
    for array in arrays:
        array.setflags(write=False)
    return Bars(timeframe_ms, given.digits, times, bid, ask, mid2, count, arrays[-1], grid)


def ticks_of_quote_bars(given: QuoteBars) -> Ticks:
    """Return what is known of quotes: the first of each bar at its opening time, its last in its last millisecond.

    Returns
    -------
    Ticks
        Two to each bar.
    """
    times = np.stack((given.open_time_ms, given.open_time_ms + given.timeframe_ms - 1), axis=1).reshape(-1)
    bid, ask = (np.ascontiguousarray(side[:, ::3]).reshape(-1) for side in (given.bid, given.ask))
    return Ticks(given.pair, given.digits, times, bid, ask)


def _days(times: np.ndarray, timeframe_ms: int, grid: BarGrid) -> Days:
    if not len(times):
        none = np.zeros(1, np.int64)
        return Days(none, none)
    return grid.days(int(times[0]), int(times[-1]), timeframe_ms)
