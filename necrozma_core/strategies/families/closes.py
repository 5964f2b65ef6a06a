"""Where natural exits close: at the bar at which a condition becomes true, having been untrue at the bar before."""

import numpy as np

from necrozma_core.engine.instructions import CLOSE_LONG, CLOSE_SHORT
from necrozma_core.market.arrays import FloatArray, Int8Array

_ROUNDING = 1e-9
"""How near a value must come to a level to have reached it: averages may lie a few rounding errors before it."""


def close_on_reaching(
    values: FloatArray, up: float, down: float, at_up: int = CLOSE_LONG, at_down: int = CLOSE_SHORT
) -> Int8Array:
    """Close where a value comes to lie at ``up`` or above, and where it comes to lie at ``down`` or below.

    Parameters
    ----------
    values : float64 array, shape (n,)
        NaN while it cannot be computed.
    up, down : float
        Reached within a billionth.
    at_up, at_down : int
        What to say there.

    Returns
    -------
    int8 array, shape (n,)
    """
    out = np.zeros(len(values), np.int8)
    out[_becomes(values >= up - _ROUNDING)] = at_up
    out[_becomes(values <= down + _ROUNDING)] = at_down
    return out


def close_against(events: Int8Array) -> Int8Array:
    """Close a long where a rule says sell, and a short where it says buy.

    Parameters
    ----------
    events : int8 array, shape (n,)
        +1 buy, -1 sell, 0 nothing.

    Returns
    -------
    int8 array, shape (n,)
    """
    out = np.zeros(len(events), np.int8)
    out[events < 0] = CLOSE_LONG
    out[events > 0] = CLOSE_SHORT
    return out


def close_on_leaving(state: Int8Array) -> Int8Array:
    """Close a long where a state comes to be negative, and a short where it comes to be positive.

    Parameters
    ----------
    state : int8 array, shape (n,)

    Returns
    -------
    int8 array, shape (n,)
    """
    out = np.zeros(len(state), np.int8)
    out[_becomes(state < 0)] = CLOSE_LONG
    out[_becomes(state > 0)] = CLOSE_SHORT
    return out


def _becomes(condition: np.ndarray) -> np.ndarray:
    found = condition.copy()
    found[1:] &= ~condition[:-1]
    return found
