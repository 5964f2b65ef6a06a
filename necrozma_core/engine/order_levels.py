"""Distances and levels of orders in whole points, exact to the fraction; knows bars, and no ticks.

A setting is a decimal number and stays one: 1.1 pips are 11 points. What a strategy gives for each bar, and a multiple
of the average true range, is a binary fraction: it counts to the millionth of a point, so that the last bits of a
calculation move no level by a whole one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Final, TypeAlias

import numpy as np

from necrozma_core.engine.bar_levels import BarLevels
from necrozma_core.engine.events import Events
from necrozma_core.engine.execution import Execution
from necrozma_core.engine.instructions import Sides
from necrozma_core.engine.order_texts import parse_targets
from necrozma_core.engine.orders import EntryFrom, EntryKind, EntrySides, Orders
from necrozma_core.errors import UsageError, shown
from necrozma_core.kernels import indicators
from necrozma_core.kernels.walks.order_arrays import FAR, Guards
from necrozma_core.market.arrays import BoolArray, FloatArray, Int64Array
from necrozma_core.market.bars import Bars
from necrozma_core.market.instruments import Pair

_DIGITS: Final = 6
_FAR: Final = Decimal(FAR)

Distance: TypeAlias = Decimal | FloatArray
"""Points: one number, or one for each event and side, shape (n_events, 1) or (n_events, 2); the long side first."""


@dataclass(frozen=True, slots=True)
class Units:
    """Pips and prices as points of a pair's prices."""

    pair: Pair
    digits: int

    def points(self, pips: float, name: str, *, least: float = 0.0) -> Decimal:
        """Return pips as points; UsageError if it is not a finite number, ``least`` or above."""
        if not (np.isfinite(pips) and pips >= least):
            raise UsageError(f"{name}: expected a number of pips, {least:g} or above; found {shown(pips)}")
        return Decimal(repr(float(pips))) * self.pair.points_per_pip(self.digits)

    def distance(self, pips: float, name: str) -> Decimal:
        """Return pips as points, at most FAR; UsageError if it is not a finite number above zero."""
        if not (np.isfinite(pips) and pips > 0):
            raise UsageError(f"{name}: expected a number of pips above zero, or none; found {shown(pips)}")
        return min(self.points(pips, name), _FAR)

    def each(self, pips: FloatArray, events: Events, name: str) -> FloatArray:
        """Return the pips of each event's bar as points, shape (n_events, 1).

        Raises
        ------
        UsageError
            If one of an event to buy or sell is not a finite number above zero.
        """
        found = np.ascontiguousarray(pips, dtype=np.float64)[events.bar - 1]
        bad = ~(np.isfinite(found) & (found > 0)) & (np.abs(events.side) == 1)
        if bad.any():
            first = int(bad.argmax())
            raise UsageError(
                f"{name}: bar {int(events.bar[first]) - 1} has a signal and {shown(float(found[first]))} pips; "
                "expected a number above zero"
            )
        return _rounded(found * float(self.pair.points_per_pip(self.digits)))[:, np.newaxis]


@dataclass(frozen=True, slots=True)
class Costs:
    """Slippage and half of the mark-up, in points."""

    slippage: Decimal
    half_markup: Decimal

    @classmethod
    def of(cls, execution: Execution, units: Units) -> "Costs":
        """Turn pips into points; UsageError if one is below zero."""
        markup = units.points(execution.spread_markup_pips, "spread_markup_pips")
        return cls(units.points(execution.slippage_pips, "slippage_pips"), markup / 2)


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """What is asked of the engine: orders, what the strategy says for each bar, and what both are about."""

    orders: Orders
    levels: BarLevels
    bars: Bars
    events: Events
    units: Units
    costs: Costs


@dataclass(frozen=True, slots=True, eq=False)
class Entries:
    """Where waiting orders lie; see :class:`necrozma_core.kernels.walks.order_arrays.Waiting`.

    Attributes
    ----------
    trigger : int64 array, shape (n_events, 2)
        The quotes that reach an order to buy and one to sell, points, as they are.
    base : int64 array, shape (n_events, 2)
        The orders' prices as the position sees them, rounded down; 0 for no such order.
    above_base : Distance
        What the rounding took.
    """

    trigger: Int64Array
    base: Int64Array
    above_base: Distance


def average_true_range(bars: Bars, period: int) -> FloatArray:
    """Return Wilder's average true range of the mid price, in points, shape (n_bars,); NaN before bar ``period``."""

    def compute() -> FloatArray:
        high, low, close = (np.ascontiguousarray(bars.mid2_points[:, column]) for column in (1, 2, 3))
        return np.asarray(indicators.atr(high, low, close, period)) / 2

    return bars.remember(("atr_points", period), compute)


def find_levels(asked: Asked, sides: Sides = Sides.BOTH) -> Entries:
    """Return where the orders lie that events leave.

    Parameters
    ----------
    asked : Asked
        Whose orders enter by a stop or a limit.
    sides : Sides
        Which may be entered.

    Raises
    ------
    UsageError
        If the offset is not a finite number, zero or above.
    """
    orders, levels, units, costs = asked.orders, asked.levels, asked.units, asked.costs
    is_stop = orders.entry_order == EntryKind.STOP
    offset = units.points(orders.entry_offset_pips, "entry_offset_pips") * (1 if is_stop else -1)
    rows = asked.events.bar - 1
    reference = _reference(orders, asked.bars, rows, is_stop=is_stop)
    given = ((levels.buy_price, 1), (levels.sell_price, -1))
    exact = np.asarray(reference + float(offset), dtype=np.float64)
    if any(prices is not None for prices, _ in given):
        for column, (prices, sign) in enumerate(given):
            if prices is not None:
                exact[:, column] = np.asarray(prices, dtype=np.float64)[rows] * (sign * 10**units.digits)
        exact = _rounded(np.clip(exact, -FAR, FAR))
        whole = np.floor(exact)
        above: Distance = exact - whole
        reached = _rounded(exact - float(costs.half_markup))
        reached = np.ceil(reached) if is_stop else np.floor(reached)
    else:
        lowered = offset.to_integral_value(ROUND_FLOOR)
        whole, above = np.asarray(reference + float(lowered), dtype=np.float64), offset - lowered
        shift = (offset - costs.half_markup).to_integral_value(ROUND_CEILING if is_stop else ROUND_FLOOR)
        reached = np.asarray(reference + float(shift), dtype=np.float64)
    wanted = _wanted(orders, asked.events, sides) & np.isfinite(exact)
    nowhere = float(FAR if is_stop else -FAR)
    trigger = np.where(wanted, reached, nowhere) * (1, -1)
    base = np.where(wanted, whole, 0.0)
    if not isinstance(above, Decimal):
        above = np.where(wanted, above, 0.0)
    return Entries(np.ascontiguousarray(trigger).astype(np.int64), base.astype(np.int64), above)


def _reference(orders: Orders, bars: Bars, rows: np.ndarray, *, is_stop: bool) -> Int64Array:
    # What offsets are counted from, as the position sees it: asks where it buys, bids with the other sign.
    high, low, close = 1, 2, 3
    buy, sell = (high, low) if is_stop else (low, high)
    if orders.entry_from == EntryFrom.CLOSE:
        buy = sell = close
    return np.stack([bars.ask_points[rows, buy].astype(np.int64), -bars.bid_points[rows, sell].astype(np.int64)], 1)


def _wanted(orders: Orders, events: Events, sides: Sides) -> BoolArray:
    buys, sells = events.side == 1, events.side == -1
    if orders.entry_sides == EntrySides.BOTH:
        buys = sells = buys | sells
    return np.stack([buys & (sides is not Sides.SHORT), sells & (sides is not Sides.LONG)], 1)


def guard_distances(
    asked: Asked,
    entries: Entries | None,
    stop_loss_pips: float | None,
    take_profit_pips: float | None,
    stop_out_points: FloatArray | None,
) -> Guards:
    """Return the levels of positions as the kernel reads them.

    Parameters
    ----------
    asked : Asked
        The distances of its bars are taken instead of the same in pips or in ATR.
    entries : Entries or None
        Of limit orders, whose fills have no slippage; None for all others.
    stop_loss_pips, take_profit_pips : float or None
    stop_out_points : float64 array, shape (n_events,), or None
        NaN where there is none.

    Raises
    ------
    UsageError
        A distance is not a finite number above zero, or the text of partial targets is none.
    """
    orders, levels, units, costs = asked.orders, asked.levels, asked.units, asked.costs
    # The recorded entry less the base, and what stands between the base and a side price that has won nothing.
    extra: Distance = costs.slippage + costs.half_markup if entries is None else entries.above_base
    shift = _plus(extra, costs.half_markup)
    stop = _chosen(asked, levels.stop_pips, orders.stop_loss_atr, stop_loss_pips, "stop_loss")
    target = _chosen(asked, levels.target_pips, orders.take_profit_atr, take_profit_pips, "take_profit")
    trailing = _chosen(asked, None, orders.trailing_stop_atr, orders.trailing_stop_pips, "trailing_stop")
    parts = () if orders.targets is None else parse_targets(orders.targets)
    partial = [units.distance(pips, "targets") for pips, _ in parts]
    arm = None if orders.break_even_pips is None else units.distance(orders.break_even_pips, "break_even_pips")
    lock = units.points(orders.break_even_lock_pips, "break_even_lock_pips", least=-np.inf)
    start = units.points(orders.trailing_start_pips, "trailing_start_pips")
    step = units.points(orders.trailing_step_pips, "trailing_step_pips")
    stop_out = None if stop_out_points is None else _far_for_none(stop_out_points)
    whole = [
        _whole_up(stop, _minus(shift)),
        _whole_up(stop_out, _minus(shift)),
        _whole_up(target, shift),
        _whole_up(trailing, Decimal(0)),
        FAR if trailing is None else _whole_up(start, shift),
        _whole_up(arm, shift),
        _negative(_whole_up(-lock, _minus(shift))),
        *(_whole_up(each, shift) for each in partial),
    ]
    exact = [
        extra,
        _plus(shift, costs.slippage),
        _FAR if target is None else target,
        Decimal("NaN") if stop is None else stop,
        _FAR if trailing is None else trailing,
        _plus(shift, lock),
        *partial,
    ]
    fractions = [Decimal(repr(fraction)) for _, fraction in parts]
    rest = [1 - sum(fractions[:count], Decimal(0)) for count in range(len(fractions) + 1)]
    rows_differ = any(isinstance(each, np.ndarray) for each in (*whole, *exact))
    return Guards(
        _table(whole, len(asked.events), np.int64, rows_differ=rows_differ),
        _table([_float(each) for each in exact], len(asked.events), np.float64, rows_differ=rows_differ),
        np.array([float(fraction) for fraction in fractions], dtype=np.float64),
        np.array([float(each) for each in rest], dtype=np.float64),
        max(int(min(step, _FAR).to_integral_value(ROUND_CEILING)), 1),
        trailing is not None and start == 0,
    )


def _chosen(
    asked: Asked, each: FloatArray | None, in_atr: float | None, pips: float | None, name: str
) -> Distance | None:
    if each is not None:
        return asked.units.each(each, asked.events, f"{name}_pips")
    if in_atr is not None:
        if not (np.isfinite(in_atr) and in_atr > 0):
            raise UsageError(f"{name}_atr: expected a number above zero, or none; found {shown(in_atr)}")
        atr = average_true_range(asked.bars, asked.orders.exit_atr_period)[asked.events.bar - 1]
        # Where the ATR is not known yet nothing is entered; see `knows_atr`.
        return _rounded(np.nan_to_num(in_atr * atr))[:, np.newaxis]
    return None if pips is None else asked.units.distance(pips, f"{name}_pips")


def _rounded(points: np.ndarray) -> FloatArray:
    return np.asarray(np.round(points, _DIGITS), dtype=np.float64)


def knows_atr(asked: Asked) -> BoolArray | None:
    """Say for each event whether the ATR that its orders need is known at its bar; None where they need none."""
    orders = asked.orders
    if orders.stop_loss_atr is None and orders.take_profit_atr is None and orders.trailing_stop_atr is None:
        return None
    return np.isfinite(average_true_range(asked.bars, orders.exit_atr_period)[asked.events.bar - 1])


def _far_for_none(points: FloatArray) -> FloatArray:
    return np.nan_to_num(_rounded(points), nan=FAR, posinf=FAR)[:, np.newaxis]


def _plus(one: Distance, other: Decimal) -> Distance:
    return one + other if isinstance(one, Decimal) else _rounded(one + float(other))


def _minus(distance: Distance) -> Distance:
    return -distance


def _negative(whole: int | Int64Array) -> int | Int64Array:
    return -whole


def _float(distance: Distance) -> float | FloatArray:
    return float(distance) if isinstance(distance, Decimal) else distance


def _whole_up(distance: Distance | None, shift: Distance) -> int | Int64Array:
    # Points at which a level counts as reached, rounded away from the base; FAR where there is no level.
    if distance is None:
        return FAR
    if isinstance(distance, Decimal) and isinstance(shift, Decimal):
        return min(int((distance + shift).to_integral_value(ROUND_CEILING)), FAR)
    found = np.ceil(_rounded(np.asarray(_float(distance) + _float(shift))))
    return np.minimum(found, FAR).astype(np.int64)


def _table(entries: Sequence[float | np.ndarray], n_events: int, dtype: type, *, rows_differ: bool) -> np.ndarray:
    if not rows_differ:
        return np.array([entries], dtype=dtype)
    table: np.ndarray = np.empty((n_events, 2, len(entries)), dtype=dtype)
    for column, entry in enumerate(entries):
        table[:, :, column] = entry
    return table.reshape(2 * n_events, len(entries))
