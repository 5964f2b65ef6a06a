"""The river for one pair: ticks -> bars -> signals -> trades -> metrics -> stored results.

This is where the rooms meet. A worker process calls :func:`evaluate_pair` with a request that crossed a process
border, and sends a receipt back; arrays never leave the worker, results are on disk.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from necrozma_core.backtest.market_loading import load_market
from necrozma_core.backtest.outcome import Checkpoint, Evaluated, Market
from necrozma_core.backtest.recording import refuse_all_failed, result_metadata, write_outcomes
from necrozma_core.backtest.request import PairRequest, Receipt, stored_receipt
from necrozma_core.backtest.stage_clock import StageClock
from necrozma_core.engine.events import Events, find_events
from necrozma_core.engine.simulation import simulate_events
from necrozma_core.errors import StrategyError, shown
from necrozma_core.market.bars import Bars
from necrozma_core.market.lending import LentBars
from necrozma_core.metrics.figures import measure
from necrozma_core.metrics.notes import explain_nulls
from necrozma_core.money.costs import price_trades
from necrozma_core.storage.results_folder import ResultsFolder
from necrozma_core.strategies.checking import checked_signals, explain_silence
from necrozma_core.strategies.protocol import Strategy
from necrozma_core.strategies.rule import is_built_in, signal_key

_EVENTS_KEPT: Final = 256


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
    lent = LentBars(market.bars)
    for done, strategy in enumerate(strategies):
        checkpoint("strategies", done, len(strategies), strategy.name, len(market.ticks))
        try:
            if is_built_in(strategy):
                yield _evaluate_one(market, market.bars, strategy, request, recent)
            else:
                yield _evaluate_users(market, lent, strategy, request)
        except StrategyError as error:
            yield error


def _evaluate_users(market: Market, lent: LentBars, strategy: Strategy, request: PairRequest) -> Evaluated:
    """Evaluate a strategy of a user's, and hold it to leaving the bars as they were."""
    try:
        return _evaluate_one(market, lent.bars, strategy, request, {})
    finally:
        # Raised over any other failure: that strategies after it have other bars matters more.
        if not lent.take_back():
            raise StrategyError(
                f"strategy {shown(strategy.name)} changed the bars, which other strategies read too; "
                "change a copy instead, such as bars.mid_close.copy()"
            )


def _evaluate_one(
    market: Market, seen: Bars, strategy: Strategy, request: PairRequest, recent: dict[object, Events]
) -> Evaluated:
    events = _events_of(strategy, seen, recent)
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
    silence = None if len(trades) else explain_silence(strategy, seen, checked_signals(strategy, seen))
    return Evaluated(strategy, trades, money, metrics, explain_nulls(metrics, silence))


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


def evaluate_pair(request: PairRequest, checkpoint: Checkpoint) -> Receipt:
    """Backtest every strategy of a request on its pair and store the results; the sweep asks first what is stored.

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
    store = ResultsFolder(request.results_dir).store
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
