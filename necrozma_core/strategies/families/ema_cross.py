"""Exponential moving averages crossing: follow the fast one across the slow one."""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from necrozma_core.market.arrays import Int8Array
from necrozma_core.market.bars import Bars
from necrozma_core.strategies.parameters import PERIOD, SHORT_PERIOD, OneOf, within
from necrozma_core.strategies.rule import OPPOSITE, Rule


@dataclass(frozen=True, slots=True)
class EmaCross(Rule):
    """Buy where the exponential average over ``fast`` closes comes to lie above that over ``slow``; sell below.

    The newest close weighs ``2 / (period + 1)``; the average begins as the mean of the first ``period`` closes.
    ``exit="opposite"`` is another spelling of ``on_opposite="close"``.

    References
    ----------
    Murphy (1999), "Technical Analysis of the Financial Markets", chapter 9; seeded as in TA-Lib.
    """

    family: ClassVar[str] = "ema_cross"

    fast: int = field(default=12, metadata=SHORT_PERIOD)
    slow: int = field(default=26, metadata=PERIOD)
    exit: str | None = field(default=None, kw_only=True, metadata=within(OneOf((OPPOSITE,), or_none=True)))

    def conflict(self) -> str | None:
        """Refuse a fast average that is not the faster."""
        return None if self.fast < self.slow else f"fast ({self.fast}) must be below slow ({self.slow})"

    @property
    def warm_up(self) -> int:
        """Both averages exist from bar ``slow`` on, and a crossing needs the bar before."""
        return self.slow

    def _signals(self, bars: Bars) -> Int8Array:
        from necrozma_core.kernels import signals as kernels
        from necrozma_core.strategies import indicators

        fast, slow = indicators.ema(bars, self.fast), indicators.ema(bars, self.slow)
        return np.asarray(kernels.cross_of_lines(fast, slow, self.slow - 1))
