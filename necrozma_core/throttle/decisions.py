"""What the governor decides, and how it is told to the user: the original's messages, with fractions."""

from dataclasses import dataclass
from enum import StrEnum

from necrozma_core.throttle.limits import Limits
from necrozma_core.throttle.sensors.readings import Readings


class Reason(StrEnum):
    """Why the allowance is what it is."""

    FIXED = "fixed"
    STEADY = "steady"
    OVER_LIMIT = "over limit"
    EXPECTED = "would exceed the limit"
    ROOM = "room"
    OTHERS = "others use the limit"
    OWN = "own processes"
    BLIND = "no reading"
    HEAT = "too hot"
    MEMORY = "memory short"
    RESTED = "rested long enough"


@dataclass(frozen=True, slots=True)
class Decision:
    """What the governor decided.

    Attributes
    ----------
    allowance : float
        Workers, between the floor and N.
    reason : Reason
    message : str or None
        For the user, where whole workers changed or a danger began.
    resting : bool
        All workers rest for now; the allowance holds when they go on.
    """

    allowance: float
    reason: Reason
    message: str | None = None
    resting: bool = False


def word(before: float, after: float, reason: Reason, readings: Readings, limits: Limits) -> str:
    """Put a change of the allowance into words.

    Parameters
    ----------
    before, after : float
        Workers, as the user was told last and as decided now.
    reason : Reason
        Of the change.
    readings : Readings
        That led to it.
    limits : Limits
    """
    step = f"{'increasing' if after > before else 'reducing'} to {count_workers(after)}"
    match reason:
        case Reason.HEAT:
            temperature = readings.temperature.describe(" °C", 0)
            return f"🌡️  {temperature} >= {limits.max_temperature_c:g} °C - resting, then {count_workers(after)}"
        case Reason.MEMORY:
            left = readings.memory_available.describe(" MB", 0)
            return f"🌡️  memory {left} < {limits.memory_floor_mb:g} MB - resting, then {count_workers(after)}"
        case Reason.RESTED:
            return f"🌡️  rested {limits.cooling_limit_s:g} s in vain - {step}"
        case Reason.BLIND:
            return f"🌡️  CPU {readings.total.describe()} - {step}"
    percent = readings.percent(readings.total) or 0.0
    if after > before:
        return f"❄️  CPU {percent:.1f}% - {step}"
    cause = f"CPU {percent:.1f}% > {limits.cpu_limit:g}%"
    if percent <= limits.cpu_limit:
        cause = f"CPU {percent:.1f}%, {count_workers(before)} would exceed {limits.cpu_limit:g}%"
    if reason is Reason.OTHERS:
        others = readings.percent(readings.others) or 0.0
        return f"🌡️  {cause} - {step}: others use {others:.1f}%, it is slow until they stop"
    if reason is Reason.OWN:
        own = readings.percent(readings.own) or 0.0
        return f"🌡️  {cause} - {step}: our own processes beside the workers use {own:.1f}%"
    return f"🌡️  {cause} - {step}"


def count_workers(number: float) -> str:
    """Return ``3 workers``, ``1 worker``, ``1.6 workers``; hundredths only where tenths would say nothing."""
    text = f"{number:.1f}" if number >= 0.1 else f"{number:.2f}"
    text = text.removesuffix(".0")
    return f"{text} worker" if text == "1" else f"{text} workers"
