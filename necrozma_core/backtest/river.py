"""The river for one pair: ticks -> bars -> signals -> trades -> metrics -> stored results.

This is where the rooms meet. A worker process calls :func:`evaluate_pair` with a request that crossed a process
border, and sends a receipt back; arrays never leave the worker, results are on disk.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Final

import numpy as np

from necrozma_core.backtest.accounting import account_figures, excursions_of, trade_account
from necrozma_core.backtest.market_loading import load_market
from necrozma_core.backtest.outcome import Checkpoint, Evaluated, Market
from necrozma_core.backtest.recording import refuse_all_failed, result_metadata, write_outcomes
from necrozma_core.backtest.request import PairRequest, Receipt, stored_receipt
from necrozma_core.backtest.silence import explain_no_trade
from necrozma_core.backtest.stage_clock import StageClock
from necrozma_core.engine.bar_levels import BarLevels
from necrozma_core.engine.events import Events, find_events
from necrozma_core.engine.trades import Trades
from necrozma_core.errors import StrategyError, shown
from necrozma_core.market.arrays import Int8Array
from necrozma_core.market.bars import Bars
from necrozma_core.metrics.figures import HoldoutFigures, measured
from necrozma_core.metrics.notes import explain_nulls
from necrozma_core.money.sizing import SizedTrades
from necrozma_core.storage.results_folder import ResultsFolder
from necrozma_core.strategies.checking import checked_signals, entering_signals
from necrozma_core.strategies.isolation.answers import Answers, AnswersHere
from necrozma_core.strategies.isolation.opening import open_strategies
from necrozma_core.strategies.protocol import Strategy
from necrozma_core.strategies.rule import Rule, is_built_in, signal_key

_EVENTS_KEPT: Final = 256


def evaluate(
    market: Market,
    strategies: Sequence[Strategy],
    request: PairRequest,
    checkpoint: Checkpoint,
    answers: Answers | None = None,
    holdout: Sequence[HoldoutFigures | StrategyError] = (),
) -> Iterator[Evaluated | StrategyError]:
    """Backtest strategies on one market, in their order.

    Parameters
    ----------
    market : Market
    strategies : sequence of Strategy
    request : PairRequest
    checkpoint : Checkpoint
    answers : Answers, optional
        Who computes the signals of strategies that are not ours; this process, if nobody else.
    holdout : sequence of HoldoutFigures or StrategyError
        What `look_at_holdout` gave of each; empty where nobody looked.

    Yields
    ------
    Evaluated or StrategyError
        One for each strategy; an error names its strategy and leaves the others alone.
    """
    recent: dict[object, Events] = {}
    answers = answers or AnswersHere(strategies, market.bars)
    aside = dict(request.set_aside)
    for done, strategy in enumerate(strategies):
        checkpoint("strategies", done, len(strategies), strategy.name, len(market.ticks))
        if done in aside:
            yield StrategyError(f"strategy {shown(strategy.name)}: {aside[done]}")
            continue
        signals: Callable[[], Int8Array]
        said, levels = None, None
        try:
            if is_built_in(strategy):
                signals = partial(checked_signals, strategy, market.bars)
                events = _events_of(strategy, market.bars, signals, recent)
            else:
                answer = answers.answer(done)
                events = find_events(entering_signals(strategy, answer.signals, market.bars))
                signals, said, levels = partial(np.asarray, answer.signals), answer.silence, answer.levels
            reason = partial(explain_no_trade, market, strategy, signals=signals, said=said)
            outcome = _evaluate_one(market, strategy, request, events.since(market.first_bar), reason, levels)
            yield _with_holdout(outcome, holdout[done]) if holdout else outcome
        except StrategyError as error:
            yield error


def _evaluate_one(
    market: Market,
    strategy: Strategy,
    request: PairRequest,
    events: Events,
    silence: Callable[[Trades], str],
    levels: BarLevels | None,
) -> Evaluated:
    sized, unsized = trade_account(market, strategy, request, events, levels)
    trades, lots, money = sized.trades, sized.lots, sized.money
    excursions = excursions_of(market, request, trades)
    metrics, returns = measured(trades, money, market.days, market.ticks, lots, request.account, excursions)
    account = account_figures(market, request, sized, unsized)
    note = explain_nulls(metrics, None if len(trades) else _why_nothing(sized, silence))
    adverse_and_favourable = excursions.of_trades(trades, market.ticks)
    return Evaluated(strategy, trades, lots, money, adverse_and_favourable, metrics, account, note, returns)


def _why_nothing(sized: SizedTrades, silence: Callable[[Trades], str]) -> str:
    if not sized.not_afforded:
        return silence(sized.trades)
    return f"{sized.not_afforded:,} entries, none of which the account could afford"


def _events_of(strategy: Rule, bars: Bars, signals: Callable[[], Int8Array], recent: dict[object, Events]) -> Events:
    # Settings that differ only in stop, target, orders, lots or what opposite signals do trade the same events.
    key = signal_key(strategy)
    if key not in recent:
        if len(recent) >= _EVENTS_KEPT:
            del recent[next(iter(recent))]
        recent[key] = find_events(entering_signals(strategy, signals(), bars))
    return recent[key]


def look_at_holdout(
    market: Market,
    strategies: Sequence[Strategy],
    request: PairRequest,
    checkpoint: Checkpoint,
    answers: Answers | None = None,
) -> list[HoldoutFigures | StrategyError]:
    """Backtest strategies on a market's hold-out; what `evaluate` says of the parameters holds.

    Returns
    -------
    list of HoldoutFigures or StrategyError
        One for each strategy, in their order; none where the market has no hold-out.
    """
    if market.holdout is None:
        return []
    outcomes = evaluate(market.holdout, strategies, request, checkpoint, answers)
    return [
        outcome if isinstance(outcome, StrategyError) else HoldoutFigures.of(outcome.metrics) for outcome in outcomes
    ]


def _with_holdout(outcome: Evaluated, found: HoldoutFigures | StrategyError) -> Evaluated:
    if isinstance(found, HoldoutFigures):
        return outcome._replace(holdout=found)
    note = f"hold-out: {found}"
    return outcome._replace(note=f"{outcome.note}; {note}" if outcome.note else note)


def evaluate_pair(
    request: PairRequest, checkpoint: Checkpoint, announce: Callable[[int], object] | None = None
) -> Receipt:
    """Backtest every strategy of a request on its pair and store the results; the sweep asks first what is stored.

    Parameters
    ----------
    request : PairRequest
        With its key.
    checkpoint : Checkpoint
    announce : callable, optional
        Asks for a process of its own for a user's file, see `open_strategies`.

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
    with ExitStack() as opened:
        with clock.stage("read"):
            market = load_market(request, checkpoint)
        with clock.stage("strategies"):
            holdout = _open_holdout(market, request, checkpoint, announce)
        with clock.stage("read"):
            # Before anything is open that a process of a user's file must not hold.
            using = open_strategies(request.source, market.bars, announce)
            strategies, answers = opened.enter_context(using)
        writer = opened.enter_context(store.open_writer(request.pair, request.key, result_metadata(request)))
        with clock.stage("strategies"):
            outcomes = evaluate(market, strategies, request, checkpoint, answers, holdout)
            details = write_outcomes(writer, request, market, strategies, outcomes)
        refuse_all_failed(request.pair, details)
        checkpoint("publish", len(strategies), len(strategies), request.pair, len(market.ticks))
        writer.describe(details)
    return stored_receipt(store, request, clock.seconds)


def _open_holdout(
    market: Market, request: PairRequest, checkpoint: Checkpoint, announce: Callable[[int], object] | None
) -> list[HoldoutFigures | StrategyError]:
    """Look at a hold-out with strategies of its own: those that are ranked never see its bars."""
    if market.holdout is None:
        return []
    with open_strategies(request.source, market.holdout.bars, announce) as (strategies, answers):
        return look_at_holdout(market, strategies, request, checkpoint, answers)
