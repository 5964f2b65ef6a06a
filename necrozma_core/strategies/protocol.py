"""What the engine asks of a strategy."""

from collections.abc import Mapping
from typing import Protocol, TypeAlias

from necrozma_core.engine.orders import Orders
from necrozma_core.market.arrays import Int8Array
from necrozma_core.market.bars import Bars

Param: TypeAlias = str | int | float | bool
"""What one setting of a strategy may hold."""


class Strategy(Protocol):
    """A rule that reads bars and says where to buy and sell.

    Attributes
    ----------
    name : str
        Unique among the strategies of a run; it is their name in the results.
    params : mapping of str to str, int, float or bool
        The settings, as they are stored with the results.
    stop_loss_pips, take_profit_pips : float or None
        Distances from the entry price, above zero; None sets no such level.
    sides : str
        ``both``, ``long`` or ``short``: what may be entered.
    on_opposite : str
        ``reverse``, ``close`` or ``ignore``: what a signal against an open position does.
    filter : str or None
        What must be true at a signal's bar, or nothing is entered.
    orders : Orders
        Everything else about how positions are opened, guarded and closed.
    """

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def params(self) -> Mapping[str, Param]: ...  # noqa: D102
    @property
    def stop_loss_pips(self) -> float | None: ...  # noqa: D102
    @property
    def take_profit_pips(self) -> float | None: ...  # noqa: D102
    @property
    def sides(self) -> str: ...  # noqa: D102
    @property
    def on_opposite(self) -> str: ...  # noqa: D102
    @property
    def filter(self) -> str | None: ...  # noqa: D102
    @property
    def orders(self) -> Orders: ...  # noqa: D102

    def signals(self, bars: Bars) -> Int8Array:
        """Return what to do after each bar.

        Parameters
        ----------
        bars : Bars
            Of one pair, read-only.

        Returns
        -------
        int8 array, shape (n_bars,)
            +1 buy, -1 sell, 0 nothing; 2 close what is open, 3 close a long, 4 close a short. Entry k may use bars up
            to and including k; it acts at the first tick after bar k closes.
        """
        ...
