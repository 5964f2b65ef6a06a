"""Bars made by hand, for tests that need no ticks behind them."""

from collections.abc import Sequence

import numpy as np

from necrozma_core.market.bars import Bars

MONDAY_MS = 1_709_510_400_000
"""4 March 2024, 00:00 UTC."""


def make_bars(
    close: Sequence[int],
    high: Sequence[int] | None = None,
    low: Sequence[int] | None = None,
    tick_count: Sequence[int] | None = None,
    open_time_ms: Sequence[int] | None = None,
    timeframe_ms: int = 60_000,
) -> Bars:
    """Make bars of twice-mid prices; each opens at its own close, highs and lows default to it, spread is 2 points."""
    closes = np.array(close, np.int64)
    n = len(closes)
    highs = closes if high is None else np.array(high, np.int64)
    lows = closes if low is None else np.array(low, np.int64)
    mid2 = np.stack([closes, highs, lows, closes], axis=1).reshape(n, 4)
    counts = np.ones(n, np.int32) if tick_count is None else np.array(tick_count, np.int32)
    times = MONDAY_MS + np.arange(n) * timeframe_ms if open_time_ms is None else np.array(open_time_ms)
    arrays = (
        times.astype(np.int64),
        (mid2 // 2 - 1).astype(np.int32),
        (mid2 // 2 + 1).astype(np.int32),
        mid2.astype(np.int32),
        counts,
        np.concatenate([[0], np.cumsum(counts, dtype=np.int64)]).astype(np.int64),
    )
    for array in arrays:
        array.setflags(write=False)
    return Bars(timeframe_ms, 5, *arrays)


def walking_bars(n: int, seed: int = 0, step: float = 40.0, timeframe_ms: int = 300_000) -> Bars:
    """Make a random walk with bursts, its weekends left out, from Monday on."""
    random = np.random.default_rng(seed)
    moves = random.standard_t(3, (n, 8)) * step / 8**0.5
    path = 220_000 + np.cumsum(moves).reshape(n, 8).astype(np.int64)
    times = MONDAY_MS + np.arange(2 * n + 2_016) * timeframe_ms
    weekday = (times // 86_400_000 + 3) % 7
    counts = 1 + random.poisson(20, n) + np.abs(path[:, -1] - path[:, 0])
    return make_bars(path[:, -1], path.max(1), path.min(1), counts, times[weekday < 5][:n], timeframe_ms)


def join_bars(earlier: Bars, count: int, later: Bars) -> Bars:
    """Return the first ``count`` bars of one market, followed by all of another's in place of its future."""
    shift = 0
    if count and len(later):
        shift = int(earlier.open_time_ms[count - 1]) + earlier.timeframe_ms - int(later.open_time_ms[0])
    return make_bars(
        np.concatenate([earlier.mid2_points[:count, 3], later.mid2_points[:, 3]]),
        np.concatenate([earlier.mid2_points[:count, 1], later.mid2_points[:, 1]]),
        np.concatenate([earlier.mid2_points[:count, 2], later.mid2_points[:, 2]]),
        np.concatenate([earlier.tick_count[:count], later.tick_count]),
        np.concatenate([earlier.open_time_ms[:count], later.open_time_ms + shift]),
        earlier.timeframe_ms,
    )


def first_bars(bars: Bars, count: int) -> Bars:
    """Return the first ``count`` bars, as if the rest had not happened yet."""
    mid2 = bars.mid2_points[:count]
    return make_bars(
        mid2[:, 3], mid2[:, 1], mid2[:, 2], bars.tick_count[:count], bars.open_time_ms[:count], bars.timeframe_ms
    )
