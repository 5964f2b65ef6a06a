"""What the naive walks over ticks and over bars are given, keep and return. Prices and distances are in points."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from necrozma_core.engine.bar_levels import BarLevels
from necrozma_core.engine.execution import Execution
from necrozma_core.engine.orders import NO_ORDERS, Orders
from necrozma_core.market.ticks import Ticks

AT_ONCE = Execution()
NO_LEVELS = BarLevels()


@dataclass(frozen=True)
class NaiveOrderTrade:
    """One exit; ``signal_bar`` is the bar whose signal led to the entry, ``stop`` the stop's distance."""

    side: int
    entry_tick: int
    exit_tick: int
    entry: Fraction
    exit: Fraction
    reason: str
    fraction: Fraction
    signal_bar: int
    stop: Fraction | None

    @property
    def points(self) -> Fraction:
        return (self.exit - self.entry) * self.side


@dataclass
class Setup:
    """What is traded and by which rules; signals for sides that may not be entered have become closes already.

    ``atr`` is in points, one for each bar, None where it is not known yet; ``stop_out`` has distances in points by the
    bar of the signal. Bars follow each other from the clock time ``day_end`` on, and the last of a day ends with it.
    """

    ticks: Ticks
    timeframe_ms: int
    signals: Sequence[int]
    orders: Orders = NO_ORDERS
    execution: Execution = AT_ONCE
    stop_loss_pips: float | None = None
    take_profit_pips: float | None = None
    on_opposite: str = "reverse"
    sides: str = "both"
    levels: BarLevels = NO_LEVELS
    atr: Sequence[Fraction | None] = ()
    stop_out: Mapping[int, float] = field(default_factory=dict)
    day_end: str = "00:00@UTC"


@dataclass
class Waiting:
    """An order that waits for its level; it is no longer there at the first tick at or after ``dies_at``."""

    side: int
    level: Fraction
    signal_bar: int
    dies_at: int | None


@dataclass
class Position:
    """What is open, and the levels that guard it."""

    side: int
    entry_tick: int
    entry: Fraction
    signal_bar: int
    stop: Fraction | None
    stop_out: Fraction | None
    target: Fraction | None
    partial_targets: list[tuple[Fraction, Fraction]]
    trailing: Fraction | None
    time_tick: int | None
    session_tick: int | None
    rest: Fraction = Fraction(1)
    best: Fraction | None = None
    base: Fraction | None = None
    break_even: bool = False
    leaves_at: int | None = None
    leaves_by: str = ""
