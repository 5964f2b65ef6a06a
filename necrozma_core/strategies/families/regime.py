"""Regime switch: a trend rule and a reversion rule, each in the market it suits."""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from necrozma_core.engine.instructions import CLOSE
from necrozma_core.market.arrays import Int8Array
from necrozma_core.market.bars import Bars
from necrozma_core.strategies.families.closes import close_on_reaching
from necrozma_core.strategies.parameters import PERIOD, OneOf, Real, within
from necrozma_core.strategies.rule import Rule


@dataclass(frozen=True, slots=True)
class Regime(Rule):
    """Follow the move of the last ``period`` bars while it is efficient; fade extremes while it is not.

    The efficiency ratio is the net change of the close over ``period`` bars divided by the sum of its absolute
    changes. Above ``trending`` the rule is long in a rise and short in a fall. Below ``ranging`` it is long where
    the z-score over the same period is below ``-entry`` and short where above ``entry``. In between it waits. With
    ``exit="middle"`` a position closes where the close comes to its mean over the period, from either side.

    References
    ----------
    Kaufman (1995), "Smarter Trading", chapter 7 (the efficiency ratio); the two thresholds are ours.
    """

    family: ClassVar[str] = "regime"

    period: int = field(default=50, metadata=PERIOD)
    trending: float = field(default=0.3, metadata=within(Real(0.0, 1.0)))
    ranging: float = field(default=0.15, metadata=within(Real(0.0, 1.0)))
    entry: float = field(default=1.5, metadata=within(Real(0.0, 100.0, above=True)))
    exit: str | None = field(default=None, kw_only=True, metadata=within(OneOf(("middle",), or_none=True)))

    def conflict(self) -> str | None:
        """Refuse regimes that overlap."""
        if self.ranging <= self.trending:
            return None
        return f"ranging ({self.ranging:g}) must not exceed trending ({self.trending:g})"

    @property
    def warm_up(self) -> int:
        """The first ratio needs ``period`` changes, and a switch the bar before."""
        return self.period + 1

    def _signals(self, bars: Bars) -> Int8Array:
        from necrozma_core.kernels import breakouts as kernels
        from necrozma_core.strategies import indicators

        return np.asarray(
            kernels.regime_switch(
                indicators.close(bars),
                indicators.move_sums(bars),
                indicators.zscore(bars, self.period),
                self.period,
                self.trending,
                self.ranging,
                self.entry,
            )
        )

    def _closes(self, bars: Bars, signals: Int8Array) -> Int8Array:
        from necrozma_core.strategies import indicators

        return close_on_reaching(indicators.zscore(bars, self.period), 0.0, 0.0, CLOSE, CLOSE)
