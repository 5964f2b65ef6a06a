"""How much is measured: all of it, or so little that a test can run it."""

from dataclasses import dataclass
from typing import Final

from benchmarks.measuring.market import YEAR_TICKS


@dataclass(frozen=True, slots=True)
class Scale:
    """Sizes of everything that the tables are taken on.

    Attributes
    ----------
    ticks : int
        Of each pair.
    few_ticks : int
        Of each pair, in measurements that are not about ticks.
    runs : int
        How often a thing of milliseconds is timed.
    job_runs : int
        How often a thing of seconds, a whole command, is timed.
    pairs : tuple of int
        Numbers of pairs; the last is the whole job's.
    settings : tuple of int
        Numbers of settings on one pair; see `benchmarks.scaling.GRIDS`.
    tasks : int
        Of the sweep of tasks that have nothing to compute.
    slow_settings : int
        How many of the fifty settings the slowest peer runs before its time is extrapolated.
    luck_seeds, luck_pairs, luck_settings : int
        Sweeps of luck, their pairs, and the settings on each.
    """

    ticks: int = YEAR_TICKS
    few_ticks: int = 1_000_000
    runs: int = 5
    job_runs: int = 3
    pairs: tuple[int, ...] = (1, 2, 5, 10)
    settings: tuple[int, ...] = (50, 500, 5_000, 50_000)
    tasks: int = 200
    slow_settings: int = 2
    luck_seeds: int = 20
    luck_pairs: int = 10
    luck_settings: int = 1_000


FULL: Final = Scale()
SMOKE: Final = Scale(
    20_000,
    20_000,
    runs=1,
    job_runs=1,
    pairs=(1, 2),
    settings=(50, 500),
    tasks=12,
    slow_settings=1,
    luck_seeds=2,
    luck_pairs=2,
    luck_settings=36,
)
