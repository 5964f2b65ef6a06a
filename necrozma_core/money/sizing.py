"""How many lots each position has, by the account as it stands at the entry."""

from dataclasses import dataclass, fields
from typing import Any, Final

import numpy as np

from necrozma_core.engine.trades import Trades
from necrozma_core.errors import StrategyError
from necrozma_core.market.arrays import BoolArray, FloatArray
from necrozma_core.market.instruments import LotRules
from necrozma_core.market.ticks import Ticks
from necrozma_core.money.conversion import Conversion
from necrozma_core.money.costs import LotMoney, Money
from necrozma_core.money.margin import Margin
from necrozma_core.money.size import Size, SizeKind

ATR_PERIOD: Final = 14
"""Of the range that sizes by volatility."""


@dataclass(frozen=True, slots=True, eq=False)
class SizedTrades:
    """What was traded, with the size of each trade. Made by :func:`size_trades`.

    Attributes
    ----------
    trades : Trades
        Those whose positions were entered.
    position_lots : float64 array, shape (n_trades,)
        Of each trade's whole position.
    balance : float64 array, shape (n_trades,)
        At its entry.
    money : Money
    not_afforded : int
        Entries that were not taken.
    """

    trades: Trades
    position_lots: FloatArray
    balance: FloatArray
    money: Money
    not_afforded: int

    @property
    def lots(self) -> FloatArray:
        """Of each trade."""
        return self.position_lots * self.trades.fraction


def size_trades(
    trades: Trades,
    ticks: Ticks,
    lot_money: LotMoney,
    size: Size,
    rules: LotRules,
    margin: Margin,
    conversion: Conversion,
    initial_balance: float,
    ranges: FloatArray | None = None,
) -> SizedTrades:
    """Give each position the lots that the account pays for at its entry.

    The balance at an entry is the initial one plus the net results of all trades before. Where it is 0 or less nothing
    is entered any more. What a size is divided by is known in the pair's quote currency, and converted at the entry, as
    a loss would be. Fixed lots are traded as they are; others are rounded down to the lot step, cut to the largest
    size, and below the smallest the position is not entered. Nothing else is entered instead: what the position would
    have kept from being entered stays away.

    Parameters
    ----------
    trades : Trades
        In order of entry; possibly none.
    ticks : Ticks
        Those that were traded.
    lot_money : LotMoney
        Of the same trades.
    size : Size
    rules : LotRules
    margin : Margin
        A position whose margin exceeds the balance is reduced to what fits, rounded down.
    conversion : Conversion
    initial_balance : float
    ranges : float64 array, shape (n_trades,), optional
        The average true range at each entry's signal, points, NaN where there is none; for a size by volatility.

    Raises
    ------
    StrategyError
        The size is what a stop puts at risk, and there is a trade without one.
    ConversionError
        There is no price for an entry's time.
    """
    if size.needs_stop and np.isnan(trades.stop_points).any():
        raise StrategyError(f"--size {size}: a position has no stop, so that what it risks is not known")
    is_entry = np.diff(trades.event, prepend=-1) != 0
    if size.is_fixed and not margin.leverage:
        money = lot_money.at(size.amount * trades.fraction)
        balance = initial_balance + np.cumsum(money.net)
        if not len(trades) or balance.min() > 0:
            entry = np.maximum.accumulate(np.where(is_entry, np.arange(len(trades)), 0))
            before = np.concatenate(([initial_balance], balance))[entry]
            return SizedTrades(trades, np.full(len(trades), size.amount), before, money, 0)
    # Late: who only names a size must not load the compiler.
    from necrozma_core.kernels.walks.sizing import size_positions  # noqa: PLC0415

    position_lots, balance = size_positions(
        is_entry,
        trades.fraction,
        _basis(trades, ticks, size, conversion, ranges),
        float(size.amount) if size.is_fixed else 0.0,
        float(size.share),
        0.0 if size.is_fixed else float(size.amount),
        margin.of_lots(trades, ticks, conversion),
        *rules.step,
        float(rules.min_lots),
        float(rules.max_lots),
        lot_money.profit,
        lot_money.commission,
        lot_money.swap,
        lot_money.notional,
        float(lot_money.minimum),
        float(initial_balance),
    )
    taken = position_lots > 0
    kept, lots = keep_trades(trades, taken), position_lots[taken]
    money = lot_money.only(taken).at(lots * kept.fraction)
    return SizedTrades(kept, lots, balance[taken], money, int(np.count_nonzero(is_entry & ~taken)))


def keep_trades(trades: Trades, kept: BoolArray) -> Trades:
    """Return some of the trades.

    Parameters
    ----------
    trades : Trades
    kept : bool array, shape (n_trades,)
    """
    if kept.all():
        return trades
    values: dict[str, Any] = {}
    for field in fields(Trades):
        value = getattr(trades, field.name)
        values[field.name] = value[kept] if isinstance(value, np.ndarray) else value
    return Trades(**values)


def _basis(trades: Trades, ticks: Ticks, size: Size, conversion: Conversion, ranges: FloatArray | None) -> FloatArray:
    """Return what one lot of each trade risks, is worth or moves by, account currency."""
    if size.is_fixed:
        return np.ones(len(trades))
    if size.kind is SizeKind.EQUITY:
        quoted = trades.entry_price
    else:
        distance = trades.stop_points if size.kind is SizeKind.RISK else ranges
        assert distance is not None, "a size by volatility is asked for with the ranges"
        quoted = distance / ticks.scale
    rates = conversion.of_results(ticks, trades.entry_tick, -np.ones(len(trades)))
    return quoted * ticks.pair.contract_size * rates
