"""One reading, all of them together, and the protocol that a test replaces."""

import math
from dataclasses import dataclass
from typing import Protocol


class Unavailable(Exception):  # noqa: N818 -- a sensor that is missing is no error
    """Raised by a probe that has nothing to say, with the reason in a few words."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A number that a sensor gave, or the reason why it gave none.

    Attributes
    ----------
    value : float or None
        Never NaN or infinite.
    at : float
        When it was taken, seconds of the monotonic clock.
    why : str
        Why there is no value; empty where there is one.
    """

    value: float | None = None
    at: float = -math.inf
    why: str = "not read yet"

    @classmethod
    def taken(cls, value: float, at: float) -> "Reading":
        """Make a reading of a value, which is refused if it is no number."""
        if not math.isfinite(value):
            return cls.missing(f"the sensor says {value}", at)
        return cls(value, at, "")

    @classmethod
    def missing(cls, why: str, at: float) -> "Reading":
        """Make a reading that says why there is none."""
        return cls(None, at, why)

    def age(self, now: float) -> float:
        """Return the seconds since it was taken; infinite if it never was."""
        return now - self.at

    def fresh(self, now: float, within_s: float) -> float | None:
        """Return the value if it is no older than ``within_s`` seconds, else None."""
        return self.value if self.age(now) <= within_s else None

    def describe(self, unit: str = "", digits: int = 1) -> str:
        """Return the value with its unit, or ``unavailable`` and the reason."""
        return f"unavailable ({self.why})" if self.value is None else f"{self.value:.{digits}f}{unit}"


@dataclass(frozen=True, slots=True)
class Starting:
    """A process of this run that is still starting up; it uses what it gets, and the gate cannot hold it.

    Attributes
    ----------
    name : str
        As the user is told.
    cores : float
        What it used over the time that the readings of the processor cover; 1 where it was not there yet.
    """

    name: str
    cores: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """Everything known about the machine at one time.

    Attributes
    ----------
    time : float
        When they were gathered, seconds of the monotonic clock.
    capacity : Reading
        Cores that we may use; a fraction under a quota.
    total : Reading
        Cores busy within the capacity, with any work; time stolen by a hypervisor counts.
    steal : Reading
        Cores that a hypervisor gave to others.
    run_total : Reading
        Cores that this process and its workers use. ``total - run_total`` is what others use.
    workers : Reading
        Cores that the workers use which have loaded, which the gate can change.
    start_up : Reading
        Cores used by those of our processes that were starting up when the time began which the readings cover.
    starting : tuple of Starting
        Those that still are.
    loaded_workers : float
        Workers that have loaded; infinite where that is not known.
    memory_available, memory_workers : Reading
        Megabytes that can be had without swapping, and that the workers hold.
    temperature : Reading
        Degrees Celsius, the hottest sensor.
    battery : Reading
        Percent left; unavailable on mains without a battery.
    pressure : Reading
        Percent of the last ten seconds in which some process waited for a processor (Linux PSI). Information only.
    busy_workers : float
        Tasks in flight, the mean over the time that ``workers`` covers.
    """

    time: float
    capacity: Reading = Reading()
    total: Reading = Reading()
    steal: Reading = Reading()
    run_total: Reading = Reading()
    workers: Reading = Reading()
    start_up: Reading = Reading()
    starting: tuple[Starting, ...] = ()
    loaded_workers: float = math.inf
    memory_available: Reading = Reading()
    memory_workers: Reading = Reading()
    temperature: Reading = Reading()
    battery: Reading = Reading()
    pressure: Reading = Reading()
    busy_workers: float = 0.0

    def percent(self, reading: Reading) -> float | None:
        """Return a reading in cores as percent of the capacity; None where either is missing."""
        if reading.value is None or not self.capacity.value:
            return None
        return 100.0 * reading.value / self.capacity.value

    @property
    def others(self) -> Reading:
        """Cores that others use: ``total - run_total``, never below 0."""
        if self.total.value is None or self.run_total.value is None:
            return self.total if self.total.value is None else self.run_total
        return Reading.taken(max(0.0, self.total.value - self.run_total.value), self.total.at)

    @property
    def run_overhead(self) -> Reading:
        """Cores that our processes beside the workers use once they have started up, never below 0."""
        if self.run_total.value is None or self.workers.value is None:
            return self.run_total if self.run_total.value is None else self.workers
        lasting = self.run_total.value - self.workers.value - (self.start_up.value or 0.0)
        return Reading.taken(max(0.0, lasting), self.run_total.at)


class Sensors(Protocol):
    """What the control loop reads; a test puts a fake here."""

    def read(self) -> Readings:
        """Take what is due and return all readings; never raises."""
        ...
