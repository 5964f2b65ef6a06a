"""Made-up machines and loads, each drawn from a seed: what the governor's promises are tried on."""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from test_throttle.simulated_machine import (
    Governed,
    Load,
    OwnStart,
    Rule,
    Run,
    Starter,
    Trace,
    Workload,
    index,
    simulate,
)

from necrozma_core.throttle.limits import Limits

SETTLED_S = 15.0


class Others(StrEnum):
    """What the rest of the machine does."""

    CONSTANT = "constant"
    STEPS = "steps"
    SINE = "sine"
    RAMP = "ramp"
    MIXED_TASKS = "mixed tasks"


@dataclass(frozen=True, slots=True)
class Scene:
    """A machine, what is allowed on it, and what others do."""

    seed: int
    cores: float
    cpu_limit: float
    workers: int
    noise: float
    load: Load
    workload: Workload
    duration_s: float

    @property
    def limit_cores(self) -> float:
        return self.cpu_limit / 100 * self.cores

    @property
    def limits(self) -> Limits:
        return Limits(workers=self.workers, cpu_limit=self.cpu_limit)

    def play(self, run: Run | None = None) -> tuple[Trace, Run]:
        run = run or self.governed()
        return simulate(self.cores, [run], self.duration_s, self.load, self.seed), run

    def governed(self, begins_s: float = 0.0, seed: int | None = None) -> Run:
        seed = self.seed if seed is None else seed
        return Run(Governed(self.limits, seed), self.workload, begins_s, self.noise, seed=seed)


def draw_scene(kind: Others, seed: int) -> Scene:
    """A scene in which the workers want more than the limit and the others leave room below it."""
    chance = random.Random(f"{kind}-{seed}")
    cores = chance.choice([0.5, 1, 2, 2, 4, 8])
    # Where a load moves by itself, its peaks at a limit near 100 % are cut off by the machine, not by the governor.
    cpu_limit = chance.choice([40, 50, 60, 80] if kind in {Others.SINE, Others.RAMP} else [40, 50, 60, 80, 95])
    limit = cpu_limit / 100 * cores
    workload = Workload()
    if kind is Others.MIXED_TASKS:
        workload = Workload(work_s=(5, 90), intensity=(0.6, 1.0), lag_s=(0.0, 2.0))
    slowest = workload.intensity[0] * 0.9
    workers = math.ceil(limit / slowest) + chance.randint(0, math.ceil(cores) + 1)
    load, duration_s = _draw_load(kind, limit, chance)
    return Scene(seed, cores, cpu_limit, workers, chance.uniform(0, 0.02), load, workload, duration_s)


def steps(low: float, high: float, times: Sequence[float]) -> Load:
    """Low, and high between the first and second time, and the third and fourth, and so on."""
    return lambda now: high if sum(now >= time for time in times) % 2 else low


def turns_of(allowed: Sequence[float], first_s: float = SETTLED_S) -> list[float]:
    """When the allowance changed its direction, in seconds."""
    found, direction, before = [], 0, allowed[index(first_s)]
    for step, value in enumerate(allowed[index(first_s) :], index(first_s)):
        if value != before:
            now = 1 if value > before else -1
            if direction and now != direction:
                found.append(step / 10)
            direction, before = now, value
    return found


def _draw_load(kind: Others, limit: float, chance: random.Random) -> tuple[Load, float]:
    # There is room for a worker at the floor, and a little more.
    most = min(0.85, 1 - 0.15 / limit)
    low, high = chance.uniform(0, min(0.3, most / 2)) * limit, chance.uniform(most / 2, most) * limit
    match kind:
        case Others.CONSTANT | Others.MIXED_TASKS:
            level = chance.uniform(0, min(0.6, most)) * limit
            return (lambda _: level), 180
        case Others.STEPS:
            return steps(low, high, (40, 100, 160)), 220
        case Others.SINE:
            period, swing = chance.uniform(60, 150), chance.uniform(0.1, min(0.3, most / 2)) * limit
            return (lambda now: swing * (1 + math.sin(2 * math.pi * now / period))), 240
        case Others.RAMP:
            period = chance.uniform(80, 200)
            return (lambda now: high * (1 - abs(1 - now % period / (period / 2)))), 240


@dataclass(frozen=True, slots=True)
class StartScene:
    """A job from its first moment: what starts, in processor seconds, and what is computed then.

    Attributes
    ----------
    cores, workers : int
    server_s, prefect_s, flow_s, load_s : float
        Processor seconds of the server until it answers, of the import, of the flow's beginning, of a worker's loading.
    pairs : int
    pair_s : float
        Processor seconds of a pair.
    beside : float
        Cores that the run's other processes use for some seconds after the flow has begun, while it shows its pairs.
    unexplained : float
        Cores that are used and nobody's.
    """

    cores: int = 2
    workers: int = 2
    server_s: float = 2.8
    prefect_s: float = 2.6
    flow_s: float = 0.6
    load_s: float = 1.3
    pairs: int = 10
    pair_s: float = 1.2
    beside: float = 0.0
    unexplained: float = 0.0

    def faster(self, times: float) -> "StartScene":
        """Return the same on a machine that is so many times as fast."""
        return replace(
            self,
            server_s=self.server_s / times,
            prefect_s=self.prefect_s / times,
            flow_s=self.flow_s / times,
            load_s=self.load_s / times,
            pair_s=self.pair_s / times,
        )

    def play(
        self, rule: Rule, seed: int = 0, is_told: bool = True, others: Load = lambda _: 0.0, duration_s: float = 90.0
    ) -> tuple[Trace, Run, OwnStart]:
        start = OwnStart(
            Starter("its server", self.server_s),
            Starter("Prefect", self.prefect_s),
            [Starter("workers", self.load_s) for _ in range(self.workers)],
            self.flow_s,
            is_told,
        )
        run = Run(rule, Workload(work_s=(self.pair_s, self.pair_s)), noise=0.01, start=start, job=self.pairs, seed=seed)
        run.own = lambda now: self.beside if start.ended_s + 0.5 <= now < start.ended_s + 3.5 else 0.05
        trace = simulate(self.cores, [run], duration_s, lambda now: self.unexplained + others(now), seed)
        return trace, run, start


STARTS: Final = {
    # The governor's own tables of two starts, summed up: what the server, the command and the workers used in them.
    "ten pairs": StartScene(beside=0.3),
    "two pairs": StartScene(server_s=3.2, prefect_s=3.0, flow_s=0.7, load_s=1.4, pairs=2, pair_s=5.0, unexplained=0.08),
    "one pair": StartScene(pairs=1, pair_s=6.0),
    "without Prefect": StartScene(server_s=0.0, prefect_s=0.0, flow_s=0.0),
    "a user's server": StartScene(server_s=0.0),
    "slow": StartScene(beside=0.3, pairs=20).faster(0.4),
    "fast": StartScene(beside=0.3, pairs=40).faster(3),
    "four cores": StartScene(cores=4, workers=4, pairs=40, pair_s=0.6, beside=0.3),
    "eight cores": StartScene(cores=8, workers=8, pairs=80, pair_s=0.6, beside=0.3),
    "one core": StartScene(cores=1, workers=1, pairs=4, beside=0.3),
}
"""Starts as they were recorded on two cores, and the same on other machines."""
