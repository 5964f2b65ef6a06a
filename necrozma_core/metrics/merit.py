"""What a strategy is ranked by."""

from typing import Final, Protocol

NO_SHARPE: Final = 0
CONSTANT: Final = 1
ENOUGH: Final = 4
"""The groups of a ranking, of which the highest comes first: those without a Sharpe ratio; those of practically
constant returns, whose ratio means nothing; then three, the highest of which has trades and days enough, the next
lacks one of them, and the last both."""


class Figures(Protocol):
    """The figures that a ranking needs, see `necrozma_core.metrics.figures.Metrics`."""

    @property
    def sharpe(self) -> float | None: ...  # noqa: D102

    @property
    def few_trades(self) -> bool: ...  # noqa: D102

    @property
    def few_days(self) -> bool: ...  # noqa: D102

    @property
    def constant_returns(self) -> bool: ...  # noqa: D102

    @property
    def net_profit(self) -> float: ...  # noqa: D102


def merit(metrics: Figures) -> tuple[int, float, float]:
    """Return what a strategy is ranked by; the greater, the better.

    Returns
    -------
    tuple of (int, float, float)
        Its group, its Sharpe ratio (0 where it has none that means anything) and its net profit.
    """
    if metrics.sharpe is None:
        return NO_SHARPE, 0.0, metrics.net_profit
    if metrics.constant_returns:
        return CONSTANT, 0.0, metrics.net_profit
    return ENOUGH - metrics.few_trades - metrics.few_days, metrics.sharpe, metrics.net_profit
