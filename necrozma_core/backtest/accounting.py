"""The trades of one strategy with their sizes: the engine and the account in turn, until no stop-out is left."""

from math import nan

import numpy as np

from necrozma_core.backtest.outcome import Market
from necrozma_core.backtest.request import PairRequest
from necrozma_core.backtest.trading import trade
from necrozma_core.engine.bar_levels import BarLevels
from necrozma_core.engine.events import Events
from necrozma_core.engine.trades import Trades
from necrozma_core.errors import StrategyError, shown
from necrozma_core.market.arrays import FloatArray
from necrozma_core.metrics.account import AccountFigures
from necrozma_core.metrics.figures import Metrics, measure
from necrozma_core.money.costs import LotMoney
from necrozma_core.money.excursions import Excursions, find_excursions, half_markup_points
from necrozma_core.money.margin import Margin
from necrozma_core.money.path import path_of
from necrozma_core.money.size import Size, SizeKind
from necrozma_core.money.sizing import ATR_PERIOD, SizedTrades, size_trades
from necrozma_core.strategies import indicators
from necrozma_core.strategies.protocol import Strategy

_NEARLY = 1e-6
"""Points: prices are recorded as floats, so that a loss read from them may be short of itself by rounding."""


def trade_account(
    market: Market, strategy: Strategy, request: PairRequest, events: Events, levels: BarLevels | None = None
) -> tuple[SizedTrades, Trades]:
    """Trade the events of a strategy, each position as large as the account pays for.

    Whether a position is stopped out depends on its size, and what is traded after it on where it ended. So the events
    are traded without stop-outs and sized, then again with that of the first position that reaches its own, until none
    does that is not known.

    Returns
    -------
    SizedTrades
    Trades
        What was traded the first time: every size, no stop-out.

    Raises
    ------
    StrategyError
        The size is what a stop puts at risk, and there is a position without one.
    ConversionError
        There is no price for the time of an entry or an exit.
    """
    first = trade(market, strategy, request, events, levels)
    try:
        sized = _sized(market, request, events, first, request.size, request.margin)
    except StrategyError as error:
        raise StrategyError(f"strategy {shown(strategy.name)}: {error}") from None
    if request.margin.leverage is None:
        return sized, first
    stop_outs = np.full(len(events), nan)
    while (found := _first_stop_out(market, request, sized, stop_outs)) is not None:
        event, points = found
        stop_outs[event] = points
        traded = trade(market, strategy, request, events, levels, stop_outs)
        sized = _sized(market, request, events, traded, request.size, request.margin)
    return sized, first


def excursions_of(market: Market, request: PairRequest, trades: Trades) -> Excursions:
    """Return how far prices went while the positions of trades were open."""
    half_markup = half_markup_points(request.costs.spread_markup_pips, market.ticks)
    return find_excursions(trades, path_of(trades, market.days), market.extremes, half_markup)


def account_figures(market: Market, request: PairRequest, sized: SizedTrades, unsized: Trades) -> AccountFigures:
    """Say what sizes there were, and what fixed lots would have come to without margin where sizes are not fixed."""
    size, lots = request.size, sized.position_lots
    fixed = None if size.is_fixed else _fixed_figures(market, request, unsized)
    if len(lots) and lots.min() == lots.max():
        mean = float(lots[0])
    elif len(lots):
        is_entry = np.diff(sized.trades.event, prepend=-1) != 0
        mean = float(lots[is_entry].sum()) / int(np.count_nonzero(is_entry))
    else:
        mean = size.amount if size.is_fixed else 0.0
    return AccountFigures(
        lots=mean,
        size=str(size),
        entries_not_afforded=sized.not_afforded,
        fixed_net_profit=fixed.net_profit if fixed else None,
        fixed_sharpe=fixed.sharpe if fixed else None,
        fixed_max_drawdown=fixed.max_drawdown if fixed else None,
    )


def _fixed_figures(market: Market, request: PairRequest, trades: Trades) -> Metrics:
    conversion, account = market.conversion, request.account
    money = LotMoney.of(trades, market.ticks, request.costs, conversion)
    size = Size.fixed(request.lots)
    sized = size_trades(
        trades, market.ticks, money, size, request.terms.lot_rules, Margin(), conversion, account.initial_balance
    )
    excursions = excursions_of(market, request, sized.trades)
    return measure(sized.trades, sized.money, market.days, market.ticks, sized.lots, account, excursions)


def _sized(
    market: Market, request: PairRequest, events: Events, trades: Trades, size: Size, margin: Margin
) -> SizedTrades:
    money = LotMoney.of(trades, market.ticks, request.costs, market.conversion)
    ranges = _ranges(market, events, trades) if size.kind is SizeKind.VOLATILITY else None
    return size_trades(
        trades,
        market.ticks,
        money,
        size,
        request.terms.lot_rules,
        margin,
        market.conversion,
        request.account.initial_balance,
        ranges,
    )


def _ranges(market: Market, events: Events, trades: Trades) -> FloatArray:
    # Events say the bar after the signal's; ranges are in half points.
    ranges: FloatArray = indicators.atr(market.bars, ATR_PERIOD)[events.bar[trades.event] - 1] / 2
    return ranges


def _first_stop_out(
    market: Market, request: PairRequest, sized: SizedTrades, known: FloatArray
) -> tuple[int, int] | None:
    """Return the event and the distance of the first position that went as far as its stop-out, in points.

    What went so far at the entry's own tick, or at the fill of its exit, counts as well: the engine knows that there is
    no stop-out yet, or no more, and ends the position as before.
    """
    trades = sized.trades
    points = request.margin.stop_out_points(trades, market.ticks, sized.position_lots, sized.balance, market.conversion)
    adverse, _ = excursions_of(market, request, trades).of_trades(trades, market.ticks)
    reached = (-adverse >= points - _NEARLY) & np.isnan(known[trades.event])
    if not reached.any():
        return None
    at = int(reached.argmax())
    return int(trades.event[at]), int(points[at])
