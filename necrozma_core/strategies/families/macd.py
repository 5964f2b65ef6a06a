"""MACD: follow the difference of two exponential averages across its own average."""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from necrozma_core.market.arrays import Int8Array
from necrozma_core.market.bars import Bars
from necrozma_core.strategies.parameters import PERIOD, SHORT_PERIOD, OneOf, within
from necrozma_core.strategies.rule import OPPOSITE, Rule


@dataclass(frozen=True, slots=True)
class Macd(Rule):
    """Buy where EMA(fast) - EMA(slow) comes to lie above its exponential average over ``signal``; sell below.

    Each average begins as the mean of the first values that exist; TA-Lib starts the fast one later, so that the
    first values differ and then converge.
    ``exit="opposite"`` is another spelling of ``on_opposite="close"``.

    References
    ----------
    Appel (2005), "Technical Analysis: Power Tools for Active Investors", chapter 8.
    """

    family: ClassVar[str] = "macd"

    fast: int = field(default=12, metadata=SHORT_PERIOD)
    slow: int = field(default=26, metadata=PERIOD)
    signal: int = field(default=9, metadata=PERIOD)
    exit: str | None = field(default=None, kw_only=True, metadata=within(OneOf((OPPOSITE,), or_none=True)))

    def conflict(self) -> str | None:
        """Refuse a fast average that is not the faster."""
        return None if self.fast < self.slow else f"fast ({self.fast}) must be below slow ({self.slow})"

    @property
    def warm_up(self) -> int:
        """The line exists from bar ``slow`` on, its average ``signal - 1`` later; a crossing needs the bar before."""
        return self.slow + self.signal - 1

    def _signals(self, bars: Bars) -> Int8Array:
        from necrozma_core.kernels import signals as kernels
        from necrozma_core.strategies import indicators

        fast, slow = indicators.ema(bars, self.fast), indicators.ema(bars, self.slow)
        return np.asarray(kernels.macd_cross(fast, slow, self.slow - 1, self.signal))
