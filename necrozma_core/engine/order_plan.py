"""What the walk over ticks reads: when events act and may enter, where orders lie, when time closes positions."""

from typing import Final, NamedTuple

import numpy as np

from necrozma_core.engine.events import Events
from necrozma_core.engine.execution import Execution
from necrozma_core.engine.order_levels import Asked, Entries, knows_atr
from necrozma_core.engine.order_schedule import is_inside, scheduled_closes, window_ends
from necrozma_core.engine.order_texts import parse_window
from necrozma_core.engine.orders import EntryKind, Orders
from necrozma_core.kernels.walks.order_arrays import (
    FAR,
    LIMIT,
    MARKET,
    MAY_ENTER,
    SHUT,
    STALE,
    STOP,
    Due,
    Prices,
    TimeLimits,
    Waiting,
)
from necrozma_core.market.arrays import Int64Array
from necrozma_core.market.bars import Bars
from necrozma_core.market.ticks import Ticks

_KINDS: Final = {EntryKind.MARKET: MARKET, EntryKind.STOP: STOP, EntryKind.LIMIT: LIMIT}
_MINUTE_MS: Final = 60_000
_NO_LEVEL: Final = np.empty((0, 2), dtype=np.int64)
_NO_TICK: Final = np.empty(0, dtype=np.int64)


class Acting(NamedTuple):
    """The events that have a tick to act at.

    Attributes
    ----------
    due : Due
    number : int64 array, shape (n_acting,)
        Which of all events each is.
    """

    due: Due
    number: Int64Array


def read_prices(ticks: Ticks, bars: Bars) -> Prices:
    """Gather the market's arrays; opening prices, times and extremes of bars once for all strategies."""

    def opened() -> np.ndarray:
        return ticks.time_ms[np.minimum(bars.first_tick[:-1], max(len(ticks) - 1, 0))]

    return Prices(
        ticks.bid,
        ticks.ask,
        ticks.time_ms,
        bars.first_tick,
        bars.remember("bid_open_points", lambda: np.ascontiguousarray(bars.bid_points[:, 0])),
        bars.remember("ask_open_points", lambda: np.ascontiguousarray(bars.ask_points[:, 0])),
        bars.remember("bid_extremes", lambda: np.ascontiguousarray(bars.bid_points[:, 2:0:-1])),
        bars.remember("ask_extremes", lambda: np.ascontiguousarray(bars.ask_points[:, 2:0:-1])),
        bars.remember("opened_ms", opened),
    )


def find_acting(ticks: Ticks, bars: Bars, events: Events, latency_ms: int) -> tuple[Int64Array, Int64Array, Int64Array]:
    """Find the ticks at which events act.

    Parameters
    ----------
    ticks : Ticks
    bars : Bars
    events : Events
    latency_ms : int

    Returns
    -------
    tick, bar : int64 array, shape (n_acting,)
        Rising ticks, and the bars that hold them.
    number : int64 array, shape (n_acting,)
        The event of each: those without a tick, and those whose tick a later one has too, are not among them.
    """
    every = np.arange(len(events))
    if not latency_ms:
        return bars.first_tick[events.bar], events.bar.astype(np.int64), every

    def first_ticks() -> np.ndarray:
        return np.searchsorted(ticks.time_ms, bars.close_time_ms + latency_ms).astype(np.int64)

    tick = bars.remember(("acting_tick", latency_ms), first_ticks)[events.bar - 1]
    acts = tick < len(ticks)
    acts[:-1] &= tick[1:] != tick[:-1]
    number = every[acts]
    tick = tick[number]
    return tick, np.searchsorted(bars.first_tick, tick, side="right") - 1, number


def plan_events(ticks: Ticks, asked: Asked, execution: Execution) -> Acting:
    """Say when events act, and which of them may enter.

    Raises
    ------
    UsageError
        If the entry window's text is none.
    """
    bars, events = asked.bars, asked.events
    tick, bar, number = find_acting(ticks, bars, events, execution.latency_ms)
    entry = np.full(len(tick), MAY_ENTER, dtype=np.int8)
    if execution.max_quote_age_ms is not None:
        latest_ms = bars.close_time_ms[events.bar[number] - 1] + execution.latency_ms + execution.max_quote_age_ms
        entry[ticks.time_ms[tick] > latest_ms] = STALE
    if asked.orders.entry_window is not None:
        entry[~is_inside(parse_window(asked.orders.entry_window), ticks.time_ms[tick])] = SHUT
    known = knows_atr(asked)
    if known is not None:
        entry[~known[number]] = SHUT
    return Acting(Due(tick, bar, events.side[number], entry), number)


def plan_waiting(ticks: Ticks, asked: Asked, acting: Acting, entries: Entries | None) -> Waiting:
    """Say where the orders of the acting events lie, and how long they live; of market orders nothing."""
    kind = _KINDS[EntryKind(asked.orders.entry_order)]
    if entries is None:
        return Waiting(kind, _NO_LEVEL, _NO_LEVEL, _NO_TICK)
    bars = asked.bars
    # The signal's bar is the one before the event's.
    last_bar = asked.events.bar[acting.number].astype(np.int64) + asked.orders.entry_expiry_bars
    end_tick = bars.first_tick[np.minimum(last_bar, len(bars))]
    if asked.orders.entry_window is not None:
        window = parse_window(asked.orders.entry_window)
        ends_ms = window_ends(window, ticks.time_ms[acting.due.tick])
        end_tick = np.minimum(end_tick, np.searchsorted(ticks.time_ms, ends_ms))
    return Waiting(kind, entries.trigger[acting.number], entries.base[acting.number], end_tick)


def plan_time_limits(ticks: Ticks, bars: Bars, orders: Orders) -> TimeLimits:
    """Say when positions end whatever their price.

    Raises
    ------
    UsageError
        A text is no time of the clock, or no session.
    """
    asked = orders.close_at, orders.close_session, orders.close_friday, orders.close_before_roll_minutes

    def closes() -> np.ndarray:
        if not len(ticks):
            return np.empty((3, 0), dtype=np.int64)
        times, reason = scheduled_closes(orders, int(ticks.time_ms[0]), int(ticks.time_ms[-1]))
        tick = np.searchsorted(ticks.time_ms, times)
        # Several moments may have one first tick: a reason of time, the lowest number, comes before the others.
        order = np.lexsort((reason, tick))
        tick, reason = tick[order], reason[order]
        first = np.flatnonzero(np.diff(tick, prepend=-1))
        tick = tick[first]
        return np.stack([tick, np.searchsorted(bars.first_tick, tick, side="right") - 1, reason[first]])

    found = bars.remember(("closes", *asked), closes)
    return TimeLimits(
        FAR if orders.max_bars is None else min(orders.max_bars, FAR),
        FAR if orders.max_minutes is None else min(orders.max_minutes * _MINUTE_MS, FAR),
        found[0],
        found[1],
        found[2].astype(np.int8),
    )
