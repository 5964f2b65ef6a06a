"""The columns of a ranking that say how much of it is luck, from what is kept of each setting."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from necrozma_core.market.arrays import FloatArray, Int32Array, Int64Array
from necrozma_core.statistics.deflated_sharpe import deflated_sharpe
from necrozma_core.statistics.false_discovery import q_values
from necrozma_core.statistics.moments import Moments
from necrozma_core.statistics.sharpe import min_track_record_days, probabilistic_sharpe, sharpe_p_values
from necrozma_core.statistics.trials import Trials, luck_deviation
from necrozma_core.statistics.verdicts import enough_data, verdicts_of


@dataclass(frozen=True, slots=True)
class Findings:
    """What is said of each setting. Arrays have the shape (n_settings,) and are NaN where undefined.

    Attributes
    ----------
    effective_trials : float
        As how many independent settings all of them count.
    probabilistic_sharpe : float64 array
        Probability that the true Sharpe ratio is above 0, as if nothing else had been tried.
    deflated_sharpe : float64 array
        Probability that it is above the best that luck was expected to give among all that was tried.
    min_track_record_days : float64 array
        Days that a record like this needs for its Sharpe ratio to be above 0 with a confidence of 95 %.
    q_value : float64 array
        Share of luck among all settings that are as good; NaN, too, where there is too little data.
    verdict : array of str
        Values of :class:`necrozma_core.statistics.verdicts.Verdict`.
    """

    effective_trials: float
    probabilistic_sharpe: FloatArray
    deflated_sharpe: FloatArray
    min_track_record_days: FloatArray
    q_value: FloatArray
    verdict: NDArray[np.str_]


def judge(moments: Moments, trades: Int32Array | Int64Array, trials: Trials) -> Findings:
    """Judge all settings of all pairs together.

    Parameters
    ----------
    moments : Moments
        Of the n_settings that are ranked; of several pairs by :meth:`Moments.joined`.
    trades : int32 or int64 array, shape (n_settings,)
    trials : Trials
        Of all that was tried on these days: these settings, and those of earlier runs.

    Returns
    -------
    Findings
    """
    shape = moments.sharpe, moments.days, moments.skew, moments.kurtosis
    deflated = deflated_sharpe(*shape, trials.effective, luck_deviation(moments.days))
    enough = enough_data(moments, trades)
    q_value = q_values(np.where(enough, sharpe_p_values(moments), np.nan))
    return Findings(
        effective_trials=trials.effective,
        probabilistic_sharpe=probabilistic_sharpe(*shape),
        deflated_sharpe=deflated,
        min_track_record_days=min_track_record_days(moments.sharpe, moments.skew, moments.kurtosis),
        q_value=q_value,
        verdict=verdicts_of(enough, deflated, q_value),
    )
