"""What the walk over bars needs to know of each event: when it may enter, where its orders lie, which levels it has."""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Final

import numpy as np

from necrozma_core.engine.bar_levels import BarLevels
from necrozma_core.engine.events import Events
from necrozma_core.engine.exact_points import ExactPoints
from necrozma_core.engine.execution import Execution
from necrozma_core.engine.instructions import OnOpposite
from necrozma_core.engine.order_schedule import is_inside, scheduled_closes, window_ends
from necrozma_core.engine.order_texts import parse_targets, parse_window
from necrozma_core.engine.orders import EntryFrom, EntryKind, EntrySides, Orders
from necrozma_core.engine.trades import ExitReason
from necrozma_core.kernels import indicators
from necrozma_core.kernels.bar_orders import (
    FAR,
    LIMIT_ENTRY,
    MARKET,
    MAY_ENTER,
    OUTSIDE,
    STALE,
    STOP_ENTRY,
    BarEvents,
    BarLimits,
    BarRules,
)
from necrozma_core.market.arrays import FloatArray, Int64Array
from necrozma_core.market.bars import Bars
from necrozma_core.market.ticks import Ticks

_ENTRIES: Final = {EntryKind.MARKET: MARKET, EntryKind.STOP: STOP_ENTRY, EntryKind.LIMIT: LIMIT_ENTRY}
_MINUTE_MS: Final = 60_000


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class BarTrading:
    """What is traded, and by which rules.

    Attributes
    ----------
    ticks : Ticks
        Two to each bar given.
    bars : Bars
        Those that the signals are about.
    events : Events
    orders : Orders
    execution : Execution
    levels : BarLevels
    stop_loss_pips, take_profit_pips : float or None
    on_opposite : OnOpposite
    stop_out_points : float64 array, shape (n_events,), or None
        How far below the entry an account is closed by its broker, points; NaN for nowhere.
    """

    ticks: Ticks
    bars: Bars
    events: Events
    orders: Orders
    execution: Execution
    levels: BarLevels
    stop_loss_pips: float | None
    take_profit_pips: float | None
    on_opposite: OnOpposite
    stop_out_points: FloatArray | None

    @property
    def n_events(self) -> int:
        """How many events there are."""
        return len(self.events)

    @property
    def signal_bar(self) -> Int64Array:
        """The bar of each event's signal."""
        return self.events.bar.astype(np.int64) - 1

    def points(self, pips: float) -> Fraction:
        """Return pips as points, exactly: 1.1 pips are 11 points."""
        return Fraction(repr(float(pips))) * Fraction(self.ticks.pair.points_per_pip(self.ticks.digits))

    @property
    def slippage(self) -> Fraction:
        """Slippage in points."""
        return self.points(self.execution.slippage_pips)

    @property
    def markup(self) -> Fraction:
        """What is added to every spread, in points."""
        return self.points(self.execution.spread_markup_pips)

    def distance(self, pips: float | None, in_atr: float | None, array: FloatArray | None = None) -> ExactPoints | None:
        """Return a distance of each event's, given in one of three ways, or None."""
        bar = self.signal_bar
        if array is not None:
            of_bar = array[bar]
            per_pip = float(self.ticks.pair.points_per_pip(self.ticks.digits))
            return ExactPoints.of_array(of_bar * per_pip, lambda event: self.points(of_bar[event]))
        if in_atr is not None:
            times, atr = Fraction(float(in_atr)), self._atr_points()[bar]
            return ExactPoints.of_array(in_atr * atr, lambda event: times * Fraction(float(atr[event])))
        return None if pips is None else ExactPoints.constant(self.points(pips))

    def _atr_points(self) -> FloatArray:
        period, mid2 = self.orders.atr_period, self.bars.mid2_points
        high, low, close = (np.ascontiguousarray(mid2[:, column]) for column in (1, 2, 3))
        return self.bars.remember(("atr in points", period), lambda: indicators.atr(high, low, close, period) / 2)


def plan_events(trading: BarTrading, limits: BarLimits) -> BarEvents:
    """Return when events act, whether they may enter, and until when their orders wait.

    Parameters
    ----------
    trading : BarTrading
    limits : BarLimits
        An event of which a level is not known does not enter.
    """
    ticks, bars, events = trading.ticks, trading.bars, trading.events
    tick = bars.first_tick[events.bar]
    time_ms = ticks.time_ms[tick]
    state = np.full(len(events), MAY_ENTER, dtype=np.int8)
    oldest = trading.execution.max_quote_age_ms
    if oldest is not None:
        state[time_ms > bars.close_time_ms[trading.signal_bar] + oldest] = STALE
    expires = np.minimum(events.bar.astype(np.int64) + trading.orders.entry_expiry_bars, len(bars))
    dies_tick = bars.first_tick[expires]
    if trading.orders.entry_window is not None:
        window = parse_window(trading.orders.entry_window)
        state[~is_inside(window, time_ms)] = OUTSIDE
        dies_tick = np.minimum(dies_tick, np.searchsorted(ticks.time_ms, window_ends(window, time_ms)))
    for level in (limits.stop, limits.target, limits.trail):
        state[np.isnan(level)] = OUTSIDE
    trigger = np.full((len(events), 2), FAR, dtype=np.int64)
    for column, side in enumerate((1, -1)):
        if trading.orders.entry != EntryKind.MARKET:
            order = _waiting_order(trading, side)
            trigger[:, column] = np.where(order.exists, order.trigger, FAR)
    return BarEvents(tick // 2, events.side, state, trigger, dies_tick)


@dataclass(frozen=True, slots=True, eq=False)
class _WaitingOrder:
    # The order of one side, prices as its position would see them; `entry` is counted from the trigger.
    exists: np.ndarray
    trigger: Int64Array
    entry: ExactPoints


def _waiting_order(trading: BarTrading, side: int) -> _WaitingOrder:
    n, is_stop = trading.n_events, trading.orders.entry == EntryKind.STOP
    whole, beyond, exists = _entry_level(trading, side, is_stop)
    half_markup = ExactPoints.constant(trading.markup / 2)
    above = (beyond - half_markup).ceil(n) if is_stop else (beyond - half_markup).floor(n)
    slippage = ExactPoints.constant(trading.slippage if is_stop else Fraction(0))
    if beyond.is_constant:
        entry = ExactPoints.constant(beyond.at(0) - int(above[0]) if n else Fraction(0)) + slippage
    else:
        entry = ExactPoints.of_array(beyond.near - above, lambda event: beyond.at(event) - int(above[event])) + slippage
    if trading.orders.entry_sides == EntrySides.SIGNAL:
        exists = exists & (trading.events.side == side)
    return _WaitingOrder(exists, whole + above, entry)


def _entry_level(trading: BarTrading, side: int, is_stop: bool) -> tuple[Int64Array, ExactPoints, np.ndarray]:
    # The whole points of the level of each order, what it is beyond them, and whether there is such an order.
    orders, bars, bar = trading.orders, trading.bars, trading.signal_bar
    given = trading.levels.buy_price if side > 0 else trading.levels.sell_price
    if given is not None:
        scale, exists = trading.ticks.scale, ~np.isnan(given[bar])
        price = np.where(exists, given[bar], 0.0)
        seen = price * scale * side
        whole = np.floor(seen).astype(np.int64)
        at = lambda event: Fraction(Decimal(repr(float(price[event])))) * scale * side - int(whole[event])  # noqa: E731
        return whole, ExactPoints.of_array(seen - whole, at), exists
    quotes = bars.ask_points if side > 0 else bars.bid_points
    column = 3 if orders.entry_from == EntryFrom.CLOSE else 1 if (side > 0) == is_stop else 2
    offset = trading.points(orders.entry_offset_pips)
    whole = side * quotes[bar, column].astype(np.int64)
    return whole, ExactPoints.constant(offset if is_stop else -offset), np.ones(len(bar), dtype=np.bool_)


def plan_limits(trading: BarTrading) -> BarLimits:
    """Return the levels of the entry that each event leads to."""
    orders, levels, n = trading.orders, trading.levels, trading.n_events
    stop = trading.distance(trading.stop_loss_pips, orders.stop_loss_atr, levels.stop_pips)
    target = trading.distance(trading.take_profit_pips, orders.take_profit_atr, levels.target_pips)
    trail = trading.distance(orders.trailing_stop_pips, orders.trailing_stop_atr)
    stop_out = None
    if trading.stop_out_points is not None:
        out = np.where(np.isnan(trading.stop_out_points), FAR, trading.stop_out_points)
        stop_out = ExactPoints.of_array(out, lambda event: Fraction(float(out[event])))
    even = None if orders.break_even_pips is None else ExactPoints.constant(trading.points(orders.break_even_pips))
    start = None if trail is None else ExactPoints.constant(trading.points(orders.trailing_start_pips))
    partial = [(trading.points(pips), part) for pips, part in parse_targets(orders.targets)] if orders.targets else []
    offsets = _entries(trading)
    costs = [offset + ExactPoints.constant(trading.markup / 2) for offset in offsets]
    lock = ExactPoints.constant(trading.points(orders.break_even_lock_pips))

    def columns(each: list[np.ndarray]) -> np.ndarray:
        return np.ascontiguousarray(np.stack(each, axis=1))

    def above(distance: ExactPoints | None) -> Int64Array:
        return columns([_far(n) if distance is None else (distance + cost).ceil(n) for cost in costs])

    def below(distance: ExactPoints | None) -> Int64Array:
        return columns([_far(n) if distance is None else (distance - cost).ceil(n) for cost in costs])

    start_reach = above(start)
    if orders.trailing_start_pips == 0 and trail is not None:
        start_reach[:] = -FAR
    return BarLimits(
        offset=columns([_near(offset, n) for offset in offsets]),
        cost=columns([_near(cost, n) for cost in costs]),
        stop_reach=below(stop),
        stop_out_reach=below(stop_out),
        target_reach=above(target),
        start_reach=start_reach,
        even_reach=above(even),
        lock_reach=columns([(lock + cost).floor(n) for cost in costs]),
        partial_reach=np.ascontiguousarray(
            np.stack([above(ExactPoints.constant(pips)) for pips, _ in partial], axis=2)
            if partial
            else np.empty((n, len(costs), 0), dtype=np.int64)
        ),
        trail_reach=_far(n) if trail is None else trail.ceil(n),
        stop=_near(stop, n),
        stop_out=_near(stop_out, n),
        target=_near(target, n),
        trail=_near(trail, n),
        partial=np.array([float(pips) for pips, _ in partial]),
        fraction=np.array([part for _, part in partial], dtype=np.float64),
    )


def _entries(trading: BarTrading) -> list[ExactPoints]:
    # From the anchor of each kind of fill to the price of the entry: at a quote, at the level of a buy and of a sell.
    if trading.orders.entry == EntryKind.MARKET:
        return [ExactPoints.constant(trading.slippage + trading.markup / 2)]
    slippage = trading.slippage if trading.orders.entry == EntryKind.STOP else Fraction(0)
    at_quote = ExactPoints.constant(slippage + trading.markup / 2)
    return [at_quote, *(_waiting_order(trading, side).entry for side in (1, -1))]


def _far(n_events: int) -> Int64Array:
    return np.full(n_events, FAR, dtype=np.int64)


def _near(points: ExactPoints | None, n_events: int) -> FloatArray:
    return np.full(n_events, float(FAR) if points is None else points.near, dtype=np.float64)


def plan_rules(trading: BarTrading) -> BarRules:
    """Return what is the same for every entry."""
    orders, times = trading.orders, trading.ticks.time_ms
    moments, reasons = np.empty(0, np.int64), np.empty(0, np.int8)
    if len(times):
        moments, reasons = scheduled_closes(orders, int(times[0]), int(times[-1]))
    parts = parse_targets(orders.targets) if orders.targets else ()
    step = ExactPoints.constant(trading.points(orders.trailing_step_pips)).ceil(1)
    return BarRules(
        entry=_ENTRIES[EntryKind(orders.entry)],
        on_opposite=trading.on_opposite.code,
        slippage=float(trading.slippage),
        lock=float(trading.points(orders.break_even_lock_pips)),
        step=max(int(step[0]), 1),
        takes_all=sum(Decimal(repr(part)) for _, part in parts) == 1,
        max_bars=orders.max_bars or 0,
        max_ms=(orders.max_minutes or 0) * _MINUTE_MS,
        time_ms=moments[reasons == ExitReason.TIME],
        session_ms=moments[reasons == ExitReason.SESSION],
    )
