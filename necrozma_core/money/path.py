"""The points at which an account is looked at: every trade's exit, and each day's end that finds a position open."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from necrozma_core.engine.trades import Trades
from necrozma_core.market.arrays import BoolArray, FloatArray, Int64Array


class DayEnds(Protocol):
    """Where trading days end."""

    @property
    def last_tick(self) -> Int64Array:
        """Index of each day's last tick, rising."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Path:
    """The points at which an account is looked at, in order of time. Made by :func:`path_of`.

    At one tick exits come before the day's end.

    Attributes
    ----------
    trade : int64 array, shape (n_points,)
        The trade that is closed at each exit; at each day's end the first of those that are open.
    is_day_end : bool array, shape (n_points,)
    closed : int64 array, shape (n_days,)
        How many trades are closed at each day's end.
    held : int64 array, shape (n_held,)
        The days that end with a position open.
    start, stop : int64 array, shape (n_points,)
        The ticks since the point before after which a position was open: from its entry on, without the exit's tick.
    """

    trade: Int64Array
    is_day_end: BoolArray
    closed: Int64Array
    held: Int64Array
    start: Int64Array
    stop: Int64Array

    def __len__(self) -> int:
        return len(self.trade)


def path_of(trades: Trades, days: DayEnds) -> Path:
    """Lay out exits and day ends in order of time.

    Parameters
    ----------
    trades : Trades
        Possibly none.
    days : DayEnds
        Of the ticks that were traded.
    """
    # Late: who only names an account's path must not load the compiler.
    from necrozma_core.kernels.walks.account import lay_path  # noqa: PLC0415

    return Path(*lay_path(trades.entry_tick, trades.exit_tick, days.last_tick))


def open_lots(trades: Trades, lots: FloatArray | float) -> FloatArray:
    """Return the lots that are open until each trade ends: its own, and those of the later parts of its position.

    Parameters
    ----------
    trades : Trades
    lots : float64 array, shape (n_trades,), or float
        Of each trade, or of every one.

    Returns
    -------
    float64 array, shape (n_trades,)
    """
    left = np.broadcast_to(np.asarray(lots, np.float64), (len(trades),))
    entry = trades.entry_tick
    goes_on = np.flatnonzero(entry[1:] == entry[:-1])
    if not len(goes_on):
        return left
    left = left.copy()
    for trade in goes_on[::-1].tolist():
        left[trade] += left[trade + 1]
    return left
