"""The obvious engine of orders, compiled: every tick, one after the other. The real one is compared with it.

Everything is in points, as floating-point numbers: exact, so long as distances are whole multiples of an eighth.
"""

import numpy as np
from numba import njit

NONE = 1e15
"""A distance that nothing reaches."""

MARKET, STOP, LIMIT = 0, 1, 2


@njit(cache=True, nogil=True)
def walk_every_tick(  # noqa: C901 -- the rules, one after the other
    bid, ask, time_ms, first_tick, close_ms, signals, may_enter, entry, offset, both, expiry_bars, extreme,
    ask_bars, bid_bars, stop, target, partial, fraction, trail, trail_start, trail_step, arm, lock, max_bars, max_ms,
    closes_ms, slippage, markup, latency_ms, max_age_ms, entry_ticks, exit_ticks, reasons, won, parts,
):  # fmt: skip
    """Trade one strategy by looking at every tick; returns the number of trades and of entries that came too late.

    Parameters
    ----------
    bid, ask : int32 array; time_ms : int64 array, shape (n_ticks,)
    first_tick : int64 array, shape (n_bars + 1,)
    close_ms : int64 array, shape (n_bars,)
    signals : int8 array, shape (n_bars,)
    may_enter : bool array, shape (n_ticks,)
        Whether the entry window is open.
    entry : int
        MARKET, STOP or LIMIT.
    offset : float; both, extreme : bool; expiry_bars : int
        Of orders that wait.
    ask_bars, bid_bars : int32 array, shape (n_bars, 4)
        Open, high, low, close.
    stop, target, trail, trail_start, trail_step, arm, lock : float
        Distances; NONE for no such level.
    partial, fraction : float64 array, shape (n_partial_targets,)
    max_bars, max_ms : int
    closes_ms : int64 array, shape (n_closes,)
    slippage, markup : float
    latency_ms, max_age_ms : int
    entry_ticks, exit_ticks : int64 array; reasons : int8 array; won, parts : float64 array
        Filled with the trades, in order.
    """
    n_ticks, n_bars = len(bid), len(signals)
    half = markup / 2
    trades, stale, bar, heard, closing = 0, 0, 0, 0, 0
    side, entered, price, rest, step, best, base, armed, entry_bar = 0, 0, 0.0, 1.0, 0, 0.0, -NONE, False, 0
    leaves_ms, leaves_by = np.int64(-1), 0
    buys, sells, buy, sell, dies_at, asked = False, False, 0.0, 0.0, np.int64(0), 0
    coming, coming_ms = 0, np.int64(0)
    for tick in range(n_ticks):
        while first_tick[bar + 1] <= tick:
            bar += 1
        now, a, b = time_ms[tick], float(ask[tick]), float(bid[tick])
        entering, reason = 0, -1
        if leaves_ms >= 0 and now >= leaves_ms:
            reason = leaves_by
        if coming != 0 and now >= coming_ms:
            entering, coming = coming, 0
        was_open = side != 0 and leaves_ms < 0 and entered < tick
        if was_open:
            gain = (b - price if side > 0 else price - a) - half
            if gain <= -stop:
                reason = 0
            else:
                while step < len(partial) and gain >= partial[step]:
                    entry_ticks[trades], exit_ticks[trades], reasons[trades] = entered, tick, 9
                    won[trades], parts[trades] = partial[step], fraction[step]
                    rest -= fraction[step]
                    trades += 1
                    step += 1
                if rest <= 0.0:
                    side = 0
                elif gain >= target:
                    entry_ticks[trades], exit_ticks[trades], reasons[trades] = entered, tick, 1
                    won[trades], parts[trades] = target, rest
                    trades += 1
                    side = 0
                else:
                    seen = b if side > 0 else -a
                    trailed = base > -NONE and seen <= base - trail
                    broken = armed and gain <= lock
                    if trailed or broken:
                        level = base - trail - (price if side > 0 else -price) - half
                        reason = 5 if trailed and (not armed or level > lock) else 6
                    elif bar >= entry_bar + max_bars or now >= time_ms[entered] + max_ms:
                        reason = 7
                    else:
                        while closing < len(closes_ms) and closes_ms[closing] <= time_ms[entered]:
                            closing += 1
                        if closing < len(closes_ms) and now >= closes_ms[closing]:
                            reason = 8
            if reason >= 0 and latency_ms > 0:
                leaves_ms, leaves_by, reason = now + latency_ms, reason, -1
        if reason >= 0:
            entry_ticks[trades], exit_ticks[trades], reasons[trades] = entered, tick, reason
            won[trades], parts[trades] = (b - price if side > 0 else price - a) - half - slippage, rest
            trades += 1
            side, leaves_ms = 0, np.int64(-1)
        signal, of_bar = 0, 0
        while heard < n_bars and close_ms[heard] + latency_ms <= now:
            if signals[heard] != 0:
                signal, of_bar = signals[heard], heard
            heard += 1
        if signal != 0 and side == -signal and leaves_ms < 0 and entered < tick:
            entry_ticks[trades], exit_ticks[trades], reasons[trades] = entered, tick, 2
            won[trades], parts[trades] = (b - price if side > 0 else price - a) - half - slippage, rest
            trades += 1
            side = 0
        if signal != 0 and side == 0 and coming == 0 and entering == 0:
            buys, sells = False, False
            if may_enter[tick] and now > close_ms[of_bar] + latency_ms + max_age_ms:
                stale += 1
            elif may_enter[tick] and entry == MARKET:
                entering = signal
            elif may_enter[tick]:
                asked, buys, sells = signal, both or signal > 0, both or signal < 0
                above = 1 if entry == STOP else -1
                column = 3 if not extreme else (1 if entry == STOP else 2)
                buy = ask_bars[of_bar, column] + above * offset
                column = 3 if not extreme else (2 if entry == STOP else 1)
                sell = bid_bars[of_bar, column] - above * offset
                last = of_bar + expiry_bars
                dies_at = close_ms[last] if last < n_bars else np.int64(2**62)
        if (buys or sells) and (now >= dies_at or not may_enter[tick]):
            buys, sells = False, False
        if buys or sells:
            buys_now = buys and (a + half >= buy if entry == STOP else a + half <= buy)
            sells_now = sells and (b - half <= sell if entry == STOP else b - half >= sell)
            if buys_now or sells_now:
                chosen = asked if buys_now and sells_now else (1 if buys_now else -1)
                buys, sells = False, False
                if entry == STOP and latency_ms > 0:
                    coming, coming_ms = chosen, now + latency_ms
                else:
                    entering = chosen
        if entering != 0:
            side, entered, entry_bar, rest, step, armed, leaves_ms = entering, tick, bar, 1.0, 0, False, np.int64(-1)
            price = a + half + slippage if side > 0 else b - half - slippage
            if entry == LIMIT:
                price = buy if side > 0 else sell
            best, base = b if side > 0 else -a, -NONE
        if side != 0:
            seen = b if side > 0 else -a
            best = max(best, seen)
            gain = (b - price if side > 0 else price - a) - half
            if trail < NONE:
                if base == -NONE:
                    if trail_start == 0.0 or best - (price if side > 0 else -price) - half >= trail_start:
                        base = best
                elif best - base >= max(trail_step, 1.0):
                    base = best
            armed = armed or gain >= arm
    if side != 0:
        a, b = float(ask[n_ticks - 1]), float(bid[n_ticks - 1])
        entry_ticks[trades], exit_ticks[trades], reasons[trades] = entered, n_ticks - 1, 3
        won[trades], parts[trades] = (b - price if side > 0 else price - a) - half - slippage, rest
        trades += 1
    return trades, stale
