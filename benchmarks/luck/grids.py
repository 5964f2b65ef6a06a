"""Daily returns of whole sweeps whose settings have no skill, made so that they resemble each other in known ways."""

import math
from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.random import Generator

from necrozma_core.market.arrays import FloatArray

BARS_A_DAY: Final = 6
"""Bars of four hours."""
SPREAD: Final = 0.8 * 0.0001 / 1.1
"""0.8 pips of EURUSD, as a fraction of the price."""
_A_BAR: Final = 0.002
"""Deviation of a bar's return: half a per cent a day."""
_WARM_UP: Final = 420
"""Bars before the first day, more than the slowest average takes."""

Make = Callable[[Generator, int, int, int], FloatArray]
"""Makes the returns of pairs x settings over days, shape (n_pairs * n_settings, n_days), pair by pair."""


def independent(random: Generator, pairs: int, settings: int, days: int) -> FloatArray:
    """Draw settings that have nothing in common."""
    return random.standard_normal((pairs * settings, days))


def fat_tails(random: Generator, pairs: int, settings: int, days: int) -> FloatArray:
    """Draw days of Student's t with three degrees of freedom; settings have nothing in common."""
    return random.standard_t(3, (pairs * settings, days))


def rare_losses(random: Generator, pairs: int, settings: int, days: int) -> FloatArray:
    """Trade one day in five: thirty of thirty-one win one, the last loses thirty; nothing in common."""
    size = random.uniform(0.8, 1.2, (pairs * settings, days))
    drawn = random.random((pairs * settings, days))
    return size * np.where(drawn < 0.2 / 31, -30.0, np.where(drawn < 0.2, 1.0, 0.0))


def together(correlation: float) -> Make:
    """Give all settings of all pairs one correlation."""

    def make(random: Generator, pairs: int, settings: int, days: int) -> FloatArray:
        return _mixed(random, correlation, 1, pairs * settings, days)

    return make


def by_pair(correlation: float) -> Make:
    """Give settings of a pair one correlation, and pairs none."""

    def make(random: Generator, pairs: int, settings: int, days: int) -> FloatArray:
        return _mixed(random, correlation, pairs, settings, days)

    return make


def averages(spread: float) -> Make:
    """Trade crossings of two moving averages on a random walk a pair, always in the market."""

    def make(random: Generator, pairs: int, settings: int, days: int) -> FloatArray:
        return np.concatenate([_crossings(random, settings, days, spread) for _ in range(pairs)])

    return make


def _mixed(random: Generator, correlation: float, groups: int, settings: int, days: int) -> FloatArray:
    shared = np.repeat(random.standard_normal((groups, days)), settings, axis=0)
    each = random.standard_normal((groups * settings, days))
    return math.sqrt(correlation) * shared + math.sqrt(1 - correlation) * each


def _crossings(random: Generator, settings: int, days: int, spread: float) -> FloatArray:
    fast_count = next(count for count in range(math.isqrt(settings), 0, -1) if settings % count == 0)
    slow_count = settings // fast_count
    steps = random.standard_normal(_WARM_UP + days * BARS_A_DAY) * _A_BAR
    sums = np.concatenate(([0.0], np.cumsum(np.cumsum(steps))))
    ends = np.arange(_WARM_UP - 1, len(steps))  # the last bar that each average sees

    def average(length: int) -> FloatArray:
        mean: FloatArray = (sums[ends + 1] - sums[ends + 1 - length]) / length
        return mean

    fast = np.array([average(2 + 2 * number) for number in range(fast_count)])
    slow = np.array([average(60 + 350 * number // slow_count) for number in range(slow_count)])
    position = np.sign(fast[:, None] - slow[None]).reshape(settings, -1)
    # The position is taken at the close of a bar and earns the next one's step; a change of one pays half the spread.
    earned = position[:, :-1] * steps[_WARM_UP:] - np.abs(np.diff(position, axis=1)) * (spread / 2)
    daily: FloatArray = earned.reshape(settings, days, BARS_A_DAY).sum(axis=2)
    return daily


KINDS: Final[dict[str, Make]] = {
    "settings have nothing in common": independent,
    "settings of a pair move together (correlation 0.5)": by_pair(0.5),
    "settings of a pair move together (0.9)": by_pair(0.9),
    "all settings of all pairs move together (0.5)": together(0.5),
    "all settings of all pairs move together (0.9)": together(0.9),
    "crossings of averages on random walks, no costs": averages(0.0),
    "crossings of averages on random walks, 0.8 pips": averages(SPREAD),
    "days have fat tails (Student's t, 3)": fat_tails,
    "many small wins, rare large losses (1 to 30)": rare_losses,
}
"""By what a table calls them."""
