"""What is asked of a worker and what it answers: small values that cross process borders.

Kept apart from :mod:`necrozma_core.backtest.river` so that the process which hands out the work need not load the
compiler that does it.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path

from necrozma_core.engine.execution import Execution
from necrozma_core.market.bar_grid import BarGrid
from necrozma_core.market.conversion_paths import Leg
from necrozma_core.market.date_range import DateRange
from necrozma_core.market.instruments import Pair, Terms, get_pair
from necrozma_core.market.timeframes import format_timeframe
from necrozma_core.money.costs import Account, Costs
from necrozma_core.money.margin import Margin
from necrozma_core.money.size import Size
from necrozma_core.storage.results.store import ResultStore
from necrozma_core.strategies.source import StrategySource


@dataclass(frozen=True, slots=True)
class PairRequest:
    """Everything a worker needs to backtest one pair; small, and equal requests have equal keys.

    Attributes
    ----------
    pair : str
    timeframe_ms : int
    grid : BarGrid
        Where bars begin.
    bars_ms : int or None
        The timeframe of the stored bars that stand for ticks; None where there are ticks.
    dates : DateRange
        What figures are about.
    holdout : DateRange or None
        The hold-out, where it is looked at.
    source : StrategySource
        Where the strategies come from; the worker loads them itself.
    data_dir, results_dir : Path
    lots : float
        Size of every trade, where `asked_size` says nothing else.
    asked_size : Size or None
    account_margin : Margin
        Of the account; the pair's terms may have a leverage of their own.
    sides : bool
        Profits are converted at the side that a broker takes, not at the mid.
    costs : Costs
    account : Account
    keep_trades : int or None
        How many strategies' trades are stored, the best first; None stores all.
    key : str
        The address of the result in the store, see :func:`result_key`. Empty until it is known.
    legs : tuple of Leg, optional
        The pairs that convert profits into the account's currency, see `choose_path`; None until that is known.
    terms : Terms
        What the broker's contract says of the pair, where that is not what the table says.
    latency_ms : int
        See `necrozma_core.engine.execution.Execution`.
    max_quote_age_ms : int or None
    set_aside : tuple of (int, str)
        Strategies of a user's that are not run, by their position, because no worker survived them; and why.
    """

    pair: str
    timeframe_ms: int
    source: StrategySource
    data_dir: Path
    results_dir: Path
    lots: float = 0.1
    costs: Costs = field(default_factory=Costs)
    account: Account = field(default_factory=Account)
    keep_trades: int | None = 50
    grid: BarGrid = field(default_factory=BarGrid)
    bars_ms: int | None = None
    dates: DateRange = field(default_factory=DateRange)
    holdout: DateRange | None = None
    key: str = ""
    legs: tuple[Leg, ...] | None = None
    terms: Terms = field(default_factory=Terms)
    latency_ms: int = 0
    max_quote_age_ms: int | None = None
    set_aside: tuple[tuple[int, str], ...] = ()
    asked_size: Size | None = None
    account_margin: Margin = field(default_factory=Margin)
    sides: bool = False

    @property
    def size(self) -> Size:
        """What the size of positions follows from."""
        return self.asked_size or Size.fixed(self.lots)

    @property
    def margin(self) -> Margin:
        """What the broker asks for on this pair."""
        leverage = self.terms.leverage
        return self.account_margin if leverage is None else replace(self.account_margin, leverage=leverage)

    @property
    def until_ms(self) -> int | None:
        """The time from which on nothing is read; None where all is."""
        return self.holdout.to_ms if self.holdout else self.dates.to_ms

    @property
    def made_from(self) -> str:
        """What results are made from, for people: ``ticks``, or ``1h bars``."""
        return "ticks" if self.bars_ms is None else f"{format_timeframe(self.bars_ms)} bars"

    @property
    def execution(self) -> Execution:
        """How orders are filled."""
        return Execution(
            slippage_pips=self.costs.slippage_pips,
            spread_markup_pips=self.costs.spread_markup_pips,
            latency_ms=self.latency_ms,
            max_quote_age_ms=self.max_quote_age_ms,
        )

    @property
    def instrument(self) -> Pair:
        """The pair under the broker's terms."""
        return get_pair(self.pair).under(self.terms)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a worker reports of one pair.

    Attributes
    ----------
    pair, key : str
        Where the result is in the store.
    computed : bool
        False where it was stored already.
    strategies, trades, ticks : int
        Ticks, or bars where the result is made from bars.
    failures : tuple of (str, str)
        Strategies that failed, with one line each on why.
    seconds : dict of str to float
        Time by stage: read, bars, strategies, publish; empty where nothing was computed.
    made_from : str
        ``ticks``, or ``1h bars``.
    """

    pair: str
    key: str
    computed: bool
    strategies: int
    trades: int
    ticks: int
    failures: tuple[tuple[str, str], ...] = ()
    seconds: dict[str, float] = field(default_factory=dict)
    made_from: str = "ticks"


def stored_receipt(store: ResultStore, request: PairRequest, seconds: dict[str, float] | None = None) -> Receipt:
    """Read back the receipt of a stored result; ``seconds`` are given where it was just computed."""
    details = store.commit_of(request.pair, request.key)["details"]
    return Receipt(
        pair=request.pair,
        key=request.key,
        computed=seconds is not None,
        strategies=details["strategies"],
        trades=details["trades"],
        ticks=details["ticks"],
        failures=tuple((name, reason) for name, reason in details["failures"]),
        seconds=seconds or {},
        made_from=details["made_from"],
    )
