"""Many settings judged at once: how much of what they earned is luck.

===================  ==============================================================================
``returns``          daily returns of many settings, piece by piece
``normal``           the normal distribution, without scipy
``moments``          what is kept of each setting's returns: Sharpe ratio, skew, kurtosis, counts
``sharpe``           how sure a Sharpe ratio is, and how long a record it needs
``trials``           how many settings were tried, seen as independent ones
``deflated_sharpe``  the Sharpe ratio against the best that luck was expected to give
``false_discovery``  q-values over all settings and pairs
``overfitting``      how often the best of one half of the time is among the worse of the other
``bootstrap``        days drawn anew in blocks
``reality_check``    whether the best of all beats doing nothing, and which settings do
``monte_carlo``      how else a record could have gone
``neighbours``       plateau or spike: the settings beside a setting in its grid
``verdicts``         all of it in one of four phrases
``findings``         the columns that a ranking shows
===================  ==============================================================================

Sharpe ratios are of one day here, never annualised: a Sharpe ratio a year is that of a day times sqrt(252). Undefined
is NaN, and NaN is never the better one.
"""

from necrozma_core.face import face

__all__, __getattr__, __dir__ = face(
    __name__,
    {
        "BlockSums": "overfitting",
        "Findings": "findings",
        "Moments": "moments",
        "Trials": "trials",
        "Verdict": "verdicts",
        "judge": "findings",
        "overfitting_of": "overfitting",
        "spa_test": "reality_check",
        "step_m": "reality_check",
    },
)
