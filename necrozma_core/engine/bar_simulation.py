"""The engine's contract on bars without ticks: bars and signals in, trades out.

- A signal of bar k acts at the opening price of the bar after it. Long enters at ask and leaves at bid, short the
  reverse.
- Stop-loss and take-profit are live from the entry on. A bar that opens beyond a level fills it at its opening price: a
  gap costs, or brings, what it does. Elsewhere a level fills where it is, some time within the bar, which counts as the
  bar's last millisecond. Where both lie within one bar the stop comes first.
- At one opening the order is: stop, target, opposite signal, new entry. What is open at the end closes at the last
  closing price.
"""

from necrozma_core.engine.events import Events
from necrozma_core.engine.instructions import OnOpposite
from necrozma_core.engine.simulation import find_levels, make_trades
from necrozma_core.engine.trades import ExitReason, Trades
from necrozma_core.kernels.walks.bar_simulation import simulate_bar_events as kernel
from necrozma_core.market.bars import Bars
from necrozma_core.market.quote_bars import QuoteBars
from necrozma_core.market.ticks import Ticks


def simulate_bar_events(
    given: QuoteBars,
    ticks: Ticks,
    bars: Bars,
    events: Events,
    stop_loss_pips: float | None,
    take_profit_pips: float | None,
    slippage_pips: float = 0.0,
    at_end: ExitReason = ExitReason.END_OF_DATA,
    on_opposite: OnOpposite = OnOpposite.REVERSE,
    spread_markup_pips: float = 0.0,
) -> Trades:
    """Trade a list of events on bars.

    Parameters
    ----------
    given : QuoteBars
        The bars of the feed, in which levels are looked for.
    ticks : Ticks
        Of :func:`~necrozma_core.market.bar_building.ticks_of_quote_bars`: the trades count in them.
    bars : Bars
        Those that the signals are about, gathered from ``given``.
    events : Events
    stop_loss_pips, take_profit_pips : float or None
        Distance from the entry price; None sets no such level.
    slippage_pips : float, default 0
        Added against the trader to every fill but a take-profit's; fractions of a point count.
    at_end : ExitReason
        Why what is open at the end is closed there.
    on_opposite : OnOpposite
        What a signal against an open position does.
    spread_markup_pips : float, default 0
        Added to every spread, half of it on each side.

    Returns
    -------
    Trades
        Empty where no event acts.

    Raises
    ------
    UsageError
        If a distance is not a finite number above zero, or the slippage or the mark-up is below zero.
    """
    levels = find_levels(ticks, stop_loss_pips, take_profit_pips, slippage_pips, spread_markup_pips)
    given = given.writable()
    found = kernel(
        given.bid,
        given.ask,
        bars.first_tick // 2,
        events.bar,
        events.side,
        levels.stop_points,
        levels.stop_distance,
        levels.target_points,
        levels.target_distance,
        levels.slippage,
        levels.half_markup,
        on_opposite.code,
    )
    return make_trades(ticks, found, None if stop_loss_pips is None else levels.stop_distance, at_end)
