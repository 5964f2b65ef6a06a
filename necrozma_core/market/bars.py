"""Bars from ticks: half-open intervals, named by their opening time; empty intervals make no bar."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from necrozma_core.errors import UsageError
from necrozma_core.market.arrays import FloatArray, Int32Array, Int64Array
from necrozma_core.market.bar_grid import BarGrid
from necrozma_core.market.bar_prices import BarPrices
from necrozma_core.market.calendars import DAY_MS
from necrozma_core.market.timeframes import format_timeframe, parse_timeframe

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
class Bars(BarPrices):
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
        return self.remember("close_time", lambda: _close_times(self.open_time_ms, self.timeframe_ms, self.grid))

    def remember(self, key: Hashable, compute: Callable[[], np.ndarray]) -> np.ndarray:
        """Return what ``compute`` gave for ``key``, computing it once; the array becomes read-only."""
        return self._memo.get(key, compute)

    def higher(self, timeframe: str) -> "HigherBars":
        """Return bars of a longer timeframe, as far as they had closed at the end of each of these.

        Parameters
        ----------
        timeframe : str
            Such as ``4h``; a multiple of these bars' length.

        Returns
        -------
        HigherBars

        Raises
        ------
        UsageError
            The timeframe is none, is shorter, or cannot be made of these bars.
        """
        timeframe_ms = parse_timeframe(timeframe)
        if timeframe_ms % self.timeframe_ms:
            length = format_timeframe(self.timeframe_ms)
            raise UsageError(
                f"higher timeframe {format_timeframe(timeframe_ms)}: expected {length} or a multiple of it, "
                f"because its bars are gathered from those of {length}"
            )
        return HigherBars.of(self, timeframe_ms)

    def _price(self, side: str, column: int) -> FloatArray:
        points = {"bid": self.bid_points, "ask": self.ask_points, "mid": self.mid2_points}[side]
        scale = 10**self.digits * (2 if side == "mid" else 1)
        return self.remember(("price", side, column), lambda: points[:, column] / scale)


@dataclass(frozen=True, slots=True, eq=False)
class HigherBars(BarPrices):
    """Bars of a longer timeframe, as they were known at the end of each bar of a shorter one.

    Its prices have an entry for each of the shorter bars: that of the last longer bar that had closed by the shorter
    one's end, and NaN where none had. So none of them can see the future. Indicators are computed on ``bars`` and
    brought into the same shape by `align`.

    Attributes
    ----------
    bars : Bars
        Those of the longer timeframe that had closed by the end of the last shorter bar.
    last : int64 array, shape (n_bars,)
        For each shorter bar the index in ``bars`` of the last that had closed by its end; -1 where none had.
    """

    bars: Bars
    last: Int64Array
    _lower: Bars = field(repr=False)

    @classmethod
    def of(cls, lower: Bars, timeframe_ms: int) -> "HigherBars":
        """Gather shorter bars; the arrays are remembered on them."""
        bars = _gathered(lower, timeframe_ms)
        last = lower.remember(
            ("higher", timeframe_ms, "last"),
            lambda: np.searchsorted(bars.close_time_ms, lower.close_time_ms, side="right") - 1,
        )
        return cls(bars, last, lower)

    def __len__(self) -> int:
        return len(self.last)

    @property
    def is_new(self) -> np.ndarray:
        """Where another longer bar had closed since the shorter bar before, bool, shape (n_bars,)."""
        return np.diff(self.last, prepend=-1) > 0

    def align(self, values: np.ndarray) -> FloatArray:
        """Return what was known of values of the longer bars at the end of each shorter bar.

        Parameters
        ----------
        values : array of numbers, shape (len(bars),)
            Entry i made of longer bars up to i.

        Returns
        -------
        float64 array, shape (n_bars,)
            NaN where no longer bar had closed.

        Raises
        ------
        UsageError
            There is not one number for each of the longer bars.
        """
        values = np.asarray(values)
        if values.shape != (len(self.bars),) or values.dtype.kind not in "biuf":
            raise UsageError(
                f"align: expected an array of {len(self.bars)} numbers, one for each of the higher bars; "
                f"found shape {values.shape}, dtype {values.dtype}"
            )
        aligned = np.full(len(self.last), np.nan)
        is_known = self.last >= 0
        aligned[is_known] = values[self.last[is_known]]
        return aligned

    def _price(self, side: str, column: int) -> FloatArray:
        key = ("higher", self.bars.timeframe_ms, "price", side, column)
        return self._lower.remember(key, lambda: self.align(self.bars._price(side, column)))


class _PartMemo(Memo):
    """What is remembered on bars that were gathered from others: it lies in the memory of those."""

    def __init__(self, whole: Memo, part: Hashable) -> None:
        super().__init__()
        self._whole, self._part = whole, part

    def get(self, key: Hashable, compute: Callable[[], np.ndarray]) -> np.ndarray:
        return self._whole.get((self._part, key), compute)


def _gathered(lower: Bars, timeframe_ms: int) -> Bars:
    """Gather bars into longer ones, without the last where it had not closed."""
    part = "higher", timeframe_ms

    def array(name: str, compute: Callable[[], np.ndarray]) -> np.ndarray:
        return lower.remember((*part, name), compute)

    names = array("names", lambda: _names(lower, timeframe_ms))
    first = array("first", lambda: _first_of_each(lower, names, timeframe_ms))
    return Bars(
        timeframe_ms,
        lower.digits,
        array("open_time", lambda: names[first[:-1]]),
        array("bid", lambda: _gather(lower.bid_points, first)),
        array("ask", lambda: _gather(lower.ask_points, first)),
        array("mid2", lambda: _gather(lower.mid2_points, first)),
        array("count", lambda: np.add.reduceat(lower.tick_count[: first[-1]], first[:-1], dtype=np.int32)),
        array("first_tick", lambda: lower.first_tick[first]),
        lower.grid,
        _PartMemo(lower._memo, (*part, "memo")),
    )


def _names(lower: Bars, timeframe_ms: int) -> Int64Array:
    """Return the opening time of the longer bar that each shorter one is in, int64, shape (n_bars,)."""
    opened = lower.open_time_ms
    if not len(opened):
        return opened.copy()
    days = lower.grid.days(int(opened[0]), int(opened[-1]), timeframe_ms)
    day = np.searchsorted(days.start_ms, opened, side="right") - 1
    if timeframe_ms >= DAY_MS:
        return days.name_ms[day]
    start = days.start_ms[day]
    return start + (opened - start) // timeframe_ms * timeframe_ms


def _first_of_each(lower: Bars, names: Int64Array, timeframe_ms: int) -> Int64Array:
    """Return the index of the first shorter bar in each longer one that closed, and at last the end of those."""
    first = np.flatnonzero(np.diff(names, prepend=names[:1] - 1)).astype(np.int64)
    closed = int((_close_times(names[first], timeframe_ms, lower.grid) <= lower.close_time_ms[-1:]).sum())
    return np.append(first, len(names))[: closed + 1]


def _gather(points: Int32Array, first: Int64Array) -> Int32Array:
    begin, inside = first[:-1], points[: first[-1]]
    high = np.maximum.reduceat(inside[:, 1], begin)
    low = np.minimum.reduceat(inside[:, 2], begin)
    return np.stack([points[begin, 0], high, low, points[first[1:] - 1, 3]], axis=1)


def _close_times(opened: Int64Array, timeframe_ms: int, grid: BarGrid) -> Int64Array:
    if not len(opened):
        return opened.copy()
    starts = grid.days(int(opened[0]), int(opened[-1]), timeframe_ms).start_ms
    day_end = starts[np.searchsorted(starts, opened, side="right")]
    return day_end if timeframe_ms >= DAY_MS else np.minimum(opened + timeframe_ms, day_end)
