"""Trades to money: what a point is worth, commission and swap, in the account's currency."""

from dataclasses import dataclass
from functools import lru_cache
from math import isfinite
from typing import Final

import numpy as np

from necrozma_core.engine.trades import Trades
from necrozma_core.errors import UsageError, shown
from necrozma_core.market.arrays import FloatArray, Int64Array
from necrozma_core.market.calendars import roll_times_ms, trading_day
from necrozma_core.market.instruments import CURRENCIES
from necrozma_core.market.ticks import Ticks
from necrozma_core.money.conversion import Conversion

NIGHTS_PER_ROLL: Final = (1, 1, 3, 1, 1, 0, 0)
"""Nights of swap charged at 17:00 New York, Monday first.

A position settles two business days later. So a position held across Wednesday's roll moves from Friday's value date to
Monday's, and is charged three nights. Saturday and Sunday have no roll: seven nights a week.
"""


@dataclass(frozen=True, slots=True)
class Costs:
    """What a broker charges beside the spread, which is in the quotes.

    Attributes
    ----------
    commission_per_lot : float
        Account currency per lot and side: a round turn of one lot pays it twice.
    slippage_pips : float
        Pips lost at every fill but a take-profit's; :func:`~necrozma_core.engine.simulation.simulate` applies it.
    swap_long_pips, swap_short_pips : float
        Pips per night held, positive where the account is credited.
    spread_markup_pips : float
        Pips added to every spread, half of them on each side, where the prices are better than one's broker's.

    Raises
    ------
    UsageError
        If a number is not finite, or commission or slippage is below zero.
    """

    commission_per_lot: float = 0.0
    slippage_pips: float = 0.0
    swap_long_pips: float = 0.0
    swap_short_pips: float = 0.0
    spread_markup_pips: float = 0.0

    def __post_init__(self) -> None:
        for name in self.__slots__:
            value: float = getattr(self, name)
            signed = name.startswith("swap")
            if not isfinite(value) or (value < 0 and not signed):
                expected = "a finite number" if signed else "a number, zero or above"
                raise UsageError(f"{name}: expected {expected}; found {shown(value)}")


@dataclass(frozen=True, slots=True)
class Account:
    """The currency in which profits are counted, and the initial balance.

    Attributes
    ----------
    currency : str
        ISO 4217 code, one of :data:`~necrozma_core.market.instruments.CURRENCIES`.
    initial_balance : float
        Account currency, above zero.

    Raises
    ------
    UsageError
        For an unknown currency or a balance that is not a finite number above zero.
    """

    currency: str = "USD"
    initial_balance: float = 10_000.0

    def __post_init__(self) -> None:
        if self.currency not in CURRENCIES:
            raise UsageError(
                f"account currency {shown(self.currency, 40)}: expected one of {', '.join(sorted(CURRENCIES))}"
            )
        if not (isfinite(self.initial_balance) and self.initial_balance > 0):
            raise UsageError(f"initial balance: expected a number above zero; found {shown(self.initial_balance)}")


@dataclass(frozen=True, slots=True, eq=False)
class Money:
    """What the trades of one strategy came to, in the account's currency.

    Attributes
    ----------
    profit : float64 array, shape (n_trades,)
        Before commission and swap; spread and slippage are in it.
    commission : float64 array, shape (n_trades,)
        Paid, zero or above.
    swap : float64 array, shape (n_trades,)
        Positive where the account was credited.
    """

    profit: FloatArray
    commission: FloatArray
    swap: FloatArray

    @property
    def net(self) -> FloatArray:
        """What is left of each trade: ``profit - commission + swap``."""
        return self.profit - self.commission + self.swap


def price_trades(trades: Trades, ticks: Ticks, lots: FloatArray | float, costs: Costs, conversion: Conversion) -> Money:
    """Turn the points of trades into money.

    Profit is ``points * lots * contract_size / scale`` in the quote currency; a night of swap is ``pips * pip *
    contract_size * lots``. Both are converted at the trade's exit.

    Parameters
    ----------
    trades : Trades
        Possibly none.
    ticks : Ticks
        Those that were traded.
    lots : float64 array, shape (n_trades,), or float
        Size of each trade, or of every one, above zero.
    costs : Costs
        Its slippage is in ``trades`` already.
    conversion : Conversion
        From the pair's quote currency to the account's.

    Raises
    ------
    ConversionError
        See :meth:`~necrozma_core.money.conversion.Conversion.at`.
    """
    pair, n = ticks.pair, len(trades)
    lots = np.broadcast_to(np.asarray(lots, np.float64), (n,))
    units = lots * pair.contract_size
    rates = conversion.at_ticks(ticks, trades.exit_tick)
    commission = 2 * lots * costs.commission_per_lot
    swap = np.zeros(n)
    if n and (costs.swap_long_pips or costs.swap_short_pips):
        pips = np.where(trades.side > 0, costs.swap_long_pips, costs.swap_short_pips)
        span_ms = (int(ticks.time_ms[0]), int(ticks.time_ms[-1]))
        nights = count_nights(trades.entry_time_ms, trades.exit_time_ms, span_ms)
        swap = nights * pips * (float(pair.pip) * units) * rates
    return Money(trades.points * (units / ticks.scale) * rates, commission, swap)


def count_nights(entry_time_ms: Int64Array, exit_time_ms: Int64Array, span_ms: tuple[int, int]) -> Int64Array:
    """Count the nights of swap of each trade: the rolls in ``(entry, exit]``, each by its weekday.

    Parameters
    ----------
    entry_time_ms, exit_time_ms : int64 array, shape (n_trades,)
        Milliseconds since 1970 UTC.
    span_ms : tuple of int
        First and last time that any of them may have; the rolls between are kept for the next call.

    Returns
    -------
    int64 array, shape (n_trades,)
        See :data:`NIGHTS_PER_ROLL`. A trade that is entered at the roll itself does not pay it, one that is
        closed at it does.
    """
    rolls, nights_before = _rolls(*span_ms)
    exited = np.searchsorted(rolls, exit_time_ms, side="right")
    entered = np.searchsorted(rolls, entry_time_ms, side="right")
    nights: Int64Array = nights_before[exited] - nights_before[entered]
    return nights


@lru_cache(maxsize=16)
def _rolls(first_ms: int, last_ms: int) -> tuple[Int64Array, Int64Array]:
    # Every roll, and how many nights have been charged before each (and after the last).
    rolls = roll_times_ms(first_ms, last_ms)
    weekday = (trading_day(rolls - 1) + 3) % 7  # 1 January 1970 was a Thursday
    nights = np.array(NIGHTS_PER_ROLL, dtype=np.int64)[weekday]
    return rolls, np.concatenate((np.zeros(1, np.int64), np.cumsum(nights)))
