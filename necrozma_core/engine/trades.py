"""What the engine returns: the trades of one strategy, and why each ended."""

from dataclasses import dataclass
from enum import IntEnum

from necrozma_core.market.arrays import FloatArray, Int8Array, Int64Array


class ExitReason(IntEnum):
    """Why a trade ended; the value is what the kernels write, which say the same numbers for themselves."""

    STOP_LOSS = 0
    TAKE_PROFIT = 1
    SIGNAL = 2
    END_OF_DATA = 3
    END_OF_RANGE = 4
    TRAILING_STOP = 5
    BREAK_EVEN = 6
    TIME = 7
    SESSION = 8
    PARTIAL_TARGET = 9
    STOP_OUT = 10

    @property
    def label(self) -> str:
        """The reason as stored: its name in small letters, ``stop_loss``."""
        return self.name.lower()


@dataclass(frozen=True, slots=True, eq=False)
class Trades:
    """The trades of one strategy on one pair, in order of entry.

    Positions never overlap. One that is closed in parts is as many trades as it had exits, one after the other, with
    the same entry.

    Attributes
    ----------
    side : int8 array, shape (n_trades,)
        +1 long, -1 short.
    entry_tick, exit_tick : int64 array, shape (n_trades,)
        Indices into the ticks; ``entry_tick <= exit_tick``.
    entry_time_ms, exit_time_ms : int64 array, shape (n_trades,)
        Milliseconds since 1970 UTC.
    entry_price, exit_price : float64 array, shape (n_trades,)
        The prices at which the trade filled, slippage included.
    points : float64 array, shape (n_trades,)
        Result in points before commission and swap; whole numbers, but for take-profits at a fraction of a point.
    reason : int8 array, shape (n_trades,)
        Values of :class:`ExitReason`.
    event : int64 array, shape (n_trades,)
        The event that each trade entered by, as an index into the events that were traded.
    fraction : float64 array, shape (n_trades,)
        The part of the position's lots that each trade closed; 1 where it is closed at once.
    stop_points : float64 array, shape (n_trades,)
        The distance of the stop at the entry, in points; NaN where there was none.
    stale_entries : int
        Entries that were not taken because their first tick came too late.
    """

    side: Int8Array
    entry_tick: Int64Array
    exit_tick: Int64Array
    entry_time_ms: Int64Array
    exit_time_ms: Int64Array
    entry_price: FloatArray
    exit_price: FloatArray
    points: FloatArray
    reason: Int8Array
    event: Int64Array
    fraction: FloatArray
    stop_points: FloatArray
    stale_entries: int = 0

    def __len__(self) -> int:
        return len(self.side)
