"""What the governor remembers of the readings: what others use, our own other processes, and one worker. Pure values.

All are averages that forget, and that a surprise overrules: readings that stay away from the average. It takes four in
a row for the others, so that a spike of one second is no reason to act, and two for our own workers to use more, who
have no such excuse.
"""

import math
from dataclasses import dataclass, field, replace
from typing import Final

PATIENCE: Final = 4
"""Looks in a row. A spike of one second touches at most three that are half a second apart."""

_FULL: Final = 0.97
"""Of the capacity: on a fuller machine everybody gets less than it would use."""

# What others use; shares are of the capacity.
_MEMORY_S: Final = 4.0
_LONG_MEMORY_S: Final = 30.0
_SPIKE_MEMORY_S: Final = 60.0
_SURPRISE: Final = 0.03
_HEEDED: Final = 0.03
"""One look moves the average as if it were no farther from it; what is beyond counts in the long run only."""
_MOST_SQUEEZED: Final = 0.1

_NEVER_SURPRISED: Final = 1_000
"""Looks since the last surprise, where there was none."""

# What our own other processes use.
_OVERHEAD_FALL_PATIENCE: Final = 3
"""Their times are exact, and most of what they do is over soon: a start, an end."""

# What one worker uses.
_WORKER_MEMORY_S: Final = 5.0
_WORKER_SURPRISE: Final = 1.25
_WORKER_PATIENCE: Final = 2
_TRUSTED: Final = 0.3
"""Workers: while fewer were allowed, one of their bursts says little about what a whole one would use."""
_LEAST_PER_WORKER: Final = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One look at the processor, everything in cores.

    Attributes
    ----------
    elapsed_s : float
        Seconds since the look before.
    capacity, total : float
    workers, run_overhead : float
        What the workers used, and what the other processes of this run did: its parent, a server it started.
    allowed : float
        How many workers were at work: the allowance, or the tasks in flight where those were fewer.
    """

    elapsed_s: float
    capacity: float
    total: float
    workers: float
    allowed: float
    run_overhead: float = 0.0

    @property
    def is_full(self) -> bool:
        """Whether the machine had nothing left to give."""
        return self.total >= _FULL * self.capacity


@dataclass(frozen=True, slots=True)
class PerWorker:
    """Cores that one worker uses while it is allowed to run; begins as if one had used one core for a moment.

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
        """The average, never so little that it would make the allowance jump."""
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
        The average of the last seconds, spikes cut off.
    cut : float
        The average of what was cut off: a hog that comes and goes each second is no spike.
    slow : float
        The quick average, as it was half a minute ago or so.
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
    def first(cls, demand: float) -> "Load":
        """Return the estimate after the first look."""
        return cls(demand, 0.0, demand, (demand,), 1)

    @classmethod
    def none(cls) -> "Load":
        """Return the estimate that there is nothing, which only what lasts can change."""
        return cls(0.0, 0.0, 0.0, (), _NEVER_SURPRISED)

    @property
    def mean(self) -> float:
        """The estimate."""
        return max(0.0, self.quick + self.cut)

    @property
    def rise(self) -> float:
        """How much more it is than half a minute ago, surprises left out."""
        return self.quick - self.slow

    def after(self, sample: Sample, seen: float, demand: float, fall_patience: int = PATIENCE) -> "Load":
        """Return the estimate that one more look leads to.

        Parameters
        ----------
        sample : Sample
        seen, demand : float
            What they used, and what they would use if there were more to have.
        fall_patience : int
            Looks in a row after which less is believed to be less.
        """
        recent = (*self.recent, demand)[-PATIENCE:]
        apart = [look - self.quick for look in recent]
        least = _SURPRISE * sample.capacity
        rises = len(recent) == PATIENCE and min(apart) > least
        falls = len(recent) >= fall_patience and max(apart[-fall_patience:]) < -least
        if rises or falls:
            # The oldest is from before the change in part, and a change that goes on has gone on.
            value = sum(recent[-2:]) / 2
            return Load(value, 0.0, value, recent, 1)
        fade, long_fade, spike_fade = (
            1 - math.exp(-sample.elapsed_s / memory) for memory in (_MEMORY_S, _LONG_MEMORY_S, _SPIKE_MEMORY_S)
        )
        news = seen - self.quick
        if self.looks < PATIENCE:
            # Just after a surprise a plain mean, but what goes on growing as it gets more room is believed at once.
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
        What our own processes beside the workers use while one is at work. Else they are in nobody's way, and what
        they started with is mostly over when the first pair begins.
    full_looks : int
        How many looks in a row found the machine full of work that the gate holds; halved by one that did not, which
        may be noise.
    """

    per_worker: PerWorker = field(default_factory=PerWorker)
    others: Load | None = None
    run_overhead: Load = field(default_factory=Load.none)
    full_looks: int = 0

    def after(self, sample: Sample) -> "Estimates":
        """Return the estimates that one more look leads to."""
        seen = max(0.0, sample.total - sample.workers - sample.run_overhead)
        demand = self._demand_of_others(sample, seen)
        return Estimates(
            per_worker=self.per_worker.after(sample),
            others=Load.first(demand) if self.others is None else self.others.after(sample, seen, demand),
            run_overhead=self.run_overhead.after(
                sample, sample.run_overhead, sample.run_overhead, _OVERHEAD_FALL_PATIENCE
            )
            if sample.allowed > 0
            else Load.none(),
            full_looks=self.full_looks + 1 if sample.is_full and sample.allowed > 0 else self.full_looks // 2,
        )

    def overhead_fell_since(self, before: "Estimates") -> bool:
        """Tell whether our own other processes were found to be done with something since the look before."""
        return self.run_overhead.looks == 1 and self.run_overhead.mean < before.run_overhead.mean

    def _demand_of_others(self, sample: Sample, seen: float) -> float:
        """Return what others would use if there were room: a fair scheduler squeezes them as much as our workers."""
        wanted = sample.allowed * self.per_worker.cores
        if not sample.is_full or wanted <= 0:
            return seen
        squeezed = min(1.0, max(sample.workers / wanted, _MOST_SQUEEZED))
        return min(sample.capacity, seen / squeezed)
