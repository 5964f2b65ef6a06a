"""The formulas of the figures, one function each.

Trade figures are of each trade's net result, after commission and swap; where a position is closed in parts, each part
is a trade. Daily figures take the account's returns by
New York trading day, annualised with 252 days; drawdowns take equity and its running peak. A figure that is
undefined is None, never 0 and never infinite. Sums run in one order, so equal input gives equal bits.
"""

import math
from typing import Final

import numpy as np

from necrozma_core.engine.trades import Trades
from necrozma_core.market.arrays import FloatArray
from necrozma_core.market.ticks import Ticks

DAYS_A_YEAR: Final = 252
_NOISE: Final = 1e-13
"""A deviation of daily returns below this is rounding: returns are differences of numbers near one."""
_CONSTANT: Final = 0.01
"""A deviation below this part of the mean tells of the arithmetic, not of a market. Days that earn the same differ by
far less through rounding, and by up to a point in a hundred through the grid of prices. A Sharpe ratio of 1,587 a year
lies there; real accounts stay below 20, so that a tenth of it would mark no other rows."""


def gross_profit(net: FloatArray) -> float:
    """Return the sum of the trades above 0, account currency."""
    return float(np.maximum(net, 0).sum())


def gross_loss(net: FloatArray) -> float:
    """Return the sum of the trades below 0, account currency; zero or below."""
    return float(np.minimum(net, 0).sum())


def win_rate(wins: int, trades: int) -> float | None:
    """Return the fraction of trades that made money; a trade of exactly 0 is neither won nor lost.

    References
    ----------
    Pardo, The Evaluation and Optimization of Trading Strategies (2008), ch. 12.
    """
    return _ratio(wins, trades)


def profit_factor(profit: float, loss: float) -> float | None:
    """Return what was won for every unit lost; None where nothing was lost.

    Parameters
    ----------
    profit, loss : float
        :func:`gross_profit` and :func:`gross_loss`.

    References
    ----------
    Pardo (2008), ch. 12: gross profit / gross loss.
    """
    return _ratio(profit, -loss)


def expectancy(net_profit: float, trades: int) -> float | None:
    """Return the mean result of a trade, account currency.

    References
    ----------
    Tharp, Trade Your Way to Financial Freedom (1998), in money instead of multiples of the risk.
    """
    return _ratio(net_profit, trades)


def average_win(profit: float, wins: int) -> float | None:
    """Return the mean of the trades above 0, account currency; None where there is none."""
    return _ratio(profit, wins)


def average_loss(loss: float, losses: int) -> float | None:
    """Return the mean of the trades below 0, account currency and below 0 itself; None where there is none."""
    return _ratio(loss, losses)


def largest_win(net: FloatArray) -> float | None:
    """Return the best trade, account currency; None where no trade is above 0."""
    best = float(net.max(initial=0.0))
    return best if best > 0 else None


def largest_loss(net: FloatArray) -> float | None:
    """Return the worst trade, account currency; None where no trade is below 0."""
    worst = float(net.min(initial=0.0))
    return worst if worst < 0 else None


def exposure(trades: Trades, ticks: Ticks) -> float | None:
    """Return the fraction of the time between the first and the last tick spent in a position.

    A position that is closed in parts counts once, until its last part is closed. The clock runs through nights and
    weekends, as the position's risk does. None where the ticks span no time.
    """
    if not len(ticks):
        return None
    is_next = np.ones(len(trades) + 1, np.bool_)
    is_next[1:-1] = trades.entry_tick[1:] != trades.entry_tick[:-1]
    held_ms = int(trades.exit_time_ms[is_next[1:]].sum() - trades.entry_time_ms[is_next[:-1]].sum())
    return _ratio(held_ms, int(ticks.time_ms[-1] - ticks.time_ms[0]))


def daily_returns(day_end: FloatArray, initial_balance: float) -> FloatArray:
    """Return each day's gain as a fraction of the equity at the end of the day before.

    Parameters
    ----------
    day_end : float64 array, shape (n_days,)
        Equity at the end of each day.
    initial_balance : float
        What the first day starts from.

    Returns
    -------
    float64 array, shape (n_days,) or (0,)
        Empty where the equity ever ended a day at 0 or below: on nothing there is no return.
    """
    if len(day_end) and float(day_end.min()) <= 0:
        return day_end[:0]
    returns: FloatArray = day_end / np.concatenate(([initial_balance], day_end[:-1]))[: len(day_end)] - 1
    return returns


def are_constant(returns: FloatArray, day_end: FloatArray, initial_balance: float) -> bool:
    """Tell whether every day brought practically the same, as a fraction of the account or in money.

    Ratios that divide by how much returns vary then say nothing. Equal gains in money are returns that fall as the
    account grows, by compounding alone, so both are looked at: constant is what deviates by less than a hundredth of
    its mean.

    Parameters
    ----------
    returns : float64 array, shape (n_days,)
        Of :func:`daily_returns`.
    day_end : float64 array, shape (n_days,)
        Equity at the end of each day.
    initial_balance : float

    Returns
    -------
    bool
        False for fewer than two days.
    """
    if len(returns) < 2:
        return False
    gains = day_end.copy()
    gains[1:] -= day_end[:-1]
    gains[0] -= initial_balance
    return _is_constant(returns) or _is_constant(gains)


def annual_return(total_return: float, days: int) -> float | None:
    """Return the constant yearly return, compounded, that would make ``total_return`` in ``days`` trading days.

    None for fewer than two days, for a loss of everything, and where a few lucky days compound to more than a
    number can hold.

    References
    ----------
    Bacon, Practical Portfolio Performance Measurement and Attribution (2008), ch. 2.
    """
    if days < 2 or total_return <= -1:
        return None
    try:
        return math.pow(1 + total_return, DAYS_A_YEAR / days) - 1
    except OverflowError:
        return None


def annual_volatility(returns: FloatArray) -> float | None:
    """Return the sample deviation of daily returns, times sqrt(252); None for fewer than two days.

    Parameters
    ----------
    returns : float64 array, shape (n_days,)

    References
    ----------
    Bacon (2008), ch. 4; by n - 1, because the days tested are a sample of those to come.
    """
    return _deviation(returns) * math.sqrt(DAYS_A_YEAR) if len(returns) > 1 else None


def sharpe_ratio(returns: FloatArray) -> float | None:
    """Return mean by sample deviation of daily returns, times sqrt(252), over a riskless rate of 0.

    None for fewer than two days or returns that do not vary.

    Parameters
    ----------
    returns : float64 array, shape (n_days,)

    References
    ----------
    Sharpe, "The Sharpe Ratio", Journal of Portfolio Management 21 (1994), the historic ratio; a currency position
    is unfunded, so its return is a differential already.
    """
    deviation = _deviation(returns) if len(returns) > 1 else 0.0
    return _mean(returns) / deviation * math.sqrt(DAYS_A_YEAR) if deviation > _NOISE else None


def sortino_ratio(returns: FloatArray) -> float | None:
    """Return mean by downside deviation of daily returns, times sqrt(252), with a target of 0.

    The downside deviation is the root of the mean square of the losses over **all** days. None for fewer than two
    days or where no day lost.

    Parameters
    ----------
    returns : float64 array, shape (n_days,)

    References
    ----------
    Sortino and Price, "Performance Measurement in a Downside Risk Framework", Journal of Investing 3 (1994).
    """
    if len(returns) < 2:
        return None
    downside = math.sqrt(_mean(np.square(np.minimum(returns, 0))))
    return _mean(returns) / downside * math.sqrt(DAYS_A_YEAR) if downside > _NOISE else None


def calmar_ratio(yearly_return: float | None, drawdown: float | None) -> float | None:
    """Return the yearly return for each unit of the worst drawdown; None where either is undefined or 0 was lost.

    References
    ----------
    Young, "Calmar Ratio: A Smoother Tool", Futures 20 (1991). His window is 36 months; ours is the whole test.
    """
    return None if yearly_return is None or drawdown is None else _ratio(yearly_return, -drawdown)


def running_peak(equity: FloatArray, initial_balance: float) -> FloatArray:
    """Return the highest equity so far at each point; the initial balance is the first peak."""
    peak: FloatArray = np.maximum(np.maximum.accumulate(equity), initial_balance)
    return peak


def max_drawdown(equity: FloatArray, peak: FloatArray) -> float | None:
    """Return the deepest fall as a fraction of the peak before it, zero or below; None without equity.

    Parameters
    ----------
    equity, peak : float64 array, shape (n_points,)
        :func:`running_peak` gives the peak. Behind the points of the path may stand what the account was worth between
        them, each with the peak before it.

    References
    ----------
    Magdon-Ismail and Atiya, "Maximum Drawdown", Risk 17 (2004).
    """
    return float((equity / peak).min()) - 1 if len(equity) else None


def ulcer_index(equity: FloatArray, peak: FloatArray) -> float | None:
    """Return the root of the mean square drawdown over the days' ends; None without days.

    Parameters
    ----------
    equity, peak : float64 array, shape (n_days,)
        In order of time; :func:`running_peak` gives the peak.

    References
    ----------
    Martin and McCann, The Investor's Guide to Fidelity Funds (1989). They write per cent; this is a
    fraction like every drawdown here.
    """
    return math.sqrt(_mean(np.square(equity / peak - 1))) if len(equity) else None


def recovery_factor(net_profit: float, equity: FloatArray, peak: FloatArray) -> float | None:
    """Return the net profit by the deepest fall in money; None where the equity never fell.

    Parameters
    ----------
    net_profit : float
        Account currency.
    equity, peak : float64 array, shape (n_points,)
        As in :func:`max_drawdown`.

    References
    ----------
    MetaTrader 5 Help, "Strategy Testing: Testing Report": profit / maximal drawdown, both in money.
    """
    return _ratio(net_profit, float((peak - equity).max(initial=0.0)))


# numpy's own mean and deviation cost three times as much for a year of days.
def _mean(values: FloatArray) -> float:
    return float(values.sum()) / len(values)


def _deviation(returns: FloatArray) -> float:
    return math.sqrt(float(np.square(returns - _mean(returns)).sum()) / (len(returns) - 1))


def _is_constant(values: FloatArray) -> bool:
    mean = _mean(values)
    bound = max(_CONSTANT * abs(mean), _NOISE)
    # No value lies further from the mean than the deviation times sqrt(n - 1): for most strategies the first one does.
    if abs(float(values[0]) - mean) > bound * math.sqrt(len(values) - 1):
        return False
    return _deviation(values) <= bound


def _ratio(numerator: float, denominator: float) -> float | None:
    if denominator == 0:
        return None
    ratio = numerator / denominator
    return ratio if math.isfinite(ratio) else None
