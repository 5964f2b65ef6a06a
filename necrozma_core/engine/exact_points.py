"""Numbers of points that are compared without rounding, one for each event."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import Final

import numpy as np

from necrozma_core.market.arrays import FloatArray, Int64Array

_DOUBTFUL: Final = 1e-6
"""So near a whole number, which a sum of floats may be on the wrong side of, the exact fractions are asked."""


@dataclass(frozen=True, slots=True, eq=False)
class ExactPoints:
    """Points, one number for each event or the same for all: floats for speed, fractions for the truth.

    Attributes
    ----------
    near : float64 array, shape (n_events,) or ()
        The numbers as floats.
    at : callable
        The exact number of an event.
    is_constant : bool
        Whether all are the same.
    """

    near: FloatArray
    at: Callable[[int], Fraction]
    is_constant: bool

    @classmethod
    def constant(cls, points: Fraction) -> "ExactPoints":
        """Return the same number for every event."""
        return cls(np.asarray(float(points)), lambda _: points, is_constant=True)

    @classmethod
    def of_array(cls, near: FloatArray, at: Callable[[int], Fraction]) -> "ExactPoints":
        """Return one number for each event."""
        return cls(near, at, is_constant=False)

    def __add__(self, other: "ExactPoints") -> "ExactPoints":
        if self.is_constant and other.is_constant:
            return ExactPoints.constant(self.at(0) + other.at(0))
        return ExactPoints.of_array(self.near + other.near, lambda event: self.at(event) + other.at(event))

    def __neg__(self) -> "ExactPoints":
        return ExactPoints(-self.near, lambda event: -self.at(event), self.is_constant)

    def __sub__(self, other: "ExactPoints") -> "ExactPoints":
        return self + -other

    def ceil(self, n_events: int) -> Int64Array:
        """Return the least whole numbers that are not below, int64, shape (n_events,); NaN gives 0."""
        if self.is_constant:
            return np.full(n_events, ceil(self.at(0)), dtype=np.int64)
        near = np.nan_to_num(self.near)
        whole = np.ceil(near).astype(np.int64)
        for event in np.flatnonzero(np.abs(near - np.rint(near)) < _DOUBTFUL):
            whole[event] = ceil(self.at(int(event))) if np.isfinite(self.near[event]) else 0
        return whole

    def floor(self, n_events: int) -> Int64Array:
        """Return the greatest whole numbers that are not above; otherwise as :meth:`ceil`."""
        return -(-self).ceil(n_events)
