"""What a strategy is ranked by."""

from typing import Protocol

NO_SHARPE, FEW_TRADES, ENOUGH_TRADES = 0, 1, 2
"""The three groups of a ranking; the highest comes first."""


class Figures(Protocol):
    """The figures that a ranking needs, see `necrozma_core.metrics.figures.Metrics`."""

    @property
    def sharpe(self) -> float | None: ...  # noqa: D102

    @property
    def few_trades(self) -> bool: ...  # noqa: D102

    @property
    def net_profit(self) -> float: ...  # noqa: D102


def merit(metrics: Figures) -> tuple[int, float, float]:
    """Return what a strategy is ranked by; the greater, the better.

    Returns
    -------
    tuple of (int, float, float)
        Its group, its Sharpe ratio (0 where it has none) and its net profit.
    """
    if metrics.sharpe is None:
        return NO_SHARPE, 0.0, metrics.net_profit
    return FEW_TRADES if metrics.few_trades else ENOUGH_TRADES, metrics.sharpe, metrics.net_profit
