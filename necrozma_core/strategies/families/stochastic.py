"""Stochastic oscillator: trade its turn inside the outer zones."""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from necrozma_core.market.arrays import Int8Array
from necrozma_core.market.bars import Bars
from necrozma_core.strategies.families.closes import close_on_reaching
from necrozma_core.strategies.parameters import PERIOD, Real, Whole, within
from necrozma_core.strategies.rule import Rule


@dataclass(frozen=True, slots=True)
class Stochastic(Rule):
    """Buy where %K comes to lie above %D while %D is below ``low``; sell where below it, %D above ``high``.

    ``%K = 100 * (close - lowest) / (highest - lowest)`` over ``period`` bars, averaged over ``smooth`` (the slow
    form); %D is the mean of the last ``signal`` values of %K. Where highest and lowest are equal, %K is 50. The
    two conditions may come true in either order: the signal is at the bar at which both hold. A %D on
    its border is neither below nor above it; a border counts to nine decimals. With an ``exit`` a long closes where %D
    has come to it or above, and a short where it has come to ``100 - exit`` or below.

    References
    ----------
    Lane (1984), "Lane's Stochastics", Technical Analysis of Stocks & Commodities 2(3).
    """

    family: ClassVar[str] = "stochastic"

    period: int = field(default=14, metadata=PERIOD)
    smooth: int = field(default=3, metadata=within(Whole(1, 100)))
    signal: int = field(default=3, metadata=within(Whole(2, 100)))
    low: float = field(default=20.0, metadata=within(Real(0.0, 100.0)))
    high: float = field(default=80.0, metadata=within(Real(0.0, 100.0)))
    exit: float | None = field(default=None, kw_only=True, metadata=within(Real(0.0, 100.0, or_none=True)))

    def conflict(self) -> str | None:
        """Refuse zones that overlap, and an exit within the zone of its own entry."""
        if self.low >= self.high:
            return f"low ({self.low:g}) must be below high ({self.high:g})"
        if self.exit is None or (self.low < self.exit and 100.0 - self.exit < self.high):
            return None
        return f"exit ({self.exit:g}) must be above low ({self.low:g}), and 100 - exit below high ({self.high:g})"

    @property
    def warm_up(self) -> int:
        """%D exists from bar ``period + smooth + signal - 2`` on, and becoming true needs the bar before."""
        return self.period + self.smooth + self.signal - 2

    def _signals(self, bars: Bars) -> Int8Array:
        from necrozma_core.kernels import signals as kernels
        from necrozma_core.strategies import indicators

        highest, lowest, width = indicators.extremes(bars, self.period)
        return np.asarray(
            kernels.stochastic_turn(
                indicators.close(bars),
                highest,
                lowest,
                self.period,
                width,
                self.smooth,
                self.signal,
                self.low,
                self.high,
            )
        )

    def _closes(self, bars: Bars, signals: Int8Array) -> Int8Array:
        from necrozma_core.strategies import indicators

        assert self.exit is not None, "asked for where there is one"
        line = indicators.stochastic_signal(bars, self.period, self.smooth, self.signal)
        return close_on_reaching(line, self.exit, 100.0 - self.exit)
