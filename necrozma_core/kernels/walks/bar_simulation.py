"""The walk over bars without ticks; :mod:`necrozma_core.engine.bar_simulation` states its rules."""

import numpy as np
from numba import njit

from necrozma_core.kernels.walks.simulation import (
    CLOSE_ONLY,
    END_OF_DATA,
    SIGNAL,
    STOP_LOSS,
    TAKE_PROFIT,
    find_closing_event,
    find_entry,
)

OPEN, HIGH, LOW, CLOSE = 0, 1, 2, 3


@njit(cache=True, nogil=True)
def _find_exit(
    prices, side, quote, start, last, worst, best, stop_points, stop_level, target_points, target_level, cost,
    slippage,
):  # fmt: skip
    # Return where a position ends (as in exit_tick below), what it brought in points, and why. Quotes are compared with
    # the quote that filled the entry, in whole points; the costs are in the distances already.
    n = len(prices)
    costs = 2.0 * cost
    for bar in range(start, n):
        opening = side * (np.int64(prices[bar, OPEN]) - quote)
        if bar > start:
            if opening <= -stop_points:
                return 2 * bar, opening - costs, STOP_LOSS
            if opening >= target_points:
                return 2 * bar, opening - (costs - slippage), TAKE_PROFIT
            if bar == last:
                return 2 * bar, opening - costs, SIGNAL
        if side * (np.int64(prices[bar, worst]) - quote) <= -stop_points:
            # With a spread wider than the stop the entry's own opening lies beyond it.
            return 2 * bar + 1, min(-stop_level - slippage, opening - costs), STOP_LOSS
        if side * (np.int64(prices[bar, best]) - quote) >= target_points:
            return 2 * bar + 1, target_level, TAKE_PROFIT
    return 2 * n - 1, side * (np.int64(prices[n - 1, CLOSE]) - quote) - costs, END_OF_DATA


@njit(cache=True, nogil=True)
def simulate_bar_events(
    bid, ask, first_bar, event_bar, event_side, stop_points, stop_level, target_points, target_level, slippage,
    half_markup, on_opposite,
):  # fmt: skip
    """Trade the events of one strategy on bars.

    Parameters
    ----------
    bid, ask : int32 array, shape (n, 4)
        Points: open, high, low, close of the bars in which levels are looked for.
    first_bar : int64 array, shape (n_bars + 1,)
        The first of them in each of the strategy's bars; the last entry is their number.
    event_bar : int32 array, shape (n_events,)
        Rising; the strategy's bar at whose opening the event acts.
    event_side : int8 array, shape (n_events,)
        BUY, SELL, or one of the three that close.
    stop_points, target_points : int
        Whole points from the quote that fills the entry to the quote that reaches the level; a number above any price
        where there is none.
    stop_level, target_level : float
        The distances of the levels from the price of the entry exactly, in points: where they fill.
    slippage, half_markup : float
        Points, fractions too: added against the trader to every fill but a take-profit's, and to each quote.
    on_opposite : int
        REVERSE, CLOSE_ONLY or IGNORE.

    Returns
    -------
    side : int8 array, shape (n_trades,)
    entry_tick, exit_tick : int64 array, shape (n_trades,)
        Twice the bar for its opening, and one more for what comes after it.
    entry_points, exit_points, points : float64 array, shape (n_trades,)
        The prices of the fills, and the result, which is no difference of rounded prices.
    reason : int8 array, shape (n_trades,)
    entered_by : int64 array, shape (n_trades,)
        The event of each entry.
    """
    n = len(bid)
    n_events = len(event_bar)
    side_out = np.empty(n_events, np.int8)
    entry_tick_out = np.empty(n_events, np.int64)
    exit_tick_out = np.empty(n_events, np.int64)
    entry_points_out = np.empty(n_events, np.float64)
    exit_points_out = np.empty(n_events, np.float64)
    points_out = np.empty(n_events, np.float64)
    reason_out = np.empty(n_events, np.int8)
    entered_by = np.empty(n_events, np.int64)
    cost = slippage + half_markup
    trades = 0
    event = find_entry(first_bar, event_bar, event_side, 0, 0)
    while event < n_events:
        side = np.int64(event_side[event])
        start = first_bar[event_bar[event]]
        reversal = find_closing_event(event_side, event + 1, side, on_opposite)
        last = first_bar[event_bar[reversal]] if reversal < n_events else n
        # A long position closes at bid and a short one at ask. Seen from the position, up is what pays: a short one
        # sees prices with the other sign, and its lows are the ask's highs.
        if side > 0:
            quote = np.int64(ask[start, OPEN])
            worst, best = LOW, HIGH
        else:
            quote = np.int64(bid[start, OPEN])
            worst, best = HIGH, LOW
        prices = bid if side > 0 else ask
        entry = quote + side * cost
        exit_tick, points, reason = _find_exit(
            prices, side, quote, start, last, worst, best, stop_points, stop_level, target_points, target_level, cost,
            slippage,
        )  # fmt: skip
        side_out[trades] = side
        entry_tick_out[trades] = 2 * start
        exit_tick_out[trades] = exit_tick
        entry_points_out[trades] = entry
        exit_points_out[trades] = entry + side * points
        points_out[trades] = points
        reason_out[trades] = reason
        entered_by[trades] = event
        trades += 1
        if reason == END_OF_DATA:
            break
        # An event at the exit's own opening still acts: it is the reversal, or an entry due there.
        event = reversal + 1 if reason == SIGNAL and on_opposite == CLOSE_ONLY else event + 1
        # The first bar whose opening is at or after the exit.
        event = find_entry(first_bar, event_bar, event_side, event, (exit_tick + 1) // 2)
    return (
        side_out[:trades],
        entry_tick_out[:trades],
        exit_tick_out[:trades],
        entry_points_out[:trades],
        exit_points_out[:trades],
        points_out[:trades],
        reason_out[:trades],
        entered_by[:trades],
    )
