"""What a strategy may say after each bar, and what a position does with it."""

from enum import IntEnum, StrEnum
from typing import Final

import numpy as np

from necrozma_core.market.arrays import Int8Array


class Instruction(IntEnum):
    """One number of a strategy's signals; the value is what the kernels read.

    A buy or a sell enters where nothing is open, does nothing to a position of its own side, and does to one of the
    other side what :class:`OnOpposite` says. A close ends what is open, of the side that it names or of any, and does
    nothing where that is not open. All act at the first tick after the bar.
    """

    NOTHING = 0
    BUY = 1
    SELL = -1
    CLOSE = 2
    CLOSE_LONG = 3
    CLOSE_SHORT = 4


BUY: Final = 1
SELL: Final = -1
CLOSE: Final = 2
CLOSE_LONG: Final = 3
CLOSE_SHORT: Final = 4
"""The same as plain numbers, which is what arrays of signals hold."""


class OnOpposite(StrEnum):
    """What a signal against an open position does: close it and enter the other side, close it, or nothing."""

    REVERSE = "reverse"
    CLOSE = "close"
    IGNORE = "ignore"

    @property
    def code(self) -> int:
        """The number that the kernels read."""
        return list(OnOpposite).index(self)


class Sides(StrEnum):
    """Which sides may be entered. A signal for the other one still closes, unless opposite signals are ignored."""

    BOTH = "both"
    LONG = "long"
    SHORT = "short"


def find_unknown(signals: np.ndarray) -> int | None:
    """Return the first bar whose number is no instruction, or None.

    Parameters
    ----------
    signals : array of any integer dtype, shape (n_bars,)
    """
    if not len(signals) or (signals.min() >= SELL and signals.max() <= CLOSE_SHORT):
        return None
    return int(((signals < SELL) | (signals > CLOSE_SHORT)).argmax())


def keep_sides(signals: Int8Array, sides: Sides, on_opposite: str = OnOpposite.REVERSE) -> Int8Array:
    """Return signals that enter the allowed sides alone: what would enter another one closes instead.

    Where opposite signals are ignored, it does nothing.

    Parameters
    ----------
    signals : int8 array, shape (n_bars,)
    sides : Sides
    on_opposite : str

    Returns
    -------
    int8 array, shape (n_bars,)
        The same array where both sides are allowed.
    """
    if sides is Sides.BOTH:
        return signals
    unwanted, instead = (SELL, CLOSE_LONG) if sides is Sides.LONG else (BUY, CLOSE_SHORT)
    if on_opposite == OnOpposite.IGNORE:
        instead = Instruction.NOTHING
    return np.where(signals == unwanted, np.int8(instead), signals)
