"""The account's equity over time: at every trade's exit and at the end of every trading day."""

from dataclasses import dataclass

import numpy as np

from necrozma_core.engine.trades import Trades
from necrozma_core.market.arrays import FloatArray, Int32Array, Int64Array
from necrozma_core.market.calendars import DAY_MS, roll_times_ms, trading_day
from necrozma_core.market.ticks import Ticks
from necrozma_core.money.conversion import Conversion
from necrozma_core.money.costs import Account, Money
from necrozma_core.money.path import Path, open_lots, path_of


@dataclass(frozen=True, slots=True, eq=False)
class TradingDays:
    """The trading days of one pair that hold a tick, each by its last tick. Made by :func:`trading_days`.

    Attributes
    ----------
    day : int64 array, shape (n_days,)
        Days since 1970-01-01 on which the day closes in New York, rising; never a Saturday or a Sunday.
    last_tick : int64 array, shape (n_days,)
        Index into the ticks, rising; the last one is the last tick.
    time_ms : int64 array, shape (n_days,)
        Its time, milliseconds since 1970 UTC.
    bid, ask : int32 array, shape (n_days,)
        Its prices, points.
    rate : float64 array, shape (n_days,)
        Account currency for one unit of the quote currency at that time; NaN where there is no price for it.
    conversion : Conversion
        Where ``rate`` came from.
    rate_bounds : tuple of float
        No rate of the conversion is outside of these two.
    """

    day: Int64Array
    last_tick: Int64Array
    time_ms: Int64Array
    bid: Int32Array
    ask: Int32Array
    rate: FloatArray
    conversion: Conversion
    rate_bounds: tuple[float, float]

    def __len__(self) -> int:
        return len(self.day)


@dataclass(frozen=True, slots=True, eq=False)
class Equity:
    """The account's equity under one strategy, account currency. Made by :func:`equity_points`.

    Attributes
    ----------
    initial_balance : float
        The balance before the first tick.
    time_ms : int64 array, shape (n_days,)
        The last tick of each trading day, milliseconds since 1970 UTC.
    day_end : float64 array, shape (n_days,)
        The balance at that tick, plus what closing the open position there would bring.
    path : float64 array, shape (n_points,)
        The balance after every exit and the equity at every day's end that finds a position open, in order of
        time. Other days' ends repeat the balance and are left out.
    """

    initial_balance: float
    time_ms: Int64Array
    day_end: FloatArray
    path: FloatArray


def trading_days(ticks: Ticks, conversion: Conversion) -> TradingDays:
    """Find the last tick of every trading day; once a pair, for all its strategies.

    A day ends at 17:00 in New York. What is quoted between Friday's close and Sunday's belongs to Monday, so that
    a stray weekend tick makes no sixth day a week.

    Parameters
    ----------
    ticks : Ticks
        Possibly none.
    conversion : Conversion
        From the pair's quote currency to the account's. A day without a price for it is no error unless a
        position is open at its end.
    """
    if not len(ticks):
        none = np.empty(0, np.int64)
        return TradingDays(none, none, none, ticks.bid[:0], ticks.ask[:0], np.empty(0), conversion, (1.0, 1.0))
    # The closes after the last tick must reach past a weekend.
    closes = roll_times_ms(int(ticks.time_ms[0]), int(ticks.time_ms[-1]) + 4 * DAY_MS)
    day = trading_day(closes - 1)
    weekday = (day + 3) % 7  # Monday is 0: 1 January 1970 was a Thursday
    closes, day = closes[weekday < 5], day[weekday < 5]
    # A tick at the close itself belongs to the next day.
    end = np.searchsorted(ticks.time_ms, closes, side="left")
    filled = np.diff(end, prepend=0) > 0
    last = (end[filled] - 1).astype(np.int64)
    time_ms = ticks.time_ms[last]
    return TradingDays(
        day[filled],
        last,
        time_ms,
        ticks.bid[last],
        ticks.ask[last],
        conversion.find(time_ms),
        conversion,
        conversion.bounds(),
    )


def equity_points(
    trades: Trades,
    money: Money,
    days: TradingDays,
    ticks: Ticks,
    lots: FloatArray | float,
    account: Account,
    *,
    half_markup: float = 0.0,
    path: Path | None = None,
) -> Equity:
    """Follow the account through the trades of one strategy.

    An open position is marked at the side it would close at, bid for a long and ask for a short one, converted at
    that time; its commission and swap are counted when it closes. Of a position that is closed in parts, what is not
    closed yet is open. At one tick exits come before the day's end.

    Parameters
    ----------
    trades, money : Trades, Money
        In order of entry, not overlapping but for the parts of one position; possibly none.
    days : TradingDays
        Of ``ticks``.
    ticks : Ticks
        Those that were traded.
    lots : float64 array, shape (n_trades,), or float
        Size of each trade, or of every one.
    account : Account
    half_markup : float
        Points by which a position closes worse than at the quote, for a mark-up of the spread.
    path : Path, optional
        Of these trades and days, where it is known already.

    Raises
    ------
    ConversionError
        If a position is open at the end of a day without a price that converts it.
    """
    path = path or path_of(trades, days)
    start = account.initial_balance
    balance = start + np.cumsum(money.net)
    day_end = np.concatenate(([start], balance))[path.closed]
    if not len(path.held):
        return Equity(start, days.time_ms, day_end, balance)
    day_end[path.held] += _open_profit(trades, path, days, ticks, lots, half_markup)
    equity = np.empty(len(path))
    equity[path.is_day_end] = day_end[path.held]
    equity[~path.is_day_end] = balance
    return Equity(start, days.time_ms, day_end, equity)


def _open_profit(
    trades: Trades, path: Path, days: TradingDays, ticks: Ticks, lots: FloatArray | float, half_markup: float
) -> FloatArray:
    held, position = path.held, path.closed[path.held]
    side = trades.side[position]
    units = open_lots(trades, lots)[position] * ticks.pair.contract_size
    rate = days.rate[held]
    if np.isnan(rate).any():
        rate = days.conversion.at(days.time_ms[held])
    quote = np.where(side > 0, days.bid[held], days.ask[held]) / ticks.scale
    profit: FloatArray = ((quote - trades.entry_price[position]) * side - half_markup / ticks.scale) * units * rate
    return profit
