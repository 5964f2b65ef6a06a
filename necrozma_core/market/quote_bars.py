"""Bars that no ticks are known of: what a feed of bars says of a pair, both sides of the quote."""

from dataclasses import dataclass

import numpy as np

from necrozma_core.market.arrays import Int32Array, Int64Array
from necrozma_core.market.instruments import Pair


@dataclass(frozen=True, slots=True, eq=False)
class QuoteBars:
    """Bars of one pair as a feed gave them, oldest first; empty intervals make no bar.

    A price is a whole number of points, as in :class:`~necrozma_core.market.ticks.Ticks`.

    Attributes
    ----------
    pair : Pair
    timeframe_ms : int
        Length of a bar in milliseconds.
    digits : int
        Decimals of the prices, taken from the data, never from the pip.
    open_time_ms : int64 array, shape (n_bars,)
        Milliseconds since 1970 UTC; rising by at least ``timeframe_ms``.
    bid, ask : int32 array, shape (n_bars, 4)
        Points: open, high, low, close. ``low <= open, close <= high`` on each side, all above zero, and no bid above
        the ask of the same column.
    tick_count : int32 array, shape (n_bars,)
        Ticks that the feed counted in each bar; 0 where it counts none.
    """

    pair: Pair
    timeframe_ms: int
    digits: int
    open_time_ms: Int64Array
    bid: Int32Array
    ask: Int32Array
    tick_count: Int32Array

    def __len__(self) -> int:
        return len(self.open_time_ms)

    def writable(self) -> "QuoteBars":
        """Return the same bars in arrays that nothing forbids to change; kernels are compiled for no others."""
        return QuoteBars(
            self.pair,
            self.timeframe_ms,
            self.digits,
            _free(self.open_time_ms),
            _free(self.bid),
            _free(self.ask),
            _free(self.tick_count),
        )

    @property
    def scale(self) -> int:
        """Points in one unit of price, ``10**digits``."""
        return int(10**self.digits)


def _free(array: np.ndarray) -> np.ndarray:
    return array if array.flags.writeable else array.copy()
