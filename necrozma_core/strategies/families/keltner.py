"""ATR breakout (Keltner channel): follow a close outside a channel as wide as the market moves."""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from necrozma_core.market.arrays import Int8Array
from necrozma_core.market.bars import Bars
from necrozma_core.strategies.families.closes import close_on_leaving
from necrozma_core.strategies.parameters import PERIOD, OneOf, Real, within
from necrozma_core.strategies.rule import Rule


@dataclass(frozen=True, slots=True)
class Keltner(Rule):
    """Buy where the close comes to lie above EMA(``period``) + ``width`` * ATR(``atr_period``); sell below the lower.

    The true range is taken from mid prices; its average is Wilder's and begins as a plain mean. With ``exit="middle"``
    a long closes where the close comes to lie below the EMA, and a short where it comes to lie above.

    References
    ----------
    Keltner (1960), "How to Make Money in Commodities", in the form with exponential average and average true
    range due to Raschke; ATR: Wilder (1978), "New Concepts in Technical Trading Systems", section III.
    """

    family: ClassVar[str] = "keltner"

    period: int = field(default=20, metadata=PERIOD)
    atr_period: int = field(default=10, metadata=PERIOD)
    width: float = field(default=2.0, metadata=within(Real(0.0, 100.0, above=True)))
    exit: str | None = field(default=None, kw_only=True, metadata=within(OneOf(("middle",), or_none=True)))

    @property
    def _first(self) -> int:
        return max(self.period - 1, self.atr_period)

    @property
    def warm_up(self) -> int:
        """The channel needs both averages, and a breakout the bar before."""
        return self._first + 1

    def _signals(self, bars: Bars) -> Int8Array:
        from necrozma_core.kernels import breakouts as kernels
        from necrozma_core.strategies import indicators

        middle, true_range = indicators.ema(bars, self.period), indicators.atr(bars, self.atr_period)
        close = indicators.close(bars)
        return np.asarray(kernels.band_breakout(close, middle, true_range, self.width, self._first))

    def _closes(self, bars: Bars, signals: Int8Array) -> Int8Array:
        from necrozma_core.kernels.signals import ROUNDING
        from necrozma_core.strategies import indicators

        away = indicators.close(bars) - indicators.ema(bars, self.period)
        return close_on_leaving((away > ROUNDING).astype(np.int8) - (away < -ROUNDING).astype(np.int8))
