"""Events to trades on one market: where the engine's ways of trading are chosen."""

from typing import Final, TypedDict

from necrozma_core.backtest.outcome import Market
from necrozma_core.backtest.request import PairRequest
from necrozma_core.engine.bar_levels import BarLevels
from necrozma_core.engine.bar_order_simulation import simulate_bar_orders
from necrozma_core.engine.bar_simulation import simulate_bar_events
from necrozma_core.engine.events import Events
from necrozma_core.engine.instructions import OnOpposite, Sides
from necrozma_core.engine.order_simulation import simulate_orders
from necrozma_core.engine.orders import NO_ORDERS
from necrozma_core.engine.simulation import simulate_events
from necrozma_core.engine.trades import ExitReason, Trades
from necrozma_core.market.arrays import FloatArray
from necrozma_core.strategies.protocol import Strategy

_NO_LEVELS: Final = BarLevels()


class _Rules(TypedDict):
    stop_out_points: FloatArray | None
    at_end: ExitReason
    on_opposite: OnOpposite
    sides: Sides


def trade(
    market: Market,
    strategy: Strategy,
    request: PairRequest,
    events: Events,
    levels: BarLevels | None = None,
    stop_out_points: FloatArray | None = None,
) -> Trades:
    """Trade the events of a strategy.

    Parameters
    ----------
    market : Market
    strategy : Strategy
    request : PairRequest
        For its costs, latency and oldest quote.
    events : Events
        Those that may act in the market's range.
    levels : BarLevels, optional
        What the strategy says for each bar beside its signals.
    stop_out_points : float64 array, shape (n_events,), optional
        How far from its entry each position would be closed for want of margin, in points; NaN for nowhere.

    Raises
    ------
    UsageError
        If a text of the orders cannot be read, or there is a latency and no ticks.
    """
    execution = request.execution
    levels = levels or _NO_LEVELS
    given = levels.stop_pips, levels.target_pips, levels.buy_price, levels.sell_price, stop_out_points
    at_once = execution.latency_ms == 0 and execution.max_quote_age_ms is None
    if strategy.orders == NO_ORDERS and at_once and all(array is None for array in given):
        # The walk that knows all orders would give the same trades, in three times the time.
        return _trade_plain(market, strategy, request, events)
    asked = (
        market.ticks,
        market.bars,
        events,
        strategy.stop_loss_pips,
        strategy.take_profit_pips,
        strategy.orders,
        execution,
        levels,
    )
    rules = _Rules(
        stop_out_points=stop_out_points,
        at_end=market.at_end,
        on_opposite=OnOpposite(strategy.on_opposite),
        sides=Sides(strategy.sides),
    )
    if market.given is None:
        return simulate_orders(*asked, **rules)
    return simulate_bar_orders(market.given, *asked, **rules)


def _trade_plain(market: Market, strategy: Strategy, request: PairRequest, events: Events) -> Trades:
    distances = strategy.stop_loss_pips, strategy.take_profit_pips, request.costs.slippage_pips
    rules = market.at_end, OnOpposite(strategy.on_opposite), request.costs.spread_markup_pips
    if market.given is None:
        return simulate_events(market.ticks, market.bars, events, *distances, *rules)
    return simulate_bar_events(market.given, market.ticks, market.bars, events, *distances, *rules)
