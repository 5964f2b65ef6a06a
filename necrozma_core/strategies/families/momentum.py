"""Momentum (rate of change): follow a move that exceeds a threshold."""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from necrozma_core.market.arrays import Int8Array
from necrozma_core.market.bars import Bars
from necrozma_core.strategies.families.closes import close_against
from necrozma_core.strategies.parameters import SHORT_PERIOD, OneOf, Real, within
from necrozma_core.strategies.rule import Rule


@dataclass(frozen=True, slots=True)
class Momentum(Rule):
    """Buy where the close comes to lie more than ``threshold_percent`` above the one ``period`` bars before.

    Sell where it comes to lie as much below. The rate of change is ``close[i] / close[i - period] - 1``. With
    ``exit="zero"`` a long closes where it comes to lie below 0, and a short where above.

    References
    ----------
    Moskowitz, Ooi and Pedersen (2012), "Time Series Momentum", Journal of Financial Economics 104(2); they hold
    for a fixed time, here the opposite signal, stop or target ends the trade.
    """

    family: ClassVar[str] = "momentum"

    period: int = field(default=12, metadata=SHORT_PERIOD)
    threshold_percent: float = field(default=0.1, metadata=within(Real(0.0, 99.0)))
    exit: str | None = field(default=None, kw_only=True, metadata=within(OneOf(("zero",), or_none=True)))

    @property
    def warm_up(self) -> int:
        """The first change needs ``period`` bars before, and becoming large the bar before."""
        return self.period + 1

    def _signals(self, bars: Bars) -> Int8Array:
        from necrozma_core.kernels import breakouts as kernels
        from necrozma_core.strategies import indicators

        share = self.threshold_percent / 100.0
        return np.asarray(kernels.rate_of_change(indicators.close(bars), self.period, 1.0 + share, 1.0 - share))

    def _closes(self, bars: Bars, signals: Int8Array) -> Int8Array:
        from necrozma_core.kernels import breakouts as kernels
        from necrozma_core.strategies import indicators

        return close_against(kernels.rate_of_change(indicators.close(bars), self.period, 1.0, 1.0))
