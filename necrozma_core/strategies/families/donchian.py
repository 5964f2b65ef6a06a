"""Donchian breakout: follow a close beyond the range of the bars before."""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from necrozma_core.market.arrays import Int8Array
from necrozma_core.market.bars import Bars
from necrozma_core.strategies.parameters import SHORT_PERIOD
from necrozma_core.strategies.rule import Rule


@dataclass(frozen=True, slots=True)
class Donchian(Rule):
    """Buy where a close is above the highest mid of the ``period`` bars before; sell where below the lowest.

    The bar itself is no part of the range. The close decides, not the bar's extremes: a bar that only reaches out
    is not yet known to stay there.

    References
    ----------
    Donchian (1960), "High Finance in Copper", Financial Analysts Journal 16(6); Faith (2007), "Way of the Turtle".
    """

    family: ClassVar[str] = "donchian"

    period: int = field(default=20, metadata=SHORT_PERIOD)

    @property
    def warm_up(self) -> int:
        """The range needs ``period`` bars, and a breakout the bar before it inside."""
        return self.period + 1

    def _signals(self, bars: Bars) -> Int8Array:
        from necrozma_core.kernels import breakouts as kernels
        from necrozma_core.strategies import indicators

        highest, lowest, width = indicators.extremes(bars, self.period)
        return np.asarray(kernels.channel_breakout(indicators.close(bars), highest, lowest, self.period, width))
