"""The engine's contract for all orders: ticks, bars, events and orders in, trades out, exact to the tick.

- An event acts at the first tick at least the latency after its bar's close; of two that would share a tick the later
  one counts. It enters only where the tick is not too old and lies in the entry window.
- Long enters at ask and leaves at bid, short the reverse. Half of the spread's mark-up is taken off at either end, and
  slippage at every fill but that of a resting order, which is a target or a limit entry.
- An order that waits lives from its event's tick until it expires, its window ends, or another event cancels or
  replaces it; at one tick that comes before it fills. A stop entry fills, after the latency, at the price of the tick;
  a limit entry at its level. Of two orders, where one tick reaches both, the signal's side fills.
- Levels are live from the tick after the entry's. At one tick the order is: stop, target and partial targets, trailing
  stop or break-even, time, signal, new entry. A tick is tested first, and moves levels then. Stops of any kind and
  times fill, after the latency, at the price of the tick; until then nothing else happens to the position.
- An event at the tick of an entry that latency held back does nothing.
- Where a distance is in ATR nothing is entered before the ATR is known.
"""

from typing import Final

import numpy as np

from necrozma_core.engine.bar_levels import BarLevels
from necrozma_core.engine.events import Events
from necrozma_core.engine.execution import Execution
from necrozma_core.engine.instructions import OnOpposite, Sides
from necrozma_core.engine.order_levels import Asked, Costs, Units, find_levels, guard_distances
from necrozma_core.engine.order_plan import plan_events, plan_time_limits, plan_waiting, read_prices
from necrozma_core.engine.orders import NO_ORDERS, EntryKind, Orders
from necrozma_core.engine.trades import ExitReason, Trades
from necrozma_core.kernels.walks.order_arrays import Guards, Rules
from necrozma_core.kernels.walks.order_walk import walk_orders
from necrozma_core.market.arrays import FloatArray, Int64Array
from necrozma_core.market.bars import Bars
from necrozma_core.market.ticks import Ticks

_NO_LEVELS: Final = BarLevels()
_AT_ONCE: Final = Execution()


def simulate_orders(
    ticks: Ticks,
    bars: Bars,
    events: Events,
    stop_loss_pips: float | None,
    take_profit_pips: float | None,
    orders: Orders = NO_ORDERS,
    execution: Execution = _AT_ONCE,
    levels: BarLevels = _NO_LEVELS,
    *,
    stop_out_points: FloatArray | None = None,
    at_end: ExitReason = ExitReason.END_OF_DATA,
    on_opposite: OnOpposite = OnOpposite.REVERSE,
    sides: Sides = Sides.BOTH,
) -> Trades:
    """Trade a list of events by orders of every kind.

    Parameters
    ----------
    ticks : Ticks
    bars : Bars
        Built from ``ticks``.
    events : Events
    stop_loss_pips, take_profit_pips : float or None
        Distance from the entry price; None sets no such level. A level that lies between two points is reached at the
        point beyond it.
    orders : Orders
    execution : Execution
    levels : BarLevels
        For each bar. Its distances are taken instead of those in pips or in ATR, its prices instead of the offset.
    stop_out_points : float64 array, shape (n_events,), optional
        How far from the entry each position is stopped out, in points; NaN for nowhere.
    at_end : ExitReason
        Why what is open at the last tick is closed there.
    on_opposite : OnOpposite
        What a signal against an open position does.
    sides : Sides
        Which may be entered, where an event leaves orders of both.

    Returns
    -------
    Trades
        One for each exit, those of one position one after the other. Empty where no event acts.

    Raises
    ------
    UsageError
        If a distance is not a finite number above zero, a cost is below zero, or a text cannot be read.
    """
    units = Units(ticks.pair, ticks.digits)
    asked = Asked(orders, levels, bars, events, units, Costs.of(execution, units))
    entries = None if orders.entry_order == EntryKind.MARKET else find_levels(asked, sides)
    resting = entries if orders.entry_order == EntryKind.LIMIT else None
    guards = guard_distances(asked, resting, stop_loss_pips, take_profit_pips, stop_out_points)
    acting = plan_events(ticks, asked, execution)
    walked = walk_orders(
        *read_prices(ticks, bars),
        *acting.due,
        *plan_waiting(ticks, asked, acting, entries),
        *_of_acting(guards, acting.number, len(events)),
        *plan_time_limits(ticks, bars, orders),
        *Rules(on_opposite.code, execution.latency_ms),
    )
    side, entry_tick, exit_tick, entry, exit_, points, reason, event, fraction, stop_points, stale = walked
    if len(reason) and reason[-1] == ExitReason.END_OF_DATA:
        reason[-1] = at_end
    return Trades(
        side=side,
        entry_tick=entry_tick,
        exit_tick=exit_tick,
        entry_time_ms=ticks.time_ms[entry_tick],
        exit_time_ms=ticks.time_ms[exit_tick],
        entry_price=entry / ticks.scale,
        exit_price=exit_ / ticks.scale,
        points=points,
        reason=reason,
        event=acting.number[event],
        fraction=fraction,
        stop_points=stop_points,
        stale_entries=int(stale),
    )


def _of_acting(guards: Guards, number: Int64Array, n_events: int) -> Guards:
    # The rows of the events that act, where each event has its two.
    if len(guards.whole) == 1 or len(number) == n_events:
        return guards
    rows = (2 * number[:, np.newaxis] + (0, 1)).ravel()
    return guards._replace(whole=guards.whole[rows], exact=guards.exact[rows])
