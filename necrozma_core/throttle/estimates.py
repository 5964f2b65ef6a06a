"""What the governor remembers: the load of others, the run's overhead, and what one worker uses. Pure values.

Each is an average that fades. A surprise replaces it: several looks in a row that lie clearly on one side of it. For
the load of others that takes four looks, so that a spike of one second changes nothing. For more use by our own workers
it takes two, because process times are exact.
"""

import math
from dataclasses import dataclass, field, replace
from typing import Final

PATIENCE: Final = 4
"""Looks in a row that make a surprise. A spike of one second touches at most three that are half a second apart."""

_FULL: Final = 0.97
"""Share of the capacity from which the machine counts as full, and nobody's use shows what it would use. A higher one
is missed by the noise of a reading, a lower one distrusts readings of a machine that has room."""

# What others use; shares are of the capacity. "The traces" are those of the governor's tests, see `governor`.
_MEMORY_S: Final = 4.0
"""Time in which the fast average fades to 1/e: eight looks. Longer smooths more noise, shorter follows a drifting
load."""
_LONG_MEMORY_S: Final = 30.0
"""The same for the average that `Load.rise` compares with: long enough to see another run grow by several rises."""
_SPIKE_MEMORY_S: Final = 60.0
"""The same for what was clipped. Shorter lets a single spike through; in the traces, looked at from second 45 on, the
limit is kept beside a hog of every other second."""
_SURPRISE: Final = 0.03
"""Distance from the average that makes a look part of a surprise: more than the noise of the traces' readings, which is
2 % at most (standard deviation). Less answers to noise, more leaves small lasting changes to the average."""
_HEEDED: Final = 0.03
"""Clip: a sample counts as at most 3 % of the capacity away from the fast average; the clipped rest goes into `cut`,
which is slow."""
_MOST_SQUEEZED: Final = 0.1
"""The least share of their wish that our workers are taken to have got, so others' demand is put at ten times their use
at most. Less lets one look at starved workers claim the whole machine for others."""

_ALONE: Final = 0.06
"""Share of the capacity that is used without being anybody's: kernel threads, the clock tick's noise, processes that
lived between two looks. While others use no more, we are alone. It reached 5 % in starts that were recorded beside
nobody; less takes that for somebody, more takes somebody for it."""
_NEVER_SURPRISED: Final = 1_000
"""Looks since the last surprise where there was none: any number beyond those that the governor asks for."""

# What our own other processes use.
_OVERHEAD_PATIENCE: Final = 3
"""Looks in a row after which a change is believed: 1.5 seconds. One fewer than for others, because process times are
exact and the machine's total is sampled."""

# What one worker uses.
_WORKER_MEMORY_S: Final = 5.0
"""Time in which the average fades to 1/e: ten looks. Longer smooths uneven work, shorter follows a new kind of task."""
_WORKER_SURPRISE: Final = 1.25
"""Factor above or below the average that makes a look part of a surprise. Less answers to uneven work."""
_WORKER_PATIENCE: Final = 2
"""Looks in a row after which more use is believed: one second, which keeps the promise to be back below the limit
within three."""
_TRUSTED: Final = 0.3
"""Workers. While fewer were allowed, their use is not scaled up to a whole worker: one burst would count several
times."""
_LEAST_PER_WORKER: Final = 0.05
"""Cores. A worker that waits for a disk uses almost none, and dividing by almost none would make the allowance jump."""


def is_full(total: float, capacity: float) -> bool:
    """Tell whether a machine of which so much was used had nothing left to give."""
    return total >= _FULL * capacity


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One look at the processor, everything in cores.

    Attributes
    ----------
    elapsed_s : float
        Seconds since the look before.
    capacity, total : float
    workers, run_overhead : float
        What the workers used, and the run's overhead: what its parent and a server it started used.
    allowed : float
        How many workers were at work: the allowance, or the tasks in flight where those were fewer.
    start_up, start_up_wanted : float
        What those of our processes used that were starting, and what they would have used on a machine with room.
    """

    elapsed_s: float
    capacity: float
    total: float
    workers: float
    allowed: float
    run_overhead: float = 0.0
    start_up: float = 0.0
    start_up_wanted: float = 0.0

    @property
    def is_full(self) -> bool:
        """Whether the machine had nothing left to give."""
        return is_full(self.total, self.capacity)


@dataclass(frozen=True, slots=True)
class PerWorker:
    """Cores that one worker uses while it is allowed to run; begins as one core, with the weight of one second.

    Attributes
    ----------
    cpu_s, allowed_s : float
        Processor seconds used, and seconds for which workers were allowed, both fading.
    recent : tuple of (float, float)
        The last looks as cores and workers, newest last.
    """

    cpu_s: float = 1.0
    allowed_s: float = 1.0
    recent: tuple[tuple[float, float], ...] = ()

    @property
    def cores(self) -> float:
        """The average, but never less than `_LEAST_PER_WORKER`."""
        return max(_LEAST_PER_WORKER, self.cpu_s / self.allowed_s)

    def after(self, sample: Sample) -> "PerWorker":
        """Return the estimate that one more look leads to."""
        if sample.allowed <= 0:
            return replace(self, recent=())
        seen = replace(self, recent=(*self.recent, (sample.workers, sample.allowed))[-PATIENCE:])
        if seen.is_surprised(sample.is_full):
            cpu, allowed = (sum(column) for column in zip(*seen.recent[-_WORKER_PATIENCE:], strict=True))
            return replace(seen, cpu_s=cpu, allowed_s=allowed)
        if sample.is_full:
            return seen
        keep = math.exp(-sample.elapsed_s / _WORKER_MEMORY_S)
        return replace(
            seen,
            cpu_s=self.cpu_s * keep + sample.workers * sample.elapsed_s,
            allowed_s=self.allowed_s * keep + sample.allowed * sample.elapsed_s,
        )

    def is_surprised(self, full: bool) -> bool:
        """Tell whether the last looks stayed away from the average; on a full machine less use is no surprise."""
        shares = [cpu / allowed if allowed >= _TRUSTED else self.cores for cpu, allowed in self.recent]
        last = shares[-_WORKER_PATIENCE:]
        more = len(last) == _WORKER_PATIENCE and min(last) > self.cores * _WORKER_SURPRISE
        less = len(shares) == PATIENCE and max(shares) < self.cores / _WORKER_SURPRISE
        return more or (less and not full)


@dataclass(frozen=True, slots=True)
class Load:
    """Cores used by what the gate cannot hold: others, or our own processes beside the workers.

    Attributes
    ----------
    quick : float
        The fast average of clipped samples.
    cut : float
        The slow average of what was clipped, so that a hog that comes and goes each second is counted.
    slow : float
        The slow average of ``quick``: about what that was half a minute ago.
    recent : tuple of float
        The last looks, newest last.
    looks : int
        Since the last surprise.
    """

    quick: float
    cut: float
    slow: float
    recent: tuple[float, ...]
    looks: int

    @classmethod
    def first(cls, sample: Sample, demand: float) -> "Load":
        """Return the estimate after the first look.

        That nobody was there is believed as firmly as after many looks. So is that nobody is there beside our own
        start: what it leaves unexplained for a moment is mostly its own, and a load that lasts is noticed.
        """
        if sample.start_up or sample.start_up_wanted:
            return cls(0.0, 0.0, 0.0, (demand,), _NEVER_SURPRISED)
        looks = _NEVER_SURPRISED if demand <= _ALONE * sample.capacity else 1
        return cls(demand, 0.0, demand, (demand,), looks)

    @classmethod
    def unknown(cls) -> "Load":
        """Return the estimate before any look, which the first one replaces."""
        return cls(0.0, 0.0, 0.0, (), 0)

    @property
    def mean(self) -> float:
        """The estimate."""
        return max(0.0, self.quick + self.cut)

    @property
    def rise(self) -> float:
        """How much ``quick`` grew in about half a minute; a surprise sets it back to 0."""
        return self.quick - self.slow

    def after(self, sample: Sample, seen: float, demand: float, patience: int = PATIENCE) -> "Load":
        """Return the estimate that one more look leads to.

        Parameters
        ----------
        sample : Sample
        seen, demand : float
            Cores that were used, and that would be used if the machine were not full.
        patience : int
            Looks in a row away from the average after which a change is believed.
        """
        recent = (*self.recent, demand)[-PATIENCE:]
        apart = [look - self.quick for look in recent]
        least = _SURPRISE * sample.capacity
        rises = len(recent) >= patience and min(apart[-patience:]) > least
        falls = len(recent) >= patience and max(apart[-patience:]) < -least
        if rises or falls:
            # The mean of the newest two: the oldest look may cover time before the change, and the load may have
            # changed further since.
            value = sum(recent[-2:]) / 2
            return Load(value, 0.0, value, recent, 1)
        fade, long_fade, spike_fade = (
            1 - math.exp(-sample.elapsed_s / memory) for memory in (_MEMORY_S, _LONG_MEMORY_S, _SPIKE_MEMORY_S)
        )
        news = seen - self.quick
        if self.looks < PATIENCE:
            # Just after a surprise: a plain mean of the looks since. But a higher sample is taken over whole, because
            # a load that was squeezed grows as it gets room.
            heeded, gain = news, 1.0 if news > 0 else 1 / (1 + self.looks)
        else:
            most = _HEEDED * sample.capacity
            heeded, gain = max(-most, min(most, news)), max(fade, 1 / (1 + self.looks))
        return Load(
            quick=self.quick + heeded * gain,
            cut=self.cut + (news - heeded - self.cut) * spike_fade,
            slow=self.slow + (self.quick - self.slow) * long_fade,
            recent=recent,
            looks=self.looks + 1,
        )


@dataclass(frozen=True, slots=True)
class Estimates:
    """All that is remembered.

    Attributes
    ----------
    per_worker : PerWorker
    others : Load or None
        What everybody else uses; None before the first look.
    run_overhead : Load
        The run's overhead while a worker is at work and nothing starts. It is not counted before a worker is at work,
        because it keeps none back.
    full_looks : int
        Looks in a row that found the machine full while a worker was at work and nothing of ours started. A look that
        did not halves the number and does not clear it, because it may be noise.
    """

    per_worker: PerWorker = field(default_factory=PerWorker)
    others: Load | None = None
    run_overhead: Load = field(default_factory=Load.unknown)
    full_looks: int = 0

    def after(self, sample: Sample) -> "Estimates":
        """Return the estimates that one more look leads to."""
        seen = max(0.0, sample.total - sample.workers - sample.run_overhead - sample.start_up)
        demand = self._demand_of_others(sample, seen)
        return Estimates(
            per_worker=self.per_worker.after(sample),
            others=Load.first(sample, demand) if self.others is None else self.others.after(sample, seen, demand),
            run_overhead=self._overhead_after(sample),
            full_looks=self.full_looks + 1
            if sample.is_full and sample.allowed > 0 and not sample.start_up
            else self.full_looks // 2,
        )

    def are_alone(self, capacity: float, patience: int) -> bool:
        """Tell whether nobody else has used the machine for so many looks."""
        others = self.others
        if others is None or others.looks <= patience:
            return False
        return max(others.mean, others.slow, *others.recent[-2:]) <= _ALONE * capacity

    def overhead_fell_since(self, before: "Estimates") -> bool:
        """Tell whether the newest look brought a surprise downwards in the run's overhead."""
        return self.run_overhead.looks == 1 and self.run_overhead.mean < before.run_overhead.mean

    def _overhead_after(self, sample: Sample) -> Load:
        if sample.allowed <= 0:
            return Load.unknown()
        if sample.start_up:
            # What starts is about to change what the others of our processes use, so the looks begin anew.
            return replace(self.run_overhead, recent=(), looks=0)
        return self.run_overhead.after(sample, sample.run_overhead, sample.run_overhead, _OVERHEAD_PATIENCE)

    def _demand_of_others(self, sample: Sample, seen: float) -> float:
        """Return what others would use if the machine were not full.

        A fair scheduler cuts their share by the same factor as ours, and that factor is known: it is what our workers
        and starting processes used by what they would have used. What is nobody's is not made larger.
        """
        wanted = sample.allowed * self.per_worker.cores + sample.start_up_wanted
        if not sample.is_full or wanted <= 0 or (sample.start_up and seen <= _ALONE * sample.capacity):
            return seen
        squeezed = min(1.0, max((sample.workers + sample.start_up) / wanted, _MOST_SQUEEZED))
        return min(sample.capacity, seen / squeezed)
