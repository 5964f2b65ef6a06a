"""What is said of sweeps in which no setting has any skill."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.luck.grids import KINDS
from benchmarks.measuring.measure import Report, markdown_table
from benchmarks.scale import Scale
from necrozma_core.market.arrays import FloatArray
from necrozma_core.statistics.deflated_sharpe import deflated_sharpe, expected_maximum
from necrozma_core.statistics.findings import judge
from necrozma_core.statistics.moments import Moments
from necrozma_core.statistics.overfitting import BlockSums, overfitting_of
from necrozma_core.statistics.reality_check import SIZE, spa_test, step_m
from necrozma_core.statistics.trials import Trials, luck_deviation, observed_deviation
from necrozma_core.statistics.verdicts import STRONG_DEFLATED, Verdict, enough_data

YEAR = 250
"""Days of a sweep."""
TRADES = 100
"""Of every setting, so that none is told to have too few."""
_RESAMPLES = 500
_FIRST_DATE = 19_000


@dataclass(frozen=True, slots=True)
class Sweep:
    """What was found in one sweep of settings without skill.

    Attributes
    ----------
    count, trials : float
        Settings, and as how many independent ones they count.
    best : float
        The best Sharpe ratio, in standard errors.
    looks_good : float
        Settings whose probabilistic Sharpe ratio is 0.95 or more.
    strong, plausible, spa, step_m : bool
        Whether a setting was called strong, or at least plausible; whether Hansen's test and Romano and Wolf's found
        something.
    pbo : float
        Of the first pair.
    thresholds, false : mapping of str to float
        The best that is expected, in standard errors, by ways to count the settings; and whether the deflated Sharpe
        ratio by each is 0.95 or more for some setting.
    """

    count: float
    trials: float
    best: float
    looks_good: float
    strong: bool
    plausible: bool
    spa: bool
    step_m: bool
    pbo: float
    thresholds: Mapping[str, float]
    false: Mapping[str, float]


def measure_luck(scale: Scale) -> tuple[Report, Report]:
    """Return what sweeps without skill are told, and what other ways to count their settings would tell."""
    found = {
        kind: [
            _judge_sweep(make(np.random.default_rng(seed), scale.luck_pairs, scale.luck_settings, YEAR), scale)
            for seed in range(scale.luck_seeds)
        ]
        for kind, make in KINDS.items()
    }
    strong = max(_share([sweep.strong for sweep in sweeps]) for sweeps in found.values())
    return Report(_verdict_table(found), {"strong": strong}), Report(_counting_table(found))


def dates_of(days: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return the numbers of as many days."""
    return np.arange(_FIRST_DATE, _FIRST_DATE + days)


def percent(share: float) -> str:
    """Write a share for a table."""
    return f"{100 * share:.0f} %"


def _judge_sweep(drawn: FloatArray, scale: Scale) -> Sweep:
    returns = drawn.astype(np.float32)
    moments, trials = Moments.of(returns), Trials.of(returns, dates_of(YEAR))
    trades = np.full(len(returns), TRADES)
    findings = judge(moments, trades, trials)
    tested = returns[enough_data(moments, trades)]
    overfit = overfitting_of(BlockSums.of(returns[: scale.luck_settings]))
    spa = spa_test(tested, resamples=_RESAMPLES)
    error = float(luck_deviation(moments.days)[0])
    ways = {**_other_ways(returns, moments), "here": (trials.effective, error)}
    shape = moments.sharpe, moments.days, moments.skew, moments.kurtosis
    return Sweep(
        count=trials.count,
        trials=trials.effective,
        best=float(np.nanmax(moments.sharpe)) / error,
        looks_good=float(np.count_nonzero(findings.probabilistic_sharpe >= STRONG_DEFLATED)),
        strong=bool((findings.verdict == Verdict.STRONG.value).any()),
        plausible=bool(np.isin(findings.verdict, [Verdict.STRONG.value, Verdict.PLAUSIBLE.value]).any()),
        spa=spa is not None and spa <= SIZE,
        step_m=bool(step_m(tested, resamples=_RESAMPLES).any()),
        pbo=math.nan if overfit is None else overfit.pbo,
        thresholds={name: expected_maximum(count) * spread / error for name, (count, spread) in ways.items()},
        false={
            name: float(np.nanmax(deflated_sharpe(*shape, count, spread)) >= STRONG_DEFLATED)
            for name, (count, spread) in ways.items()
        },
    )


def _other_ways(returns: np.ndarray, moments: Moments) -> dict[str, tuple[float, float]]:
    """Return trials and the deviation of their Sharpe ratios, as published, by ways to count them.

    The participation ratio is (sum l)^2 / sum l^2 of the eigenvalues l of the settings' correlations, the other is the
    exponential of their entropy (Roy and Vetterli, "The Effective Rank", EUSIPCO 2007). Both are those of the smaller
    matrix of days by days, whose eigenvalues are the same.
    """
    off = returns[~np.isnan(moments.sharpe)].astype(np.float64)
    off -= off.mean(axis=1, keepdims=True)
    off /= np.sqrt(np.einsum("ij,ij->i", off, off))[:, None]
    share = np.linalg.eigvalsh(off.T @ off).clip(0) / len(off)
    share = share[share > 0]
    spread = observed_deviation(moments.sharpe)
    return {
        "all": (float(len(off)), spread),
        "participation": (1 / float(np.square(share).sum()), spread),
        "entropy": (math.exp(-float((share * np.log(share)).sum())), spread),
    }


def _share(values: Sequence[bool]) -> float:
    return sum(values) / len(values)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _verdict_table(found: Mapping[str, Sequence[Sweep]]) -> str:
    header = (
        "without any skill", "settings", "count as", "best Sharpe a year", "sure taken alone",
        "sweeps with a strong one", "with a plausible one", "SPA", "StepM", "PBO",
    )  # fmt: skip
    rows = [
        (
            kind,
            f"{sweeps[0].count:,.0f}",
            f"{_mean([sweep.trials for sweep in sweeps]):,.0f}",
            f"{_mean([sweep.best for sweep in sweeps]) * math.sqrt(252 / (YEAR - 1)):.1f}",
            f"{_mean([sweep.looks_good for sweep in sweeps]):,.0f}",
            percent(_share([sweep.strong for sweep in sweeps])),
            percent(_share([sweep.plausible for sweep in sweeps])),
            percent(_share([sweep.spa for sweep in sweeps])),
            percent(_share([sweep.step_m for sweep in sweeps])),
            f"{_mean([sweep.pbo for sweep in sweeps]):.2f}",
        )
        for kind, sweeps in found.items()
    ]
    return markdown_table(header, rows)


def _counting_table(found: Mapping[str, Sequence[Sweep]]) -> str:
    ways = ("all", "participation", "entropy", "here")
    header = ("expected best, and sweeps with a false one at 0.95", "best by luck", *ways)
    rows = [
        (
            kind,
            f"{_mean([sweep.best for sweep in sweeps]):.2f}",
            *(
                f"{_mean([sweep.thresholds[way] for sweep in sweeps]):.2f}, "
                f"{percent(_mean([sweep.false[way] for sweep in sweeps]))}"
                for way in ways
            ),
        )
        for kind, sweeps in found.items()
    ]
    return markdown_table(header, rows)
