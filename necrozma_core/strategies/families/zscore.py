"""Z-score mean reversion: fade a close far from its mean, at once."""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from necrozma_core.market.arrays import Int8Array
from necrozma_core.market.bars import Bars
from necrozma_core.strategies.parameters import PERIOD, Real, within
from necrozma_core.strategies.rule import Rule


@dataclass(frozen=True, slots=True)
class Zscore(Rule):
    """Buy where the close falls more than ``entry`` deviations below its mean; sell where it rises above.

    Unlike the Bollinger rule it does not wait for the way back. The deviation is that of the population of the
    last ``period`` closes, the newest included; in a flat window the z-score is 0.

    References
    ----------
    Chan (2013), "Algorithmic Trading: Winning Strategies and Their Rationale", chapter 2.
    """

    family: ClassVar[str] = "zscore"

    period: int = field(default=50, metadata=PERIOD)
    entry: float = field(default=2.0, metadata=within(Real(0.0, 100.0, above=True)))

    @property
    def warm_up(self) -> int:
        """The z-score exists from bar ``period`` on, and becoming extreme needs the bar before."""
        return self.period

    def _signals(self, bars: Bars) -> Int8Array:
        from necrozma_core.kernels import signals as kernels
        from necrozma_core.strategies import indicators

        z = indicators.zscore(bars, self.period)
        return np.asarray(kernels.fade_outside(z, self.period - 1, -self.entry, self.entry, False))
