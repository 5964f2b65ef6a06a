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
    RUN_OVERHEAD = "own processes"
    START_UP = "own start-up"
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
        Of the last change.
    message : str or None
        For the user, where whole workers changed or a danger began.
    resting : bool
        All workers rest for now; the allowance holds when they go on.
    expected : float or None
        By what tasks are admitted where that is more: what the allowance will be once the run has started up, and N
        at the first look.
    """

    allowance: float
    reason: Reason
    message: str | None = None
    resting: bool = False
    expected: float | None = None


def describe_change(before: float, after: float, reason: Reason, readings: Readings, limits: Limits) -> str:
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
    turn = "increasing" if after > before else "reducing" if after < before else "keeping"
    step = f"{turn} to {count_workers(after)}"
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
    if reason is Reason.RUN_OVERHEAD:
        overhead = readings.percent(readings.run_overhead) or 0.0
        return f"🌡️  {cause} - {step}: our own processes beside the workers use {overhead:.1f}%"
    return f"🌡️  {cause} - {step}"


def describe_start(allowance: float, expected: float, readings: Readings) -> str:
    """Say that the run's own start leaves the workers so many for now, and what they get after it."""
    names = ", ".join(dict.fromkeys(each.name for each in readings.starting))
    percent = readings.percent(readings.start_up) or 0.0
    return (
        f"⏳  starting up ({names}: CPU {percent:.1f}%) - {count_workers(allowance)} until that is over, "
        f"then {count_workers(expected)}"
    )


def describe_started(allowance: float) -> str:
    """Say that the run's own start is over."""
    return f"⏳  started up - {count_workers(allowance)}"


def count_workers(number: float) -> str:
    """Return ``3 workers``, ``1 worker``, ``1.6 workers``; hundredths only where tenths would say nothing."""
    text = f"{number:.1f}" if number >= 0.1 else f"{number:.2f}"
    text = text.removesuffix(".0")
    return f"{text} worker" if text == "1" else f"{text} workers"
