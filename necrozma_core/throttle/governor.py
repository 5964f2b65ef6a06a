"""Readings to an allowance of workers: a pure function. No clock, no sleep, no sensor; all chance comes from the state.

What fits is ``(limit * capacity - others - overhead) / cores per worker``. The three terms are averages of `estimates`;
the overhead is what this run's processes other than its workers use.

- Over: the allowance drops to what fits at once. A load of others is believed after four looks (two seconds), more use
  by our own workers after two.
- Room: the allowance rises by three quarters of the room, at most by one worker (an eighth of N where that is more),
  and at most by half of that unless the total is 20 points below the limit. Two rises are about two seconds apart.
- Alone: while nobody else has used the machine for ten seconds, the room is taken at once. So it is at the start: the
  run begins with what fits by the limit, the capacity and one core a worker.
- Own start: the command that imports Prefect, its server, workers that load. What they use is taken off the allowance
  look by look and given back as each reports that it is done; see `start_up`. The other rules do not see it.
- Overhead: counts like the load of others, but only while a worker is at work. When it ends, its room is given back
  without waiting for the next rise. The user is told of it only if it lasts.
- Danger (heat, memory): the allowance is halved at once, and all workers rest until the danger is over or has lasted
  for `Limits.cooling_limit_s`.
- Blind: without a fresh reading the allowance is at most the limit's share of the cores, and does not rise.
- The allowance never falls below the floor, so that the work goes on.

Two runs on one machine see each other as load. Chance in the pauses keeps them out of step. The run that has more than
half of what is used aims below the limit, and lower still while the others grow, until both have the same.
"""

import math
from dataclasses import replace
from typing import Final

from necrozma_core.throttle.danger import heed_danger
from necrozma_core.throttle.decisions import Decision, Reason, describe_change, describe_start, describe_started
from necrozma_core.throttle.estimates import PATIENCE, Load, Sample, is_full
from necrozma_core.throttle.limits import Limits
from necrozma_core.throttle.sensors.readings import Readings
from necrozma_core.throttle.start_up import Told, hold_for_start, wanted_cores
from necrozma_core.throttle.state import PAUSE_S, SEED_MASK, State

# "The traces" are the simulated machines and loads of the governor's tests; `benchmarks.governor.simulation` plays them
# too, and docs/throttling.md has what they gave. Where a value was not measured, its line says what it trades off.

_STALE_S: Final = 5.0
"""Age at which a reading of the processor counts as missing: ten looks. A longer one acts on a load that may be gone, a
shorter one takes a few late looks for blindness."""
_BAND_POINTS: Final = 20.0
"""Points below the limit from which a rise may be a whole worker: the original's rule adds one from there on."""
_TOLD_APART: Final = 0.25
_TOLD_SHARE: Final = 0.15
"""The least change that the user is told of: so many workers, and such a share of them. Less prints a line whenever the
allowance crosses a whole number by a little, more keeps a real change quiet."""
_PASSING_S: Final = 5.0
"""How long the run's overhead must hold the allowance down before the user is told: it is mostly a start or an end, and
a short one is not worth a line."""
_RISE: Final = 0.75
"""Share of the room that one rise takes. Less fills the room slowly, all of it overshoots where an estimate is low."""
_TURN_S: Final = 60.0
"""The least time between two turns under a constant load; the traces hold the governor to it."""
_CALM_LOOKS: Final = 20
"""Looks without a surprise after which a load counts as calm: ten seconds. Fewer damp the answer to a load that is
still settling, more let noise turn the allowance meanwhile."""
_WARY_S: Final = 60.0
"""Time after a danger in which room is taken up step by step also beside nobody. Less heats a hot machine up again
before it has cooled."""

# Shares of the capacity.
_BAND: Final = 0.002
"""The least difference that moves the allowance on in the direction of its last move. Less would change and record it
at nearly every look."""
_BAND_TURN: Final = 0.005
"""The least difference that turns it. More than `_YIELD` would stop two runs short of equal shares."""
_BAND_CALM_DOWN: Final = 0.04
_BAND_CALM_UP: Final = 0.06
"""The same within `_TURN_S` of the last turn while all loads are calm: a little more than a surprise downwards, and
more upwards, because room left idle does less harm than a limit exceeded. With 0.03 downwards one constant load in a
hundred turned the allowance twice a minute on a single core."""
_FULL_CUT: Final = 0.1
"""What each look takes off on a full machine, where the excess cannot be measured. More undershoots the limit, less
takes longer to reach it."""
_YIELD: Final = 0.0075
"""How far below the limit a run aims that has more than half of what is used. It is what a run alone on the machine
loses; less than `_BAND_TURN` would move nothing."""
_YIELD_EAGER: Final = 0.025
"""The same while the others grow into what they are left. In the traces two runs come within 1 % of equal shares (4 %
at worst) in minutes; more would be quicker and leave more unused meanwhile."""
_EAGER_FROM: Final = 0.01
_EAGER_TO: Final = 0.025
"""Growth of the others within half a minute at which `_YIELD` begins to become `_YIELD_EAGER`, and is. Less takes noise
for another run, more overlooks one that grows slowly."""


def decide(state: State, readings: Readings, limits: Limits) -> tuple[State, Decision]:
    """Decide how many workers may run.

    Parameters
    ----------
    state : State
        As the decision before returned it.
    readings : Readings
        A reading without a value counts as unknown, never as fine.
    limits : Limits

    Returns
    -------
    tuple of (State, Decision)
        The allowance is between the floor and N.
    """
    if not limits.adaptive:
        return state, Decision(float(limits.workers), Reason.FIXED)
    begun = state if state.begun_at is not None else _begin(state, readings, limits)
    elapsed = max(0.0, readings.time - begun.decided_at)
    begun = replace(begun, given_s=begun.given_s + begun.given * elapsed, decided_at=readings.time)
    after, resting = heed_danger(_learn(begun, readings), readings, limits)
    if not resting:
        after = _adjust(after, readings, limits)
    after, is_held = _hold_for_start(after, readings, limits)
    after, message = _tell(begun, after, is_held, readings, limits)
    reason = Reason.START_UP if is_held else after.reason
    if after.given == state.given and not resting:
        reason = Reason.STEADY
    expected = after.allowance if is_held else None
    if state.begun_at is None:
        # Each worker begins a task: while one of them waits for a disk, the others use what it leaves.
        expected = float(limits.workers)
    return after, Decision(after.given, reason, message, resting, expected)


def _begin(state: State, readings: Readings, limits: Limits) -> State:
    """Begin with what is known before anything was measured: the limit, the capacity, and one core a worker."""
    state = replace(state, begun_at=readings.time, decided_at=readings.time)
    if not readings.capacity.value or limits.cpu_limit >= 100:
        return state
    fits = max(limits.floor, limits.cpu_limit / 100 * readings.capacity.value / state.estimates.per_worker.cores)
    known = min(float(limits.workers), fits)
    return replace(state, allowance=known, announced=known, given=known, fits=fits)


def _hold_for_start(state: State, readings: Readings, limits: Limits) -> tuple[State, bool]:
    """Give the workers what the run's own start leaves, and tell whether that is less than they will get."""
    if limits.cpu_limit >= 100:
        return replace(state, given=state.allowance), False
    start = wanted_cores(readings.starting, _is_full(readings)) / state.estimates.per_worker.cores
    held = hold_for_start(state.allowance, state.fits, limits.floor, start, readings)
    return replace(state, given=held.allowance), held.is_less


def _is_full(readings: Readings) -> bool:
    capacity, total = readings.capacity.value, readings.total.value
    return bool(capacity) and total is not None and is_full(total, capacity or 0.0)


def _tell(before: State, after: State, is_held: bool, readings: Readings, limits: Limits) -> tuple[State, str | None]:
    """Return what the user is told, if anything."""
    if _is_news(before, after, readings.time, limits):
        message = describe_change(before.announced, after.allowance, after.reason, readings, limits)
        return replace(after, announced=after.allowance), message
    if is_held and after.told is Told.NOTHING and _differ(after.allowance, after.given, limits):
        return replace(after, told=Told.LASTS), describe_start(after.given, after.allowance, readings)
    if not readings.starting and after.told is Told.LASTS and after.danger is None:
        return replace(after, told=Told.IS_OVER, announced=after.allowance), describe_started(after.allowance)
    return after, None


def _learn(state: State, readings: Readings) -> State:
    """Update the estimates, if the readings hold a new sample of the processor."""
    capacity, total, workers = readings.capacity.value, readings.total.value, readings.workers.value
    taken = readings.total.at
    if not capacity or total is None or workers is None or (state.sampled_at is not None and taken <= state.sampled_at):
        return state
    # The first sample covers time before this run: it weighs nothing.
    elapsed = 0.0 if state.sampled_at is None else min(taken - state.sampled_at, _STALE_S)
    sample = Sample(
        elapsed_s=elapsed,
        capacity=capacity,
        total=total,
        workers=workers,
        run_overhead=readings.run_overhead.value or 0.0,
        # The allowance may have changed between two readings: what was given is their mean.
        allowed=min(state.given_s / elapsed if elapsed else state.given, readings.busy_workers),
        start_up=readings.start_up.value or 0.0,
        start_up_wanted=wanted_cores(readings.starting, is_full(total, capacity)),
    )
    estimates = state.estimates.after(sample)
    # Overhead that ended gives its room back at once: the pause before the next rise is dropped.
    rise_at = -math.inf if estimates.overhead_fell_since(state.estimates) else state.rise_at
    return replace(state, estimates=estimates, sampled_at=taken, given_s=0.0, rise_at=rise_at)


def _adjust(state: State, readings: Readings, limits: Limits) -> State:
    """Move the allowance towards what fits."""
    capacity, now = readings.capacity.value, readings.time
    total = readings.total.fresh(now, _STALE_S)
    others = state.estimates.others
    if not capacity:
        return state
    if total is None or others is None or readings.workers.fresh(now, _STALE_S) is None:
        return _adjust_blindly(state, readings, limits, capacity)
    per_worker = state.estimates.per_worker.cores
    aim = capacity * (limits.cpu_limit / 100 - _yielded(state, others, capacity))
    # At 100 % nobody is held: the system's scheduler alone decides who runs.
    fits = (aim - others.mean) / per_worker if limits.cpu_limit < 100 else math.inf
    overhead = state.estimates.run_overhead.mean / per_worker
    fits_without_overhead, fits = fits, fits - overhead
    state = replace(state, fits=fits)
    # Of the start the gate holds nothing: it is taken off afterwards.
    total = max(0.0, total - (readings.start_up.value or 0.0))
    exceeds = total > capacity * limits.cpu_limit / 100
    if exceeds and state.estimates.full_looks >= PATIENCE:
        # A full machine hides by how much the limit is exceeded, so the cut has a fixed size.
        fits = min(fits, state.allowance - _FULL_CUT * capacity / per_worker)
    allowed = min(float(limits.workers), max(limits.floor, fits))
    down, up = (band * capacity / per_worker for band in _bands(state, others, now))
    reason = Reason.OVER_LIMIT if exceeds else Reason.EXPECTED
    if fits_without_overhead <= limits.floor:
        reason = Reason.OTHERS
    if state.allowance > allowed + (down if fits > limits.floor else 0.0):
        by_overhead = fits_without_overhead > limits.floor and overhead > state.allowance - fits_without_overhead
        return _move(state, allowed, Reason.RUN_OVERHEAD if by_overhead else reason, now)
    if state.reason is Reason.RUN_OVERHEAD and fits_without_overhead <= state.allowance + down:
        # The overhead ended and others took its room: the allowance stays, the reason changes.
        state = replace(state, reason=reason, reason_since=now)
    if total > aim or state.allowance + (up if allowed < limits.workers else 0.0) >= allowed:
        return state
    if state.estimates.are_alone(capacity, _CALM_LOOKS) and now - state.eased_at >= _WARY_S and state.danger is None:
        return _move(state, allowed, Reason.ROOM, now)
    if now < state.rise_at:
        return state
    below = 100 * total / capacity <= limits.cpu_limit - _BAND_POINTS
    most = max(1.0, limits.workers / 8) * (1.0 if below else 0.5)
    room = allowed - state.allowance
    rise = min(most, room if room <= 2 * up else _RISE * room)
    return _move(state, state.allowance + rise, Reason.ROOM, now)


def _adjust_blindly(state: State, readings: Readings, limits: Limits, capacity: float) -> State:
    """Without a reading, assume that each worker keeps a core busy, and never rise."""
    last_known = state.begun_at if state.sampled_at is None else state.sampled_at
    if last_known is None or readings.time - last_known <= _STALE_S:
        return state
    most = max(limits.floor, capacity * limits.cpu_limit / 100)
    if state.allowance <= most and state.sampled_at is not None:
        return state
    return replace(state, allowance=min(state.allowance, most), reason=Reason.BLIND)


def _yielded(state: State, others: Load, capacity: float) -> float:
    """Return how far below the limit to aim, as a share of the capacity.

    A load that grows into the room left to it behaves like another run. While it grows, the run with the larger share
    leaves it more, so that the two shares become equal.
    """
    workers = state.allowance * state.estimates.per_worker.cores
    share = workers / (workers + others.mean)
    eager = min(1.0, max(0.0, (others.rise / capacity - _EAGER_FROM) / (_EAGER_TO - _EAGER_FROM)))
    more_than_half = min(1.0, max(0.0, (share - 0.45) / 0.1))
    return more_than_half * (_YIELD + (_YIELD_EAGER - _YIELD) * eager)


def _bands(state: State, others: Load, now: float) -> tuple[float, float]:
    """Return the dead bands below and above the allowance, as shares of the capacity.

    The band is narrowest in the direction of the last move and wider against it. It is widest against it within a
    minute of the last turn while all loads are calm, so that noise does not make the allowance swing.
    """
    is_usual = others.looks > _CALM_LOOKS and state.estimates.run_overhead.looks > _CALM_LOOKS
    calm = is_usual and now - state.turned_at < _TURN_S
    down, up = (_BAND_CALM_DOWN, _BAND_CALM_UP) if calm else (_BAND_TURN, _BAND_TURN)
    return (down if state.direction > 0 else _BAND), (up if state.direction < 0 else _BAND)


def _move(state: State, allowance: float, reason: Reason, now: float) -> State:
    """Set the allowance, and forbid the next rise for 0.75 to 1.25 times the pause, by chance."""
    # Knuth's generator: the state stays a value that can be compared, stored and replayed.
    seed = (state.seed * 6_364_136_223_846_793_005 + 1_442_695_040_888_963_407) & SEED_MASK
    chance = (seed >> 11) / 2**53
    direction = 1 if allowance > state.allowance else -1
    return replace(
        state,
        allowance=allowance,
        reason=reason,
        reason_since=state.reason_since if reason is state.reason else now,
        seed=seed,
        rise_at=now + PAUSE_S * (0.75 + chance / 2),
        direction=direction,
        turned_at=state.turned_at if direction == state.direction else now,
    )


def _is_news(before: State, after: State, now: float, limits: Limits) -> bool:
    """Tell whether whole workers changed since the user was told last, the floor is reached, or worse began."""
    if after.danger is not None and after.danger is not before.danger:
        return True
    if after.reason is Reason.BLIND and before.reason is not Reason.BLIND:
        return True
    if after.reason is Reason.RUN_OVERHEAD and now - after.reason_since < _PASSING_S:
        return False
    if before.allowance < after.allowance < before.announced:
        # What was not worth a line is being made good.
        return False
    return _differ(before.announced, after.allowance, limits)


def _differ(told: float, new: float, limits: Limits) -> bool:
    """Tell whether the difference between two allowances is worth a line."""
    if new <= limits.floor < told:
        return True
    return math.floor(new) != math.floor(told) and abs(new - told) >= max(_TOLD_APART, _TOLD_SHARE * max(new, told))
