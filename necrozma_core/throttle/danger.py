"""Heat and lack of memory: when they begin, when they are over, and what is left to the workers."""

import math
from dataclasses import replace
from typing import Final

from necrozma_core.throttle.decisions import Reason
from necrozma_core.throttle.limits import Limits
from necrozma_core.throttle.sensors.readings import Readings
from necrozma_core.throttle.state import PAUSE_S, State

_EASED_MEMORY: Final = 1.25
"""Hysteresis: a lack of memory is over at so many times the memory floor. Less lets the first allocations after the
rest bring it back, more rests longer."""
_EASED_HEAT_C: Final = 5.0
"""Hysteresis: heat is over so many degrees below the maximum. Less makes rest and work alternate quickly, more rests
longer."""


def heed_danger(state: State, readings: Readings, limits: Limits) -> tuple[State, bool]:
    """Return the state that danger leads to, and whether to rest."""
    now = readings.time
    lasts_too_long = state.danger is not None and now - state.danger_since >= limits.cooling_limit_s
    danger = _find_danger(state.danger, lasts_too_long, readings, limits)
    if danger is None:
        if state.danger is not None:
            state = replace(state, danger=None, rise_at=now + PAUSE_S, eased_at=now)
        return state, False
    if danger is not state.danger:
        halved = max(limits.floor, state.allowance / 2)
        return replace(state, danger=danger, danger_since=now, allowance=halved, reason=danger), True
    if not lasts_too_long:
        return state, True
    # Only finished work frees memory, so one worker goes on. Heat falls with the load, so the floor goes on.
    least = min(1.0, state.allowance) if danger is Reason.MEMORY else limits.floor
    return replace(state, allowance=max(limits.floor, least), rise_at=math.inf, reason=Reason.RESTED), False


def _find_danger(current: Reason | None, given_up: bool, readings: Readings, limits: Limits) -> Reason | None:
    """Return the danger, or None. Hysteresis: a danger that holds ends only beyond the level at which it began."""
    memory, heat = readings.memory_available.value, readings.temperature.value
    if limits.memory_floor_mb is not None:
        if memory is None:
            # A sensor that falls silent during a danger keeps it up, but only for as long as a rest may last.
            unsure = current is Reason.MEMORY and not given_up
        else:
            unsure = memory < limits.memory_floor_mb * (_EASED_MEMORY if current is Reason.MEMORY else 1.0)
        if unsure:
            return Reason.MEMORY
    if limits.max_temperature_c is not None:
        if heat is None:
            unsure = current is Reason.HEAT and not given_up
        else:
            unsure = heat >= limits.max_temperature_c - (_EASED_HEAT_C if current is Reason.HEAT else 0.0)
        if unsure:
            return Reason.HEAT
    return None
