"""Ticks: quotes of one pair in time order, prices as whole points."""

from dataclasses import dataclass

import numpy as np

from necrozma_core.errors import DataError
from necrozma_core.market.arrays import BoolArray, Int32Array, Int64Array
from necrozma_core.market.instruments import Pair

MAX_POINTS = 1_000_000_000
"""The largest price that is stored, in points, so that the sum of bid and ask still fits 32 bits."""


@dataclass(frozen=True, slots=True, eq=False)
class Ticks:
    """Quotes of one pair, oldest first; quotes of equal time keep their file's order.

    A price is a whole number of points, ``price = points / 10**digits``: no decimal of the file is lost and
    comparing two prices is exact.

    Attributes
    ----------
    pair : Pair
    digits : int
        Decimals of the prices, taken from the data, never from the pip.
    time_ms : int64 array, shape (n_ticks,)
        Milliseconds since 1970 UTC, never falling.
    bid, ask : int32 array, shape (n_ticks,)
        Points, above zero, ``bid <= ask``.
    """

    pair: Pair
    digits: int
    time_ms: Int64Array
    bid: Int32Array
    ask: Int32Array

    def __len__(self) -> int:
        return len(self.time_ms)

    @property
    def scale(self) -> int:
        """Points in one unit of price, ``10**digits``."""
        return int(10**self.digits)

    @property
    def points_per_pip(self) -> float:
        """Points in one pip; a fraction where the file is coarser than a pip."""
        return float(self.pair.points_per_pip(self.digits))


def check_ticks(ticks: Ticks, source: str) -> None:
    """Refuse ticks that break what :class:`Ticks` promises.

    Stored ticks were checked row by row when they were imported; this is the last line of defence for arrays
    that come from elsewhere, and costs one pass.

    Raises
    ------
    DataError
        Naming ``source``, the first row and the column.
    """
    checks = (
        ("bid", ticks.bid <= 0, "a price above zero"),
        ("ask", ticks.ask < ticks.bid, "ask at or above bid"),
        ("ask", ticks.ask > MAX_POINTS, f"a price of at most {MAX_POINTS} points"),
        ("time", np.diff(ticks.time_ms, prepend=ticks.time_ms[:1]) < 0, "times that never fall"),
    )
    for column, bad, expected in checks:
        if bad.any():
            row = int(bad.argmax())
            raise DataError(
                f"{source}: row {row}, column {column}: expected {expected}, found bid {ticks.bid[row]}, "
                f"ask {ticks.ask[row]}; {int(bad.sum())} such rows; import the file again"
            )


def find_repeats(ticks: Ticks) -> BoolArray:
    """Mark the ticks that are the one before them once more, in time and both prices.

    Returns
    -------
    bool array, shape (n_ticks,)
    """
    repeats = np.zeros(len(ticks), dtype=np.bool_)
    repeats[1:] = ticks.time_ms[1:] == ticks.time_ms[:-1]
    for side in (ticks.bid, ticks.ask):
        repeats[1:] &= side[1:] == side[:-1]
    return repeats


def format_quote(ticks: Ticks, position: int) -> str:
    """Write a tick for people: ``1.08512/1.08519 at 2024-01-15T00:00:00.032Z``."""
    time = np.datetime64(int(ticks.time_ms[position]), "ms")
    bid, ask = (f"{int(side[position]) / ticks.scale:.{ticks.digits}f}" for side in (ticks.bid, ticks.ask))
    return f"{bid}/{ask} at {time}Z"
