"""A machine of C cores on paper: fair sharing, other people's load, runs under a governor, noisy sensors.

Time goes in steps of a tenth of a second. In each, every runnable thread wants a share of a core; where they want more
than there is, the cores are dealt out evenly (max-min fair), as a scheduler would over a tenth of a second.
"""

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from typing import Any, Protocol

from necrozma_core.throttle.governor import decide
from necrozma_core.throttle.limits import Limits
from necrozma_core.throttle.sensors.readings import Reading, Readings, Starting
from necrozma_core.throttle.state import initial_state

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
    expected: float
    whole: bool

    def look(self, readings: Readings) -> None: ...

    def completed(self) -> None: ...


class Governed:
    """Our governor."""

    whole = False

    def __init__(self, limits: Limits, seed: int) -> None:
        self.limits = limits
        self.state = initial_state(limits, seed)
        self.allowance = self.expected = self.state.allowance
        self.messages: list[tuple[float, str]] = []

    def look(self, readings: Readings) -> None:
        self.state, decision = decide(self.state, readings, self.limits)
        self.allowance = 0.0 if decision.resting else decision.allowance
        self.expected = max(self.allowance, decision.expected or 0.0)
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

    @property
    def expected(self) -> float:
        return self.allowance

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


class Perfect:
    """What no rule can better: it knows at every moment what everybody else wants, and gives the workers the rest."""

    whole = False

    def __init__(self, limits: Limits, cores: float) -> None:
        self.limits = limits
        self.limit_cores = limits.cpu_limit / 100 * cores
        self.allowance = float(limits.workers)
        self.expected = min(float(limits.workers), self.limit_cores)

    def foresee(self, wanted: float) -> None:
        self.allowance = min(float(self.limits.workers), max(self.limits.floor, self.limit_cores - wanted))

    def look(self, readings: Readings) -> None:
        pass

    def completed(self) -> None:
        pass


@dataclass(slots=True)
class Starter:
    """A process of a run that starts: a thread with so many processor seconds of work before it is done."""

    name: str
    left_s: float
    used: list[float] = field(default_factory=list)


@dataclass(slots=True)
class OwnStart:
    """How a run starts, in processor seconds: its server, the import of Prefect, the workers that load.

    Attributes
    ----------
    server, prefect : Starter
        The command imports Prefect, waits for the server, and begins the flow.
    workers : list of Starter
        The worker of a pair takes it up once it has loaded.
    flow_s : float
        What the command uses between the server's answer and the flow's first line.
    is_told : bool
        Whether the governor is told what starts; if not, all of it looks like any process of ours.
    """

    server: Starter
    prefect: Starter
    workers: list[Starter]
    flow_s: float = 0.0
    is_told: bool = True
    ended_s: float = math.inf
    is_begun: bool = False

    @property
    def runnable(self) -> list[Starter]:
        return [each for each in (self.server, self.prefect, *self.workers) if each.left_s > 0]

    @property
    def starting(self) -> list[Starter]:
        if not self.is_begun:
            # The server is asked whether it answers once Prefect is imported.
            return [self.server, self.prefect, *(each for each in self.workers if each.left_s > 0)]
        return [each for each in (self.prefect, *self.workers) if each.left_s > 0]

    @property
    def loaded(self) -> int:
        return sum(worker.left_s <= 0 for worker in self.workers)

    def work(self, shares: Sequence[float], now: float) -> bool:
        """Let them get so much of a core for one step; tell whether one of them is done."""
        before = len(self.starting)
        for each, share in zip(runnable := self.runnable, shares, strict=True):
            each.left_s -= share * STEP_S
            each.used.append(share)
        for each in (self.server, self.prefect, *self.workers):
            if each not in runnable:
                each.used.append(0.0)
        if not self.is_begun and self.server.left_s <= 0 and self.prefect.left_s <= 0:
            self.is_begun = True
            self.prefect.left_s = self.flow_s
        if not self.starting and math.isinf(self.ended_s):
            self.ended_s = now
        return len(self.starting) < before


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
    start : OwnStart or None
        What starts of it, beside ``own``.
    job : int or None
        Tasks after which it is done; None where it never is.
    done_s : float
        When it was.
    """

    rule: Rule
    workload: Workload = field(default_factory=Workload)
    begins_s: float = 0.0
    noise: float = 0.0
    dropped: float = 0.0
    own: Load = lambda _: 0.0
    ready_s: float = 0.0
    start: OwnStart | None = None
    job: int | None = None
    done_s: float = math.inf
    drawn: int = 0
    loaded_before: float = math.inf
    shown: Readings | None = None
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
        slots = max(1, math.ceil(self.rule.expected - 1e-9))
        if self.start is not None:
            slots = min(slots, self.start.loaded)
        while len(self.tasks) < slots and (self.job is None or self.drawn < self.job):
            self.tasks.append(self.workload.draw(chance))
            self.drawn += 1
        if not self.tasks:
            return []
        duty = 1.0 if self.rule.whole else min(1.0, allowance / len(self.tasks))
        return [duty * (min(0.3, task.intensity) if task.lag_s > 0 else task.intensity) for task in self.tasks]

    def own_wants(self, now: float) -> list[float]:
        """Return what its other processes want, a thread each; first those that start."""
        if now < self.begins_s:
            return []
        starters = [1.0] * len(self.start.runnable) if self.start else []
        return starters + threads(self.own(now - self.begins_s))

    def work(self, shares: Sequence[float], own: Sequence[float], now: float) -> bool:
        """Let workers and starting processes get so much of a core for one step; tell whether one has started up."""
        for task, share in zip(self.tasks, shares, strict=True):
            if task.lag_s > 0:
                task.lag_s -= STEP_S
            task.work_s -= share * STEP_S
        left = [task for task in self.tasks if task.work_s > 0]
        for _ in range(len(self.tasks) - len(left)):
            self.finished += 1
            self.rule.completed()
        self.tasks = left
        if self.finished == self.job:
            self.done_s = min(self.done_s, now)
        return self.start is not None and self.start.work(own[: len(self.start.runnable)], now)


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
                if _look(run, trace, since[number], now, chance):
                    since[number] = step
                # Another thread may be at it when the time has come.
                looks[number] = now + look_s + (STEP_S if chance.random() < 0.1 else 0.0)
        wants = [threads(others(now))]
        for run in runs:
            if isinstance(run.rule, Perfect):
                run.rule.foresee(others(now) + sum(run.own_wants(now)))
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
            if run.work(mine, own, now) and run.start and run.start.is_told:
                looks[runs.index(run)] = now
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


def _look(run: Run, trace: Trace, since: int, now: float, chance: random.Random) -> bool:
    """Give a run's rule the means since its last look; the first covers the second before it began.

    Returns False for a look too soon after the last: it is given the same means again, and what starts now.
    """
    if run.shown is not None and len(trace.total) - since < 2:
        run.shown = replace(run.shown, time=now, **_starting(run, since))
        run.rule.look(run.shown)
        return False
    since = since or max(0, len(trace.total) - 10)
    busy, used, own, in_flight = (
        numbers[since:] for numbers in (trace.total, run.used, run.used_by_own, run.in_flight)
    )
    if not busy:
        run.rule.look(Readings(time=now, capacity=Reading.taken(trace.cores, now)))
        return True
    total = sum(busy) / len(busy) + chance.gauss(0, run.noise) * trace.cores
    mine = Reading.taken(sum(used) / len(used), now)
    run_total = Reading.taken(sum(used + own) / len(used), now)
    seen = Reading.taken(min(trace.cores, max(0.0, total)), now)
    if chance.random() < run.dropped:
        seen = Reading.missing("dropped", now)
    run.shown = Readings(
        time=now,
        capacity=Reading.taken(trace.cores, now),
        total=seen,
        run_total=run_total,
        workers=mine,
        busy_workers=sum(in_flight) / len(in_flight),
    )
    if run.start is not None:
        run.shown = _with_start(run, run.shown, since, now)
    run.rule.look(run.shown)
    return True


def _with_start(run: Run, readings: Readings, since: int, now: float) -> Readings:
    """Add what the real sensors say of a start, or what they said before they knew of one."""
    start = run.start
    assert start is not None
    if not start.is_told:
        loading = [sum(each.used[since:]) / len(each.used[since:]) for each in start.workers]
        workers = (readings.workers.value or 0.0) + sum(loading)
        return replace(readings, workers=Reading.taken(workers, now), busy_workers=float(len(start.workers)))
    used = {id(each): each.used[since:] for each in (start.server, start.prefect, *start.workers)}
    start_up = sum(sum(part) / len(part) for part in used.values())
    more = _starting(run, since)
    busy = min(readings.busy_workers, run.loaded_before, more["loaded_workers"])
    run.loaded_before = more["loaded_workers"]
    return replace(readings, start_up=Reading.taken(start_up, now), busy_workers=busy, **more)


def _starting(run: Run, since: int) -> dict[str, Any]:
    start = run.start
    if start is None or not start.is_told:
        return {}
    starting = tuple(
        Starting(each.name, sum(part) / len(part)) for each in start.starting if (part := each.used[since:])
    )
    return {"starting": starting, "loaded_workers": float(start.loaded)}
