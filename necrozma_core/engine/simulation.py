"""The engine's contract: ticks, bars and signals in, trades out, exact to the tick.

- A signal of bar k acts at the first tick after bar k closes. The last bar's signal has no such tick.
- Long enters at ask and leaves at bid, short the reverse.
- Stop-loss and take-profit are live from the tick after the entry's. A stop fills at the price of the tick that
  reaches it, a take-profit at its own level.
- At one tick the order is: stop, target, opposite signal or close, new entry. A signal in the position's own direction
  does nothing; what others do stands in :mod:`necrozma_core.engine.instructions`. What is open at the end closes at the
  last tick.
"""

from decimal import ROUND_CEILING, Decimal
from typing import Final, NamedTuple

import numpy as np

from necrozma_core.engine.events import Events, find_events
from necrozma_core.engine.instructions import OnOpposite
from necrozma_core.engine.trades import ExitReason, Trades
from necrozma_core.errors import UsageError, shown
from necrozma_core.kernels.walks import simulation as kernels
from necrozma_core.market.arrays import Int8Array
from necrozma_core.market.bars import Bars
from necrozma_core.market.ticks import Ticks

_UNREACHABLE: Final = 2**40
"""Farther from the entry, in points, than any price: the distance of a level that is not set."""


class Levels(NamedTuple):
    """The stop and the target of every position of a strategy, and what its fills cost, in points.

    Attributes
    ----------
    stop_points, target_points : int
        Whole points from the quote that a position enters at to the side price that reaches the level.
    stop_distance, target_distance : float
        From the recorded entry price.
    slippage, half_markup : float
        Their sum is by how much a recorded price is worse than the quote.
    """

    stop_points: int
    stop_distance: float
    target_points: int
    target_distance: float
    slippage: float
    half_markup: float


def find_levels(
    ticks: Ticks,
    stop_loss_pips: float | None,
    take_profit_pips: float | None,
    slippage_pips: float,
    spread_markup_pips: float,
) -> Levels:
    """Return the levels of positions that enter at the market, in points.

    Raises
    ------
    UsageError
        If a distance is not a finite number above zero, or the slippage or the mark-up is below zero.
    """
    slippage = _cost_points(slippage_pips, ticks, "slippage_pips")
    markup = _cost_points(spread_markup_pips, ticks, "spread_markup_pips")
    # Both are paid at either end, one of them by halves: what stands between quote and quote at no gain.
    costs = slippage + markup
    stop_points, stop = _reach(stop_loss_pips, ticks, "stop_loss_pips", -costs)
    target_points, target = _reach(take_profit_pips, ticks, "take_profit_pips", costs)
    return Levels(stop_points, stop, target_points, target, float(slippage), float(markup / 2))


def _cost_points(pips: float, ticks: Ticks, name: str) -> Decimal:
    if not (np.isfinite(pips) and pips >= 0):
        raise UsageError(f"{name}: expected a number of pips, zero or above; found {shown(pips)}")
    return Decimal(repr(float(pips))) * ticks.pair.points_per_pip(ticks.digits)


def _reach(pips: float | None, ticks: Ticks, name: str, costs: Decimal) -> tuple[int, float]:
    # Decimal, because 1.1 pips are 11 points, while 1.1 * 10 in floating point is a little more and would be reached a
    # point later.
    if pips is None:
        return _UNREACHABLE, float(_UNREACHABLE)
    if not (np.isfinite(pips) and pips > 0):
        raise UsageError(f"{name}: expected a number of pips above zero, or none; found {shown(pips)}")
    points = Decimal(repr(float(pips))) * ticks.pair.points_per_pip(ticks.digits)
    return min(int((points + costs).to_integral_value(ROUND_CEILING)), _UNREACHABLE), float(points)


def simulate_events(
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
    """Trade a list of events; see :func:`simulate`, which finds them first.

    ``at_end`` says why what is open at the last tick is closed there, ``on_opposite`` what a signal against an open
    position does.
    """
    levels = find_levels(ticks, stop_loss_pips, take_profit_pips, slippage_pips, spread_markup_pips)
    found = kernels.simulate_events(
        ticks.bid,
        ticks.ask,
        bars.first_tick,
        bars.remember("bid_open_points", lambda: np.ascontiguousarray(bars.bid_points[:, 0])),
        bars.remember("ask_open_points", lambda: np.ascontiguousarray(bars.ask_points[:, 0])),
        bars.remember("bid_extremes", lambda: np.ascontiguousarray(bars.bid_points[:, 2:0:-1])),
        bars.remember("ask_extremes", lambda: np.ascontiguousarray(bars.ask_points[:, 2:0:-1])),
        events.bar,
        events.side,
        levels.stop_points,
        levels.target_points,
        levels.target_distance,
        levels.slippage + levels.half_markup,
        on_opposite.code,
    )
    return make_trades(ticks, found, None if stop_loss_pips is None else levels.stop_distance, at_end)


def make_trades(ticks: Ticks, found: tuple[np.ndarray, ...], stop_distance: float | None, at_end: ExitReason) -> Trades:
    """Lay out what a kernel found as trades."""
    side, entry_tick, exit_tick, entry_points, exit_points, points, reason, event = found
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
        stop_points=np.full(len(side), np.nan if stop_distance is None else stop_distance),
    )


def simulate(
    ticks: Ticks,
    bars: Bars,
    signals: Int8Array,
    stop_loss_pips: float | None,
    take_profit_pips: float | None,
    slippage_pips: float = 0.0,
    on_opposite: OnOpposite = OnOpposite.REVERSE,
    spread_markup_pips: float = 0.0,
) -> Trades:
    """Trade the signals of one strategy.

    Parameters
    ----------
    ticks : Ticks
    bars : Bars
        Built from ``ticks``.
    signals : int8 array, shape (n_bars,)
        Values of `Instruction`: +1 buy, -1 sell, 0 nothing, 2 to 4 closes. ``signals[k]`` may use bars
        up to and including k.
    stop_loss_pips, take_profit_pips : float or None
        Distance from the entry price; None sets no such level. A level that lies between two points is reached
        at the point beyond it.
    slippage_pips : float, default 0
        Added against the trader to every fill but a take-profit's, which is a resting order; fractions of a point
        count.
    on_opposite : OnOpposite
        What a signal against an open position does.
    spread_markup_pips : float, default 0
        Added to every spread, half of it on each side.

    Returns
    -------
    Trades
        Empty where no signal acts.

    Raises
    ------
    UsageError
        If a distance is not a finite number above zero, or the slippage or the mark-up is below zero.
    """
    return simulate_events(
        ticks,
        bars,
        find_events(signals),
        stop_loss_pips,
        take_profit_pips,
        slippage_pips,
        on_opposite=on_opposite,
        spread_markup_pips=spread_markup_pips,
    )
