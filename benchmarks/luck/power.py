"""How large an edge must be to be seen among ten thousand settings."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.luck.calibration import TRADES, dates_of, percent
from benchmarks.luck.grids import averages
from benchmarks.measuring.measure import Report, markdown_table
from benchmarks.scale import Scale
from necrozma_core.market.arrays import FloatArray
from necrozma_core.statistics.findings import judge
from necrozma_core.statistics.moments import Moments
from necrozma_core.statistics.trials import Trials
from necrozma_core.statistics.verdicts import Verdict

_YEARS = (1, 5)
_SHARPES = (1.0, 2.0, 3.0, 4.0, 5.0, 6.0)
"""True Sharpe ratios a year of the planted setting."""
_DAYS_A_YEAR = 252


@dataclass(frozen=True, slots=True)
class _Seen:
    """What one sweep with a planted edge was told.

    Attributes
    ----------
    strong, plausible : bool
        Whether the planted setting was called so, or better.
    first : bool
        Whether the best deflated Sharpe ratio of all is on the planted pair.
    found, wrong : int
        Settings called strong, and those of them on pairs without an edge.
    """

    strong: bool
    plausible: bool
    first: bool
    found: int
    wrong: int


def measure_power(scale: Scale) -> Report:
    """Return how often a planted edge is called strong, by its size and the length of the data."""
    header = (
        "data", "true Sharpe a year", "called strong", "strong or plausible", "the best is on its pair",
        "strong settings", "of them on pairs without an edge",
    )  # fmt: skip
    rows = []
    for years in _YEARS:
        seen: dict[float, list[_Seen]] = {sharpe: [] for sharpe in _SHARPES}
        for seed in range(scale.luck_seeds):
            days = years * _DAYS_A_YEAR
            returns = averages(0.0)(np.random.default_rng(seed), scale.luck_pairs, scale.luck_settings, days)
            for sharpe, found in _plant(returns, scale).items():
                seen[sharpe].append(found)
        rows += [_row(years, sharpe, found) for sharpe, found in seen.items()]
    return Report(markdown_table(header, rows))


def _plant(returns: FloatArray, scale: Scale) -> dict[float, _Seen]:
    """Give the first pair's middle setting an edge, and those that resemble it their part, for each size."""
    count, planted = scale.luck_settings, scale.luck_settings // 2 + math.isqrt(scale.luck_settings) // 2
    trials = Trials.of(returns, dates_of(returns.shape[1]))  # of demeaned returns: no edge changes them
    others = Moments.of(returns[count:])
    first = returns[:count]
    # What the planted setting earns, another one earns by its correlation with it.
    correlations: FloatArray = np.atleast_2d(np.corrcoef(first))
    edge = correlations[planted] * first.std(axis=1, ddof=1) / math.sqrt(_DAYS_A_YEAR)
    seen = {}
    for sharpe in _SHARPES:
        moments = Moments.joined([Moments.of(first + (sharpe * edge)[:, None]), others])
        findings = judge(moments, np.full(len(returns), TRADES), trials)
        strong = findings.verdict == Verdict.STRONG.value
        verdict = Verdict(findings.verdict[planted])
        seen[sharpe] = _Seen(
            strong=verdict is Verdict.STRONG,
            plausible=verdict in {Verdict.STRONG, Verdict.PLAUSIBLE},
            first=int(np.nanargmax(findings.deflated_sharpe)) < count,
            found=int(np.count_nonzero(strong)),
            wrong=int(np.count_nonzero(strong[count:])),
        )
    return seen


def _row(years: int, sharpe: float, seen: Sequence[_Seen]) -> tuple[str, ...]:
    number = len(seen)
    return (
        "1 year" if years == 1 else f"{years} years",
        f"{sharpe:.0f}",
        percent(sum(found.strong for found in seen) / number),
        percent(sum(found.plausible for found in seen) / number),
        percent(sum(found.first for found in seen) / number),
        f"{sum(found.found for found in seen) / number:,.0f}",
        f"{sum(found.wrong for found in seen) / number:,.1f}",
    )
