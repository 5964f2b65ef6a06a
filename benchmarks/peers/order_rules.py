"""Orders on bars by rules that can be exchanged one by one, from ours to those of another backtester.

Plain Python, bar after bar, whole numbers of points and halves; no spread, so that everybody sees one price. With no
rule exchanged the trades are ours; with all of a peer's they have to be the peer's, trade for trade, and so each rule
explains its part of the difference.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple


class Rule(Enum):
    """What a peer does otherwise; the value says it for readers."""

    LEVELS_BEFORE_SIGNALS = "a level reached anywhere in a bar comes before the signal at its opening, which is lost"
    ENTRY_BAR_UNTESTED = "no level is tested in the bar of an entry at its opening"
    ENTRY_BAR_UNFOLLOWED = "the best price of the entry's bar moves no trailing stop"
    OPENING_UNFOLLOWED = "an opening moves no trailing stop that is live in its own bar"
    REFUSED_BEYOND_CLOSE = "an entry is refused whose stop or target lies beyond the close before a gap"
    DECIDED_AT_CLOSE = (
        "a signal in the position's direction is lost, even if the position ends at the very next opening"
    )
    FILL_BAR_UNTESTED = "the stop is not tested in the bar in which an order that waited is filled"
    TARGET_IN_FILL_BAR = "a target is taken in the bar of a stop entry, where the stop is not reached"
    LEVELS_FROM_ORDER = "after a gap, stop and target lie at their distance from the order, not from its fill"
    STOP_BEFORE_OPENING = "a stop reached anywhere in a bar comes before a target that its opening is beyond"
    ENDS_AT_OPENING = "what is open at the end closes at the opening of the last bar"


class Case(NamedTuple):
    """Orders, distances in points.

    Attributes
    ----------
    entry : str
        ``market``, ``stop`` or ``limit``.
    offset, stop, target, trailing : float or None
        Halves of a point, so that no price ever equals a level.
    expiry : int
        Bars that an order waits.
    """

    entry: str = "market"
    offset: float = 0.0
    expiry: int = 1
    stop: float | None = None
    target: float | None = None
    trailing: float | None = None


class Trade(NamedTuple):
    """One trade, by the bars and the prices of its fills, points."""

    side: int
    entry_bar: int
    entry: float
    exit_bar: int
    exit: float

    @property
    def points(self) -> float:
        """What it brought."""
        return self.side * (self.exit - self.entry)


class Bar(NamedTuple):
    """Open, high, low, close, points."""

    open: int
    high: int
    low: int
    close: int


@dataclass
class _Position:
    side: int
    bar: int
    entry: float
    levels_from: float
    case: Case
    best: float | None = None

    def stop_level(self) -> float | None:
        """Return the nearest level below, as the position sees prices."""
        levels = []
        if self.case.stop is not None:
            levels.append(self.side * self.levels_from - self.case.stop)
        if self.case.trailing is not None and self.best is not None:
            levels.append(self.best - self.case.trailing)
        return max(levels, default=None)

    def target_level(self) -> float | None:
        return None if self.case.target is None else self.side * self.levels_from + self.case.target

    def follow(self, price: float) -> None:
        self.best = self.side * price if self.best is None else max(self.best, self.side * price)


class _Walk:
    def __init__(self, bars: Sequence[Bar], signals: Sequence[int], case: Case, rules: Collection[Rule]) -> None:
        self.bars, self.signals, self.case, self.rules = bars, signals, case, rules
        self.trades: list[Trade] = []
        self.position: _Position | None = None
        self.order: tuple[int, float, int] | None = None  # side, level, the bar at which it is gone

    def run(self) -> list[Trade]:
        for number, bar in enumerate(self.bars):
            self.open_bar(number, bar, self.signals[number - 1] if number else 0)
            filled = self.fill_order(number, bar)
            if self.position is not None and not filled:
                self.go_on(number, bar, self.position)
        if self.position is not None:
            last = self.bars[-1]
            self.close(len(self.bars) - 1, last.open if Rule.ENDS_AT_OPENING in self.rules else last.close)
        return self.trades

    def close(self, number: int, price: float) -> None:
        position = self.position
        assert position is not None
        self.trades.append(Trade(position.side, position.bar, position.entry, number, price))
        self.position = None

    def enter(self, number: int, side: int, price: float, levels_from: float) -> None:
        self.position = _Position(side, number, price, levels_from, self.case)

    # The opening.

    def open_bar(self, number: int, bar: Bar, signal: int) -> None:
        position = self.position
        if position is not None:
            if Rule.LEVELS_BEFORE_SIGNALS in self.rules and self.close_by_levels(number, bar, position):
                return
            if Rule.DECIDED_AT_CLOSE in self.rules and signal == position.side:
                signal = 0
            if self.is_beyond(position, bar) or signal == -position.side:
                self.close(number, bar.open)
        if self.order is not None and (signal or number >= self.order[2]):
            self.order = None
        if signal and self.position is None:
            self.act(number, bar, signal)
        if self.position is not None and (self.position.bar == number or Rule.OPENING_UNFOLLOWED not in self.rules):
            self.position.follow(bar.open)

    def is_beyond(self, position: _Position, bar: Bar) -> bool:
        stop, target = position.stop_level(), position.target_level()
        opening, worst = position.side * bar.open, position.side * (bar.low if position.side > 0 else bar.high)
        if stop is not None and opening <= stop:
            return True
        if stop is not None and worst <= stop and Rule.STOP_BEFORE_OPENING in self.rules:
            return False
        return target is not None and opening >= target

    def act(self, number: int, bar: Bar, signal: int) -> None:
        if self.case.entry == "market":
            if not self.refuses(signal, bar.open, self.bars[number - 1].close):
                self.enter(number, signal, bar.open, bar.open)
        else:
            up = signal if self.case.entry == "stop" else -signal
            level = self.bars[number - 1].close + up * self.case.offset
            self.order = (signal, level, number + self.case.expiry)

    def refuses(self, side: int, opening: int, close: int) -> bool:
        if Rule.REFUSED_BEYOND_CLOSE not in self.rules:
            return False
        above, below = self.case.target, self.case.trailing or self.case.stop
        beyond = side * (close - opening)
        return (above is not None and beyond >= above) or (below is not None and beyond <= -below)

    def close_by_levels(self, number: int, bar: Bar, position: _Position) -> bool:
        if self.is_beyond(position, bar):
            self.close(number, bar.open)
            return True
        return self.test_levels(number, bar, position)

    # Within the bar.

    def test_levels(self, number: int, bar: Bar, position: _Position) -> bool:
        worst, best = (bar.low, bar.high) if position.side > 0 else (bar.high, bar.low)
        stop, target = position.stop_level(), position.target_level()
        if stop is not None and position.side * worst <= stop:
            self.close(number, position.side * stop)
        elif target is not None and position.side * best >= target:
            self.close(number, position.side * target)
        return self.position is None

    def go_on(self, number: int, bar: Bar, position: _Position) -> None:
        entered_here = position.bar == number
        if not (entered_here and Rule.ENTRY_BAR_UNTESTED in self.rules) and self.test_levels(number, bar, position):
            return
        if not (entered_here and Rule.ENTRY_BAR_UNFOLLOWED in self.rules):
            position.follow(bar.high if position.side > 0 else bar.low)

    def fill_order(self, number: int, bar: Bar) -> bool:
        """Fill what waits; True where nothing else is to be done in this bar."""
        if self.order is None or self.position is not None:
            return False
        side, level, _ = self.order
        up = side if self.case.entry == "stop" else -side
        is_gap = up * (bar.open - level) >= 0
        if not is_gap and up * ((bar.high if up > 0 else bar.low) - level) < 0:
            return False
        self.order = None
        price = bar.open if is_gap else level
        self.enter(number, side, price, level if Rule.LEVELS_FROM_ORDER in self.rules else price)
        position = self.position
        assert position is not None
        if is_gap and Rule.FILL_BAR_UNTESTED not in self.rules:
            return False
        self.test_fill_bar(number, bar, position)
        return True

    def test_fill_bar(self, number: int, bar: Bar, position: _Position) -> None:
        worst, best = (bar.low, bar.high) if position.side > 0 else (bar.high, bar.low)
        stop, target = position.stop_level(), position.target_level()
        is_stopped = stop is not None and position.side * worst <= stop
        if is_stopped and Rule.FILL_BAR_UNTESTED not in self.rules:
            assert stop is not None
            self.close(number, position.side * stop)
        elif not is_stopped and target is not None and position.side * best >= target and self.takes_at_once():
            self.close(number, max(target, position.side * bar.open) * position.side)

    def takes_at_once(self) -> bool:
        return Rule.TARGET_IN_FILL_BAR in self.rules and self.case.entry == "stop"


def walk_by_rules(bars: Sequence[Bar], signals: Sequence[int], case: Case, rules: Collection[Rule] = ()) -> list[Trade]:
    """Trade the signals of bars, each at the next opening.

    Parameters
    ----------
    bars : sequence of Bar
    signals : sequence of int
        +1, -1 or 0 for each bar.
    case : Case
    rules : collection of Rule
        Those that are exchanged.
    """
    return _Walk(bars, signals, case, rules).run()
