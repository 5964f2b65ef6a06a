"""What the strategies of one process share without being told: libraries, settings of the process, random numbers.

A user's file runs in one process, strategy after strategy. What one of them leaves behind there would change the
figures of the next. So everything named here is put back after each: quietly where people change it for good reasons,
and with a complaint where a function was replaced that the others call as well.
"""

import builtins
import operator
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from types import ModuleType
from typing import Any, Final, NamedTuple

from necrozma_core.errors import shown
from necrozma_core.strategies.isolation.process_settings import QUIET_HOOKS, Setting, read_fixed, settings

_SHARED: Final = frozenset(
    {
        "_thread", "builtins", "cmath", "datetime", "decimal", "functools", "gc", "io", "itertools", "json", "locale",
        "math", "necrozma_core", "numpy", "operator", "os", "pandas", "pickle", "posix", "pyarrow", "random", "scipy",
        "signal", "statistics", "struct", "sys", "threading", "time", "warnings",
    }
)  # fmt: skip
"""Modules and packages whose functions and classes strategies rely on."""

_FACE_ALONE: Final = frozenset({"pandas", "pyarrow", "scipy"})
"""Large packages, of which only what users call by name is looked at: ``pandas.x``, ``scipy.stats.x``."""

_ABSENT: Final = object()
_BUILTINS: Final = dict(vars(builtins))
_REPAIR_BUILTINS: Final = partial(dict.update, vars(builtins), _BUILTINS)
"""Needs no builtin itself, so it works also where a strategy has replaced them."""

_ONE, _TINY, _LEAST, _HALF = 1.0, 2.0**-60, sys.float_info.min, 0.5


class Left(NamedTuple):
    """What a strategy left behind.

    Attributes
    ----------
    complaint : str
        What others would have suffered from, without a subject; empty if nothing.
    is_whole : bool
        Whether everything is as before. If not, only a new process is as the other strategies expect it.
    imported : tuple of str
        Modules that others call as well and that were not loaded before. Whether they were changed since, nobody knows.
    """

    complaint: str = ""
    is_whole: bool = True
    imported: tuple[str, ...] = ()


class _Space(NamedTuple):
    """The functions of a module or a class: where to look, under which names, and what was there; None for nothing."""

    where: str
    owner: Any
    get: Callable[[str], object]
    names: tuple[str, ...]
    values: tuple[object, ...]


class Surroundings:
    """The state of this process as its strategies are to find it: that of the moment at which this was made.

    It does not see everything. What a library keeps inside an array or a dict, the user's own module, and files on the
    disk stay as a strategy left them.
    """

    def __init__(self) -> None:
        self._modules = dict(sys.modules)
        self._spaces = list(_spaces(self._modules))
        self._settings: list[tuple[Setting, object]] = [(setting, setting.read()) for setting in settings()]
        self._fixed = read_fixed()

    def restore(self) -> Left:
        """Put back what can be, and say what was found. Called after every strategy; takes about a millisecond."""
        seen = vars(builtins).copy()
        _REPAIR_BUILTINS()
        replaced = [f"builtins.{name}" for name, value in _BUILTINS.items() if seen.get(name, _ABSENT) is not value]
        replaced += self._restore_modules()
        for space in self._spaces:
            # In C, because there are tens of thousands of them.
            if not all(map(operator.is_, map(space.get, space.names), space.values)):
                replaced += _restore_functions(space)
        imported = tuple(
            name for name in sys.modules if name not in self._modules and name.partition(".")[0] in _SHARED
        )
        changed = [setting for setting, before in self._settings if not setting.put_back(before)]
        if replaced:
            more = f" and {len(replaced) - 1} more" if len(replaced) > 1 else ""
            return Left(f"replaced {replaced[0]}{more}, which other strategies use too", False, imported)
        if not _rounds_as_usual():
            return Left("changed how the processor rounds, which other strategies rely on", False, imported)
        return Left("", not changed and not imported and read_fixed() == self._fixed, imported)

    def _restore_modules(self) -> list[str]:
        if all(map(operator.is_, map(sys.modules.get, self._modules), self._modules.values())):
            return []
        replaced = [name for name, module in self._modules.items() if sys.modules.get(name) is not module]
        sys.modules.update(self._modules)
        return [f"sys.modules[{shown(name)}]" for name in replaced]


def _spaces(modules: Mapping[str, ModuleType]) -> Iterator[_Space]:
    classes: dict[int, type] = {}
    for name, module in modules.items():
        package = name.partition(".")[0]
        if package not in _SHARED or (package in _FACE_ALONE and name.count(".") > 1):
            continue
        if isinstance(module, ModuleType):
            yield _space(name, module, vars(module))
            for value in list(vars(module).values()):
                if isinstance(value, type) and str(value.__module__).partition(".")[0] == package:
                    classes[id(value)] = value
    for value in classes.values():
        yield _space(f"{value.__module__}.{value.__qualname__}", value, vars(value), _inherited(value))


def _inherited(value: type) -> list[str]:
    """Return what a class of this package has from its bases alone, where a strategy could put something before it."""
    if not value.__module__.startswith(f"{__package__.partition('.')[0]}."):
        return []
    found = {name: member for base in value.__mro__[-2:0:-1] for name, member in vars(base).items()}
    return [name for name, member in found.items() if _is_function(member) and name not in vars(value)]


def _is_function(member: object) -> bool:
    return callable(member) or isinstance(member, property | classmethod | staticmethod)


def _space(where: str, owner: object, content: Mapping[str, object], inherited: Sequence[str] = ()) -> _Space:
    functions = {
        name: value for name, value in content.items() if _is_function(value) and f"{where}.{name}" not in QUIET_HOOKS
    }
    values = (*functions.values(), *(None for _ in inherited))
    return _Space(where, owner, content.get, (*functions, *inherited), values)


def _restore_functions(space: _Space) -> list[str]:
    replaced = []
    for name, value in zip(space.names, space.values, strict=True):
        if space.get(name) is not value:
            replaced.append(f"{space.where}.{name}")
            if value is None:
                delattr(space.owner, name)
            else:
                setattr(space.owner, name, value)
    return replaced


def _rounds_as_usual() -> bool:
    """Tell whether floats are rounded to the nearest, and small ones are not rounded to zero."""
    return _ONE + _TINY == _ONE and _ONE - _TINY == _ONE and _LEAST * _HALF > 0
