"""The account from entry to entry: how many lots each position has."""

import numpy as np
from numba import njit

NEARLY = 1e-9
"""A size that is short of a whole step by less than this fraction of itself is that step: rounding made it so."""

NOISE = 2.0**-48
"""What sixteen roundings may move a result by, as a fraction of the largest amount that it was computed from."""


@njit(cache=True, nogil=True)
def _round_down(lots, step, per_lot):
    # ``step / per_lot`` is the step in lots: both are whole numbers, so that a size in steps has one rounding.
    steps = lots * per_lot / step
    nearest = np.floor(steps + 0.5)
    if abs(steps - nearest) > NEARLY * nearest:
        nearest = np.floor(steps)
    return nearest * step / per_lot


@njit(cache=True, nogil=True, error_model="numpy")
def size_positions(
    is_entry, fraction, basis, fixed, share, amount, margin, step, per_lot, least, most, profit, commission, swap,
    notional, minimum, start,
):  # fmt: skip
    """Follow the balance through trades, and give each position the lots that it pays for.

    The balance at an entry is ``start`` plus the sum of the net results of all trades before it, added one after the
    other in their order, as ``numpy.cumsum`` adds them. A net result is ``lots * profit - commission + lots * swap``,
    0 where that is no more than rounding.

    Parameters
    ----------
    is_entry : bool array, shape (n_trades,)
        Whether a trade is the first of its position.
    fraction : float64 array, shape (n_trades,)
        The part of its position's lots that a trade has.
    basis : float64 array, shape (n_trades,)
        What one lot puts at risk, is worth or moves by at the entry, account currency; NaN where that is not known.
        Read at entries, where ``fixed`` is 0.
    fixed : float
        The lots of every position; 0 where they follow from the balance.
    share, amount : float
        Lots are ``(share * balance + amount) / basis``.
    margin : float64 array, shape (n_trades,)
        What one lot ties up at the entry, account currency; 0 where nothing.
    step, per_lot : int
        Lots are rounded down to multiples of ``step / per_lot``, but for fixed ones that fit.
    least, most : float
        Smallest and largest size, lots; less than the smallest is nothing.
    profit, commission, swap, notional : float64 array, shape (n_trades,)
        Of one lot, account currency.
    minimum : float
        Of a trade's commission.
    start : float

    Returns
    -------
    lots : float64 array, shape (n_trades,)
        Of each trade's position; 0 where it is not entered.
    balance : float64 array, shape (n_trades,)
        At each position's entry.
    """
    lots = np.empty(len(fraction))
    balance = np.empty(len(fraction))
    total = 0.0
    now, at_entry = 0.0, start
    for i in range(len(fraction)):
        if is_entry[i]:
            at_entry = start + total
            now = 0.0
            if at_entry > 0.0:
                wanted = fixed if fixed > 0.0 else min((share * at_entry + amount) / basis[i], most)
                fits = not (margin[i] > 0.0 and wanted * margin[i] > at_entry)
                if not fits:
                    wanted = at_entry / margin[i]
                if fixed == 0.0 or not fits:
                    wanted = _round_down(wanted, step, per_lot)
                    # Written so that NaN is nothing.
                    now = wanted if wanted >= least else 0.0
                else:
                    now = wanted
        lots[i] = now
        balance[i] = at_entry
        part = now * fraction[i]
        if part > 0.0:
            paid = max(part * commission[i], minimum)
            earned = part * swap[i]
            net = part * profit[i] - paid + earned
            if abs(net) > NOISE * (part * notional[i] + paid + abs(earned)):
                total += net
    return lots, balance
