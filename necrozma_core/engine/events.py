"""The signals that act, as a list."""

from dataclasses import dataclass

import numpy as np

from necrozma_core.kernels.walks import simulation as kernels
from necrozma_core.market.arrays import Int8Array, Int32Array


@dataclass(frozen=True, slots=True, eq=False)
class Events:
    """The signals of one strategy that act, and the bars at whose first ticks they do.

    Attributes
    ----------
    bar : int32 array, shape (n_events,)
        Rising; the bar after the signal's.
    side : int8 array, shape (n_events,)
        +1 buy, -1 sell, 2 to 4 closes.
    """

    bar: Int32Array
    side: Int8Array

    def __len__(self) -> int:
        return len(self.bar)

    def since(self, first_bar: int) -> "Events":
        """Return the events that act at the first tick of a bar or later."""
        start = int(np.searchsorted(self.bar, first_bar))
        return self if not start else Events(self.bar[start:], self.side[start:])


def find_events(signals: Int8Array) -> Events:
    """List the signals that act; settings that differ only in their levels share the list.

    Parameters
    ----------
    signals : int8 array, shape (n_bars,)
        A value of `Instruction` for every bar.
    """
    signals = np.ascontiguousarray(signals)
    return Events(*kernels.find_events(signals, signals[: len(signals) // 8 * 8].view(np.int64)))
