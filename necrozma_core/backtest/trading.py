"""Events to trades on one market: where the engine's ways of trading are chosen."""

from necrozma_core.backtest.outcome import Market
from necrozma_core.backtest.request import PairRequest
from necrozma_core.engine.bar_levels import BarLevels
from necrozma_core.engine.bar_simulation import simulate_bar_events
from necrozma_core.engine.events import Events
from necrozma_core.engine.instructions import OnOpposite
from necrozma_core.engine.simulation import simulate_events
from necrozma_core.engine.trades import Trades
from necrozma_core.strategies.protocol import Strategy


def trade(
    market: Market, strategy: Strategy, request: PairRequest, events: Events, levels: BarLevels | None = None
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
    """
    opposite = OnOpposite(strategy.on_opposite)
    distances = strategy.stop_loss_pips, strategy.take_profit_pips, request.costs.slippage_pips
    if market.given is None:
        return simulate_events(market.ticks, market.bars, events, *distances, market.at_end, opposite)
    return simulate_bar_events(
        market.given,
        market.ticks,
        market.bars,
        events,
        *distances,
        market.at_end,
        opposite,
        request.costs.spread_markup_pips,
    )
