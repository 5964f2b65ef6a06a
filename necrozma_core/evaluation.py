"""The river for one pair: ticks -> bars -> signals -> trades -> metrics -> stored results.

This is where the rooms meet. A worker process calls :func:`backtest_pair` with a request that crossed a process
border, and sends a receipt back; arrays never leave the worker, results are on disk.
"""

import heapq
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final, NamedTuple, Protocol

from necrozma_core.bars import Bars, bars_from_ticks, format_timeframe
from necrozma_core.conversion import Conversion, Quotes
from necrozma_core.costs import Account, Money, price_trades
from necrozma_core.equity import TradingDays, trading_days
from necrozma_core.errors import StrategyError
from necrozma_core.instruments import find_conversion
from necrozma_core.jobs import PairRequest, Receipt, stored_receipt
from necrozma_core.metrics import Metrics, measure
from necrozma_core.ranking import merit
from necrozma_core.simulation import Events, Trades, find_events, simulate_events
from necrozma_core.storage.results import ResultStore, ResultWriter
from necrozma_core.storage.schemas import MetricsRow, metrics_table, trades_table
from necrozma_core.storage.sealed import JSON
from necrozma_core.storage.tick_manifest import TickManifest
from necrozma_core.storage.tick_store import TickStore
from necrozma_core.strategies.checking import checked_signals, explain_silence
from necrozma_core.strategies.protocol import Strategy
from necrozma_core.strategies.rule import signal_key
from necrozma_core.ticks import Ticks

_METRICS_BATCH: Final = 1_000
_EVENTS_KEPT: Final = 256


class Checkpoint(Protocol):
    """Called between two units of work of at most some 50 ms; may wait, which is how a throttle holds a worker."""

    def __call__(self, stage: str, done: int, total: int, label: str, ticks: int) -> None:
        """Note that ``done`` of ``total`` are behind us in ``stage`` (0 of 0 where that is not known)."""


class Market(NamedTuple):
    """One pair's data, as every strategy of the pair sees it."""

    ticks: Ticks
    bars: Bars
    conversion: Conversion
    days: TradingDays


class Evaluated(NamedTuple):
    """One strategy's outcome on one market."""

    strategy: Strategy
    trades: Trades
    money: Money
    metrics: Metrics
    note: str | None


def load_market(request: PairRequest, checkpoint: Checkpoint) -> Market:
    """Read a pair's ticks and build what its strategies share: bars, conversion, trading days."""
    store = TickStore(request.data_dir)
    ticks = _read_ticks(store, request.pair, checkpoint)
    checkpoint("bars", 0, 0, format_timeframe(request.timeframe_ms), len(ticks))
    bars = bars_from_ticks(ticks, request.timeframe_ms)
    conversion = load_conversion(store, ticks, request.account, checkpoint)
    return Market(ticks, bars, conversion, trading_days(ticks, conversion))


def _read_ticks(store: TickStore, pair: str, checkpoint: Checkpoint) -> Ticks:
    return store.read(pair, on_chunk=lambda rows: checkpoint("read", 0, 0, pair, rows))


def load_conversion(store: TickStore, ticks: Ticks, account: Account, checkpoint: Checkpoint) -> Conversion:
    """Find the prices that turn profits of the ticks' pair into the account's currency.

    Raises
    ------
    DataError
        If the pair that is needed has no stored ticks.
    """
    found = find_conversion(ticks.pair.quote, account.currency)
    if found is None:
        return Conversion.identity()
    pair, multiply = found
    if pair == ticks.pair:
        return Conversion.from_ticks(pair, ticks, multiply)

    def gather(manifest: TickManifest, pieces: Iterator[Ticks]) -> Quotes:
        span_ms = (manifest.years[0].first_ms, manifest.years[-1].last_ms)
        return Quotes.gather(pieces, manifest.ticks, manifest.digits, span_ms)

    # Only its prices by time are kept, a third of its ticks.
    quotes = store.scan(pair.name, gather, on_chunk=lambda rows: checkpoint("read", 0, 0, pair.name, rows))
    return Conversion(pair, quotes, multiply)


def evaluate(
    market: Market, strategies: Sequence[Strategy], request: PairRequest, checkpoint: Checkpoint
) -> Iterator[Evaluated | StrategyError]:
    """Backtest strategies on one market, in their order.

    Yields
    ------
    Evaluated or StrategyError
        One for each strategy; an error names its strategy and leaves the others alone.
    """
    recent: dict[object, Events] = {}
    for done, strategy in enumerate(strategies):
        checkpoint("strategies", done, len(strategies), strategy.name, len(market.ticks))
        try:
            yield _evaluate_one(market, strategy, request, recent)
        except StrategyError as error:
            yield error


def _evaluate_one(market: Market, strategy: Strategy, request: PairRequest, recent: dict[object, Events]) -> Evaluated:
    events = _events_of(strategy, market.bars, recent)
    trades = simulate_events(
        market.ticks,
        market.bars,
        events,
        strategy.stop_loss_pips,
        strategy.take_profit_pips,
        request.costs.slippage_pips,
    )
    money = price_trades(trades, market.ticks, request.lots, request.costs, market.conversion)
    metrics = measure(trades, money, market.days, market.ticks, request.lots, request.account)
    note = None if len(trades) else explain_silence(strategy, market.bars, checked_signals(strategy, market.bars))
    return Evaluated(strategy, trades, money, metrics, note)


def _events_of(strategy: Strategy, bars: Bars, recent: dict[object, Events]) -> Events:
    # Settings that differ only in stop, target or lots trade the same events.
    key = signal_key(strategy)
    if key is not None and key in recent:
        return recent[key]
    events = find_events(checked_signals(strategy, bars))
    if key is not None:
        if len(recent) >= _EVENTS_KEPT:
            del recent[next(iter(recent))]
        recent[key] = events
    return events


def backtest_pair(request: PairRequest, checkpoint: Checkpoint) -> Receipt:
    """Backtest every strategy of a request on its pair and store the results.

    What is stored already is not computed again.

    Parameters
    ----------
    request : PairRequest
        With its key.
    checkpoint : Checkpoint

    Returns
    -------
    Receipt

    Raises
    ------
    DataError
        If the stored ticks are missing, or a price for the account's currency.
    DamagedError
        If stored ticks do not match their hash.
    StrategyError
        If every strategy failed; one that fails among others is named in the receipt.
    StorageError
        If the results cannot be written; what was stored before is untouched.
    """
    store = ResultStore(request.results_dir / "store")
    if store.has(request.pair, request.key):
        return stored_receipt(store, request)
    clock = _StageClock()
    with clock.stage("read"):
        market = load_market(request, checkpoint)
        strategies = request.source.load()
    metadata = {"timeframe": format_timeframe(request.timeframe_ms), "account_currency": request.account.currency}
    with store.open_writer(request.pair, request.key, metadata) as writer:
        with clock.stage("strategies"):
            details = _write_results(writer, market, strategies, request, checkpoint)
        checkpoint("publish", len(strategies), len(strategies), request.pair, len(market.ticks))
        writer.describe(details)
    return stored_receipt(store, request, clock.seconds)


class _StageClock:
    """Seconds by stage, by the monotonic clock."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start


class _TradeShelf:
    """Trades on their way to the store: all of them as they come, or the best strategies' at the end.

    Only as many strategies' trades are held as will be kept, so a sweep of fifty thousand settings needs no
    more memory than one of fifty.
    """

    def __init__(self, writer: ResultWriter, request: PairRequest, points_per_pip: float, keep: int | None) -> None:
        self._writer = writer
        self._lots = request.lots
        self._points_per_pip = points_per_pip
        self._keep = keep
        self._best: list[tuple[tuple[float, ...], int, Evaluated]] = []

    def add(self, position: int, outcome: Evaluated) -> None:
        if self._keep is None:
            self._write(outcome)
            return
        # The position breaks ties, the earlier strategy first, and keeps outcomes from being compared.
        heapq.heappush(self._best, (merit(outcome.metrics), -position, outcome))
        if len(self._best) > self._keep:
            heapq.heappop(self._best)

    def close(self) -> None:
        for _, _, outcome in sorted(self._best, key=lambda entry: -entry[1]):
            self._write(outcome)

    def _write(self, outcome: Evaluated) -> None:
        self._writer.write_trades(
            trades_table(outcome.strategy.name, outcome.trades, outcome.money, self._lots, self._points_per_pip)
        )


def _write_results(
    writer: ResultWriter, market: Market, strategies: Sequence[Strategy], request: PairRequest, checkpoint: Checkpoint
) -> dict[str, JSON]:
    keeps_all = request.keep_trades is None or len(strategies) <= request.keep_trades
    shelf = _TradeShelf(writer, request, market.ticks.points_per_pip, None if keeps_all else request.keep_trades)
    rows: list[MetricsRow] = []
    failures: list[JSON] = []
    trades = 0

    def flush() -> None:
        writer.write_metrics(metrics_table(request.pair, format_timeframe(request.timeframe_ms), request.lots, rows))
        rows.clear()

    for position, outcome in enumerate(evaluate(market, strategies, request, checkpoint)):
        if isinstance(outcome, StrategyError):
            failures.append([strategies[position].name, str(outcome)])
            continue
        strategy = outcome.strategy
        trades += outcome.metrics.trades
        shelf.add(position, outcome)
        levels = strategy.stop_loss_pips, strategy.take_profit_pips
        rows.append(MetricsRow(strategy.name, strategy.params, *levels, outcome.metrics, outcome.note))
        if len(rows) == _METRICS_BATCH:
            flush()
    if len(failures) == len(strategies):
        raise StrategyError(f"{request.pair}: all {len(strategies)} strategies failed, the first with: {failures[0]}")
    flush()
    shelf.close()
    return {
        "strategies": len(strategies),
        "trades": trades,
        "ticks": len(market.ticks),
        "bars": len(market.bars),
        "failures": failures,
    }
