"""The account's path: exits and day ends in order of time, and how low it went between them."""

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def lay_path(entry_tick, exit_tick, last_tick):
    """Lay out exits and the ends of days that find a position open; at one tick exits come first.

    Parameters
    ----------
    entry_tick, exit_tick : int64 array, shape (n_trades,)
        Neither ever falls. Trades with one entry are parts of one position; positions do not overlap.
    last_tick : int64 array, shape (n_days,)
        Of each day, rising.

    Returns
    -------
    trade : int64 array, shape (n_points,)
        The trade that is closed at an exit, the first that is open at a day's end.
    is_day_end : bool array, shape (n_points,)
    closed : int64 array, shape (n_days,)
        How many trades are closed at each day's end.
    held : int64 array, shape (n_held,)
        The days that end with a position open.
    start, stop : int64 array, shape (n_points,)
        The ticks since the point before after which a position was open: from its entry on, without the exit's tick.
    """
    n_trades, n_days = len(entry_tick), len(last_tick)
    trade = np.empty(n_trades + n_days, np.int64)
    is_day_end = np.zeros(n_trades + n_days, np.bool_)
    start = np.empty(n_trades + n_days, np.int64)
    stop = np.empty(n_trades + n_days, np.int64)
    closed = np.empty(n_days, np.int64)
    held = np.empty(n_days, np.int64)
    now, point, n_held = 0, 0, 0
    for day in range(n_days + 1):
        end = last_tick[day] if day < n_days else np.int64(2**62)
        while now < n_trades and exit_tick[now] <= end:
            trade[point], stop[point] = now, exit_tick[now]
            point, now = point + 1, now + 1
        if day == n_days:
            break
        closed[day] = now
        if now < n_trades and entry_tick[now] <= end:
            trade[point], stop[point], is_day_end[point] = now, end + 1, True
            held[n_held] = day
            point, n_held = point + 1, n_held + 1
    for i in range(point):
        goes_on = i > 0 and entry_tick[trade[i]] == entry_tick[trade[i - 1]]
        start[i] = stop[i - 1] if goes_on else entry_tick[trade[i]]
    return trade[:point], is_day_end[:point], closed, held[:n_held], start[:point], stop[:point]


@njit(cache=True, nogil=True)
def lowest_equity(
    trade, is_day_end, is_open, worst, equity, peak, initial_balance, entry_price, side, unit, scale, half_markup,
    lowest_rate, highest_rate,
):  # fmt: skip
    """Bound the equity before each point of a path from below.

    Parameters
    ----------
    trade : int64 array, shape (n_points,)
    is_day_end : bool array, shape (n_points,)
    is_open : bool array, shape (n_points,)
        Whether a position was open before each point.
    worst : int32 array, shape (n_points,)
        The worst price before each point, points.
    equity, peak : float64 array, shape (n_points,)
        The account at each point, and its highest so far.
    initial_balance : float
    entry_price : float64 array, shape (n_trades,)
    side : int8 array, shape (n_trades,)
    unit : float64 array, shape (n_trades,)
        What a price's move by one is worth until each trade ends, in the quote currency.
    scale : float
        Points in one unit of price.
    half_markup : float
        Points by which a position closes worse than at the quote.
    lowest_rate, highest_rate : float
        Account currency for one unit of the quote currency: no rate is outside of these.

    Returns
    -------
    balance : float64 array, shape (n_points,)
        After the exit before each point.
    gain : float64 array, shape (n_points,)
        Of the open position at its worst, in the quote currency; 0 where none is open.
    least : float64 array, shape (n_points,)
        Equity at the worst, at the worst rate.
    before : float64 array, shape (n_points,)
        The peak before each point.
    deepest, largest : int
        Where ``least`` is lowest as a fraction of that peak, and where it is farthest below it.
    """
    count = len(trade)
    balances, gains = np.empty(count), np.empty(count)
    least, before = np.empty(count), np.empty(count)
    balance, highest = initial_balance, initial_balance
    deepest, largest = 0, 0
    lowest_part, farthest = np.inf, -np.inf
    for point in range(count):
        now = trade[point]
        gain = 0.0
        if is_open[point]:
            moved = (worst[point] / scale - entry_price[now]) * np.float64(side[now])
            gain = (moved - half_markup / scale) * unit[now]
        low = balance + gain * (highest_rate if gain < 0 else lowest_rate)
        balances[point], gains[point], least[point], before[point] = balance, gain, low, highest
        if low / highest < lowest_part:
            lowest_part, deepest = low / highest, point
        if highest - low > farthest:
            farthest, largest = highest - low, point
        highest = peak[point]
        if not is_day_end[point]:
            balance = equity[point]
    return balances, gains, least, before, deepest, largest
