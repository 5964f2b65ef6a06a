"""The river for one pair: ticks -> bars -> signals -> trades -> metrics -> stored results.

This is where the rooms meet. A worker process calls :func:`backtest_pair` with a request that crossed a process
border, and sends a receipt back; arrays never leave the worker, results are on disk.
"""

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
from necrozma_core.recording import refuse_all_failed, result_metadata, write_outcomes
from necrozma_core.simulation import Events, Trades, find_events, simulate_events
from necrozma_core.storage.results import ResultStore
from necrozma_core.storage.tick_manifest import TickManifest
from necrozma_core.storage.tick_store import TickStore
from necrozma_core.strategies.checking import checked_signals, explain_silence
from necrozma_core.strategies.protocol import Strategy
from necrozma_core.strategies.rule import signal_key
from necrozma_core.ticks import Ticks

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
    clock = StageClock()
    with clock.stage("read"):
        market = load_market(request, checkpoint)
        strategies = request.source.load()
    with store.open_writer(request.pair, request.key, result_metadata(request)) as writer:
        with clock.stage("strategies"):
            outcomes = evaluate(market, strategies, request, checkpoint)
            details = write_outcomes(writer, request, market, strategies, outcomes)
        refuse_all_failed(request.pair, details)
        checkpoint("publish", len(strategies), len(strategies), request.pair, len(market.ticks))
        writer.describe(details)
    return stored_receipt(store, request, clock.seconds)


class StageClock:
    """Seconds by stage, by the monotonic clock."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Count what the block takes, however it ends."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start
