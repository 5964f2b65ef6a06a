"""RSI: trade the way back from an overbought or oversold market."""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from necrozma_core.market.arrays import Int8Array
from necrozma_core.market.bars import Bars
from necrozma_core.strategies.families.closes import close_on_reaching
from necrozma_core.strategies.parameters import PERIOD, Real, within
from necrozma_core.strategies.rule import Rule


@dataclass(frozen=True, slots=True)
class Rsi(Rule):
    """Buy where the index is back at ``low`` or above after lying below; sell where back at ``high`` or below.

    ``RSI = 100 * gain / (gain + loss)`` with Wilder's averages of the rises and falls from close to close, which
    begin as plain means of the first ``period`` changes; 50 where the price never moved. A bar that does not move
    leaves the index as it was. With an ``exit`` a long closes where the index has come to it or above, and a
    short where it has come to ``100 - exit`` or below.

    References
    ----------
    Wilder (1978), "New Concepts in Technical Trading Systems", section VI.
    """

    family: ClassVar[str] = "rsi"

    period: int = field(default=14, metadata=PERIOD)
    low: float = field(default=30.0, metadata=within(Real(0.0, 100.0)))
    high: float = field(default=70.0, metadata=within(Real(0.0, 100.0)))
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
        """The first index needs ``period`` changes, and a return the bar before."""
        return self.period + 1

    def _signals(self, bars: Bars) -> Int8Array:
        from necrozma_core.kernels import signals as kernels
        from necrozma_core.strategies import indicators

        index = indicators.rsi(bars, self.period)
        return np.asarray(kernels.fade_outside(index, self.period, self.low, self.high, True))

    def _closes(self, bars: Bars, signals: Int8Array) -> Int8Array:
        from necrozma_core.strategies import indicators

        assert self.exit is not None, "asked for where there is one"
        return close_on_reaching(indicators.rsi(bars, self.period), self.exit, 100.0 - self.exit)
