"""What is doubtful about well-formed bars: slipped digits, wide spreads, a wrong zone and which one would be right."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from necrozma_core.feeds.inspection import Doubt, inspect
from necrozma_core.feeds.plausibility import check_level
from necrozma_core.market.quote_bars import QuoteBars
from necrozma_core.market.ticks import Ticks
from necrozma_core.storage.bars.joining import format_bar

_HOUR_MS: Final = 3_600_000
_DAY_MS: Final = 24 * _HOUR_MS
_WEEKEND_MS: Final = 40 * _HOUR_MS
_LEAST_WEEKS: Final = 4
_CLEAR_SHARE: Final = 0.9
_WIDE: Final = 0.01
"""A spread of this share of the price: 100 pips of EURUSD."""
_REACH: Final = 0.08
"""A high or low this far beyond open and close, as a share: the Swiss franc's hour of 15 January 2015 is longer, and no
other of these pairs'."""


def check_bar_level(bars: QuoteBars, source: str) -> None:
    """Refuse bars whose prices this pair has never had; errors as `check_level`."""
    check_level(_opening_quotes(bars), source)


def doubts(bars: QuoteBars, zone: str | None = None) -> Iterator[str]:
    """Say what is doubtful, a line each.

    Parameters
    ----------
    bars : QuoteBars
    zone : str or None
        The one that the user gave: of a clock taken for UTC can be said which zone would fit.
    """
    closes_apart = np.maximum(bars.bid[:, 0], bars.bid[:, 3]), np.minimum(bars.bid[:, 0], bars.bid[:, 3])
    reach = np.maximum(bars.bid[:, 1] / closes_apart[0] - 1.0, 1.0 - bars.bid[:, 2] / closes_apart[1])
    if (far := reach > _REACH).any():
        yield (
            f"{_bars(far)} high or low lies more than {100 * _REACH:g} % beyond open and close: "
            f"{format_bar(bars, int(reach.argmax()))}"
        )
    width = (bars.ask - bars.bid).max(axis=1) / bars.ask[:, 3]
    if (wide := width > _WIDE).any():
        yield (f"{_bars(wide)} spread is over {100 * _WIDE:g} % of the price: {format_bar(bars, int(width.argmax()))}")
    if (none := (bars.ask == bars.bid).all(axis=1)).any():
        yield f"{_bars(none)} spread is zero, so that a trade in them costs nothing"
    # Longer bars begin where their feed's day does, and say nothing of the minute at which a week opens.
    if bars.timeframe_ms <= _HOUR_MS:
        for finding in inspect(_opening_quotes(bars)):
            if finding.doubt is Doubt.ZONE:
                yield finding.text + (_zone_hint(bars) if zone == "UTC" else "")


def _bars(found: np.ndarray) -> str:
    count = int(np.count_nonzero(found))
    return f"{count:,} {'bar' if count == 1 else 'bars'} whose"


def _opening_quotes(bars: QuoteBars) -> Ticks:
    bid, ask = (np.ascontiguousarray(side[:, 0]) for side in (bars.bid, bars.ask))
    return Ticks(bars.pair, bars.digits, bars.open_time_ms, bid, ask)


def _zone_hint(bars: QuoteBars) -> str:
    """Name the zone that fits where the weeks open at one time of the clock in summer and winter, as New York's do."""
    opens = bars.open_time_ms[1:][np.diff(bars.open_time_ms) > _WEEKEND_MS]
    # Monday's midnight after the opening's nearest weekend; 1970-01-05 was a Monday.
    since_monday = (opens - 4 * _DAY_MS + 3 * _DAY_MS) % (7 * _DAY_MS) - 3 * _DAY_MS
    clock = int(np.median(since_monday))
    months = (opens.astype("datetime64[ms]").astype("datetime64[M]").astype(np.int64) % 12) + 1
    has_both_seasons = bool(np.isin(months, [1, 2, 12]).any() and np.isin(months, [5, 6, 7, 8]).any())
    same = np.count_nonzero(since_monday == clock) >= _CLEAR_SHARE * len(opens)
    ahead, rest = divmod(clock + 7 * _HOUR_MS, _HOUR_MS)
    if len(opens) < _LEAST_WEEKS or not has_both_seasons or not same or rest or not -12 <= ahead <= 12:
        return ""
    zone = f"America/New_York{ahead:+d}" if ahead else "America/New_York"
    return f"; they open at the same time of the clock all year, as in --zone {zone}"
