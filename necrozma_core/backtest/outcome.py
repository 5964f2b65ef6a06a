"""What the stages of a backtest hand to each other."""

from typing import NamedTuple, Protocol

from necrozma_core.engine.spans import Extremes
from necrozma_core.engine.trades import ExitReason, Trades
from necrozma_core.market.arrays import FloatArray
from necrozma_core.market.bars import Bars
from necrozma_core.market.quote_bars import QuoteBars
from necrozma_core.market.ticks import Ticks
from necrozma_core.metrics.account import AccountFigures
from necrozma_core.metrics.figures import HoldoutFigures, Metrics
from necrozma_core.money.conversion import Conversion
from necrozma_core.money.costs import Money
from necrozma_core.money.equity import TradingDays
from necrozma_core.strategies.protocol import Strategy


class Checkpoint(Protocol):
    """Called between two units of work of at most some 50 ms; may wait, which is how a throttle holds a worker."""

    def __call__(self, stage: str, done: int, total: int, label: str, ticks: int) -> None:
        """Note that ``done`` of ``total`` are behind us in ``stage`` (0 of 0 where that is not known)."""


class Market(NamedTuple):
    """One pair's data, as every strategy of the pair sees it.

    Attributes
    ----------
    ticks : Ticks
        Of the range; where there are only bars, their first and last quotes.
    bars : Bars
        Of the range and of what lies before it.
    conversion : Conversion
    days : TradingDays
        Of ``ticks``.
    given : QuoteBars or None
        The bars of a feed in the range, where there are no ticks.
    first_bar : int
        The first bar that begins in the range: nothing is entered before it.
    at_end : ExitReason
        Why what is open at the end is closed there.
    holdout : Market or None
        The hold-out, where it is looked at.
    """

    ticks: Ticks
    bars: Bars
    conversion: Conversion
    days: TradingDays
    given: QuoteBars | None = None
    first_bar: int = 0
    at_end: ExitReason = ExitReason.END_OF_DATA
    holdout: "Market | None" = None

    @property
    def extremes(self) -> Extremes:
        """How far prices went."""
        # Late: who only names a market must not load the compiler.
        from necrozma_core.engine.extremes import BarExtremes, TickExtremes  # noqa: PLC0415

        return TickExtremes(self.ticks, self.bars) if self.given is None else BarExtremes(self.given)


class Evaluated(NamedTuple):
    """One strategy's outcome on one market.

    Attributes
    ----------
    strategy : Strategy
    trades : Trades
    lots : float64 array, shape (n_trades,)
        Of each trade.
    money : Money
    excursions : tuple of float64 arrays, shape (n_trades,)
        How far each trade went against the account, zero or below, and in its favour, zero or above; points.
    metrics : Metrics
    account : AccountFigures
        What the sizes came to.
    note : str or None
        Why figures are undefined.
    returns : float64 array, shape (n_days,)
        One a trading day of the market, fractions of the account; none where the ratios are undefined.
    holdout : HoldoutFigures or None
    """

    strategy: Strategy
    trades: Trades
    lots: FloatArray
    money: Money
    excursions: tuple[FloatArray, FloatArray]
    metrics: Metrics
    account: AccountFigures
    note: str | None
    returns: FloatArray
    holdout: HoldoutFigures | None = None
