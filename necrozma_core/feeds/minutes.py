"""A feed reduced to minutes: the last mid price and the number of ticks of each minute that has some."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from necrozma_core.market.arrays import FloatArray, Int64Array
from necrozma_core.market.calendars import trading_day
from necrozma_core.market.instruments import Pair
from necrozma_core.market.ticks import Ticks
from necrozma_core.storage.ticks.summary import count_spreads

MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True, eq=False)
class MinuteFeed:
    """A span of a feed.

    Attributes
    ----------
    pair : Pair
    minute : int64 array, shape (n_minutes,)
        Minutes since 1970 UTC that have ticks, rising.
    mid : float64 array, shape (n_minutes,)
        The last mid price of each.
    ticks : int64 array, shape (n_minutes,)
    spread_pips : tuple of float
        Median, 95 % quantile and widest of all ticks.
    """

    pair: Pair
    minute: Int64Array
    mid: FloatArray
    ticks: Int64Array
    spread_pips: tuple[float, float, float]

    def __len__(self) -> int:
        return len(self.minute)

    @property
    def day(self) -> Int64Array:
        """The trading day of each minute, in days since 1970-01-01."""
        return trading_day(self.minute * MINUTE_MS)

    def moved(self, minutes: Int64Array | int) -> "MinuteFeed":
        """Return the feed with other times, each moved by so many minutes; where two meet, the later stays."""
        minute = self.minute + minutes
        order = np.argsort(minute, kind="stable")
        minute = minute[order]
        last = np.append(np.diff(minute) > 0, True) if len(minute) else np.empty(0, dtype=np.bool_)
        kept = order[last]
        return replace(self, minute=minute[last], mid=self.mid[kept], ticks=self.ticks[kept])


def reduce_to_minutes(pair: Pair, pieces: Iterable[Ticks], first_ms: int, last_ms: int) -> MinuteFeed:
    """Reduce ticks in ``[first_ms, last_ms]`` to minutes.

    Parameters
    ----------
    pair : Pair
    pieces : iterable of Ticks
        Oldest first; each may be gone with the next.
    first_ms, last_ms : int
    """
    minutes: list[Int64Array] = []
    mids: list[FloatArray] = []
    counts: list[Int64Array] = []
    spreads: Counter[float] = Counter()  # in pips: years may differ in their decimals
    before = -1
    for piece in pieces:
        start, end = np.searchsorted(piece.time_ms, [first_ms, last_ms + 1])
        if start == end:
            continue
        bid, ask, minute = piece.bid[start:end], piece.ask[start:end], piece.time_ms[start:end] // MINUTE_MS
        for points, count in count_spreads(bid, ask).items():
            spreads[points / piece.points_per_pip] += count
        edges = np.flatnonzero(np.diff(minute, append=minute[-1] + 1))
        ticks = np.diff(edges, prepend=-1)
        if minute[edges[0]] == before:  # the piece goes on with the minute of the one before it
            ticks[0] += counts[-1][-1]
            minutes[-1], mids[-1], counts[-1] = minutes[-1][:-1], mids[-1][:-1], counts[-1][:-1]
        minutes.append(minute[edges])
        mids.append((bid[edges].astype(np.float64) + ask[edges]) / (2 * piece.scale))
        counts.append(ticks)
        before = int(minute[-1])
    if not minutes:
        empty = np.empty(0, dtype=np.int64)
        return MinuteFeed(pair, empty, np.empty(0), empty, (0.0, 0.0, 0.0))
    return MinuteFeed(pair, np.concatenate(minutes), np.concatenate(mids), np.concatenate(counts), _quantiles(spreads))


def _quantiles(counts: Counter[float]) -> tuple[float, float, float]:
    values = sorted(counts)
    upto = np.cumsum([counts[value] for value in values])
    median, most = (values[int(np.searchsorted(upto, share * upto[-1]))] for share in (0.5, 0.95))
    return median, most, values[-1]
