"""Distances and prices that a strategy gives for each bar, beside its signals."""

from dataclasses import dataclass

from necrozma_core.market.arrays import FloatArray


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class BarLevels:
    """What a strategy says for each bar, for the entry that the bar's signal leads to; None where it says nothing.

    Attributes
    ----------
    stop_pips, target_pips : float64 array, shape (n_bars,), or None
        Distances from the entry, pips, above zero where the bar has a signal to enter.
    buy_price, sell_price : float64 array, shape (n_bars,), or None
        Where a waiting order to buy or to sell lies, price; NaN for no such order.
    """

    stop_pips: FloatArray | None = None
    target_pips: FloatArray | None = None
    buy_price: FloatArray | None = None
    sell_price: FloatArray | None = None
