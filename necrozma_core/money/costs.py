"""Trades to money: what a point is worth, commission and swap, in the account's currency."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import isfinite
from typing import Final

import numpy as np

from necrozma_core.engine.trades import Trades
from necrozma_core.errors import UsageError, shown
from necrozma_core.market.arrays import BoolArray, FloatArray
from necrozma_core.market.instruments import CURRENCIES
from necrozma_core.market.ticks import Ticks
from necrozma_core.money.conversion import Conversion
from necrozma_core.money.swaps import MOST_SWAP, WEEKDAYS, SwapRate, SwapUnit, swap_prices

_PIPS: Final = MOST_SWAP[SwapUnit.PIPS]
_BOUNDS: Final[Mapping[str, tuple[float, float]]] = {
    "commission_per_lot": (0, 1e6),
    "slippage_pips": (0, 1_000),
    "swap_long_pips": (-_PIPS, _PIPS),
    "swap_short_pips": (-_PIPS, _PIPS),
    "spread_markup_pips": (0, 1_000),
    "commission_per_million": (0, 1e5),
    "commission_percent": (0, 10),
    "commission_minimum": (0, 1e6),
}
"""Beyond them a cost is a mistake; far beyond them it would not fit the numbers that hold prices."""

MOST_BALANCE: Final = 1e15

_NOISE: Final = 2.0**-48
"""What sixteen roundings may move a result by, as a fraction of the largest amount that it was computed from."""

_ALWAYS: Final = -(10**6)
"""A day before all prices."""


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
        Pips per night held, positive where the account is credited; before the first of ``swap_rates``.
    spread_markup_pips : float
        Pips added to every spread, half of them on each side, where the prices are better than one's broker's.
    commission_per_million : float
        Per million of notional and side, both in the account's currency.
    commission_percent : float
        Per cent of notional and side.
    commission_minimum : float
        Account currency: no trade pays less.
    swap_rates : tuple of SwapRate
        By date, in the order of their days.
    swap_triple_day : str
        The weekday whose roll is charged three nights, such as ``wednesday``.

    Raises
    ------
    UsageError
        If a number is not finite or beyond its bounds, or the day no weekday.
    """

    commission_per_lot: float = 0.0
    slippage_pips: float = 0.0
    swap_long_pips: float = 0.0
    swap_short_pips: float = 0.0
    spread_markup_pips: float = 0.0
    commission_per_million: float = 0.0
    commission_percent: float = 0.0
    commission_minimum: float = 0.0
    swap_rates: tuple[SwapRate, ...] = ()
    swap_triple_day: str = "wednesday"

    def __post_init__(self) -> None:
        for name, (least, most) in _BOUNDS.items():
            value: float = getattr(self, name)
            if not (isfinite(value) and least <= value <= most):
                raise UsageError(f"{name}: expected a number from {least:,.0f} to {most:,.0f}; found {shown(value)}")
        if self.swap_triple_day not in WEEKDAYS:
            raise UsageError(
                f"swap_triple_day: expected one of {', '.join(WEEKDAYS)}; found {shown(self.swap_triple_day, 40)}"
            )

    @property
    def dated_swap(self) -> tuple[SwapRate, ...]:
        """Every rate of swap by the day from which it counts; none where nights are free."""
        if not (self.swap_long_pips or self.swap_short_pips):
            return self.swap_rates
        return (SwapRate(_ALWAYS, self.swap_long_pips, self.swap_short_pips), *self.swap_rates)


@dataclass(frozen=True, slots=True)
class CommissionTerms:
    """What a broker takes for one pair; None is as for all pairs.

    Attributes
    ----------
    per_lot, per_million, percent, minimum : float or None
        As the attributes of `Costs` that end alike.
    """

    per_lot: float | None = None
    per_million: float | None = None
    percent: float | None = None
    minimum: float | None = None

    def of(self, costs: Costs) -> Costs:
        """Return the costs of the pair, made of those of all; UsageError for a number out of its bounds."""
        given = {f"commission_{name}": getattr(self, name) for name in self.__slots__}
        return replace(costs, **{name: value for name, value in given.items() if value is not None})


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
        if not 0 < self.initial_balance <= MOST_BALANCE:
            raise UsageError(
                f"initial balance: expected a number above zero, up to {MOST_BALANCE:,.0f}; "
                f"found {shown(self.initial_balance)}"
            )


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
    rounding : float64 array, shape (n_trades,), or None
        How far rounding can have moved each net result; None where that is not known.
    """

    profit: FloatArray
    commission: FloatArray
    swap: FloatArray
    rounding: FloatArray | None = None

    @property
    def net(self) -> FloatArray:
        """What is left of each trade: ``profit - commission + swap``; 0 where that may be the rounding of them."""
        net = self.profit - self.commission + self.swap
        if self.rounding is not None:
            net[np.abs(net) <= self.rounding] = 0.0
        return net


@dataclass(frozen=True, slots=True, eq=False)
class LotMoney:
    """What one lot of each trade came to. Made by :meth:`of`.

    Attributes
    ----------
    profit, commission, swap : float64 array, shape (n_trades,)
        As in `Money`, commission before its minimum.
    notional : float64 array, shape (n_trades,)
        What a lot was worth, account currency.
    minimum : float
        Of the commission of a trade.
    """

    profit: FloatArray
    commission: FloatArray
    swap: FloatArray
    notional: FloatArray
    minimum: float

    @classmethod
    def of(cls, trades: Trades, ticks: Ticks, costs: Costs, conversion: Conversion) -> "LotMoney":
        """Price trades; see `price_trades`."""
        contract = ticks.pair.contract_size
        rates = conversion.of_results(ticks, trades.exit_tick, trades.points)
        notional = contract * trades.entry_price * rates
        commission = np.full(len(trades), 2 * costs.commission_per_lot)
        share = costs.commission_per_million / 1e6 + costs.commission_percent / 100
        if share:
            entered = trades.entry_price * conversion.at_ticks(ticks, trades.entry_tick)
            left = trades.exit_price * conversion.at_ticks(ticks, trades.exit_tick)
            commission += (entered + left) * (contract * share)
        swap = np.zeros(len(trades))
        if len(trades) and (rates_by_day := costs.dated_swap):
            span_ms = (int(ticks.time_ms[0]), int(ticks.time_ms[-1]))
            times_ms = trades.entry_time_ms, trades.exit_time_ms
            day, prices = costs.swap_triple_day, trades.entry_price
            charged = swap_prices(ticks.pair, rates_by_day, day, trades.side, prices, times_ms, span_ms)
            swap = charged * contract * conversion.of_results(ticks, trades.exit_tick, charged)
        return cls(
            trades.points * (contract / ticks.scale) * rates, commission, swap, notional, costs.commission_minimum
        )

    def only(self, kept: BoolArray) -> "LotMoney":
        """Return that of some of the trades, bool array, shape (n_trades,)."""
        return LotMoney(self.profit[kept], self.commission[kept], self.swap[kept], self.notional[kept], self.minimum)

    def at(self, lots: FloatArray) -> Money:
        """Return the money of trades of these sizes, shape (n_trades,)."""
        commission = np.maximum(lots * self.commission, self.minimum)
        swap = lots * self.swap
        rounding = _NOISE * (lots * self.notional + commission + np.abs(swap))
        return Money(lots * self.profit, commission, swap, rounding)


def price_trades(trades: Trades, ticks: Ticks, lots: FloatArray | float, costs: Costs, conversion: Conversion) -> Money:
    """Turn the points of trades into money.

    Profit is ``points * contract_size / scale`` for a lot, in the quote currency; a night of swap is ``pips * pip *
    contract_size``, or per cent of the notional. Both are converted at the trade's exit. Notional is what each side of
    the trade was worth when it was filled.

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
    sizes = np.broadcast_to(np.asarray(lots, np.float64), (len(trades),))
    return LotMoney.of(trades, ticks, costs, conversion).at(sizes)
