"""The worst and the best prices at which open positions could have been closed, on ticks and on bars without them."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from necrozma_core.engine.spans import Spans
from necrozma_core.engine.trades import ExitReason
from necrozma_core.kernels.walks import excursions as kernels
from necrozma_core.market.arrays import Int32Array, Int64Array
from necrozma_core.market.bars import Bars
from necrozma_core.market.quote_bars import QuoteBars
from necrozma_core.market.ticks import Ticks

_STOPS: Final = (ExitReason.STOP_LOSS, ExitReason.TRAILING_STOP, ExitReason.BREAK_EVEN, ExitReason.STOP_OUT)
_TARGETS: Final = (ExitReason.TAKE_PROFIT, ExitReason.PARTIAL_TARGET)

_ENDINGS: Final = np.zeros(len(ExitReason) + 1, np.int8)
"""By exit reason, the order behind which a bar's prices were not lived; 0 for none, and for -1: no exit."""
_ENDINGS[list(_STOPS)] = kernels.AT_STOP
_ENDINGS[list(_TARGETS)] = kernels.AT_TARGET


@dataclass(frozen=True, slots=True, eq=False)
class TickExtremes:
    """Exact to the tick: from bars that are wholly in a span, and from ticks at its ends."""

    ticks: Ticks
    bars: Bars

    def find(self, spans: Spans) -> tuple[Int32Array, Int32Array]:
        """See :class:`~necrozma_core.engine.spans.Extremes`."""
        worst, best = kernels.find_extremes(*self._prices(), spans.start, spans.stop, spans.side)
        return worst, best

    def worst_ticks(self, spans: Spans, worst: Int32Array) -> Int64Array:
        """See :class:`~necrozma_core.engine.spans.Extremes`."""
        ticks: Int64Array = kernels.find_worst_ticks(*self._prices(), spans.start, spans.stop, spans.side, worst)
        return ticks

    def _prices(self) -> tuple[Int32Array, Int32Array, Int32Array, Int32Array, Int64Array]:
        bars = self.bars
        return (
            self.ticks.bid,
            self.ticks.ask,
            bars.remember("bid_extremes", lambda: np.ascontiguousarray(bars.bid_points[:, 2:0:-1])),
            bars.remember("ask_extremes", lambda: np.ascontiguousarray(bars.ask_points[:, 2:0:-1])),
            bars.first_tick,
        )


@dataclass(frozen=True, slots=True, eq=False)
class BarExtremes:
    """From bars alone, whose opening is tick ``2 * bar`` and all that comes after it tick ``2 * bar + 1``.

    Where a position was open for a part of a bar, its worst price counts as lived, and so does its best one, but for
    what lies behind the stop or target that closed the position there. Of the bar in which a waiting order filled, what
    is known of the good side is the last price.
    """

    given: QuoteBars

    def find(self, spans: Spans) -> tuple[Int32Array, Int32Array]:
        """See :class:`~necrozma_core.engine.spans.Extremes`."""
        worst, best, _ = self._all(spans)
        return worst, best

    def worst_ticks(self, spans: Spans, worst: Int32Array) -> Int64Array:
        """See :class:`~necrozma_core.engine.spans.Extremes`."""
        return self._all(spans)[2]

    def _all(self, spans: Spans) -> tuple[Int32Array, Int32Array, Int64Array]:
        given = self.given.writable()
        found: tuple[Int32Array, Int32Array, Int64Array] = kernels.find_bar_extremes(
            given.bid, given.ask, spans.start, spans.stop, spans.side, _ENDINGS[spans.reason]
        )
        return found
