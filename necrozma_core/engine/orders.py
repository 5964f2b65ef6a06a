"""The orders of a strategy beside its signals: how its positions are opened, guarded and closed.

Distances are in pips from the fill of the entry, slippage included, or in multiples of the average true range (ATR) at
the close of the signal's bar. What trails is the best price since the entry of the side that closes (bid for a long),
the entry's own tick included. A level that a tick moves is live from the next tick and fills at the price of the tick
that reaches it. At one tick the order is: stop, target, trailing stop or break-even, time, signal, new entry.
"""

from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Final


class EntryKind(StrEnum):
    """How a signal to buy or sell enters: at the market, or by an order that waits for a price."""

    MARKET = "market"
    STOP = "stop"
    LIMIT = "limit"


class EntryFrom(StrEnum):
    """What a waiting order's offset is counted from: the closing price of the signal's bar, or its far extreme.

    The extreme is the high for a buy stop and a sell limit, the low for a sell stop and a buy limit: of the ask where
    the order buys, of the bid where it sells.
    """

    CLOSE = "close"
    EXTREME = "extreme"


class EntrySides(StrEnum):
    """Which orders a signal leaves: its own side's, or both sides', of which one cancels the other."""

    SIGNAL = "signal"
    BOTH = "both"


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """The orders of one strategy; every default means that there is no such order.

    Attributes
    ----------
    stop_loss_atr, take_profit_atr : float or None
        Stop and target in multiples of the ATR; not beside the same in pips.
    exit_atr_period : int
        Of every distance in ATR.
    trailing_stop_pips, trailing_stop_atr : float or None
        Distance of the trailing stop from the best price.
    trailing_start_pips : float
        Nothing trails before the best price is so far beyond the entry; 0 trails at once.
    trailing_step_pips : float
        The trailing stop moves only when it moves by so much; 0 by any point.
    break_even_pips : float or None
        From here on a stop lies at the entry plus ``break_even_lock_pips``.
    break_even_lock_pips : float
    targets : str or None
        Partial targets as ``10:0.5+20:0.25``: at 10 pips half of the lot, at 20 a quarter.
    max_bars : int or None
        A position closes at the first tick of this bar after the entry's.
    max_minutes : int or None
        A position closes at the first tick so much after the entry.
    close_at : str or None
        Every position closes at this time of the clock, ``16:30@Europe/London``.
    close_session : str or None
        Every position closes where this trading session ends.
    close_friday : str or None
        Every position closes at this time of the clock on Fridays.
    close_before_roll_minutes : int or None
        Every position closes so long before 17:00 New York.
    entry_order : EntryKind
    entry_from : EntryFrom
    entry_offset_pips : float
        How far beyond (a stop) or short of (a limit) its reference a waiting order lies.
    entry_expiry_bars : int
        A waiting order lives for so many bars after the signal's.
    entry_sides : EntrySides
    entry_window : str or None
        Nothing is entered outside these hours, ``07:00-16:00@Europe/London``; an order that waits ends with them.
    """

    stop_loss_atr: float | None = None
    take_profit_atr: float | None = None
    exit_atr_period: int = 14
    trailing_stop_pips: float | None = None
    trailing_stop_atr: float | None = None
    trailing_start_pips: float = 0.0
    trailing_step_pips: float = 0.0
    break_even_pips: float | None = None
    break_even_lock_pips: float = 0.0
    targets: str | None = None
    max_bars: int | None = None
    max_minutes: int | None = None
    close_at: str | None = None
    close_session: str | None = None
    close_friday: str | None = None
    close_before_roll_minutes: int | None = None
    entry_order: str = EntryKind.MARKET.value
    entry_from: str = EntryFrom.CLOSE.value
    entry_offset_pips: float = 0.0
    entry_expiry_bars: int = 1
    entry_sides: str = EntrySides.SIGNAL.value
    entry_window: str | None = None

    def given(self) -> dict[str, str | int | float]:
        """Return what differs from the defaults, by name, in the order of the attributes."""
        return {entry.name: value for entry in fields(self) if (value := getattr(self, entry.name)) != entry.default}


NO_ORDERS: Final = Orders()
"""The market order at a signal, and no exit but stop, target and signal."""
