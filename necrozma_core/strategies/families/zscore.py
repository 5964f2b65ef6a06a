"""Z-score mean reversion: fade a close far from its mean, at once."""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from necrozma_core.market.arrays import Int8Array
from necrozma_core.market.bars import Bars
from necrozma_core.strategies.families.closes import close_on_reaching
from necrozma_core.strategies.parameters import PERIOD, Real, within
from necrozma_core.strategies.rule import Rule


@dataclass(frozen=True, slots=True)
class Zscore(Rule):
    """Buy where the close falls more than ``entry`` deviations below its mean; sell where it rises above.

    Unlike the Bollinger rule it does not wait for the way back. The deviation is that of the population of the
    last ``period`` closes, the newest included; in a flat window the z-score is 0. With an ``exit`` a long closes where
    the z-score has come back to ``-exit`` or above and a short where it has to ``exit`` or below; 0 is the mean.

    References
    ----------
    Chan (2013), "Algorithmic Trading: Winning Strategies and Their Rationale", chapter 2.
    """

    family: ClassVar[str] = "zscore"

    period: int = field(default=50, metadata=PERIOD)
    entry: float = field(default=2.0, metadata=within(Real(0.0, 100.0, above=True)))
    exit: float | None = field(default=None, kw_only=True, metadata=within(Real(-100.0, 100.0, or_none=True)))

    def conflict(self) -> str | None:
        """Refuse an exit that is no nearer to the mean than the entry."""
        if self.exit is None or self.exit < self.entry:
            return None
        return f"exit ({self.exit:g}) must be below entry ({self.entry:g})"

    @property
    def warm_up(self) -> int:
        """The z-score exists from bar ``period`` on, and becoming extreme needs the bar before."""
        return self.period

    def _signals(self, bars: Bars) -> Int8Array:
        from necrozma_core.kernels import signals as kernels
        from necrozma_core.strategies import indicators

        z = indicators.zscore(bars, self.period)
        return np.asarray(kernels.fade_outside(z, self.period - 1, -self.entry, self.entry, False))

    def _closes(self, bars: Bars, signals: Int8Array) -> Int8Array:
        from necrozma_core.strategies import indicators

        assert self.exit is not None, "asked for where there is one"
        return close_on_reaching(indicators.zscore(bars, self.period), -self.exit, self.exit)
