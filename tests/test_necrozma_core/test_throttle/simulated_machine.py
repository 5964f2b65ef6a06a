"""A machine of C cores on paper: fair sharing, other people's load, runs under a governor, noisy sensors.

Time goes in steps of a tenth of a second. In each, every runnable thread wants a share of a core; where they want more
than there is, the cores are dealt out evenly (max-min fair), as a scheduler would over a tenth of a second.
"""

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Protocol

from necrozma_core.throttle.governor import decide, initial_state
from necrozma_core.throttle.limits import Limits
from necrozma_core.throttle.sensors.readings import Reading, Readings

STEP_S = 0.1

Load = Callable[[float], float]
"""Seconds to the cores that others want."""


@dataclass(slots=True)
class Task:
    """Some processor seconds of work, after a start that reads a disk."""

    work_s: float
    intensity: float
    lag_s: float


@dataclass(frozen=True, slots=True)
class Workload:
    """What the tasks of a run are like; each is drawn from these ranges."""

    work_s: tuple[float, float] = (1e9, 1e9)
    intensity: tuple[float, float] = (1.0, 1.0)
    lag_s: tuple[float, float] = (0.0, 0.0)

    def draw(self, chance: random.Random) -> Task:
        low, high = self.work_s
        work = math.exp(chance.uniform(math.log(low), math.log(high)))
        return Task(work, chance.uniform(*self.intensity), chance.uniform(*self.lag_s))


class Rule(Protocol):
    """What decides how many workers a run may have."""

    allowance: float
    whole: bool

    def look(self, readings: Readings) -> None: ...

    def completed(self) -> None: ...


class Governed:
    """Our governor."""

    whole = False

    def __init__(self, limits: Limits, seed: int) -> None:
        self.limits = limits
        self.state = initial_state(limits, seed)
        self.allowance = self.state.allowance
        self.messages: list[tuple[float, str]] = []

    def look(self, readings: Readings) -> None:
        self.state, decision = decide(self.state, readings, self.limits)
        self.allowance = 0.0 if decision.resting else decision.allowance
        if decision.message:
            self.messages.append((readings.time, decision.message))

    def completed(self) -> None:
        pass


class SeedRule:
    """The original's: whole workers, looked at every so many completed tasks, down above the limit, up 20 below."""

    whole = True

    def __init__(self, limits: Limits, seed: int = 0) -> None:
        del seed
        self.limits = limits
        self.allowance = float(limits.workers)
        self._percent = 0.0
        self._done = 0

    def look(self, readings: Readings) -> None:
        self._percent = readings.percent(readings.total) or 0.0

    def completed(self) -> None:
        self._done += 1
        if self._done % self.limits.cpu_check_interval:
            return
        if self._percent > self.limits.cpu_limit:
            self.allowance = max(1.0, self.allowance - 1)
        elif self._percent < self.limits.cpu_limit - 20:
            self.allowance = min(float(self.limits.workers), self.allowance + 1)


@dataclass(slots=True)
class Run:
    """One run: its rule, its tasks, and what became of it.

    Attributes
    ----------
    begins_s : float
        When it joins the others.
    noise : float
        Standard deviation of a reading of the total, as a share of the capacity.
    dropped : float
        Share of the readings that are missing.
    own : Load
        What its processes beside the workers want, by the seconds since it began.
    ready_s : float
        Seconds after it began until the first task.
    """

    rule: Rule
    workload: Workload = field(default_factory=Workload)
    begins_s: float = 0.0
    noise: float = 0.0
    dropped: float = 0.0
    own: Load = lambda _: 0.0
    ready_s: float = 0.0
    seed: int = 0
    used: list[float] = field(default_factory=list)
    used_by_own: list[float] = field(default_factory=list)
    allowed: list[float] = field(default_factory=list)
    in_flight: list[int] = field(default_factory=list)
    finished: int = 0
    tasks: list[Task] = field(default_factory=list)

    def wants(self, now: float, chance: random.Random) -> list[float]:
        """Return what each of its workers wants, as shares of a core."""
        if now < self.begins_s + self.ready_s:
            return []
        allowance = self.rule.allowance
        slots = max(1, math.ceil(allowance - 1e-9))
        while len(self.tasks) < slots:
            self.tasks.append(self.workload.draw(chance))
        duty = 1.0 if self.rule.whole else min(1.0, allowance / len(self.tasks))
        return [duty * (min(0.3, task.intensity) if task.lag_s > 0 else task.intensity) for task in self.tasks]

    def own_wants(self, now: float) -> list[float]:
        """Return what its other processes want, a thread each."""
        return threads(self.own(now - self.begins_s)) if now >= self.begins_s else []

    def work(self, shares: Sequence[float]) -> None:
        """Let the workers get so much of a core for one step."""
        for task, share in zip(self.tasks, shares, strict=True):
            if task.lag_s > 0:
                task.lag_s -= STEP_S
            task.work_s -= share * STEP_S
        left = [task for task in self.tasks if task.work_s > 0]
        for _ in range(len(self.tasks) - len(left)):
            self.finished += 1
            self.rule.completed()
        self.tasks = left


@dataclass(frozen=True, slots=True)
class Trace:
    """What happened, one number a step, in cores."""

    cores: float
    total: list[float]
    others: list[float]

    def mean_percent(self, first_s: float, last_s: float | None = None) -> float:
        """Return the mean total of a stretch in percent of the capacity."""
        part = self.total[index(first_s) : None if last_s is None else index(last_s)]
        return 100 * sum(part) / len(part) / self.cores


def index(seconds: float) -> int:
    """Return the step at a time."""
    return round(seconds / STEP_S)


def simulate(
    cores: float,
    runs: Sequence[Run],
    duration_s: float,
    others: Load = lambda _: 0.0,
    seed: int = 0,
    look_s: float = 0.5,
) -> Trace:
    """Let runs and others share a machine; the runs are filled with what they did."""
    chance = random.Random(seed)
    trace = Trace(cores, [], [])
    looks = [run.begins_s for run in runs]
    since = [0] * len(runs)
    for step in range(round(duration_s / STEP_S)):
        now = step * STEP_S
        for number, run in enumerate(runs):
            if now >= looks[number]:
                _look(run, trace, since[number], now, chance)
                since[number] = step
                # Another thread may be at it when the time has come.
                looks[number] = now + look_s + (STEP_S if chance.random() < 0.1 else 0.0)
        wants = [threads(others(now))]
        for run in runs:
            wants += [run.own_wants(now), run.wants(now, chance)]
        shares = deal(cores, [*chain.from_iterable(wants)])
        trace.total.append(sum(shares))
        parts = iter(shares)
        of_others, *of_runs = [list(islice(parts, len(wanted))) for wanted in wants]
        trace.others.append(sum(of_others))
        for run, own, mine in zip(runs, of_runs[::2], of_runs[1::2], strict=True):
            run.used_by_own.append(sum(own))
            run.used.append(sum(mine))
            run.allowed.append(run.rule.allowance)
            run.in_flight.append(len(mine))
            run.work(mine)
    return trace


def threads(wanted: float) -> list[float]:
    """Spread what is wanted over as few threads as there can be."""
    number = math.ceil(wanted - 1e-9)
    return [wanted / max(1, number)] * number


def deal(cores: float, wants: Sequence[float]) -> list[float]:
    """Deal out cores evenly, to nobody more than it wants."""
    if sum(wants) <= cores:
        return list(wants)
    shares = [0.0] * len(wants)
    left = cores
    for place, number in enumerate(order := sorted(range(len(wants)), key=wants.__getitem__)):
        shares[number] = min(wants[number], left / (len(order) - place))
        left -= shares[number]
    return shares


def _look(run: Run, trace: Trace, since: int, now: float, chance: random.Random) -> None:
    """Give a run's rule the means since its last look; the first covers the second before it began."""
    since = since or max(0, len(trace.total) - 10)
    busy, used, own, in_flight = (
        numbers[since:] for numbers in (trace.total, run.used, run.used_by_own, run.in_flight)
    )
    if not busy:
        return
    total = sum(busy) / len(busy) + chance.gauss(0, run.noise) * trace.cores
    mine = Reading.taken(sum(used) / len(used), now)
    run_total = Reading.taken(sum(used + own) / len(used), now)
    seen = Reading.taken(min(trace.cores, max(0.0, total)), now)
    if chance.random() < run.dropped:
        seen = Reading.missing("dropped", now)
    run.rule.look(
        Readings(
            time=now,
            capacity=Reading.taken(trace.cores, now),
            total=seen,
            run_total=run_total,
            workers=mine,
            busy_workers=sum(in_flight) / len(in_flight),
        )
    )
