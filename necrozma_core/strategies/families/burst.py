"""Momentum burst: follow a bar that moves far beyond the usual, with more ticks than usual."""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from necrozma_core.engine.instructions import CLOSE
from necrozma_core.market.arrays import Int8Array
from necrozma_core.market.bars import Bars
from necrozma_core.strategies.parameters import MAX_PERIOD, PERIOD, Real, Whole, within
from necrozma_core.strategies.rule import Rule


@dataclass(frozen=True, slots=True)
class Burst(Rule):
    """Buy after a rise of more than ``sigmas`` deviations with ``activity`` times the usual ticks; sell after a fall.

    The deviation is the root of the mean squared change from close to close over the ``period`` bars before, the
    usual ticks their mean count; the bar itself is no part of either. Where nothing moved before, there is no
    burst. Only the first of several such bars in one direction gives a signal. With an ``exit`` a position closes that
    many bars after the last signal of either side.

    References
    ----------
    Lee and Mykland (2008), "Jumps in Financial Markets", Review of Financial Studies 21(6), whose statistic
    compares a return with the volatility just before it; ticks stand for volume as in Karpoff (1987), "The
    Relation Between Price Changes and Trading Volume", Journal of Financial and Quantitative Analysis 22(1).
    """

    family: ClassVar[str] = "burst"

    period: int = field(default=50, metadata=PERIOD)
    sigmas: float = field(default=3.0, metadata=within(Real(0.0, 100.0, above=True)))
    activity: float = field(default=1.5, metadata=within(Real(0.0, 1000.0)))
    exit: int | None = field(default=None, kw_only=True, metadata=within(Whole(1, MAX_PERIOD, or_none=True)))

    @property
    def warm_up(self) -> int:
        """The first change is that of the second bar; ``period`` changes come before, and one bar more."""
        return self.period + 2

    def _signals(self, bars: Bars) -> Int8Array:
        from necrozma_core.kernels import breakouts as kernels
        from necrozma_core.kernels.indicators import LARGEST_MOVE
        from necrozma_core.strategies import indicators

        close, edges = indicators.close(bars), indicators.tick_edges(bars)
        if indicators.close_range(bars) > LARGEST_MOVE:
            return np.asarray(kernels.burst_wide(close, edges, self.period, self.sigmas, self.activity))
        squares = indicators.move_square_sums(bars)
        return np.asarray(kernels.burst(close, squares, edges, self.period, self.sigmas, self.activity))

    def _closes(self, bars: Bars, signals: Int8Array) -> Int8Array:
        assert self.exit is not None, "asked for where there is one"
        bursts = np.flatnonzero(signals)
        ends = bursts + self.exit
        out = np.zeros(len(bars), np.int8)
        out[ends[ends < np.append(bursts[1:], len(bars))]] = CLOSE
        return out
