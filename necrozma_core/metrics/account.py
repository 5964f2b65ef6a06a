"""What the sizes of positions came to, beside the figures."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AccountFigures:
    """The sizes of one strategy's positions on one pair.

    Attributes
    ----------
    lots : float
        Mean size of a position; 0 where sizes follow from the account and nothing was entered.
    size : str
        What sizes followed from: ``lots:0.1``, ``risk:1%``.
    entries_not_afforded : int
        Entries that were not taken: too small a size, no room for the margin, or nothing left in the account.
    fixed_net_profit, fixed_sharpe, fixed_max_drawdown : float or None
        What fixed lots would have come to without margin, as in `Metrics`; None where sizes are fixed.
    """

    lots: float
    size: str
    entries_not_afforded: int
    fixed_net_profit: float | None
    fixed_sharpe: float | None
    fixed_max_drawdown: float | None
