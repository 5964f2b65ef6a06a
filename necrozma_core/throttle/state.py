"""What the governor knows between two looks: a value that can be compared, stored and replayed."""

import math
from dataclasses import dataclass, field
from typing import Final

from necrozma_core.throttle.decisions import Reason
from necrozma_core.throttle.estimates import Estimates
from necrozma_core.throttle.limits import Limits
from necrozma_core.throttle.start_up import Told

PAUSE_S: Final = 2.0
"""Mean time between two rises: four looks, after which the estimates show what the first rise did. Longer leaves room
unused; in the traces a load that leaves is made up for within 15 seconds."""
SEED_MASK: Final = 2**64 - 1
"""The random generator works modulo 2**64."""


@dataclass(frozen=True, slots=True)
class State:
    """What the governor knows between two looks.

    Attributes
    ----------
    allowance, announced : float
        Workers without regard to the run's own start: as decided last, and as the user was told last.
    given : float
        Workers, as decided last: less than the allowance while the start takes of it.
    given_s, decided_at : float
        The same times seconds, since the newest reading of the processor; until when that is summed up.
    fits : float
        Workers that fit beside everything but the start; more than N where more would.
    told : Told
        What the user was told of the start.
    seed : int
        State of the random generator behind the pauses.
    estimates : Estimates
    begun_at, sampled_at : float or None
        When the first look was, and when the newest reading of the processor was taken.
    rise_at : float
        No rise before this time.
    danger : Reason or None
        The danger that holds; None if there is none.
    danger_since, eased_at : float
        When the last danger began, and when it ended.
    reason : Reason
        Of the last change.
    reason_since : float
        When that reason began.
    direction : int
        Of the last change: 1 up, -1 down, 0 before the first.
    turned_at : float
        When the direction changed last.
    """

    allowance: float
    announced: float
    given: float
    given_s: float = 0.0
    decided_at: float = 0.0
    fits: float = math.inf
    told: Told = Told.NOTHING
    seed: int = 0
    estimates: Estimates = field(default_factory=Estimates)
    begun_at: float | None = None
    sampled_at: float | None = None
    rise_at: float = -math.inf
    danger: Reason | None = None
    danger_since: float = 0.0
    eased_at: float = -math.inf
    reason: Reason = Reason.STEADY
    reason_since: float = -math.inf
    direction: int = 0
    turned_at: float = -math.inf


def initial_state(limits: Limits, seed: int = 0) -> State:
    """Return the state that a run begins with: all N workers.

    Parameters
    ----------
    limits : Limits
    seed : int
        A different one for every run, so that two runs do not move in step.
    """
    workers = float(limits.workers)
    return State(workers, workers, workers, seed=seed & SEED_MASK)
