"""Every order on bars without ticks, written a second time: bar after bar, exact fractions, no cleverness.

A bar is two ticks: its opening, at which everything goes as at a tick, and whatever comes later in it, of which only
the extremes are known. Of what could have happened there the worse is taken to have happened first.
"""

from dataclasses import replace
from fractions import Fraction

import numpy as np
from naive_orders import OrderWalk
from naive_positions import Position, Setup, Waiting

from necrozma_core.market.quote_bars import QuoteBars
from necrozma_core.market.ticks import Ticks

STOP_LIKE = ("stop_loss", "stop_out", "break_even", "trailing_stop")
"""Of two at one level the first gives the reason."""


class BarOrderWalk(OrderWalk):
    """Walk bars instead of ticks; ticks are numbered twice the bar for its opening, one more for anything after it."""

    def __init__(self, quote_bars: QuoteBars, setup: Setup) -> None:
        self.quote_bars = quote_bars
        super().__init__(replace(setup, ticks=openings_and_closings(quote_bars)))

    def quote(self, tick: int) -> None:
        if tick % 2 == 0:
            super().quote(tick)
        elif self.position is not None:
            self.go_on(tick, self.position)
        else:
            self.enter_inside(tick)

    # What a tick is to a bar.

    def bar_price(self, tick: int, side: int, column: str) -> Fraction:
        """Return a bar's price of the quote at which a side closes; ``best`` and ``worst`` are meant for that side."""
        if column in ("best", "worst"):
            column = "high" if (side > 0) == (column == "best") else "low"
        quotes = self.quote_bars.bid if side > 0 else self.quote_bars.ask
        return Fraction(int(quotes[tick // 2, ("open", "high", "low", "close").index(column)]))

    def extreme(self, bar: int, side: int, up: int) -> Fraction:
        column = "high" if up > 0 else "low"
        prices = [self.bar_price(tick, -side, column) for tick in self.bars[bar].ticks]
        return max(prices) if up > 0 else min(prices)

    def first_tick_since(self, time_ms: int) -> int | None:
        """Return an opening: nothing is closed by the time, and no signal acts, within a bar."""
        tick = super().first_tick_since(time_ms)
        return tick if tick is None or tick % 2 == 0 else (tick + 1 if tick < self.last else None)

    # A bar that opens beyond a level where something waits fills it at its opening: a gap brings what it does.

    def target_price(self, tick: int, position: Position, level: Fraction, gain: Fraction) -> Fraction:
        return position.entry + position.side * (level if tick % 2 else gain)

    def limit_price(self, order: Waiting, price: Fraction) -> Fraction:
        return price

    # Within a bar.

    def go_on(self, tick: int, position: Position) -> None:
        """Take a position through what follows its bar's opening: stops first, the nearest one, then targets."""
        self.stop_inside(tick, position, STOP_LIKE)
        if self.position is not None:
            best = self.bar_price(tick, position.side, "best")
            self.take_targets(tick, position, self.gain(best, position))
            self.follow(best, position)

    def stop_inside(self, tick: int, position: Position, reasons: tuple[str, ...]) -> None:
        """Close at the nearest level that the worst price reaches; at the opening, if it was beyond already."""
        levels = {reason: level for reason in reasons if (level := self.stop_level(reason, position)) is not None}
        worst = self.gain(self.bar_price(tick, position.side, "worst"), position)
        nearest = max(levels, key=lambda reason: levels[reason], default=None)  # of equal ones the first
        if nearest is not None and worst <= levels[nearest]:
            level = levels[nearest]
            if position.entry_tick < tick:
                level = min(level, self.gain(self.bar_price(tick, position.side, "open"), position))
            price = position.entry + position.side * (level - self.slippage)
            self.book(tick, price, nearest, position.rest)

    def stop_level(self, reason: str, position: Position) -> Fraction | None:
        """Return how far beyond the entry a level lies that closes a position which falls to it."""
        if reason == "break_even":
            return self.points(self.orders.break_even_lock_pips) if position.break_even else None
        if reason == "trailing_stop":
            if position.base is None or position.trailing is None:
                return None
            return self.gain(position.base, position) - position.trailing
        distance = position.stop if reason == "stop_loss" else position.stop_out
        return None if distance is None else -distance

    def enter_inside(self, tick: int) -> None:
        """Fill the order that a bar reaches after its opening, at its level, and look at nothing but the stop."""
        order = self.reached_inside(tick)
        if order is None:
            return
        self.waiting = []
        cost = self.slippage if self.orders.entry_order == "stop" else 0
        self.open(tick, order.side, order.signal_bar, order.level + order.side * cost)
        position = self.position
        assert position is not None
        self.stop_inside(tick, position, ("stop_loss", "stop_out"))
        if self.position is not None:
            self.follow(self.bar_price(tick, position.side, "close"), position)

    def reached_inside(self, tick: int) -> Waiting | None:
        self.waiting = [order for order in self.waiting if order.dies_at is None or self.times[tick] < order.dies_at]
        for order in self.waiting:
            up = order.side if self.orders.entry_order == "stop" else -order.side
            price = self.bar_price(tick, -order.side, "high" if up > 0 else "low") + order.side * self.half_markup
            if (price - order.level) * up >= 0:
                return order
        return None


def openings_and_closings(quote_bars: QuoteBars) -> Ticks:
    """Return the two quotes of each bar whose times are known: at its opening and in its last millisecond."""
    opened = quote_bars.open_time_ms
    return Ticks(
        quote_bars.pair,
        quote_bars.digits,
        np.stack([opened, opened + quote_bars.timeframe_ms - 1], axis=1).ravel(),
        quote_bars.bid[:, [0, 3]].ravel(),
        quote_bars.ask[:, [0, 3]].ravel(),
    )
