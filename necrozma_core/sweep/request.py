"""What a sweep is asked to do, as one value: a command or a script makes it, and the sweep reads no setting besides."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from itertools import chain
from math import isfinite
from pathlib import Path
from typing import Final

from necrozma_core.backtest.prices import Prices
from necrozma_core.errors import UsageError, shown
from necrozma_core.market.bar_grid import BarGrid
from necrozma_core.market.date_range import DateRange, Split, format_moment
from necrozma_core.market.instruments import Terms, get_pair
from necrozma_core.market.timeframes import format_timeframe, parse_timeframe
from necrozma_core.money.costs import Account, CommissionTerms, Costs
from necrozma_core.money.margin import Margin
from necrozma_core.money.size import Size
from necrozma_core.money.swaps import SwapTable
from necrozma_core.reporting.ranking import RankBy
from necrozma_core.storage.disk.sealed import JSON
from necrozma_core.strategies.source import SourceKind, StrategySource
from necrozma_core.throttle.limits import Limits
from necrozma_core.throttle.priority import Priority
from necrozma_core.workers.limits import WorkerLimits

MAX_LATENCY_MS: Final = 600_000
MAX_QUOTE_AGE_MS: Final = 604_800_000


def default_kernels() -> Path:
    """Return the folder below which compiled kernels are kept for this user."""
    return Path.home() / ".cache" / "necrozma"


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepRequest:
    """Every strategy on every pair: from what, for whom, and on how much of the machine.

    Equal requests on equal data give equal results.

    Attributes
    ----------
    data : Path
        The folder of stored ticks.
    results : Path
        The folder that results go to; one sweep at a time runs there.
    pairs : tuple of str
        Names such as ``EURUSD``; none of them stands for every pair with stored ticks.
    source : StrategySource
        Where the strategies come from; the default fifty.
    timeframe : str
        Length of a bar, such as ``5min``.
    day_end : str
        Where bars begin to be counted: a time of the clock and a zone, such as ``17:00 America/New_York``.
    offset : str or None
        How far bars are shifted from there, such as ``30min``.
    prices : str
        ``ticks``, ``bars``, or ``auto`` for ticks where they are stored and bars elsewhere.
    dates : DateRange or None
        What figures are about; None for what a settings file says in ``[range]``, and for everything where it says
        nothing.
    holdout_ms : int or None
        Where the hold-out begins, milliseconds since 1970 UTC: from there to the end of the dates nothing is ranked.
        None as for the dates.
    use_holdout : bool
        Look at the hold-out: its figures stand beside the others.
    lots : float
        Size of every trade, in lots.
    size : Size or None
        What sizes follow from, instead of so many lots.
    margin : Margin
        Leverage of the account, and its stop-out.
    costs : Costs
        Of every pair, without swap.
    commissions : mapping of str to CommissionTerms
        What is taken for a pair, where that is not what is taken for all.
    latency_ms : int
        Between a bar's close and the fill of what its signal asks for, and likewise at what ticks set off; see
        `necrozma_core.engine.execution.Execution`. Only for prices that are ticks.
    max_quote_age_ms : int or None
        An entry whose first tick comes later than this after its bar's close is not taken; None takes all.
    swap_pips : mapping of str to (float, float)
        Pips a night of a long and of a short position by pair, positive where the account is credited; nothing for a
        pair that is not named.
    swap_table : SwapTable or None
        Rates by pair and date; before the first of a pair its ``swap_pips`` count.
    swap_triple_day : mapping of str to str
        The weekday that is charged three nights by pair; Wednesday for one that is not named.
    instruments : mapping of str to Terms
        What the broker's contract says of a pair, where that is not what the table says.
    account : Account
    conversion : str
        ``mid``, or ``side`` for the bid or ask that a broker takes.
    keep_trades : int or None
        Strategies of a pair whose trades are stored, the best first; None stores all.
    rank_by : str
        What strategies are ordered by first: ``deflated_sharpe``, ``sharpe`` or ``net_profit``.
    json_copies : bool
        Each pair's result is written once more, as JSON in the run's folder.
    strict : bool
        The run fails by one failed strategy, not only by more than half of them.
    limits : Limits
        How many workers, and how much of the machine.
    workers : WorkerLimits
        What one worker may take.
    kernels : Path
        The folder below which compiled kernels are kept; it must be the user's own.
    label : str
        A name for the run, for people; empty for none.
    settings : mapping of str to JSON, optional
        What the manifest says was asked for; without it, what `described` returns.
    retry : str
        The command that does what is missing, for messages; empty where there is none.

    Raises
    ------
    UsageError
        For a pair or a timeframe that does not exist, and for a number out of its range, NaN included.
    """

    data: Path
    results: Path
    pairs: tuple[str, ...] = ()
    source: StrategySource = field(default_factory=StrategySource)
    timeframe: str = "5min"
    day_end: str = "00:00 UTC"
    offset: str | None = None
    prices: str = Prices.AUTO
    dates: DateRange | None = None
    holdout_ms: int | None = None
    use_holdout: bool = False
    lots: float = 0.1
    size: Size | None = None
    margin: Margin = field(default_factory=Margin)
    costs: Costs = field(default_factory=Costs)
    commissions: Mapping[str, CommissionTerms] = field(default_factory=dict)
    latency_ms: int = 0
    max_quote_age_ms: int | None = None
    swap_pips: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    swap_table: SwapTable | None = None
    swap_triple_day: Mapping[str, str] = field(default_factory=dict)
    instruments: Mapping[str, Terms] = field(default_factory=dict)
    account: Account = field(default_factory=Account)
    conversion: str = "mid"
    keep_trades: int | None = 50
    rank_by: str = RankBy.DEFLATED_SHARPE.value
    json_copies: bool = False
    strict: bool = False
    limits: Limits = field(default_factory=lambda: Limits(workers=1))
    workers: WorkerLimits = field(default_factory=WorkerLimits)
    kernels: Path = field(default_factory=default_kernels)
    label: str = ""
    settings: Mapping[str, JSON] | None = None
    retry: str = ""

    def __post_init__(self) -> None:
        if isinstance(self.pairs, str):
            raise UsageError(f"pairs={shown(self.pairs)}: expected several names, such as ({shown(self.pairs)},)")
        self._check_market()
        self._check_money()
        if self.keep_trades is not None and self.keep_trades < 0:
            raise UsageError(
                f"keep_trades={shown(self.keep_trades)}: expected a number of strategies, 0 or more, or None"
            )
        if self.rank_by not in set(RankBy):
            raise UsageError(f"rank_by={shown(self.rank_by)}: expected {', '.join(RankBy)}")
        if not self.label.isprintable():
            raise UsageError(f"label={shown(self.label)}: expected a text that can be printed on one line")

    def _check_money(self) -> None:
        by_pair = self.swap_pips, self.instruments, self.commissions, self.swap_triple_day
        for name in (*self.pairs, *chain.from_iterable(by_pair)):
            get_pair(name)
        if not (isfinite(self.lots) and self.lots > 0):
            raise UsageError(f"lots={shown(self.lots)}: expected a number above zero")
        if self.conversion not in ("mid", "side"):
            raise UsageError(f"conversion={shown(self.conversion)}: expected mid or side")
        if self.costs.dated_swap:
            raise UsageError("costs: a swap differs from pair to pair; give it as swap_pips={'EURUSD': (-0.52, 0.11)}")
        for name in chain(self.swap_pips, self.commissions, self.swap_triple_day):
            self.costs_of(name)
        for name, terms in self.instruments.items():
            if not isinstance(terms, Terms):
                raise UsageError(f"instruments[{shown(name)}]={shown(terms)}: expected Terms(pip, contract_size)")
            get_pair(name).under(terms)
            size = self.size or Size.fixed(self.lots)
            if size.is_fixed and (why := terms.refuse_lots(size.amount)):
                raise UsageError(f"{name}: a size of {size.amount:g} lots: {why}")

    def _check_market(self) -> None:
        BarGrid.parse(self.day_end, self.offset, parse_timeframe(self.timeframe))
        if self.prices not in set(Prices):
            raise UsageError(f"prices={shown(self.prices)}: expected one of {', '.join(Prices)}")
        self.split()
        _check_milliseconds("latency_ms", self.latency_ms, 0, MAX_LATENCY_MS)
        if self.max_quote_age_ms is not None:
            _check_milliseconds("max_quote_age_ms", self.max_quote_age_ms, 1, MAX_QUOTE_AGE_MS)

    def costs_of(self, pair: str) -> Costs:
        """Return what the broker charges on a pair.

        Raises
        ------
        UsageError
            Its swap is not two numbers, or a cost is out of its bounds.
        """
        swap = self.swap_pips.get(pair, (0.0, 0.0))
        try:
            long, short = map(float, swap)
        except (TypeError, ValueError):
            raise UsageError(f"swap_pips[{shown(pair)}]={shown(swap)}: expected two numbers, (long, short)") from None
        return replace(
            self.commissions.get(pair, CommissionTerms()).of(self.costs),
            swap_long_pips=long,
            swap_short_pips=short,
            swap_rates=self.swap_table.of(pair) if self.swap_table else (),
            swap_triple_day=self.swap_triple_day.get(pair, self.costs.swap_triple_day),
        )

    @property
    def timeframe_ms(self) -> int:
        """Length of a bar in milliseconds."""
        return parse_timeframe(self.timeframe)

    @property
    def grid(self) -> BarGrid:
        """Where bars begin."""
        return BarGrid.parse(self.day_end, self.offset, self.timeframe_ms)

    def split(self) -> Split:
        """Return what figures are about, and the hold-out.

        Raises
        ------
        UsageError
            The hold-out is not within the dates, or there is none to look at.
        """
        given = self.source.range() if self.dates is None or self.holdout_ms is None else Split(DateRange(), None)
        dates = given.dates if self.dates is None else self.dates
        start = self.holdout_ms
        if start is None and given.holdout is not None:
            start = given.holdout.from_ms
        if start is None:
            if self.use_holdout:
                raise UsageError("--use-holdout: there is no hold-out to look at; --holdout says where it begins")
            return Split(dates, None)
        if not dates.holds(start) or start == dates.from_ms:
            raise UsageError(f"--holdout {format_moment(start)}: expected a time within the range {dates}")
        return Split(DateRange(dates.from_ms, start), DateRange(start, dates.to_ms))

    def described_dates(self) -> dict[str, JSON]:
        """Return what figures are about as JSON values, by the names that the settings of the command have."""
        dates, holdout = self.split()
        end = dates.to_ms if holdout is None else holdout.to_ms
        moments = {"date_from": dates.from_ms, "date_to": end, "holdout": holdout.from_ms if holdout else None}
        return {
            **{name: None if moment is None else format_moment(moment) for name, moment in moments.items()},
            "use_holdout": self.use_holdout,
        }

    def described(self) -> dict[str, JSON]:
        """Return the request as JSON values, by the names that the settings of the command have."""
        source, limits = self.source, self.limits
        origin = str(Path(source.origin).absolute()) if source.origin else None
        dangers = {"max_temperature_c": limits.max_temperature_c, "memory_floor_mb": limits.memory_floor_mb}
        return {
            "data": str(self.data.absolute()),
            "results": str(self.results.absolute()),
            "pairs": list(self.pairs) or None,
            "timeframe": format_timeframe(self.timeframe_ms),
            "day_end": self.day_end,
            "bar_offset": self.offset,
            "prices": str(self.prices),
            **self.described_dates(),
            "strategies": origin if source.kind is SourceKind.FILE else None,
            "settings_file": origin if source.kind is SourceKind.SETTINGS else None,
            "grid": source.text if source.kind is SourceKind.GRID else None,
            "catalog": str(source.kind) if source.kind is SourceKind.EXTENDED else None,
            **self._described_money(),
            "keep_trades": self.keep_trades,
            "rank_by": self.rank_by,
            "storage_format": "json" if self.json_copies else "parquet",
            "strict": self.strict,
            # Whoever wrote the script allowed as many as it asked for.
            "max_workers": limits.workers,
            "workers": limits.workers,
            "cpu_limit": limits.cpu_limit,
            "cooldown_seconds": limits.cooldown_s,
            "cooldown_explicit": limits.cooldown_explicit,
            "adaptive_throttling": limits.adaptive,
            "cpu_check_interval": limits.cpu_check_interval,
            "nice": self.workers.priority is Priority.NICE,
            "background": self.workers.priority is Priority.BACKGROUND,
            "pair_timeout_s": self.workers.pair_timeout_s,
            "worker_memory_mb": self.workers.memory_mb,
            "label": self.label or None,
            **{name: limit for name, limit in dangers.items() if limit is not None},
        }

    def _described_money(self) -> dict[str, JSON]:
        costs = self.costs
        return {
            "lots": self.lots,
            "size": None if self.size is None else str(self.size),
            "leverage": self.margin.leverage,
            "stop_out_percent": self.margin.stop_out_percent,
            "commission": costs.commission_per_lot,
            "commission_per_million": costs.commission_per_million,
            "commission_percent": costs.commission_percent,
            "commission_minimum": costs.commission_minimum,
            "commissions": {name: asdict(terms) for name, terms in self.commissions.items()},
            "slippage_pips": costs.slippage_pips,
            "spread_markup_pips": costs.spread_markup_pips,
            "latency_ms": self.latency_ms,
            "max_quote_age_s": None if self.max_quote_age_ms is None else self.max_quote_age_ms / 1000,
            "swap_rates": {name: {"long": long, "short": short} for name, (long, short) in self.swap_pips.items()},
            "swap_table": str(Path(self.swap_table.origin).absolute()) if self.swap_table else None,
            "swap_triple_day": dict(self.swap_triple_day),
            "instruments": {name: asdict(terms) for name, terms in self.instruments.items()},
            "account_currency": self.account.currency,
            "conversion": self.conversion,
            "initial_balance": self.account.initial_balance,
        }


def _check_milliseconds(name: str, value: object, low: int, high: int) -> None:
    if type(value) is not int or not low <= value <= high:
        raise UsageError(f"{name}={shown(value)}: expected a whole number of milliseconds from {low} to {high:,}")
