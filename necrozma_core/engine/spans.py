"""Times in which positions were open, and who can say how far prices went in them."""

from dataclasses import dataclass
from typing import Protocol

from necrozma_core.market.arrays import Int8Array, Int32Array, Int64Array


@dataclass(frozen=True, slots=True, eq=False)
class Spans:
    """Times in which a position was open, one after the other.

    Attributes
    ----------
    start, stop : int64 array, shape (n_spans,)
        The ticks of each, the last one not included. No span begins before the one before it ends.
    side : int8 array, shape (n_spans,)
        +1 long, -1 short.
    reason : int8 array, shape (n_spans,)
        The `ExitReason` that ended each; -1 where it goes on.
    """

    start: Int64Array
    stop: Int64Array
    side: Int8Array
    reason: Int8Array

    def __len__(self) -> int:
        return len(self.start)

    def only(self, positions: Int64Array) -> "Spans":
        """Return some of them, in order."""
        return Spans(self.start[positions], self.stop[positions], self.side[positions], self.reason[positions])


class Extremes(Protocol):
    """Who knows how far prices went."""

    def find(self, spans: Spans) -> tuple[Int32Array, Int32Array]:
        """Return the worst and the best price of each span, points; of an empty one, what is beyond any price."""
        ...

    def worst_ticks(self, spans: Spans, worst: Int32Array) -> Int64Array:
        """Return the first tick of each span with the worst price that `find` gave; no span is empty."""
        ...
