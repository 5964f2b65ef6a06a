"""The engine's contract on bars without ticks: bars and signals in, trades out.

- A signal of bar k acts at the opening price of the bar after it. Long enters at ask and leaves at bid, short the
  reverse.
- Stop-loss and take-profit are live from the entry on. A bar that opens beyond a level fills it at its opening price: a
  gap costs, or brings, what it does. Elsewhere a level fills where it is, some time within the bar, which counts as the
  bar's last millisecond. Where both lie within one bar the stop comes first.
- At one opening the order is: stop, target, opposite signal, new entry. What is open at the end closes at the last
  closing price.
"""

from decimal import ROUND_CEILING, Decimal

import numpy as np

from necrozma_core.engine.events import Events
from necrozma_core.engine.instructions import OnOpposite
from necrozma_core.engine.simulation import level_distance
from necrozma_core.engine.trades import ExitReason, Trades
from necrozma_core.errors import UsageError, shown
from necrozma_core.kernels.bar_simulation import simulate_bar_events as kernel
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
    slippage = _cost_points(slippage_pips, ticks, "slippage_pips")
    markup = _cost_points(spread_markup_pips, ticks, "spread_markup_pips")
    stop_points, stop_level = _reach(stop_loss_pips, ticks, "stop_loss_pips", -slippage - markup)
    target_points, target_level = _reach(take_profit_pips, ticks, "take_profit_pips", slippage + markup)
    given = given.writable()
    side, entry_tick, exit_tick, entry_points, exit_points, points, reason, event = kernel(
        given.bid,
        given.ask,
        bars.first_tick // 2,
        events.bar,
        events.side,
        stop_points,
        stop_level,
        target_points,
        target_level,
        float(slippage),
        float(markup / 2),
        on_opposite.code,
    )
    if len(reason) and reason[-1] == ExitReason.END_OF_DATA:
        reason[-1] = at_end
    return Trades(
        side=side,
        entry_tick=entry_tick,
        exit_tick=exit_tick,
        entry_time_ms=ticks.time_ms[entry_tick],
        exit_time_ms=ticks.time_ms[exit_tick],
        entry_price=entry_points / ticks.scale,
        exit_price=exit_points / ticks.scale,
        points=points,
        reason=reason,
        event=event,
        fraction=np.ones(len(side)),
        stop_points=np.full(len(side), np.nan if stop_loss_pips is None else stop_level),
    )


def _cost_points(pips: float, ticks: Ticks, name: str) -> Decimal:
    if not (np.isfinite(pips) and pips >= 0):
        raise UsageError(f"{name}: expected a number of pips, zero or above; found {shown(pips)}")
    return Decimal(repr(float(pips))) * ticks.pair.points_per_pip(ticks.digits)


def _reach(pips: float | None, ticks: Ticks, name: str, costs: Decimal) -> tuple[int, float]:
    # The whole points from the quote of the entry at which a level is reached, and its distance from the entry.
    unset, level = level_distance(pips, ticks, name)
    if pips is None:
        return unset, level
    points = Decimal(repr(float(pips))) * ticks.pair.points_per_pip(ticks.digits) + costs
    return int(min(points, Decimal(2**40)).to_integral_value(ROUND_CEILING)), level
