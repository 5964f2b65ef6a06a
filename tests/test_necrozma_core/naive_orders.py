"""Every order, written a second time: every tick, one after the other, exact fractions, no cleverness.

Shares no code with the engine but the types that it reads. Prices and distances are in points, as fractions. The side
price of a position is the quote that it would close at: the bid of a long, the ask of a short.
"""

from bisect import bisect_left
from fractions import Fraction
from math import isnan

from naive_bars import day_bars
from naive_clocks import (
    FRIDAY,
    MINUTE_MS,
    ROLL,
    SESSION_ENDS,
    end_of_window,
    is_within,
    moments_after,
    read_clock,
)
from naive_engine import asks_to_close
from naive_positions import NaiveOrderTrade, Position, Setup, Waiting

from necrozma_core.market.arrays import FloatArray

CLOSE_OF = {1: (2, 3), -1: (2, 4)}
"""The instructions that cancel a waiting order to buy and one to sell."""


def millionths(points: Fraction) -> Fraction:
    """Round what a strategy computed in floating point: 11.000000000000002 points are 11."""
    return Fraction(round(points * 10**6), 10**6)


class OrderWalk:
    """Walk every tick in order and do what the rules say; ``trades`` and ``stale_entries`` are what came of it."""

    def __init__(self, setup: Setup) -> None:
        self.setup, self.orders, self.execution = setup, setup.orders, setup.execution
        self.ticks = setup.ticks
        self.times = setup.ticks.time_ms.tolist()
        self.last = len(self.times) - 1
        self.bars, self.closes = day_bars(self.times, setup.timeframe_ms, setup.day_end)
        self.bar_of = [number for number, bar in enumerate(self.bars) for _ in bar.ticks]
        self.slippage = self.points(setup.execution.slippage_pips)
        self.half_markup = self.points(setup.execution.spread_markup_pips) / 2
        self.due = self.due_signals()
        self.trades: list[NaiveOrderTrade] = []
        self.stale_entries = 0
        self.position: Position | None = None
        self.waiting: list[Waiting] = []
        self.triggered: tuple[int | None, Waiting] | None = None  # a stop entry on its way, and the tick of its fill

    def run(self) -> "OrderWalk":
        for tick in range(len(self.times)):
            self.quote(tick)
            if self.position is not None and tick == self.last:
                self.close(tick, "end_of_data")
        return self

    def quote(self, tick: int) -> None:
        """Do what one tick leads to, in the order of the rules."""
        self.fill_what_was_on_its_way(tick)
        if self.position is not None and self.position.leaves_at is None and self.position.entry_tick < tick:
            self.guard(tick, self.position)
        if tick in self.due:
            self.hear(tick, *self.due[tick])
        self.fill_waiting(tick)
        if self.position is not None:
            self.follow(self.side_price(tick, self.position.side), self.position)

    # Units, quotes and times.

    def points(self, pips: float) -> Fraction:
        """Return pips as points, exactly: 1.1 pips are 11 points."""
        return Fraction(str(pips)) * Fraction(self.ticks.pair.points_per_pip(self.ticks.digits))

    def side_price(self, tick: int, side: int) -> Fraction:
        return Fraction(int((self.ticks.bid if side > 0 else self.ticks.ask)[tick]))

    def entry_quote(self, tick: int, side: int) -> Fraction:
        return self.side_price(tick, -side)

    def gain(self, price: Fraction, position: Position) -> Fraction:
        """Return how far a side price is beyond the entry, the mark-up of the spread taken off."""
        return (price - position.entry) * position.side - self.half_markup

    def first_tick_since(self, time_ms: int) -> int | None:
        tick = bisect_left(self.times, time_ms)
        return tick if tick <= self.last else None

    def after_latency(self, tick: int) -> int | None:
        """Return the tick at which what this one sets off is filled."""
        latency = self.execution.latency_ms
        return self.first_tick_since(self.times[tick] + latency) if latency else tick

    def close_time(self, bar: int) -> int:
        return self.closes[bar]

    def due_signals(self) -> dict[int, tuple[int, int]]:
        """Map each tick to the signal that acts at it, and its bar; of two at one tick the later one counts."""
        due = {}
        for bar, (known, signal) in enumerate(zip(self.closes, self.setup.signals, strict=True)):
            acting = self.first_tick_since(known + self.execution.latency_ms)
            if signal and acting is not None:
                due[acting] = (signal, bar)
        return due

    # Signals.

    def hear(self, tick: int, signal: int, bar: int) -> None:
        """Do what a signal asks for at its tick."""
        position = self.position
        if position is not None:
            if position.leaves_at is not None or position.entry_tick == tick:
                return
            if not asks_to_close(signal, position.side, self.setup.on_opposite):
                return
            self.close(tick, "signal")
            if self.setup.on_opposite != "reverse":
                return
        if self.triggered is not None:
            return
        if signal not in (1, -1):
            self.waiting = [order for order in self.waiting if signal not in CLOSE_OF[order.side]]
            return
        self.waiting = []
        if self.may_enter(tick, bar):
            if self.orders.entry_order == "market":
                self.enter_at_market(tick, signal, bar)
            else:
                self.waiting = self.new_orders(tick, signal, bar)

    def may_enter(self, tick: int, bar: int) -> bool:
        window, age = self.orders.entry_window, self.execution.max_quote_age_ms
        if window is not None and not is_within(self.times[tick], window):
            return False
        if self.needs_atr() and self.setup.atr[bar] is None:
            return False
        if age is not None and self.times[tick] > self.close_time(bar) + self.execution.latency_ms + age:
            self.stale_entries += 1
            return False
        return True

    def needs_atr(self) -> bool:
        orders = self.orders
        return any(
            each is not None for each in (orders.stop_loss_atr, orders.take_profit_atr, orders.trailing_stop_atr)
        )

    # Entries.

    def new_orders(self, tick: int, signal: int, bar: int) -> list[Waiting]:
        """Return the orders that a signal leaves, its side's first."""
        ends = []
        if bar + self.orders.entry_expiry_bars < len(self.bars):
            ends.append(self.close_time(bar + self.orders.entry_expiry_bars))
        if self.orders.entry_window is not None:
            ends.append(end_of_window(self.times[tick], self.orders.entry_window))
        sides = (signal, -signal) if self.orders.entry_sides == "both" else (signal,)
        allowed = {"both": (1, -1), "long": (1,), "short": (-1,)}[self.setup.sides]
        levels = [(side, self.entry_level(side, bar)) for side in sides if side in allowed]
        return [Waiting(side, level, bar, min(ends, default=None)) for side, level in levels if level is not None]

    def entry_level(self, side: int, bar: int) -> Fraction | None:
        given = self.setup.levels.buy_price if side > 0 else self.setup.levels.sell_price
        if given is not None:
            price = float(given[bar])
            return None if isnan(price) else millionths(Fraction(str(price)) * self.ticks.scale)
        up = side if self.orders.entry_order == "stop" else -side  # where the order lies: above the price or below it
        if self.orders.entry_from == "close":
            reference = self.entry_quote(self.bars[bar].ticks[-1], side)
        else:
            reference = self.extreme(bar, side, up)
        return reference + up * self.points(self.orders.entry_offset_pips)

    def extreme(self, bar: int, side: int, up: int) -> Fraction:
        """Return the highest or lowest quote of a bar at which a side would enter."""
        quotes = [self.entry_quote(tick, side) for tick in self.bars[bar].ticks]
        return max(quotes) if up > 0 else min(quotes)

    def fill_waiting(self, tick: int) -> None:
        self.waiting = [order for order in self.waiting if order.dies_at is None or self.times[tick] < order.dies_at]
        up = 1 if self.orders.entry_order == "stop" else -1
        for order in self.waiting:
            price = self.entry_quote(tick, order.side) + order.side * self.half_markup
            if (price - order.level) * order.side * up >= 0:
                self.waiting = []  # one cancels the other
                if self.orders.entry_order == "limit":
                    self.open(tick, order.side, order.signal_bar, self.limit_price(order, price))
                else:
                    self.triggered = (self.after_latency(tick), order)
                    self.fill_what_was_on_its_way(tick)
                return

    def limit_price(self, order: Waiting, price: Fraction) -> Fraction:
        """Return where a limit entry fills: at its level, however far beyond the price is."""
        return order.level

    def fill_what_was_on_its_way(self, tick: int) -> None:
        """Fill what earlier ticks set off and latency held back until this one."""
        if self.position is not None and self.position.leaves_at == tick:
            self.close(tick, self.position.leaves_by)
        if self.triggered is not None and self.triggered[0] == tick:
            order = self.triggered[1]
            self.triggered = None
            self.enter_at_market(tick, order.side, order.signal_bar)

    def enter_at_market(self, tick: int, side: int, bar: int) -> None:
        self.open(tick, side, bar, self.entry_quote(tick, side) + side * (self.slippage + self.half_markup))

    def open(self, tick: int, side: int, bar: int, price: Fraction) -> None:
        orders, levels, atr = self.orders, self.setup.levels, self.setup.atr

        def distance(pips: float | None, in_atr: float | None, array: FloatArray | None) -> Fraction | None:
            if array is not None:
                return millionths(self.points(float(array[bar])))
            if in_atr is not None:
                average = atr[bar]
                assert average is not None
                return millionths(Fraction(str(in_atr)) * average)
            return None if pips is None else self.points(pips)

        partial_targets = [part.split(":") for part in (orders.targets or "").split("+") if part]
        self.position = Position(
            side,
            tick,
            price,
            bar,
            stop=distance(self.setup.stop_loss_pips, orders.stop_loss_atr, levels.stop_pips),
            stop_out=Fraction(self.setup.stop_out[bar]) if bar in self.setup.stop_out else None,
            target=distance(self.setup.take_profit_pips, orders.take_profit_atr, levels.target_pips),
            partial_targets=sorted((self.points(float(pips)), Fraction(part)) for pips, part in partial_targets),
            trailing=distance(orders.trailing_stop_pips, orders.trailing_stop_atr, None),
            time_tick=self.time_tick(tick),
            session_tick=self.session_tick(tick),
        )

    # Exits.

    def guard(self, tick: int, position: Position) -> None:
        """Close what a tick closes, by the first reason that it has."""
        gain = self.gain(self.side_price(tick, position.side), position)
        if position.stop is not None and gain <= -position.stop:
            self.leave(tick, "stop_loss")
        elif position.stop_out is not None and gain <= -position.stop_out:
            self.leave(tick, "stop_out")
        else:
            self.take_targets(tick, position, gain)
            if self.position is not None:
                reason = self.moving_stop(position, gain) or self.schedule(tick, position)
                if reason is not None:
                    self.leave(tick, reason)

    def take_targets(self, tick: int, position: Position, gain: Fraction) -> None:
        """Fill the partial targets that are reached, the nearest first, and the target of the rest."""
        while position.partial_targets and gain >= position.partial_targets[0][0]:
            level, fraction = position.partial_targets.pop(0)
            self.book(tick, self.target_price(tick, position, level, gain), "partial_target", fraction)
        if self.position is not None and position.target is not None and gain >= position.target:
            price = self.target_price(tick, position, position.target, gain)
            self.book(tick, price, "take_profit", position.rest)

    def target_price(self, tick: int, position: Position, level: Fraction, gain: Fraction) -> Fraction:
        """Return where a target fills: at its level, however far beyond the tick is."""
        return position.entry + position.side * level

    def moving_stop(self, position: Position, gain: Fraction) -> str | None:
        """Return the reason of the trailing stop or of break-even, whichever lies nearer, if it is reached."""
        levels = []
        if position.base is not None and position.trailing is not None:
            levels.append((self.gain(position.base, position) - position.trailing, "trailing_stop"))
        if position.break_even:
            levels.append((self.points(self.orders.break_even_lock_pips), "break_even"))
        # Of two equal ones max takes the first: break-even.
        level, reason = max(reversed(levels), key=lambda each: each[0], default=(None, None))
        return reason if level is not None and gain <= level else None

    def follow(self, price: Fraction, position: Position) -> None:
        """Move the levels that follow the side price; the next tick is the first that they close at."""
        orders = self.orders
        if position.best is None or (price - position.best) * position.side > 0:
            position.best = price
        if position.base is None:
            start = self.points(orders.trailing_start_pips)
            if start == 0 or self.gain(position.best, position) >= start:
                position.base = position.best
        elif (position.best - position.base) * position.side >= max(
            self.points(orders.trailing_step_pips), Fraction(1)
        ):
            position.base = position.best
        if orders.break_even_pips is not None and self.gain(price, position) >= self.points(orders.break_even_pips):
            position.break_even = True

    def schedule(self, tick: int, position: Position) -> str | None:
        if tick == position.time_tick:
            return "time"
        return "session" if tick == position.session_tick else None

    def time_tick(self, entry_tick: int) -> int | None:
        """Return the tick at which a position's time is over, by whichever limit comes first."""
        orders, entered, found = self.orders, self.times[entry_tick], []
        if orders.max_bars is not None and self.bar_of[entry_tick] + orders.max_bars < len(self.bars):
            found.append(self.bars[self.bar_of[entry_tick] + orders.max_bars].ticks[0])
        if orders.max_minutes is not None:
            found.append(self.first_tick_since(entered + orders.max_minutes * MINUTE_MS))
        if orders.close_at is not None:
            found.append(self.first_tick_since(next(moments_after(entered, *read_clock(orders.close_at)))))
        return min((tick for tick in found if tick is not None), default=None)

    def session_tick(self, entry_tick: int) -> int | None:
        """Return the tick at which a trading session, a Friday or a day ends for a position, whichever comes first."""
        orders, entered, moments = self.orders, self.times[entry_tick], []
        if orders.close_session is not None:
            moments.append(next(moments_after(entered, *SESSION_ENDS[orders.close_session], range(FRIDAY + 1))))
        if orders.close_friday is not None:
            moments.append(next(moments_after(entered, *read_clock(orders.close_friday), range(FRIDAY, FRIDAY + 1))))
        if orders.close_before_roll_minutes is not None:
            before = orders.close_before_roll_minutes * MINUTE_MS
            moments.append(next(moments_after(entered + before, *ROLL)) - before)
        return self.first_tick_since(min(moments)) if moments else None

    def leave(self, tick: int, reason: str) -> None:
        """Close at this tick's price, or at the price of the first tick after the latency."""
        fill = self.after_latency(tick)
        if fill == tick:
            self.close(tick, reason)
        elif self.position is not None:
            # Where no tick comes so late, the end of the data closes it.
            self.position.leaves_at, self.position.leaves_by = self.last + 1 if fill is None else fill, reason

    def close(self, tick: int, reason: str) -> None:
        """Close what is left at the price of a tick, with its costs."""
        position = self.position
        assert position is not None
        price = self.side_price(tick, position.side) - position.side * (self.slippage + self.half_markup)
        self.book(tick, price, reason, position.rest)

    def book(self, tick: int, price: Fraction, reason: str, fraction: Fraction) -> None:
        position = self.position
        assert position is not None
        position.rest -= fraction
        self.trades.append(
            NaiveOrderTrade(
                position.side,
                position.entry_tick,
                tick,
                position.entry,
                price,
                reason,
                fraction,
                position.signal_bar,
                position.stop,
            )
        )
        if position.rest == 0:
            self.position = None
