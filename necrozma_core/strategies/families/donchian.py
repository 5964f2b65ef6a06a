"""Donchian breakout: follow a close beyond the range of the bars before."""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from necrozma_core.market.arrays import Int8Array
from necrozma_core.market.bars import Bars
from necrozma_core.strategies.families.closes import close_against
from necrozma_core.strategies.parameters import MAX_PERIOD, SHORT_PERIOD, Whole, within
from necrozma_core.strategies.rule import Rule


@dataclass(frozen=True, slots=True)
class Donchian(Rule):
    """Buy where a close is above the highest mid of the ``period`` bars before; sell where below the lowest.

    The bar itself is no part of the range. The close decides, not the bar's extremes: a bar that only reaches out
    is not yet known to stay there. With an ``exit`` a long closes where a close comes to lie below the lowest mid of
    that many bars before, and a short where above the highest: the shorter channel of the Turtles.

    References
    ----------
    Donchian (1960), "High Finance in Copper", Financial Analysts Journal 16(6); Faith (2007), "Way of the Turtle".
    """

    family: ClassVar[str] = "donchian"

    period: int = field(default=20, metadata=SHORT_PERIOD)
    exit: int | None = field(default=None, kw_only=True, metadata=within(Whole(1, MAX_PERIOD, or_none=True)))

    def conflict(self) -> str | None:
        """Refuse a channel of the exit that is no shorter than that of the entry."""
        if self.exit is None or self.exit < self.period:
            return None
        return f"exit ({self.exit}) must be below period ({self.period})"

    @property
    def warm_up(self) -> int:
        """The range needs ``period`` bars, and a breakout the bar before it inside."""
        return self.period + 1

    def _signals(self, bars: Bars) -> Int8Array:
        from necrozma_core.kernels import breakouts as kernels
        from necrozma_core.strategies import indicators

        highest, lowest, width = indicators.extremes(bars, self.period)
        return np.asarray(kernels.channel_breakout(indicators.close(bars), highest, lowest, self.period, width))

    def _closes(self, bars: Bars, signals: Int8Array) -> Int8Array:
        from necrozma_core.kernels import breakouts as kernels
        from necrozma_core.strategies import indicators

        assert self.exit is not None, "asked for where there is one"
        highest, lowest, width = indicators.extremes(bars, self.exit)
        return close_against(kernels.channel_breakout(indicators.close(bars), highest, lowest, self.exit, width))
