"""The engine's contract on bars without ticks where a strategy has orders: bars, signals and orders in, trades out.

What :mod:`necrozma_core.engine.bar_simulation` says holds, and beyond it:

- Within one bar what costs most comes first: of a stop of any kind and a target the stop, of several stops the nearest.
  Each fills at its level, or at the opening where the bar opens beyond it.
- Levels that move follow the opening of each bar, and its best price when the bar is over: what the opening moved is
  live within the bar, what the best price moved from the next opening on.
- An order that waits fills at the opening of a bar that opens beyond its level, else at its level where a bar's extreme
  reaches it. What came before that in the bar is not known: its worst price is tested against the stop, no target is
  taken in it, and levels that move begin with its closing price. Of two orders that one bar reaches the signal's fills.
- What a clock closes is closed at the first opening at or after that moment.
"""

from dataclasses import replace
from decimal import Decimal
from typing import Final

import numpy as np

from necrozma_core.engine.bar_levels import BarLevels
from necrozma_core.engine.events import Events
from necrozma_core.engine.execution import Execution
from necrozma_core.engine.instructions import OnOpposite, Sides
from necrozma_core.engine.order_levels import Asked, Costs, Entries, Units, find_levels, guard_distances
from necrozma_core.engine.order_plan import plan_events, plan_time_limits, plan_waiting
from necrozma_core.engine.orders import NO_ORDERS, EntryKind, Orders
from necrozma_core.engine.trades import ExitReason, Trades
from necrozma_core.errors import UsageError
from necrozma_core.kernels.walks.bar_order_arrays import BarFills, BarQuotes, Rows
from necrozma_core.kernels.walks.bar_order_walk import walk_bar_orders
from necrozma_core.kernels.walks.order_arrays import FAR
from necrozma_core.market.arrays import FloatArray
from necrozma_core.market.bars import Bars
from necrozma_core.market.quote_bars import QuoteBars
from necrozma_core.market.ticks import Ticks

_AT_ONCE: Final = Execution()
_NO_LEVELS: Final = BarLevels()


def simulate_bar_orders(
    given: QuoteBars,
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
    """Trade a list of events on bars with every order.

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
    orders : Orders
    execution : Execution
        Without latency, which bars cannot tell.
    levels : BarLevels
        For each of ``bars``. Its distances are taken instead of those in pips or in ATR, its prices instead of the
        offset.
    stop_out_points : float64 array, shape (n_events,), optional
        How far from the entry each position is stopped out, in points; NaN for nowhere.
    at_end : ExitReason
        Why what is open at the end is closed there.
    on_opposite : OnOpposite
    sides : Sides
        Which may be entered, where an event leaves orders of both.

    Returns
    -------
    Trades
        Empty where no event acts.

    Raises
    ------
    UsageError
        If there is a latency, a distance is not a finite number above zero, a cost is below zero, or a text cannot be
        read.
    """
    if execution.latency_ms:
        raise UsageError(
            f"{given.pair.name}: a latency of {execution.latency_ms} ms: bars without ticks cannot tell what happens "
            "within a bar; use ticks, or no latency"
        )
    units = Units(ticks.pair, ticks.digits)
    asked = Asked(orders, levels, bars, events, units, Costs.of(execution, units))
    entries = None if orders.entry_order == EntryKind.MARKET else find_levels(asked, sides)
    fixed = stop_loss_pips, take_profit_pips, stop_out_points
    at_quote = guard_distances(asked, _at_opening(asked, entries), *fixed)
    at_level = at_quote if entries is None else guard_distances(asked, _at_level(asked, entries), *fixed)
    out = np.full(len(events), np.nan) if stop_out_points is None else stop_out_points
    acting = plan_events(ticks, asked, execution)
    given = given.writable()
    rows = _make_rows(len(events) * (len(at_quote.part) + 1))
    n_rows, stale = walk_bar_orders(
        BarQuotes(given.bid, given.ask, _writable(ticks.time_ms), bars.first_tick // 2),
        acting.due,
        plan_waiting(ticks, asked, acting, entries),
        BarFills(at_quote, at_level, np.nan_to_num(out, nan=FAR), float(asked.costs.slippage), on_opposite.code),
        plan_time_limits(ticks, bars, orders),
        rows,
    )
    return _make_trades(ticks, Rows(*(column[:n_rows] for column in rows)), stale, at_end)


def _at_opening(asked: Asked, entries: Entries | None) -> Entries | None:
    # At an opening a limit fills at its quote, which is at the level or better, and loses half of the mark-up alone.
    if entries is None or asked.orders.entry_order == EntryKind.STOP:
        return None
    return replace(entries, above_base=asked.costs.half_markup)


def _at_level(asked: Asked, entries: Entries) -> Entries:
    if asked.orders.entry_order == EntryKind.LIMIT:
        return entries
    above, slippage = entries.above_base, asked.costs.slippage
    filled = above + slippage if isinstance(above, Decimal) else above + float(slippage)
    return replace(entries, above_base=filled)


def _writable(array: np.ndarray) -> np.ndarray:
    return array if array.flags.writeable else array.copy()


def _make_rows(n_rows: int) -> Rows:
    kinds = np.int8, np.int8, *[np.int64] * 3, *[np.float64] * 4
    return Rows(*(np.empty(n_rows, dtype=kind) for kind in kinds))


def _make_trades(ticks: Ticks, rows: Rows, stale: int, at_end: ExitReason) -> Trades:
    if len(rows.reason) and rows.reason[-1] == ExitReason.END_OF_DATA:
        rows.reason[-1] = at_end
    return Trades(
        side=rows.side,
        entry_tick=rows.entry_tick,
        exit_tick=rows.exit_tick,
        entry_time_ms=ticks.time_ms[rows.entry_tick],
        exit_time_ms=ticks.time_ms[rows.exit_tick],
        entry_price=rows.entry / ticks.scale,
        exit_price=(rows.entry + rows.side * rows.points) / ticks.scale,
        points=rows.points,
        reason=rows.reason,
        event=rows.event,
        fraction=rows.fraction,
        stop_points=rows.stop,
        stale_entries=stale,
    )
