"""What a run's own start takes from its workers while it lasts: what starts is known, so nothing is averaged.

The command imports Prefect, its server starts, workers load their kernels: each is one thread that uses what it gets
for some seconds, and the run knows when each is done. The rest of the governor sees none of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from necrozma_core.throttle.sensors.readings import Readings, Starting

_AT_WORK: Final = 0.2
"""Cores. On a full machine a starting process that used so much would have used a whole core; one that used less waits
for something else, such as a server that has nothing to do until the command comes. Less takes that one for busy."""


class Told(IntEnum):
    """What the user was told of the start."""

    NOTHING = 0
    LASTS = 1
    IS_OVER = 2


@dataclass(frozen=True, slots=True)
class Held:
    """What the start leaves to the workers.

    Attributes
    ----------
    allowance : float
        Workers, while the start lasts.
    is_less : bool
        Whether that is less than what they will be given once it is over.
    """

    allowance: float
    is_less: bool


def wanted_cores(starting: Sequence[Starting], is_full: bool) -> float:
    """Return the cores that starting processes use if they get what they want.

    Parameters
    ----------
    starting : sequence of Starting
    is_full : bool
        Whether the machine had nothing left to give, so that they may have got less.
    """
    return sum(max(each.cores, 1.0) if is_full and each.cores >= _AT_WORK else each.cores for each in starting)


def hold_for_start(allowance: float, fits: float, floor: float, start: float, readings: Readings) -> Held:
    """Take the start from what fits.

    Parameters
    ----------
    allowance : float
        Workers, without regard to the start.
    fits : float
        Workers that fit beside everything but the start; more than N where more would.
    floor : float
    start : float
        Workers that use as much as the start does.
    readings : Readings
        Before any worker has loaded there is nobody to be held.
    """
    left = max(floor, fits - start)
    if not readings.starting or not readings.loaded_workers or left >= allowance:
        return Held(allowance, is_less=False)
    return Held(left, is_less=True)
