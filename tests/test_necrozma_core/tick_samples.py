"""Made-up ticks, and whether two are the same."""

import numpy as np

from necrozma_core.market.instruments import get_pair
from necrozma_core.market.ticks import Ticks


def utc_ms(text: str) -> int:
    return int(np.datetime64(text, "ms").astype(np.int64))


def make(first: str, number: int, digits: int = 5, seed: int = 1, pair: str = "EURUSD", step_ms: int = 700) -> Ticks:
    random = np.random.default_rng(seed)
    time_ms = utc_ms(first) + np.cumsum(random.integers(0, 2 * step_ms, number)).astype(np.int64)
    bid = (10**digits + np.cumsum(random.integers(-2, 3, number))).clip(1).astype(np.int32)
    return Ticks(get_pair(pair), digits, time_ms, bid, (bid + random.integers(0, 9, number)).astype(np.int32))


def same(first: Ticks, second: Ticks) -> bool:
    arrays = all(np.array_equal(getattr(first, name), getattr(second, name)) for name in ("time_ms", "bid", "ask"))
    return arrays and (first.pair, first.digits) == (second.pair, second.digits)
