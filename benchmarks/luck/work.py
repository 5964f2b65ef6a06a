"""Time and memory of all statistics of many settings."""

import time
from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np

from benchmarks.luck.calibration import TRADES, YEAR, dates_of
from necrozma_core.statistics.findings import judge
from necrozma_core.statistics.moments import Moments
from necrozma_core.statistics.neighbours import neighbours_of
from necrozma_core.statistics.overfitting import BlockSums, overfitting_of
from necrozma_core.statistics.reality_check import spa_test, step_m
from necrozma_core.statistics.trials import Trials


def time_statistics(settings: int) -> dict[str, Any]:
    """Compute everything for ``settings`` x a year of days, and return the seconds of each."""
    random = np.random.default_rng(0)
    returns = random.standard_normal((settings, YEAR), np.float32)
    returns *= 0.01
    # A grid of five parameters, of which the last is cut.
    positions = np.array(list(product(range(10), range(10), range(10), range(10), range(1 + settings // 10_000))))
    seconds: dict[str, float] = {}

    def timed(name: str, work: Callable[[], Any]) -> Any:
        start = time.perf_counter()
        done = work()
        seconds[name] = time.perf_counter() - start
        return done

    moments = timed("moments", lambda: Moments.of(returns))
    trials = timed("effective trials", lambda: Trials.of(returns, dates_of(YEAR)))
    timed("probabilities, q-values, verdicts", lambda: judge(moments, np.full(settings, TRADES), trials))
    sums = timed("block sums", lambda: BlockSums.of(returns))
    timed("probability of overfitting", lambda: overfitting_of(sums))
    timed("SPA, 1,000 resamples", lambda: spa_test(returns))
    timed("StepM, 1,000 resamples", lambda: step_m(returns))
    timed("neighbours", lambda: neighbours_of(positions[:settings], moments.sharpe))
    return {"seconds": seconds}
