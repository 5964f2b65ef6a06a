"""Made-up machines and loads, each drawn from a seed: what the governor's promises are tried on."""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from test_throttle.simulated_machine import Governed, Load, Run, Trace, Workload, index, simulate

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
