"""Plateau or spike: what the settings beside a setting came to."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from necrozma_core.market.arrays import FloatArray, Int64Array


@dataclass(frozen=True, slots=True)
class Neighbours:
    """What each setting's neighbours came to. All arrays have the shape (n_settings,).

    Attributes
    ----------
    count : int64 array
        Neighbours with a figure.
    median, worst : float64 array
        Of their figures; NaN without any.
    """

    count: Int64Array
    median: FloatArray
    worst: FloatArray


def neighbours_of(positions: Int64Array, figure: FloatArray) -> Neighbours:
    """Look at the settings beside each one: those that differ in one parameter, by one of its values.

    An edge that is real fades slowly where a parameter changes; one setting that shines among poor ones was lucky. A
    grid may have holes (a fast average that is not below the slow one): what is not there is no neighbour, and neither
    is a setting whose figure is undefined.

    Parameters
    ----------
    positions : int64 array, shape (n_settings, n_parameters)
        Of each parameter's value among the grid's values of it, from 0. Settings of one grid on one pair, none twice.
    figure : float64 array, shape (n_settings,)
        A Sharpe ratio, for instance; NaN where undefined.

    Raises
    ------
    ValueError
        If two settings have the same positions.
    """
    settings, parameters = positions.shape
    beside = np.full((settings, 2 * parameters), np.nan)
    for parameter in range(parameters):
        for lower, upper in _steps(positions, parameter):
            beside[lower, 2 * parameter] = figure[upper]
            beside[upper, 2 * parameter + 1] = figure[lower]
    beside.sort(axis=1)  # NaN last
    count = np.count_nonzero(~np.isnan(beside), axis=1)
    if not parameters:
        return Neighbours(count, np.full(settings, np.nan), np.full(settings, np.nan))
    rows, last = np.arange(settings), np.maximum(count - 1, 0)
    median = (beside[rows, last // 2] + beside[rows, (last + 1) // 2]) / 2
    return Neighbours(count, median, beside[:, 0])


def _steps(positions: Int64Array, parameter: int) -> Iterator[tuple[Int64Array, Int64Array]]:
    """Yield settings, and those that are one value of a parameter above them."""
    others = np.delete(positions, parameter, axis=1)
    order = np.lexsort((positions[:, parameter], *others.T))
    along, across = positions[order, parameter], others[order]
    alike = np.all(across[1:] == across[:-1], axis=1)
    step = np.diff(along)
    if np.any(alike & (step == 0)):
        raise ValueError("two settings of one grid have the same values")
    beside = alike & (step == 1)
    yield order[:-1][beside], order[1:][beside]
