"""How many of the settings that look good are expected to be luck."""

import numpy as np

from necrozma_core.market.arrays import FloatArray


def q_values(p_values: FloatArray) -> FloatArray:
    """Return for each p-value the share of luck among all that are as good, by Benjamini and Hochberg.

    Calling everything with a q-value of at most 0.05 a finding leaves at most one false one in twenty, on average.
    Where nothing at all has skill, anything is found in one sweep of twenty. Both hold for independent settings and
    for settings that move together, as those of a grid do; settings that are each other's opposite break the proof,
    and cost little in practice.

    Storey's estimate of how many settings have no skill is not taken: in a grid that moves together it follows the
    grid's luck, and calls most of it skill whenever the whole grid had a good year.

    Parameters
    ----------
    p_values : float64 array, shape (n,)
        NaN for a setting that was not tested, which counts for nothing.

    Returns
    -------
    float64 array, shape (n,)
        Never below the p-value, never above 1, in the same order as the p-values; NaN where those are.

    References
    ----------
    Benjamini and Hochberg, "Controlling the False Discovery Rate", Journal of the Royal Statistical Society B 57
    (1995); for dependent tests Benjamini and Yekutieli, Annals of Statistics 29 (2001), theorem 1.2.
    """
    tested = np.flatnonzero(~np.isnan(p_values))
    order = tested[np.argsort(p_values[tested], kind="stable")]
    count = len(order)
    raw = p_values[order] * (count / np.arange(1, count + 1))
    result = np.full(len(p_values), np.nan)
    result[order] = np.minimum(np.minimum.accumulate(raw[::-1])[::-1], 1.0)
    return result
