"""Bollinger reversion: trade back towards the mean once the close has returned into the bands."""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from necrozma_core.market.arrays import Int8Array
from necrozma_core.market.bars import Bars
from necrozma_core.strategies.families.closes import close_on_reaching
from necrozma_core.strategies.parameters import PERIOD, OneOf, Real, within
from necrozma_core.strategies.rule import Rule


@dataclass(frozen=True, slots=True)
class Bollinger(Rule):
    """Buy where a close is back inside after one below the lower band; sell after one above the upper.

    The bands lie ``width`` population standard deviations from the mean of the last ``period`` closes. A close
    that goes from beyond one band straight beyond the other is no return. With ``exit="middle"`` a position closes
    where the close has come back to the mean.

    References
    ----------
    Bollinger (2001), "Bollinger on Bollinger Bands", chapters 7 and 15.
    """

    family: ClassVar[str] = "bollinger"

    period: int = field(default=20, metadata=PERIOD)
    width: float = field(default=2.0, metadata=within(Real(0.0, 100.0, above=True)))
    exit: str | None = field(default=None, kw_only=True, metadata=within(OneOf(("middle",), or_none=True)))

    @property
    def warm_up(self) -> int:
        """The bands exist from bar ``period`` on, and a return needs the bar before."""
        return self.period

    def _signals(self, bars: Bars) -> Int8Array:
        from necrozma_core.kernels import signals as kernels
        from necrozma_core.strategies import indicators

        z = indicators.zscore(bars, self.period)
        return np.asarray(kernels.fade_outside(z, self.period - 1, -self.width, self.width, True))

    def _closes(self, bars: Bars, signals: Int8Array) -> Int8Array:
        from necrozma_core.strategies import indicators

        return close_on_reaching(indicators.zscore(bars, self.period), 0.0, 0.0)
