"""The figures of one strategy on one pair, by the formulas of :mod:`necrozma_core.metrics.formulas`."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from necrozma_core.engine.trades import ExitReason, Trades
from necrozma_core.market.arrays import FloatArray
from necrozma_core.market.ticks import Ticks
from necrozma_core.metrics import formulas
from necrozma_core.money.costs import Account, Money
from necrozma_core.money.equity import TradingDays, equity_points
from necrozma_core.money.excursions import Excursions, lowest_equity

MIN_TRADES: Final = 30
"""Below this many trades the figures say little; such strategies are marked and ranked after the others."""
MIN_DAYS: Final = 30
"""Below this many daily returns the ratios say little; such strategies likewise."""


@dataclass(frozen=True, slots=True)
class Metrics:
    """The figures of one strategy on one pair. None where a figure is undefined.

    Money is in the account's currency; returns, drawdowns and rates are fractions, 0.05 for five per cent. A position
    that is closed in parts is as many trades.

    Attributes
    ----------
    trades : int
    few_trades : bool
        Fewer than thirty.
    win_rate : float or None
    profit_factor : float or None
        None where no trade lost.
    net_profit : float
        After commission and swap; 0 without trades.
    total_return : float
        Of the initial balance.
    annual_return, annual_volatility, sharpe, sortino, calmar : float or None
        From daily returns.
    max_drawdown : float or None
        As it was lived: the lowest equity at any tick, as a fraction of the peak before it; zero or below, and below
        -1 where the account was overdrawn. Peaks are those at exits and at days' ends. Calmar ratio and recovery factor
        divide by this fall.
    ulcer_index : float or None
    expectancy : float or None
        Per trade.
    recovery_factor : float or None
    average_win, average_loss, largest_win, largest_loss : float or None
        Per trade; losses are below zero.
    commission, swap : float
        Commission paid, zero or above; swap positive where the account was credited.
    exposure : float or None
        Fraction of the time between the first and the last tick spent in a position.
    exits_stop_loss, exits_take_profit, exits_signal, exits_end_of_data, exits_end_of_range : int
    exits_trailing_stop, exits_break_even, exits_time, exits_session, exits_partial_target, exits_stop_out : int
        Trades by what ended them.
    stale_entries : int
        Entries that were not taken because their first tick came too late.
    days : int
        Daily returns behind the ratios; 0 without trades, and where a day ended with nothing left in the account.
    few_days : bool
        Fewer than thirty.
    constant_returns : bool
        Every day brought practically the same, so that the ratios tell of rounding or compounding.
    max_drawdown_at_exits : float or None
        The same where only exits and days' ends are looked at.
    """

    trades: int
    few_trades: bool
    win_rate: float | None
    profit_factor: float | None
    net_profit: float
    total_return: float
    annual_return: float | None
    annual_volatility: float | None
    sharpe: float | None
    sortino: float | None
    calmar: float | None
    max_drawdown: float | None
    ulcer_index: float | None
    expectancy: float | None
    recovery_factor: float | None
    average_win: float | None
    average_loss: float | None
    largest_win: float | None
    largest_loss: float | None
    commission: float
    swap: float
    exposure: float | None
    exits_stop_loss: int
    exits_take_profit: int
    exits_signal: int
    exits_end_of_data: int
    exits_end_of_range: int
    exits_trailing_stop: int
    exits_break_even: int
    exits_time: int
    exits_session: int
    exits_partial_target: int
    exits_stop_out: int
    stale_entries: int
    days: int
    few_days: bool
    constant_returns: bool
    max_drawdown_at_exits: float | None


@dataclass(frozen=True, slots=True)
class HoldoutFigures:
    """What a strategy came to in a hold-out, for which it is not ranked. None where a figure is undefined.

    Attributes
    ----------
    trades : int
    win_rate, profit_factor : float or None
    net_profit : float
    sharpe, max_drawdown : float or None
        As in `Metrics`.
    """

    trades: int
    win_rate: float | None
    profit_factor: float | None
    net_profit: float
    sharpe: float | None
    max_drawdown: float | None

    @classmethod
    def of(cls, metrics: Metrics) -> "HoldoutFigures":
        """Take them from all figures."""
        return cls(*(getattr(metrics, name) for name in cls.__slots__))


def measure(
    trades: Trades,
    money: Money,
    days: TradingDays,
    ticks: Ticks,
    lots: FloatArray | float,
    account: Account,
    excursions: Excursions,
) -> Metrics:
    """Compute every figure of one strategy; :func:`measured` with its daily returns left out."""
    return measured(trades, money, days, ticks, lots, account, excursions)[0]


def measured(
    trades: Trades,
    money: Money,
    days: TradingDays,
    ticks: Ticks,
    lots: FloatArray | float,
    account: Account,
    excursions: Excursions,
) -> tuple[Metrics, FloatArray]:
    """Compute every figure of one strategy, and the daily returns behind its ratios.

    Parameters
    ----------
    trades, money : Trades, Money
        In order of entry, not overlapping but for the parts of one position; possibly none.
    days : TradingDays
        Of ``ticks``. Days without trades count with a return of 0, days without ticks do not count.
    ticks : Ticks
        Those that were traded.
    lots : float64 array, shape (n_trades,), or float
        Size of each trade, or of every one.
    account : Account
    excursions : Excursions
        Of the same trades and days.

    Returns
    -------
    tuple of (Metrics, float64 array of shape (n_days,))
        Without trades counts and sums are 0, and so is the exposure where time passed; every other figure is None.
        Returns are one a day of ``days``, or none: without trades, and where a day ended with nothing left.

    Raises
    ------
    ConversionError
        If a position is open at the end of a day, or at its worst, without a price that converts it.
    """
    net, start = money.net, account.initial_balance
    net_profit, profit, loss = float(net.sum()), formulas.gross_profit(net), formulas.gross_loss(net)
    wins, losses = int(np.count_nonzero(net > 0)), int(np.count_nonzero(net < 0))
    # Without trades the equity is flat, which is no achievement: its figures are undefined.
    equity = equity_points(
        trades, money, days, ticks, lots, account, half_markup=excursions.half_markup, path=excursions.path
    )
    day_end = equity.day_end if len(trades) else equity.day_end[:0]
    returns = formulas.daily_returns(day_end, start)
    peak = formulas.running_peak(equity.path, start)
    yearly = formulas.annual_return(net_profit / start, len(returns))
    lowest = lowest_equity(equity, peak, excursions, trades, days, ticks, lots)
    lived, lived_peak = (np.concatenate(arrays) for arrays in zip((equity.path, peak), lowest, strict=True))
    drawdown = formulas.max_drawdown(lived, lived_peak)
    exits = np.bincount(trades.reason, minlength=len(ExitReason)).tolist()
    metrics = Metrics(
        trades=len(trades),
        few_trades=len(trades) < MIN_TRADES,
        win_rate=formulas.win_rate(wins, len(trades)),
        profit_factor=formulas.profit_factor(profit, loss),
        net_profit=net_profit,
        total_return=net_profit / start,
        annual_return=yearly,
        annual_volatility=formulas.annual_volatility(returns),
        sharpe=formulas.sharpe_ratio(returns),
        sortino=formulas.sortino_ratio(returns),
        calmar=formulas.calmar_ratio(yearly, drawdown),
        max_drawdown=drawdown,
        ulcer_index=formulas.ulcer_index(day_end, formulas.running_peak(day_end, start)),
        expectancy=formulas.expectancy(net_profit, len(trades)),
        recovery_factor=formulas.recovery_factor(net_profit, lived, lived_peak),
        average_win=formulas.average_win(profit, wins),
        average_loss=formulas.average_loss(loss, losses),
        largest_win=formulas.largest_win(net),
        largest_loss=formulas.largest_loss(net),
        commission=float(money.commission.sum()),
        swap=float(money.swap.sum()),
        exposure=formulas.exposure(trades, ticks),
        **{f"exits_{reason.label}": exits[reason] for reason in ExitReason},
        stale_entries=trades.stale_entries,
        days=len(returns),
        few_days=len(returns) < MIN_DAYS,
        constant_returns=formulas.are_constant(returns, day_end, start),
        max_drawdown_at_exits=formulas.max_drawdown(equity.path, peak),
    )
    return metrics, returns
