"""Simple moving averages crossing: follow the fast one across the slow one."""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from necrozma_core.market.arrays import Int8Array
from necrozma_core.market.bars import Bars
from necrozma_core.strategies.parameters import PERIOD, SHORT_PERIOD, OneOf, within
from necrozma_core.strategies.rule import OPPOSITE, Rule


@dataclass(frozen=True, slots=True)
class SmaCross(Rule):
    """Buy where the mean of the last ``fast`` closes comes to lie above that of ``slow``; sell where below.

    Means are compared as whole numbers, exactly: equal means are neither above nor below.
    ``exit="opposite"`` is another spelling of ``on_opposite="close"``.

    References
    ----------
    Brock, Lakonishok and LeBaron (1992), "Simple Technical Trading Rules and the Stochastic Properties of Stock
    Returns", Journal of Finance 47(5), variable-length moving average without a band.
    """

    family: ClassVar[str] = "sma_cross"

    fast: int = field(default=10, metadata=SHORT_PERIOD)
    slow: int = field(default=30, metadata=PERIOD)
    exit: str | None = field(default=None, kw_only=True, metadata=within(OneOf((OPPOSITE,), or_none=True)))

    def conflict(self) -> str | None:
        """Refuse a fast average that is not the faster."""
        return None if self.fast < self.slow else f"fast ({self.fast}) must be below slow ({self.slow})"

    @property
    def warm_up(self) -> int:
        """Both means exist from bar ``slow`` on, and a crossing needs the bar before."""
        return self.slow

    def _signals(self, bars: Bars) -> Int8Array:
        from necrozma_core.kernels import signals as kernels
        from necrozma_core.strategies import indicators

        return np.asarray(kernels.cross_of_sums(indicators.close_sums(bars), self.fast, self.slow))
