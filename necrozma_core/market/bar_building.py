"""Ticks gathered into bars."""

from necrozma_core.kernels.bars import build_bars
from necrozma_core.market.bars import Bars
from necrozma_core.market.ticks import Ticks


def bars_from_ticks(ticks: Ticks, timeframe_ms: int) -> Bars:
    """Gather ticks into bars.

    A tick at ``t`` belongs to the bar that opens at the last multiple of ``timeframe_ms`` at or before ``t``.

    Parameters
    ----------
    ticks : Ticks
        Possibly empty.
    timeframe_ms : int
        Length of a bar in milliseconds, above zero.

    Returns
    -------
    Bars
        One bar for every interval that holds a tick.
    """
    arrays = build_bars(ticks.time_ms, ticks.bid, ticks.ask, timeframe_ms)
    for array in arrays:
        array.setflags(write=False)
    return Bars(timeframe_ms, ticks.digits, *arrays)
