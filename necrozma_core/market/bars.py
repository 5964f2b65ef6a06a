"""Bars from ticks: half-open intervals, named by their opening time; empty intervals make no bar."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from necrozma_core.market.arrays import FloatArray, Int32Array, Int64Array
from necrozma_core.market.bar_grid import BarGrid
from necrozma_core.market.calendars import DAY_MS

_MIDNIGHT: Final = BarGrid()

MEMO_BYTES: Final = 256 * 2**20
"""What the indicators remembered on one set of bars may take; the oldest are forgotten first."""


class Memo:
    """Arrays by their key, as many as fit; the one that was not asked for the longest goes first."""

    def __init__(self) -> None:
        self.arrays: dict[Hashable, np.ndarray] = {}
        self._bytes = 0

    def get(self, key: Hashable, compute: Callable[[], np.ndarray]) -> np.ndarray:
        """Return what ``compute`` gave for ``key`` the first time, or gives now."""
        found = self.arrays.pop(key, None)
        if found is None:
            found = compute()
            found.setflags(write=False)
            self._bytes += found.nbytes
        self.arrays[key] = found  # now the youngest
        while self._bytes > MEMO_BYTES and len(self.arrays) > 1:
            oldest = next(iter(self.arrays))
            self._bytes -= self.arrays.pop(oldest).nbytes
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Bars:
    """Bars of one pair, oldest first.

    Prices are kept as points (``*_points``, int32); the properties without that ending give them as float64
    prices, computed once and remembered. Arrays are read-only: every strategy of the pair sees the same ones.

    Attributes
    ----------
    timeframe_ms : int
    digits : int
        Decimals of the prices.
    open_time_ms : int64 array, shape (n_bars,)
        Milliseconds since 1970 UTC; a multiple of ``timeframe_ms``.
    bid_points, ask_points : int32 array, shape (n_bars, 4)
        Open, high, low, close.
    mid2_points : int32 array, shape (n_bars, 4)
        Open, high, low, close of bid + ask: twice the mid price, exact in whole points.
    tick_count : int32 array, shape (n_bars,)
    first_tick : int64 array, shape (n_bars + 1,)
        Index of each bar's first tick; the last entry is the number of ticks.
    grid : BarGrid
        Where bars begin.
    """

    timeframe_ms: int
    digits: int
    open_time_ms: Int64Array
    bid_points: Int32Array
    ask_points: Int32Array
    mid2_points: Int32Array
    tick_count: Int32Array
    first_tick: Int64Array
    grid: BarGrid = _MIDNIGHT
    _memo: Memo = field(default_factory=Memo, repr=False)

    def __len__(self) -> int:
        return len(self.open_time_ms)

    @property
    def open_time(self) -> np.ndarray:
        """Opening times as ``datetime64[ms]``, UTC."""
        return self.open_time_ms.view("datetime64[ms]")

    @property
    def close_time_ms(self) -> Int64Array:
        """The end of each bar, which is not in it, int64, shape (n_bars,); milliseconds since 1970 UTC."""

        def compute() -> np.ndarray:
            opened = self.open_time_ms
            if not len(opened):
                return opened.copy()
            starts = self.grid.days(int(opened[0]), int(opened[-1]), self.timeframe_ms).start_ms
            day_end = starts[np.searchsorted(starts, opened, side="right")]
            return day_end if self.timeframe_ms >= DAY_MS else np.minimum(opened + self.timeframe_ms, day_end)

        return self.remember("close_time", compute)

    def remember(self, key: Hashable, compute: Callable[[], np.ndarray]) -> np.ndarray:
        """Return what ``compute`` gave for ``key``, computing it once; the array becomes read-only."""
        return self._memo.get(key, compute)

    def _prices(self, name: str, points: Int32Array, column: int, scale: int) -> FloatArray:
        return self.remember(("price", name), lambda: points[:, column] / scale)

    @property
    def bid_open(self) -> FloatArray:
        """First bid of each bar, price, shape (n_bars,)."""
        return self._prices("bid_open", self.bid_points, 0, 10**self.digits)

    @property
    def bid_high(self) -> FloatArray:
        """Highest bid."""
        return self._prices("bid_high", self.bid_points, 1, 10**self.digits)

    @property
    def bid_low(self) -> FloatArray:
        """Lowest bid."""
        return self._prices("bid_low", self.bid_points, 2, 10**self.digits)

    @property
    def bid_close(self) -> FloatArray:
        """Last bid."""
        return self._prices("bid_close", self.bid_points, 3, 10**self.digits)

    @property
    def ask_open(self) -> FloatArray:
        """First ask."""
        return self._prices("ask_open", self.ask_points, 0, 10**self.digits)

    @property
    def ask_high(self) -> FloatArray:
        """Highest ask."""
        return self._prices("ask_high", self.ask_points, 1, 10**self.digits)

    @property
    def ask_low(self) -> FloatArray:
        """Lowest ask."""
        return self._prices("ask_low", self.ask_points, 2, 10**self.digits)

    @property
    def ask_close(self) -> FloatArray:
        """Last ask."""
        return self._prices("ask_close", self.ask_points, 3, 10**self.digits)

    @property
    def mid_open(self) -> FloatArray:
        """First mid, the mean of bid and ask at one tick."""
        return self._prices("mid_open", self.mid2_points, 0, 2 * 10**self.digits)

    @property
    def mid_high(self) -> FloatArray:
        """Highest mid of any tick (not the mean of the highest bid and the highest ask)."""
        return self._prices("mid_high", self.mid2_points, 1, 2 * 10**self.digits)

    @property
    def mid_low(self) -> FloatArray:
        """Lowest mid."""
        return self._prices("mid_low", self.mid2_points, 2, 2 * 10**self.digits)

    @property
    def mid_close(self) -> FloatArray:
        """Last mid."""
        return self._prices("mid_close", self.mid2_points, 3, 2 * 10**self.digits)
