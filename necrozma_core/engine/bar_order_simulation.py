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

import numpy as np

from necrozma_core.engine.bar_levels import BarLevels
from necrozma_core.engine.bar_order_plan import BarTrading, plan_events, plan_limits, plan_rules
from necrozma_core.engine.events import Events
from necrozma_core.engine.execution import Execution
from necrozma_core.engine.instructions import OnOpposite
from necrozma_core.engine.orders import NO_ORDERS, Orders
from necrozma_core.engine.trades import ExitReason, Trades
from necrozma_core.errors import UsageError
from necrozma_core.kernels.bar_order_walk import walk_bar_orders
from necrozma_core.kernels.bar_orders import FAR, BarLimits, BarQuotes, Rows
from necrozma_core.market.arrays import FloatArray
from necrozma_core.market.bars import Bars
from necrozma_core.market.quote_bars import QuoteBars
from necrozma_core.market.ticks import Ticks

_AS_QUOTED = Execution()
_NO_LEVELS = BarLevels()


def simulate_bar_orders(
    given: QuoteBars,
    ticks: Ticks,
    bars: Bars,
    events: Events,
    orders: Orders = NO_ORDERS,
    execution: Execution = _AS_QUOTED,
    *,
    stop_loss_pips: float | None = None,
    take_profit_pips: float | None = None,
    on_opposite: OnOpposite = OnOpposite.REVERSE,
    levels: BarLevels | None = None,
    stop_out_points: FloatArray | None = None,
    at_end: ExitReason = ExitReason.END_OF_DATA,
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
    orders : Orders
    execution : Execution
        Without latency, which bars cannot tell.
    stop_loss_pips, take_profit_pips : float or None
    on_opposite : OnOpposite
    levels : BarLevels, optional
        Distances and prices for each of ``bars``.
    stop_out_points : float64 array, shape (n_events,), optional
        How far below each entry the account would be closed by its broker, points; NaN for nowhere.
    at_end : ExitReason
        Why what is open at the end is closed there.

    Returns
    -------
    Trades
        Empty where no event acts.

    Raises
    ------
    UsageError
        There is a latency, or a text of the orders means nothing.
    """
    if execution.latency_ms:
        raise UsageError(
            f"{given.pair.name}: a latency of {execution.latency_ms} ms: bars without ticks cannot tell what happens "
            "within a bar; use ticks, or no latency"
        )
    trading = BarTrading(
        ticks=ticks,
        bars=bars,
        events=events,
        orders=orders,
        execution=execution,
        levels=levels or _NO_LEVELS,
        stop_loss_pips=stop_loss_pips,
        take_profit_pips=take_profit_pips,
        on_opposite=on_opposite,
        stop_out_points=stop_out_points,
    )
    limits = plan_limits(trading)
    given = given.writable()
    quotes = BarQuotes(given.bid, given.ask, _writable(ticks.time_ms), bars.first_tick // 2)
    rows = _make_rows(len(events) * (len(limits.partial) + 1))
    n_trades, stale = walk_bar_orders(quotes, plan_events(trading, limits), limits, plan_rules(trading), rows)
    return _make_trades(ticks, limits, Rows(*(column[:n_trades] for column in rows)), stale, at_end)


def _writable(array: np.ndarray) -> np.ndarray:
    return array if array.flags.writeable else array.copy()


def _make_rows(n_rows: int) -> Rows:
    kinds = np.int8, np.int64, np.int64, np.float64, np.float64, np.int8, np.int64, np.float64
    return Rows(*(np.empty(n_rows, dtype=kind) for kind in kinds))


def _make_trades(ticks: Ticks, limits: BarLimits, rows: Rows, stale: int, at_end: ExitReason) -> Trades:
    if len(rows.reason) and rows.reason[-1] == ExitReason.END_OF_DATA:
        rows.reason[-1] = at_end
    stop = limits.stop[rows.event]
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
        stop_points=np.where(limits.stop_reach[rows.event, 0] < FAR, stop, np.nan),
        stale_entries=stale,
    )
