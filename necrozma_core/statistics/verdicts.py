"""All that is known of a setting's luck in one of four phrases.

The thresholds were chosen on walks without any skill, see ``docs/statistics.md``: independent settings and grids that
move together, days that are normal and days with fat tails, few large wins and few large losses.
"""

from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from necrozma_core.market.arrays import BoolArray, FloatArray, Int32Array, Int64Array
from necrozma_core.metrics.figures import MIN_DAYS, MIN_TRADES
from necrozma_core.statistics.moments import Moments

MIN_DAYS_OF_A_KIND: Final = 10
"""Days won, and days lost, that a record must have. Many small wins and a rare large loss look flawless until the loss
comes: of settings that risk thirty to win one, and earn nothing, a thousand gave a strong one in each sweep of 250 days
of which fifty were traded, and one in six sweeps of 250 traded days; none with ten losses asked for, and none with
five. Ten are asked for because the share of losses is known to a third then, and to a half with five."""
STRONG_DEFLATED: Final = 0.95
"""Better than the best that luck was expected to give, but for one chance in twenty. In sweeps of a thousand settings
without skill none passes it, unless all settings move as one: then it is the only test there is, and one sweep of
fifteen has a setting that does."""
STRONG_Q: Final = 0.05
"""Of all settings called strong one in twenty may be luck. It does not lean on how much settings resemble each other,
and so keeps the verdict right where that is misjudged."""
PLAUSIBLE_DEFLATED: Final = 0.5
"""Better than the best that luck was expected to give, which in sweeps without any skill one in two has."""
PLAUSIBLE_Q: Final = 0.2
"""Of all settings called plausible one in five may be luck; in one sweep of five without any skill, one is. More would
be a long list of luck, fewer would keep back what another year may prove."""


class Verdict(StrEnum):
    """What may be said of a setting."""

    STRONG = "strong"
    PLAUSIBLE = "plausible"
    LIKELY_LUCK = "likely luck"
    TOO_LITTLE_DATA = "too little data"


def enough_data(moments: Moments, trades: Int32Array | Int64Array) -> BoolArray:
    """Tell which settings have the trades, the days, and the days won and lost that figures need.

    What lacks them is left out of the tests over all settings as well. Its p-value means nothing, and a thousand that
    mean nothing would make room for others among Benjamini and Hochberg's findings; resampled days cannot show a loss
    that has not come yet.

    Parameters
    ----------
    moments : Moments
        Of n_settings.
    trades : int32 or int64 array, shape (n_settings,)

    Returns
    -------
    bool array, shape (n_settings,)
        False, too, where there is no Sharpe ratio.
    """
    kinds = np.minimum(moments.winning_days, moments.losing_days)
    enough: BoolArray = (trades >= MIN_TRADES) & (moments.days >= MIN_DAYS) & (kinds >= MIN_DAYS_OF_A_KIND)
    return enough & ~np.isnan(moments.sharpe)


def verdicts_of(enough: BoolArray, deflated: FloatArray, q_value: FloatArray) -> NDArray[np.str_]:
    """Return each setting's verdict.

    Parameters
    ----------
    enough : bool array, shape (n_settings,)
        Of :func:`enough_data`.
    deflated, q_value : float64 array, shape (n_settings,)
        NaN where undefined.

    Returns
    -------
    array of str, shape (n_settings,)
        Values of :class:`Verdict`. Likely luck says that the record is no better than luck gives among so many, and so
        of losing settings too.
    """
    defined = ~np.isnan(deflated) & ~np.isnan(q_value)
    strong = (deflated >= STRONG_DEFLATED) & (q_value <= STRONG_Q)
    plausible = (deflated >= PLAUSIBLE_DEFLATED) & (q_value <= PLAUSIBLE_Q)
    return np.select(
        [~(enough & defined), strong, plausible],
        [Verdict.TOO_LITTLE_DATA.value, Verdict.STRONG.value, Verdict.PLAUSIBLE.value],
        Verdict.LIKELY_LUCK.value,
    )
