"""Session breakout: follow the first close outside the range in which a trading session began."""

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import ClassVar, Final

import numpy as np

from necrozma_core.engine.instructions import CLOSE
from necrozma_core.market.arrays import Int8Array, Int64Array
from necrozma_core.market.bars import Bars
from necrozma_core.market.calendars import DAY_MS, clock_times_ms
from necrozma_core.market.timeframes import format_timeframe
from necrozma_core.strategies.parameters import OneOf, Whole, within
from necrozma_core.strategies.rule import Rule

_MINUTE_MS: Final = 60_000
_HOUR_MS: Final = 3_600_000
_LONGEST_MINUTES: Final = 23 * 60  # the shortest day, in spring: one session ends before the next begins

SESSIONS: Final = MappingProxyType(
    {
        "tokyo": ("Asia/Tokyo", 9 * _HOUR_MS),
        "london": ("Europe/London", 8 * _HOUR_MS),
        "new_york": ("America/New_York", 8 * _HOUR_MS),
    }
)
"""Each session's zone and its opening by the clock there, in milliseconds after midnight; in UTC it opens an hour
earlier while daylight saving holds."""


@dataclass(frozen=True, slots=True)
class Session(Rule):
    """Buy at the first close above the range of a session's first ``range_minutes``; sell at the first below.

    A bar belongs to the range if it opens within it. After the range both sides may break, each once a session,
    for ``trade_minutes``. Sessions open at 09:00 Tokyo, 08:00 London and 08:00 New York, by the clocks there. A
    day without bars in the range, such as Saturday, has no session. With ``exit="end"`` a position closes after the
    first bar that opens when the ``trade_minutes`` are over; ``close_session`` closes by the clock.

    References
    ----------
    Crabel (1990), "Day Trading with Short Term Price Patterns and Opening Range Breakout".
    """

    family: ClassVar[str] = "session"

    session: str = field(default="london", metadata=within(OneOf(tuple(SESSIONS))))
    range_minutes: int = field(default=60, metadata=within(Whole(1, 720)))
    trade_minutes: int = field(default=240, metadata=within(Whole(1, _LONGEST_MINUTES)))
    exit: str | None = field(default=None, kw_only=True, metadata=within(OneOf(("end",), or_none=True)))

    def conflict(self) -> str | None:
        """Refuse a session that would run into the next one."""
        if self.range_minutes + self.trade_minutes <= _LONGEST_MINUTES:
            return None
        return (
            f"range_minutes ({self.range_minutes}) and trade_minutes ({self.trade_minutes}) "
            f"must not exceed {_LONGEST_MINUTES} together"
        )

    @property
    def warm_up(self) -> int:
        """One bar of range comes before any breakout."""
        return 1

    def _opens(self, bars: Bars) -> Int64Array:
        # From a day before, so that data which begins within a session is not without one.
        first, last = int(bars.open_time_ms[0]) - DAY_MS, int(bars.open_time_ms[-1])
        return bars.remember(("opens", self.session), lambda: clock_times_ms(first, last, *SESSIONS[self.session]))

    def _first_bars(self, bars: Bars) -> Int64Array:
        key = ("first_bars", self.session)
        return bars.remember(key, lambda: np.searchsorted(bars.open_time_ms, self._opens(bars)).astype(np.int64))

    def _signals(self, bars: Bars) -> Int8Array:
        from necrozma_core.kernels import breakouts as kernels
        from necrozma_core.strategies import indicators

        return np.asarray(
            kernels.opening_range_breakout(
                bars.open_time_ms,
                indicators.high(bars),
                indicators.low(bars),
                indicators.close(bars),
                self._opens(bars),
                self._first_bars(bars),
                self.range_minutes * _MINUTE_MS,
                self.trade_minutes * _MINUTE_MS,
            )
        )

    def _closes(self, bars: Bars, signals: Int8Array) -> Int8Array:
        opens = self._opens(bars)
        session = np.searchsorted(opens, bars.open_time_ms, side="right") - 1
        # The first bars may come before any session that is known.
        passed_ms = bars.open_time_ms - opens[np.maximum(session, 0)]
        length_ms = (self.range_minutes + self.trade_minutes) * _MINUTE_MS
        session[(passed_ms < 0) | (passed_ms >= length_ms)] = -1
        out = np.zeros(len(bars), np.int8)
        out[1:][(session[:-1] >= 0) & (session[1:] != session[:-1])] = CLOSE
        return out

    def explain_silence(self, bars: Bars) -> str | None:
        """Say so where no bar opens while a range is gathered: bars too long, or data of other hours."""
        if too_few := Rule.explain_silence(self, bars):
            return too_few
        opens, first = self._opens(bars), self._first_bars(bars)
        found = first < len(bars)
        waited_ms = bars.open_time_ms[first[found]] - opens[found]
        if (waited_ms < self.range_minutes * _MINUTE_MS).any():
            return None
        return (
            f"no bar of {format_timeframe(bars.timeframe_ms)} opens within the first {self.range_minutes} minutes "
            f"of a {self.session} session"
        )
