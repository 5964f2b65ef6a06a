"""Sample ticks: seeded, realistic, and the same bytes for the same seed.

A path is made week by week: one normal step a second, scaled by the hour of the day, by slow and fast swings in
volatility, and by news that shakes one currency for some minutes. Quotes arrive more often when prices move, and
rest from Friday to Sunday 17:00 New York. Nothing in a path can be forecast: what a strategy finds here is luck.
"""

import math
from collections.abc import Sequence
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np

from necrozma_core.errors import UsageError
from necrozma_core.feeds.samples.market import (
    CURRENCY_TRAITS,
    WEEK_MINUTES,
    WEEK_SECONDS,
    StrengthPath,
    clock_of,
    path_of,
    random_stream,
)
from necrozma_core.market.arrays import FloatArray, Int32Array, Int64Array
from necrozma_core.market.instruments import PAIRS, Pair, get_pair
from necrozma_core.market.ticks import Ticks
from necrozma_core.storage.ticks.manifest import PairSummary, Source
from necrozma_core.storage.ticks.store import TickStore

DEFAULT_PAIRS: Final = (
    "EURUSD", "GBPUSD", "USDJPY", "USDCHF", "AUDUSD", "USDCAD", "NZDUSD", "EURGBP", "EURJPY", "GBPJPY",
)  # fmt: skip
"""The ten pairs of a sample; each profit among them can be turned into US dollars with another of them."""

MAX_TICKS: Final = 100_000_000

_RECIPE: Final = 1
"""Part of a sample's identity: raise it when the generator changes what it makes."""

_YEAR_TICKS, _YEAR_WEEKS = 14_600_000, 52
_SHORT_TICKS, _SHORT_WEEKS = 200_000, 8
_LEAST_WEEKS: Final = 4
_SAME_INSTANT: Final = 0.03

_SPREAD_PIPS: Final = {
    "EURUSD": 0.6, "GBPUSD": 0.9, "USDJPY": 0.7, "USDCHF": 1.0, "AUDUSD": 0.8, "USDCAD": 1.0, "NZDUSD": 1.2,
    "EURGBP": 1.0, "EURJPY": 1.2, "GBPJPY": 1.8,
}  # fmt: skip
_OTHER_SPREAD: Final = 0.00018  # of the price


def write_samples(data_dir: Path, pairs: int | Sequence[str], ticks: int, seed: int) -> list[PairSummary]:
    """Generate sample ticks and store them; what is stored already is not made again.

    Parameters
    ----------
    data_dir : Path
        Made if it is missing.
    pairs : int or sequence of str
        How many of the known pairs, the default ten first, or their names.
    ticks : int
        Quotes a pair, exactly. The span follows from it, see `sample_weeks`.
    seed : int
        Zero or more.

    Returns
    -------
    list of PairSummary
        One for each pair, in the order asked for.

    Raises
    ------
    UsageError
        A number is out of range, or a pair is unknown.
    DataError
        A pair has other ticks for the same span already.
    StorageError
        The disk does not take them.
    """
    names = _chosen(pairs)
    if not 1 <= ticks <= MAX_TICKS:
        raise UsageError(f"--ticks {ticks}: expected 1 to {MAX_TICKS}")
    if seed < 0:
        raise UsageError(f"--seed {seed}: expected 0 or more")
    store = TickStore(data_dir)
    try:
        for name in names:
            recipe = f"sample {_RECIPE}: {name}, {ticks} ticks, seed {seed}"
            source = Source(recipe, sha256(recipe.encode()).hexdigest())
            if not store.holds(name, source):
                store.write(sample_ticks(name, ticks, seed), source)
    finally:
        path_of.cache_clear()
    return [store.summary(name) for name in names]


def _chosen(pairs: int | Sequence[str]) -> list[str]:
    if not isinstance(pairs, int):
        return [get_pair(name).name for name in dict.fromkeys(pairs)]
    known = [*DEFAULT_PAIRS, *(name for name in PAIRS if name not in DEFAULT_PAIRS)]
    if not 1 <= pairs <= len(known):
        raise UsageError(f"--pairs {pairs}: expected 1 to {len(known)}")
    return known[:pairs]


def sample_weeks(ticks: int) -> int:
    """Return how many trading weeks so many sample ticks span.

    14.6 million make a year of 52 weeks, which is what a busy real feed has; more keep that density. Fewer are
    spread thinner, so that a small sample still has days and weeks enough to measure: 200,000 take 8 weeks, by
    the power of their number that joins the two, and no sample takes less than 4 (26 days).
    """
    power = math.log(_YEAR_WEEKS / _SHORT_WEEKS) / math.log(_YEAR_TICKS / _SHORT_TICKS) if ticks < _YEAR_TICKS else 1.0
    return max(_LEAST_WEEKS, round(_YEAR_WEEKS * math.pow(ticks / _YEAR_TICKS, power)))


def sample_ticks(pair_name: str, ticks: int, seed: int) -> Ticks:
    """Generate one pair's sample.

    Parameters
    ----------
    pair_name : str
    ticks : int
        Above zero.
    seed : int
        Zero or more; with the pair and the number of ticks it decides every byte.

    Returns
    -------
    Ticks
        Prices in the pair's points, from Sunday 1 January 2023, 17:00 New York.

    Raises
    ------
    UnknownPairError
        For a name that the instrument table does not hold.
    """
    pair = get_pair(pair_name)
    weeks = sample_weeks(ticks)
    time_ms = np.empty(ticks, dtype=np.int64)
    bid, ask = np.empty(ticks, dtype=np.int32), np.empty(ticks, dtype=np.int32)
    edges = [ticks * week // weeks for week in range(weeks + 1)]
    level = math.log(CURRENCY_TRAITS[pair.base].dollars / CURRENCY_TRAITS[pair.quote].dollars)
    for week, (start, end) in enumerate(pairwise(edges)):
        base, quote = path_of(pair.base, week, seed), path_of(pair.quote, week, seed)
        if start < end:
            random = random_stream(seed, f"{pair.name} {ticks}", week)
            quotes = _week_quotes(pair, week, level, (base, quote), random, end - start)
            time_ms[start:end], bid[start:end], ask[start:end] = quotes
        level += base.next_level - quote.next_level
    return Ticks(pair, pair.point_digits, time_ms, bid, ask)


def _week_quotes(
    pair: Pair,
    week: int,
    level: float,
    paths: tuple[StrengthPath, StrengthPath],
    random: np.random.Generator,
    ticks: int,
) -> tuple[Int64Array, Int32Array, Int32Array]:
    """Draw one week's quotes of a pair from the paths of its currencies: times, bids, asks."""
    clock = clock_of(week)
    base, quote = paths
    busy = (clock.busy(pair.base) + clock.busy(pair.quote)) / 2.0
    excitement = np.sqrt(base.excitement * quote.excitement)
    seconds = _arrivals(busy * excitement, random, ticks)
    second = seconds.astype(np.int64)

    ratio = base.strength - quote.strength
    before = ratio[second]
    mid = np.exp(level + before + (seconds - second) * (ratio[second + 1] - before)) * 10**pair.point_digits

    usual = _SPREAD_PIPS.get(pair.name)
    points = float(mid[0]) * _OTHER_SPREAD if usual is None else usual * float(pair.points_per_pip(pair.point_digits))
    by_minute = points * (1.0 + 0.5 / (1.0 + 4.0 * busy)) * (1.0 + 7.0 * clock.roll) * np.sqrt(excitement)
    luck = random.integers(0, 256, size=ticks, dtype=np.uint8)
    spread = np.rint(by_minute[second // 60] * _SPREAD_LUCK[luck]).clip(1.0)
    bid = np.rint(mid - spread / 2.0)

    time_ms = clock.opens_ms + (seconds * 1000.0).astype(np.int64)
    together = np.flatnonzero(random.integers(0, 256, size=ticks - 1, dtype=np.uint8) < 256 * _SAME_INSTANT)
    time_ms[together + 1] = time_ms[together]
    return time_ms, bid.astype(np.int32), (bid + spread).astype(np.int32)


def _arrivals(pace: FloatArray, random: np.random.Generator, ticks: int) -> FloatArray:
    """Draw sorted arrival times, seconds into the week, of exactly so many ticks; ``pace`` is by the minute."""
    waits = random.standard_exponential(ticks + 1)
    np.cumsum(waits, out=waits)
    expected = np.concatenate(([0.0], np.cumsum(pace)))
    arrivals = np.interp(waits[:-1] * (expected[-1] / waits[-1]), expected, 60.0 * np.arange(WEEK_MINUTES + 1))
    return np.asarray(np.minimum(arrivals, WEEK_SECONDS - 0.001))


# The spread of one quote against the minute's: most near it, a few twice as wide.
_SPREAD_LUCK: Final = np.concatenate((np.linspace(0.8, 1.2, 224), np.linspace(1.2, 2.0, 32)))
