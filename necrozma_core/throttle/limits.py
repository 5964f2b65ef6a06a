"""What the user allows: how many workers, how much of the processor, how long a rest."""

from dataclasses import dataclass
from typing import Final

from necrozma_core.errors import UsageError, shown

_MANY: Final = 1e9
"""The bound of numbers that need none; it keeps infinity out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits of one run.

    Attributes
    ----------
    workers : int
        N, the most that run at once.
    cpu_limit : float
        Percent of the capacity that everything on the machine together may use, above 0 and at most 100. Capacity is
        the cores that this process may use: under a quota of half a core, 80 % is 0.4 cores. At 100 % nobody is held
        for the processor's sake.
    adaptive : bool
        False fixes the allowance at N, whatever the sensors say.
    cooldown_s : float
        Seconds idle between two batches of tasks; 0 never waits.
    cooldown_explicit : bool
        Whether the user asked for this cooldown. One that nobody asked for never rests longer than the batch it
        follows took.
    batch_size : int or None
        Tasks between two cooldowns; None is N.
    floor : float
        The least allowance, in workers: what is left when others use up the limit. Above 0, at most 1. More exceeds
        the limit by more, less brings the work nearer to a stop.
    cpu_check_interval : int
        The governor looks at least once in so many completed tasks, however short they are.
    sample_interval_s : float
        Seconds between two looks, 0.1 to 10. Processor times advance in hundredths of a second, so a shorter look is
        less exact; a longer one answers later. The governor's patience is counted in looks.
    memory_floor_mb : float or None
        Danger while fewer megabytes are available; None ignores memory.
    max_temperature_c : float or None
        Danger at so many degrees Celsius and above; None ignores the temperature.
    cooling_limit_s : float
        The longest rest after a danger, in seconds. After it the work goes on: at the floor after heat, with up to one
        worker after a lack of memory.

    Raises
    ------
    UsageError
        For a value out of its range, NaN included.
    """

    workers: int
    cpu_limit: float = 80.0
    adaptive: bool = True
    cooldown_s: float = 5.0
    cooldown_explicit: bool = False
    batch_size: int | None = None
    floor: float = 0.1
    cpu_check_interval: int = 5
    sample_interval_s: float = 0.5
    memory_floor_mb: float | None = 256.0
    max_temperature_c: float | None = 90.0
    cooling_limit_s: float = 60.0

    def __post_init__(self) -> None:
        # A day of rest between two batches is a slip of the finger, and infinity would never end.
        _require("workers", self.workers, 1, 4096)
        _require("cpu_limit", self.cpu_limit, 0, 100, above=True, unit=" percent")
        _require("cooldown_s", self.cooldown_s, 0, 86_400, unit=" seconds")
        _require("batch_size", self.batch_size, 1, _MANY, unit=" tasks")
        _require("floor", self.floor, 0, 1, above=True, unit=" workers")
        _require("cpu_check_interval", self.cpu_check_interval, 1, _MANY, unit=" tasks")
        _require("sample_interval_s", self.sample_interval_s, 0.1, 10, unit=" seconds")
        _require("memory_floor_mb", self.memory_floor_mb, 0, _MANY, unit=" megabytes")
        _require("max_temperature_c", self.max_temperature_c, 30, 150, unit=" degrees Celsius")
        _require("cooling_limit_s", self.cooling_limit_s, 1, 3_600, unit=" seconds")

    @property
    def tasks_per_batch(self) -> int:
        """Tasks between two cooldowns."""
        return self.workers if self.batch_size is None else self.batch_size

    def rest_after(self, batch_s: float) -> float:
        """Return the seconds to rest after a batch that took ``batch_s`` seconds."""
        return self.cooldown_s if self.cooldown_explicit else min(self.cooldown_s, batch_s)


def _require(name: str, value: float | None, least: float, most: float, *, above: bool = False, unit: str = "") -> None:
    if value is None:
        return
    # Written so that NaN, which compares false with everything, is refused.
    if (value > least if above else value >= least) and value <= most:
        return
    bound = f"{'above' if above else 'at least'} {least:g} and at most {most:g}"
    raise UsageError(f"{name}={shown(value)}: expected {bound}{unit}")
