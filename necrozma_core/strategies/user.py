"""Strategies from a user's own Python file.

The file stands alone: it may import this package and installed ones, but no files beside it. So its text
identifies it, and results computed with it are recognised by that text.
"""

import hashlib
import importlib.util
import json
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib.abc import ExecutionLoader
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import numpy as np

from necrozma_core.engine.instructions import OnOpposite, Sides
from necrozma_core.engine.orders import NO_ORDERS, Orders
from necrozma_core.errors import UsageError, shown
from necrozma_core.market.arrays import Int8Array
from necrozma_core.market.bars import Bars
from necrozma_core.strategies.bar_distances import LEVEL_METHODS
from necrozma_core.strategies.checking import one_line, place_of
from necrozma_core.strategies.files import read_python
from necrozma_core.strategies.filters import FilterText
from necrozma_core.strategies.listening import SignalListener
from necrozma_core.strategies.misspelling import refuse_misspelt
from necrozma_core.strategies.order_settings import ORDER_SETTINGS, find_conflict, make_orders
from necrozma_core.strategies.parameters import ON_OPPOSITE, SIDES, Pips
from necrozma_core.strategies.protocol import Strategy
from necrozma_core.strategies.rule import LEVELS, Rule, conflict_of_filter, is_built_in, unusual_orders

_LONGEST_NAME: Final = 200
_DOCUMENTED: Final = "see docs/strategies.md"
_USUAL: Final = {"sides": Sides.BOTH.value, "on_opposite": OnOpposite.REVERSE.value}
_EXCLUDED: Final = {
    "stop_distances": ("stop_loss_pips", "stop_loss_atr"),
    "target_distances": ("take_profit_pips", "take_profit_atr"),
    "entry_prices": ("entry_from", "entry_offset_pips"),
}
"""What says the same as each of the methods."""


@dataclass(frozen=True, slots=True, eq=False)
class UserStrategy:
    """A user's strategy with its attributes checked and kept as they were when it was loaded.

    Attributes
    ----------
    name : str
    params : mapping
        As JSON would hold them.
    stop_loss_pips, take_profit_pips : float or None
    compute : callable
        The object's own ``signals``; what it returns is checked by ``checking.checked_signals``.
    sides, on_opposite : str
        See `necrozma_core.engine.instructions`.
    orders : Orders
    stop_distances, target_distances, entry_prices : callable or None
        The object's own, where it has them; what they return is checked by ``bar_distances.checked_levels``.
    filter : str or None
        See `necrozma_core.strategies.filters`.
    """

    name: str
    params: Mapping[str, Any]
    stop_loss_pips: float | None
    take_profit_pips: float | None
    compute: Callable[[Bars], Int8Array]
    sides: str = Sides.BOTH.value
    on_opposite: str = OnOpposite.REVERSE.value
    orders: Orders = NO_ORDERS
    stop_distances: Callable[[Bars], object] | None = None
    target_distances: Callable[[Bars], object] | None = None
    entry_prices: Callable[[Bars], object] | None = None
    filter: str | None = None

    def signals(self, bars: Bars) -> Int8Array:
        """Return what the user's ``signals(bars)`` returns."""
        return self.compute(bars)


class _KeptSource(ExecutionLoader):
    """Import a module from a text that was read before, so that what runs is what was hashed."""

    def __init__(self, path: Path, text: str) -> None:
        self.path, self.text = path, text

    def get_filename(self, fullname: str) -> str:
        return str(self.path)

    def get_source(self, fullname: str) -> str:
        return self.text


def load_strategies(path: Path, text: str | None = None) -> tuple[Strategy, ...]:
    """Run a user's file and return the strategies it defines.

    Parameters
    ----------
    path : Path
        Named in messages, and read where no text is given.
    text : str, optional
        The file's text, read before.

    Returns
    -------
    tuple of Strategy
        At least one, with unique names, in the file's order. Built-in strategies in the list stay what they are.

    Raises
    ------
    UsageError
        Naming the file and the line or the object, if the file fails to run, defines no ``strategies()``, or an
        object lacks an attribute or has one that cannot be used.
    """
    with SignalListener() as listener:
        try:
            return _load(path, read_python(path) if text is None else text)
        except UsageError as error:
            cause = error.__cause__
            if listener.heard and cause is not None and not isinstance(cause, Exception):
                raise cause from None
            raise


def _load(path: Path, text: str) -> tuple[Strategy, ...]:
    module = _run(path, text)
    define = getattr(module, "strategies", None)
    if not callable(define):
        raise UsageError(f"{path}: defines no function strategies() that returns a list of strategies; {_DOCUMENTED}")
    try:
        found = define()
        objects = list(found) if isinstance(found, Iterable) and not isinstance(found, str | Mapping) else None
    except BaseException as error:
        raise UsageError(f"{path}: strategies() raised {one_line(error)} ({place_of(error)})") from error
    if not objects:
        kind = "an empty list" if objects == [] else f"a {type(found).__name__}"
        raise UsageError(f"{path}: strategies() returned {kind}, expected a list of strategies; {_DOCUMENTED}")
    strategies: dict[str, Strategy] = {}
    for index, candidate in enumerate(objects):
        where = f"{path}: strategies()[{index}]"
        strategy = _checked(candidate, where)
        if strategy.name in strategies:
            earlier = list(strategies).index(strategy.name)
            raise UsageError(f"{where}: the name {shown(strategy.name)} is already that of strategies()[{earlier}]")
        strategies[strategy.name] = strategy
    return tuple(strategies.values())


def _run(path: Path, text: str) -> ModuleType:
    # Registered in sys.modules, where dataclasses and pickle look their module up. No import statement can mean the
    # name, and two files have two names.
    digest = hashlib.sha256(f"{path}\0{text}".encode()).hexdigest()
    name = f"_necrozma_user_{digest[:20]}"
    spec = importlib.util.spec_from_loader(name, _KeptSource(path, text))
    assert spec is not None, "a loader was given"
    assert spec.loader is not None, "a loader was given"
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except SyntaxError as error:
        del sys.modules[name]
        raise UsageError(f"{path}: line {error.lineno}: {type(error).__name__}: {error.msg}") from error
    except BaseException as error:
        del sys.modules[name]
        hint = ""
        if isinstance(error, ModuleNotFoundError) and (path.parent / f"{error.name}.py").exists():
            hint = "; a strategies file stands alone: move what it needs from the files beside it into it"
        raise UsageError(f"{path}: running it raised {one_line(error)} ({_line(error, path)}){hint}") from error
    return module


def _line(error: BaseException, path: Path) -> str:
    trace, line = error.__traceback__, 0
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(path):
            line = trace.tb_lineno
        trace = trace.tb_next
    return f"{path.name}:{line}"


def _checked(candidate: object, where: str) -> Strategy:
    if isinstance(candidate, Rule):
        return _checked_rule(candidate, where)
    values: dict[str, Any] = {}
    for attribute in ("name", "params", *LEVELS, "signals"):
        try:
            values[attribute] = getattr(candidate, attribute)
        except BaseException as error:  # a property of the user's may raise anything
            lack = "has no" if isinstance(error, AttributeError) else f"raised {one_line(error)} for its"
            raise UsageError(f"{where}: a {type(candidate).__name__} {lack} {attribute}; {_DOCUMENTED}") from error
    name = checked_name(values["name"], where)
    where = f"{where} ({shown(name)})"
    if not callable(values["signals"]):
        raise UsageError(f"{where}: signals: expected a method signals(bars), found {shown(values['signals'], 40)}")
    stop, target = (Pips().check(f"{where}: {level}", _number(values[level])) for level in LEVELS)
    sides, on_opposite = (
        checked_order(order, _attribute(candidate, order, usual, where), where) for order, usual in _USUAL.items()
    )
    orders = _orders(candidate, where)
    methods = _methods(candidate, where)
    only_where = checked_filter(_attribute(candidate, "filter", None, where), where)
    conflict = (
        find_conflict(orders, stop, target, sides)
        or _conflict_of_methods(methods, orders, stop, target)
        or conflict_of_filter(only_where, orders)
    )
    if conflict:
        raise UsageError(f"{where}: {conflict}")
    refuse_misspelt(candidate, where)
    params = {**checked_params(values["params"], where)}
    for order, value in unusual_orders(sides, on_opposite, orders, only_where).items():
        params.setdefault(order, value)
    signals = values["signals"]
    return UserStrategy(name, params, stop, target, signals, sides, on_opposite, orders, **methods, filter=only_where)


def _checked_rule(candidate: Rule, where: str) -> Rule:
    if is_built_in(candidate):
        return candidate
    where = f"{where} ({shown(candidate.name)})"
    if name := next((name for name in ORDER_SETTINGS if hasattr(type(candidate), name)), None):
        raise UsageError(f"{where}: {name}: what is derived from a family has its orders as orders=Orders(...)")
    levels = candidate.stop_loss_pips, candidate.take_profit_pips
    if conflict := _conflict_of_methods(_methods(candidate, where), candidate.orders, *levels):
        raise UsageError(f"{where}: {conflict}")
    return candidate


def _orders(candidate: object, where: str) -> Orders:
    found = ((name, _attribute(candidate, name, None, where)) for name in ORDER_SETTINGS)
    return make_orders({name: _number(value) for name, value in found if value is not None}, f"{where}: ")


def _methods(candidate: object, where: str) -> dict[str, Callable[[Bars], object]]:
    found = {name: _attribute(candidate, name, None, where) for name in LEVEL_METHODS}
    methods: dict[str, Callable[[Bars], object]] = {}
    for name, method in found.items():
        if callable(method):
            methods[name] = method
        elif method is not None:
            raise UsageError(f"{where}: {name}: expected a method {name}(bars), found {shown(method, 40)}")
    return methods


def _conflict_of_methods(
    methods: Mapping[str, object], orders: Orders, stop: float | None, target: float | None
) -> str | None:
    given = orders.given() | {name: pips for name, pips in zip(LEVELS, (stop, target), strict=True) if pips is not None}
    for method, others in _EXCLUDED.items():
        if method in methods and (found := next((name for name in others if name in given), None)):
            return f"{method}() and {found} exclude each other"
    if "entry_prices" in methods and "entry_order" not in given:
        return "entry_prices() needs an order that waits: entry_order stop or limit"
    return None


def checked_order(name: str, value: object, where: str) -> str:
    """Return what a strategy says its signals do; UsageError where it cannot be that."""
    bounds = {"sides": SIDES, "on_opposite": ON_OPPOSITE}[name]["bounds"]
    found: str = bounds.check(f"{where}: {name}", value)
    return found


def checked_filter(value: object, where: str) -> str | None:
    """Return what a strategy says of its filter; UsageError where it is none. A method of that name says nothing."""
    return None if callable(value) else FilterText().check(f"{where}: filter", value)


def _attribute(candidate: object, name: str, usual: object, where: str) -> object:
    """Return an attribute that a strategy need not have."""
    try:
        return getattr(candidate, name, usual)
    except BaseException as error:  # a property of the user's may raise anything
        raise UsageError(f"{where}: raised {one_line(error)} for its {name}; {_DOCUMENTED}") from error


def checked_name(name: object, where: str) -> str:
    """Return a strategy's name; UsageError where it cannot be one."""
    if isinstance(name, str) and name.strip() and name.isprintable() and len(name) <= _LONGEST_NAME:
        return name
    raise UsageError(
        f"{where}: name: expected a printable text of up to {_LONGEST_NAME} characters, found {shown(name, 40)}"
    )


def checked_params(params: object, where: str) -> Mapping[str, Any]:
    """Return a strategy's settings as JSON would hold them; UsageError where it cannot."""
    if not isinstance(params, Mapping) or not all(isinstance(key, str) for key in params):
        raise UsageError(f"{where}: params: expected a dict with names as keys, found {shown(params, 60)}")
    try:
        kept: dict[str, Any] = json.loads(json.dumps(dict(params), default=_jsonable, allow_nan=False))
    except BaseException as error:
        raise UsageError(f"{where}: params: cannot be written as JSON: {one_line(error)}") from error
    return kept


def _number(value: object) -> object:
    # numpy's numbers are the natural result of a user's arithmetic.
    return value.item() if isinstance(value, np.generic) else value


def _jsonable(value: object) -> object:
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"a {type(value).__name__} is neither text, number, list nor dict")
