"""When clocks close positions, and when they let them be entered; knows times alone, neither ticks nor bars."""

from typing import Final

import numpy as np

from necrozma_core.engine.order_texts import Clock, Window, parse_clock, parse_session
from necrozma_core.engine.orders import Orders
from necrozma_core.engine.trades import ExitReason
from necrozma_core.market.arrays import BoolArray, Int8Array, Int64Array
from necrozma_core.market.calendars import DAY_MS, offset_periods, roll_times_ms

_FIRST_WEEKDAY: Final = 3  # 1 January 1970 was a Thursday; Monday is 0
_FRIDAY: Final = 4
_MINUTE_MS: Final = 60_000


def scheduled_closes(orders: Orders, first_ms: int, last_ms: int) -> tuple[Int64Array, Int8Array]:
    """Return the moments at which every open position closes.

    Parameters
    ----------
    orders : Orders
        For ``close_at``, ``close_session``, ``close_friday`` and ``close_before_roll_minutes``.
    first_ms, last_ms : int
        Milliseconds since 1970 UTC, in order.

    Returns
    -------
    time_ms : int64 array, shape (n_closes,)
        In ``[first_ms, last_ms]``, rising.
    reason : int8 array, shape (n_closes,)
        ``TIME`` for ``close_at``, ``SESSION`` for the others; of two at one moment ``TIME``.

    Raises
    ------
    UsageError
        A text is no time of the clock, or no session.
    """
    times: list[Int64Array] = []
    by_time = np.empty(0, dtype=np.int64)
    if orders.close_at is not None:
        by_time = clock_moments(parse_clock(orders.close_at, "close_at"), first_ms, last_ms)
    if orders.close_session is not None:
        times.append(clock_moments(parse_session(orders.close_session), first_ms, last_ms, last_weekday=_FRIDAY))
    if orders.close_friday is not None:
        friday = parse_clock(orders.close_friday, "close_friday")
        times.append(clock_moments(friday, first_ms, last_ms, first_weekday=_FRIDAY, last_weekday=_FRIDAY))
    if orders.close_before_roll_minutes is not None:
        before_ms = orders.close_before_roll_minutes * _MINUTE_MS
        times.append(roll_times_ms(first_ms + before_ms, last_ms + before_ms) - before_ms)
    every = np.unique(np.concatenate([by_time, *times]))
    reason = np.where(np.isin(every, by_time), ExitReason.TIME, ExitReason.SESSION).astype(np.int8)
    return every, reason


def clock_moments(
    clock: Clock, first_ms: int, last_ms: int, *, first_weekday: int = 0, last_weekday: int = 6
) -> Int64Array:
    """Return when a zone's clock shows one time on some days of every week.

    Parameters
    ----------
    clock : Clock
    first_ms, last_ms : int
        Milliseconds since 1970 UTC, in order.
    first_weekday, last_weekday : int
        By the local calendar; Monday is 0.

    Returns
    -------
    int64 array, shape (n_days,)
        In ``[first_ms, last_ms]``, rising. A time that the clock shows twice in a night counts the first time; one that
        it skips counts at the moment at which the clock jumps over it.
    """
    starts, offsets = offset_periods(first_ms - DAY_MS, last_ms, clock.zone)
    times: list[Int64Array] = []
    shown_ms = int(starts[0] + offsets[0])  # local times below this one have been shown, or jumped over
    for start, offset, end in zip(starts, offsets, [*starts[1:], last_ms + 1], strict=True):
        since = min(shown_ms, int(start + offset))
        days = np.arange(
            -((clock.after_midnight_ms - since) // DAY_MS), -((clock.after_midnight_ms - end - offset) // DAY_MS)
        )
        local = days * DAY_MS + clock.after_midnight_ms
        local = local[local >= shown_ms]
        weekday = (local // DAY_MS + _FIRST_WEEKDAY) % 7
        local = local[(weekday >= first_weekday) & (weekday <= last_weekday)]
        times.append(np.maximum(local - offset, start))
        shown_ms = max(shown_ms, int(end + offset))
    found = np.concatenate(times)
    return found[(found >= first_ms) & (found <= last_ms)]


def is_inside(window: Window, time_ms: Int64Array) -> BoolArray:
    """Say of each time whether a window holds it.

    Parameters
    ----------
    window : Window
    time_ms : int64 array, shape (n,)
        Milliseconds since 1970 UTC, in any order.

    Returns
    -------
    bool array, shape (n,)
    """
    if not len(time_ms):
        return np.empty(0, dtype=np.bool_)
    starts, offsets = offset_periods(int(time_ms.min()), int(time_ms.max()), window.zone)
    local = time_ms + offsets[np.searchsorted(starts, time_ms, side="right") - 1]
    return _shows(window, local)


def window_ends(window: Window, time_ms: Int64Array) -> Int64Array:
    """Return when the window that holds each time ends.

    Parameters
    ----------
    window : Window
    time_ms : int64 array, shape (n,)
        Milliseconds since 1970 UTC, in any order.

    Returns
    -------
    int64 array, shape (n,)
        The first moment after each time at which the window's clock shows a time outside; milliseconds since 1970 UTC.
        Without a meaning for times that the window does not hold.
    """
    if not len(time_ms):
        return np.empty(0, dtype=np.int64)
    last_ms = int(time_ms.max()) + 3 * DAY_MS
    starts, offsets = offset_periods(int(time_ms.min()), last_ms, window.zone)
    # A window is left where its clock comes to the end, which it may do twice in a night, or where the clock jumps out.
    ends = [starts[1:][~_shows(window, starts[1:] + offsets[1:])]]
    for start, offset, end in zip(starts, offsets, [*starts[1:], last_ms], strict=True):
        first_day, last_day = (start + offset) // DAY_MS, (end + offset) // DAY_MS
        moments = np.arange(first_day, last_day + 1) * DAY_MS + window.until_ms - offset
        ends.append(moments[(moments >= start) & (moments < end)])
    every = np.unique(np.concatenate(ends))
    return every[np.searchsorted(every, time_ms, side="right")]


def _shows(window: Window, local_ms: Int64Array) -> BoolArray:
    since, until = local_ms % DAY_MS >= window.from_ms, local_ms % DAY_MS < window.until_ms
    return since & until if window.from_ms < window.until_ms else since | until
