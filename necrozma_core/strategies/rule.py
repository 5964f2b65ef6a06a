"""What the built-in families share: checked settings, a name that tells them apart, a warm-up."""

from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from typing import ClassVar, TypeGuard

import numpy as np

from necrozma_core.engine.instructions import OnOpposite, Sides
from necrozma_core.engine.orders import NO_ORDERS, EntrySides, Orders
from necrozma_core.errors import UsageError
from necrozma_core.market.arrays import Int8Array
from necrozma_core.market.bars import Bars
from necrozma_core.market.timeframes import format_timeframe
from necrozma_core.strategies.filters import FILTER, has_sides
from necrozma_core.strategies.order_settings import ORDER_SETTINGS, checked_orders, find_conflict
from necrozma_core.strategies.parameters import ON_OPPOSITE, PIPS, SIDES, Bounds, write_value
from necrozma_core.strategies.protocol import Param, Strategy

LEVELS = ("stop_loss_pips", "take_profit_pips")
"""Two settings that every family has, and that change no signal."""

ORDERS = ("sides", "on_opposite")
"""Two more, which say what signals do. They are no part of a name, and of ``params``, where they are as always."""

OPPOSITE = "opposite"
"""The natural exit of rules that are always on one side: the opposite signal, which then enters nothing."""

_EXIT = "exit"
"""The setting of a family's natural exit, where it has one; like those above no part of a name where it is none."""

_FILTER = "filter"
"""What must be true where something is entered; no part of a name either where it is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule(ABC):
    """One setting of a built-in family.

    A family is a frozen dataclass whose fields are its parameters, each with a default and with its bounds in
    ``metadata``; every value is checked when the setting is made.

    Attributes
    ----------
    stop_loss_pips, take_profit_pips : float or None
        Distances from the entry price; None sets no such level.
    sides : str
        ``both``, ``long`` or ``short``: what may be entered.
    on_opposite : str
        ``reverse``, ``close`` or ``ignore``: what a signal against an open position does.
    filter : str or None
        What must be true at a signal's bar, or nothing is entered; see `necrozma_core.strategies.filters`.
    orders : Orders
        Everything else about how positions are opened, guarded and closed; in a grid by the names of
        :data:`~necrozma_core.strategies.order_settings.ORDER_SETTINGS`.

    Raises
    ------
    UsageError
        If a value is out of its range, or two do not go together.
    """

    family: ClassVar[str]

    stop_loss_pips: float | None = field(default=None, metadata=PIPS)
    take_profit_pips: float | None = field(default=None, metadata=PIPS)
    sides: str = field(default=Sides.BOTH.value, metadata=SIDES)
    on_opposite: str = field(default=OnOpposite.REVERSE.value, metadata=ON_OPPOSITE)
    filter: str | None = field(default=None, metadata=FILTER)
    orders: Orders = NO_ORDERS

    def __post_init__(self) -> None:
        try:
            for name, bounds in bounds_of(type(self)).items():
                given = getattr(self, name)
                value = bounds.check(name, given)
                if value is not given:
                    object.__setattr__(self, name, value)
            if self.orders is not NO_ORDERS:
                object.__setattr__(self, "orders", checked_orders(self.orders))
        except UsageError as error:
            raise UsageError(f"{self.family}: {error}") from None
        if self.natural_exit == OPPOSITE:
            self._close_at_opposite()
        conflict = (
            self.conflict()
            or find_conflict(self.orders, self.stop_loss_pips, self.take_profit_pips, self.sides)
            or conflict_of_filter(self.filter, self.orders)
        )
        if conflict:
            raise UsageError(f"{self.family}: {conflict}")

    def _close_at_opposite(self) -> None:
        # One setting has one spelling, and this is what every family's on_opposite says.
        if self.on_opposite == OnOpposite.IGNORE:
            raise UsageError(f"{self.family}: exit={OPPOSITE} and on_opposite=ignore exclude each other")
        object.__setattr__(self, _EXIT, None)
        object.__setattr__(self, "on_opposite", OnOpposite.CLOSE.value)

    @property
    def rule_params(self) -> Mapping[str, Param]:
        """The family's own parameters by name, on which alone its signals depend; its natural exit where it has one."""
        found = {name: getattr(self, name) for name in _parameters_of(type(self))}
        natural = self.natural_exit
        return found if natural is None else {**found, _EXIT: natural}

    @property
    def natural_exit(self) -> Param | None:
        """The ``exit`` of a family that has one; None leaves it to orders and opposite signals."""
        found: Param | None = getattr(self, _EXIT, None)
        return found

    @property
    def params(self) -> Mapping[str, Param]:
        """The parameters by name, without stop and target; with the orders that are not as always."""
        return {**self.rule_params, **self._unusual_orders()}

    @property
    def name(self) -> str:
        """Family, parameters, stop and target: ``sma_cross(10,30) sl20 tp40``. No two settings share it."""
        values = [write_value(getattr(self, name)) for name in _parameters_of(type(self))]
        name = f"{self.family}({','.join(values)})"
        if self.stop_loss_pips is not None:
            name += f" sl{write_value(self.stop_loss_pips)}"
        if self.take_profit_pips is not None:
            name += f" tp{write_value(self.take_profit_pips)}"
        unusual = self._unusual_orders()
        if (natural := self.natural_exit) is not None:
            unusual = {_EXIT: natural, **unusual}
        return "".join([name, *(f" {order}={write_value(value)}" for order, value in unusual.items())])

    def _unusual_orders(self) -> dict[str, Param]:
        return unusual_orders(self.sides, self.on_opposite, self.orders, self.filter)

    @property
    @abstractmethod
    def warm_up(self) -> int:
        """How many bars pass before the first that can carry a signal."""

    def conflict(self) -> str | None:
        """Say which values do not go together, or None."""
        return None

    def signals(self, bars: Bars) -> Int8Array:
        """Return the signal of every bar, int8, shape (n_bars,); 0 during the warm-up."""
        if len(bars) <= self.warm_up:
            return np.zeros(len(bars), dtype=np.int8)
        signals = self._signals(bars)
        if self.natural_exit is not None:
            closes = self._closes(bars, signals)
            closes[: self.warm_up] = 0
            np.copyto(signals, closes, where=signals == 0)
        return signals

    @abstractmethod
    def _signals(self, bars: Bars) -> Int8Array:
        """Compute the signals of more bars than the warm-up needs.

        The kernels are imported here and not at the top of a family's module: settings are made, named and counted
        by commands that compute nothing, and the compiler takes longer to load than all of that.
        """

    def _closes(self, bars: Bars, signals: Int8Array) -> Int8Array:
        """Compute, where there is a natural exit, at which bars its condition becomes true; a new array.

        An entry at the same bar goes before it.
        """
        raise NotImplementedError(f"{self.family} has no exit")

    def explain_silence(self, bars: Bars) -> str | None:
        """Say why no bar can carry a signal, or None where one could."""
        if len(bars) > self.warm_up:
            return None
        return (
            f"only {len(bars)} bars of {format_timeframe(bars.timeframe_ms)}: "
            f"its first signal can come at bar {self.warm_up + 1}"
        )


@cache
def bounds_of(family: type[Rule]) -> Mapping[str, Bounds]:
    """Return the bounds of a family's settings by name: its parameters as declared, then those that all have."""
    bounds = {entry.name: entry.metadata["bounds"] for entry in fields(family) if "bounds" in entry.metadata}
    return {name: bounds[name] for name in sorted(bounds, key=_rank)}


def _rank(name: str) -> int:
    return (name == _EXIT) + 2 * (name in (*LEVELS, *ORDERS, _FILTER))


@cache
def settings_of(family: type[Rule]) -> Mapping[str, Bounds]:
    """Return the bounds of all that a grid may give of a family: its settings, and every order."""
    bounds = bounds_of(family)
    assert not bounds.keys() & ORDER_SETTINGS.keys(), "a name means one setting"
    return {**bounds, **ORDER_SETTINGS}


@cache
def _parameters_of(family: type[Rule]) -> tuple[str, ...]:
    return tuple(name for name in bounds_of(family) if name not in (_EXIT, *LEVELS, *ORDERS, _FILTER))


def unusual_orders(sides: str, on_opposite: str, orders: Orders, only_where: str | None) -> dict[str, Param]:
    """Return what of a strategy's orders is not as always, by the names of settings; its filter among them."""
    found: dict[str, Param] = orders.given()
    if only_where is not None:
        found = {_FILTER: only_where, **found}
    if on_opposite != OnOpposite.REVERSE:
        found = {"on_opposite": on_opposite, **found}
    return found if sides == Sides.BOTH else {"sides": sides, **found}


def conflict_of_filter(only_where: str | None, orders: Orders) -> str | None:
    """Say how a filter does not go with a strategy's orders, or None."""
    if only_where is not None and orders.entry_sides == EntrySides.BOTH and has_sides(only_where):
        return f"entry_sides=both leaves orders on both sides, and filter={only_where} allows one at a time"
    return None


def signal_key(strategy: Strategy) -> Hashable | None:
    """Return what two strategies of equal signals share, or None where that cannot be known.

    Returns
    -------
    Hashable or None
        Equal for settings of a built-in family that differ only in stop, target, orders and whether opposite
        signals reverse or close. None for a user's strategy.
    """
    if not is_built_in(strategy):
        return None
    # Where opposite signals are ignored, those that may not enter do nothing, and else they close.
    is_ignoring = strategy.on_opposite == OnOpposite.IGNORE
    return (strategy.family, *strategy.rule_params.values(), strategy.sides, strategy.filter, is_ignoring)


def is_built_in(strategy: Strategy) -> TypeGuard[Rule]:
    """Tell whether a strategy's code is ours; a user may derive a class from one of the families."""
    return isinstance(strategy, Rule) and type(strategy).__module__.startswith("necrozma_core.")
