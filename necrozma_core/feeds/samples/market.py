"""The market that sample quotes are drawn from: each currency's strength, and what the hour of the week does.

Every currency has a path of its own, and the logarithm of a pair's mid price is the difference of two of them, so
that EURGBP is EURUSD over GBPUSD at every moment, whichever pairs were asked for.
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import Final

import numpy as np
from numpy.typing import NDArray

from necrozma_core.market.arrays import FloatArray, Int64Array
from necrozma_core.market.calendars import DAY_MS, roll_times_ms, utc_offset_ms

WEEK_MINUTES: Final = 5 * 24 * 60
WEEK_SECONDS: Final = 60 * WEEK_MINUTES

_FIRST_SUNDAY: Final = 19_358  # 1 January 2023, in days since 1970
_SWING_MINUTES: Final = 5
_YEAR_SECONDS: Final = 52 * WEEK_SECONDS
_PATHS_KEPT: Final = 80


@dataclass(frozen=True, slots=True)
class Currency:
    """What a currency is worth in US dollars at the start, and how far its strength moves in a year."""

    dollars: float
    volatility: float


CURRENCY_TRAITS: Final = {
    "USD": Currency(1.0, 0.045), "EUR": Currency(1.085, 0.05), "GBP": Currency(1.27, 0.06),
    "JPY": Currency(1 / 140.0, 0.075), "CHF": Currency(1.12, 0.055), "AUD": Currency(0.665, 0.07),
    "CAD": Currency(0.742, 0.05), "NZD": Currency(0.612, 0.075), "SEK": Currency(1 / 10.4, 0.07),
    "NOK": Currency(1 / 10.6, 0.08), "DKK": Currency(1.085 / 7.45, 0.05), "PLN": Currency(1 / 4.1, 0.08),
    "MXN": Currency(1 / 17.2, 0.1), "ZAR": Currency(1 / 18.6, 0.12), "TRY": Currency(1 / 27.0, 0.12),
    "SGD": Currency(1 / 1.345, 0.04), "HKD": Currency(1 / 7.82, 0.01), "CNH": Currency(1 / 7.2, 0.04),
    "XAU": Currency(1_950.0, 0.13), "XAG": Currency(23.5, 0.24),
}  # fmt: skip

_ASIAN: Final = frozenset({"JPY", "AUD", "NZD", "SGD", "HKD", "CNH"})


@dataclass(frozen=True, slots=True, eq=False)
class Clock:
    """What the hour does in one trading week, the same for every seed.

    Attributes
    ----------
    opens_ms : int
        Sunday 17:00 New York, UTC milliseconds.
    asian, western : float64 array, shape (7200,)
        How busy the market is each minute, for currencies at home in Asia and for the others; about 1 on average.
    roll : float64 array, shape (7200,)
        1 just after each 17:00 New York, falling to 0 within the hour.
    """

    opens_ms: int
    asian: FloatArray
    western: FloatArray
    roll: FloatArray

    def busy(self, currency: str) -> FloatArray:
        """Return how busy a currency's market is each minute."""
        return self.asian if currency in _ASIAN else self.western


@lru_cache(maxsize=64)
def clock_of(week: int) -> Clock:
    """Return the clock of a week, counted from the sample's first; daylight saving moves the sessions."""
    sunday_ms = (_FIRST_SUNDAY + 7 * week) * DAY_MS
    opens_ms = int(roll_times_ms(sunday_ms, sunday_ms + DAY_MS)[0])
    minute_ms = opens_ms + 60_000 * np.arange(WEEK_MINUTES, dtype=np.int64)
    tokyo = _session(minute_ms, "Asia/Tokyo", 8, 17)
    london = _session(minute_ms, "Europe/London", 7, 17)
    new_york = _session(minute_ms, "America/New_York", 7, 17)
    after_roll_h = (minute_ms - opens_ms) % DAY_MS / 3_600_000
    roll = np.exp(-after_roll_h * 5.0)
    calm = 1.0 - 0.7 * roll
    asian = (0.3 + 1.0 * tokyo + 0.9 * london + 0.8 * new_york) * calm
    western = (0.3 + 0.3 * tokyo + 1.4 * london + 1.2 * new_york) * calm
    return Clock(opens_ms, asian / asian.mean(), western / western.mean(), roll)


def _session(minute_ms: Int64Array, zone: str, opens: int, closes: int) -> FloatArray:
    """How awake a financial centre is: 0 outside its hours, 1 in the middle of its day."""
    local_h = (minute_ms + utc_offset_ms(minute_ms, zone)) % DAY_MS / 3_600_000
    through = np.clip((local_h - opens) / (closes - opens), 0.0, 1.0)
    return np.asarray(np.sqrt(np.sin(np.pi * through).clip(0.0)))


@dataclass(frozen=True, slots=True, eq=False)
class StrengthPath:
    """One currency's week.

    Attributes
    ----------
    strength : float32 array, shape (432001,)
        Log of its value at every second's edge, against the week's start. Between two edges it is a straight
        line; no bar is shorter than a second, so none ends where the rest of a line could be foretold.
    excitement : float64 array, shape (7200,)
        Volatility each minute against what is usual at that hour; 1 on average.
    next_level : float
        How far the next week starts above this one, the weekend's move included.
    """

    strength: NDArray[np.float32]
    excitement: FloatArray
    next_level: float


def random_stream(seed: int, name: str, week: int) -> np.random.Generator:
    """Return random numbers that depend on nothing but what they are for."""
    return np.random.Generator(np.random.SFC64([seed, int.from_bytes(name.encode()), week]))


# Ten short samples share the paths of eight currencies over eight weeks; longer ones are made anew for every pair.
@lru_cache(maxsize=_PATHS_KEPT)
def path_of(currency: str, week: int, seed: int) -> StrengthPath:
    """Return one currency's week, which depends on nothing but these three."""
    volatility = CURRENCY_TRAITS[currency].volatility
    random = random_stream(seed, currency, week)
    excitement = _excitement(random)
    second_sigma = volatility / np.sqrt(_YEAR_SECONDS) * np.sqrt(clock_of(week).busy(currency)) * excitement
    strength = np.empty(WEEK_SECONDS + 1, dtype=np.float32)
    strength[0] = 0.0
    steps = strength[1:].reshape(WEEK_MINUTES, 60)
    random.standard_normal(out=steps, dtype=np.float32)
    steps *= second_sigma[:, None].astype(np.float32)
    np.cumsum(strength, out=strength)
    weekend = 0.4 * volatility / np.sqrt(252.0) * random.standard_normal()
    return StrengthPath(strength, excitement, float(strength[-1]) + float(weekend))


def _excitement(random: np.random.Generator) -> FloatArray:
    """Make a week's volatility: slow swings, fast ones, and some news whose shock dies down within minutes."""
    swings = WEEK_MINUTES // _SWING_MINUTES
    log_swing = np.zeros(swings)
    for half_life_minutes, sigma in ((360.0, 0.3), (25.0, 0.25)):
        keep = 0.5 ** (_SWING_MINUTES / half_life_minutes)
        kicks = sigma * random.standard_normal(swings)
        kicks[1:] *= np.sqrt(1.0 - keep**2)
        log_swing += list(accumulate(kicks.tolist(), lambda swing, kick, keep=keep: keep * swing + kick))  # type: ignore[misc]
    excitement = np.repeat(np.exp(log_swing - log_swing.var() / 2.0), _SWING_MINUTES)
    for minute in random.integers(0, WEEK_MINUTES - 60, size=random.poisson(6.0)):
        shock = random.uniform(1.5, 6.0)
        excitement[minute : minute + 60] *= 1.0 + shock * np.exp(-np.arange(60) / 6.0)
    return excitement
