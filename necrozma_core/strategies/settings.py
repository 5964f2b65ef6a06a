"""Thousands of settings of the built-in families, from a TOML file or a line of text.

A grid names a family and gives each of its parameters one or many values; it stands for all their combinations.
In a file::

    [[grid]]
    family = "sma_cross"
    fast = "5:50:5"                # 5, 10, ... 50
    slow = [20, 50, "100:200:50"]  # 20, 50, 100, 150, 200
    stop_loss_pips = [20, 40]
    take_profit_pips = ["none", 60]

and as text, with ``;`` between two grids::

    family=sma_cross fast=5:50:5 slow=20,50,100:200:50 stop_loss_pips=20,40 take_profit_pips=none,60

Orders are given by their names, as ``trailing_stop_pips=10:30:5 close_friday=none,20:00@UTC``.

A file may say what dates it is about, where the command does not::

    [range]
    from = 2020-01-01
    to = 2024-01-01
    holdout = 2023-01-01

A parameter that is not named keeps its default. Combinations whose values do not go together (a fast average
slower than the slow one, a trailing start beyond the target) are left out and counted.
"""

import itertools
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from necrozma_core.engine.orders import Orders
from necrozma_core.errors import UsageError, nearest, shown
from necrozma_core.market.date_range import DateRange, Split
from necrozma_core.market.moments import parse_moment
from necrozma_core.strategies.catalog import FAMILIES
from necrozma_core.strategies.files import read_toml
from necrozma_core.strategies.order_settings import ORDER_SETTINGS, make_orders
from necrozma_core.strategies.parameters import read_values
from necrozma_core.strategies.rule import Rule, bounds_of, settings_of

_RANGE_KEYS: Final = ("from", "to", "holdout")

MAX_SETTINGS: Final = 1_000_000
"""More combinations than this are refused: they are a slip of the keyboard sooner than a wish."""


@dataclass(frozen=True, slots=True)
class Sweep:
    """What the grids of a file or a text stand for.

    Attributes
    ----------
    strategies : tuple of Rule
        Each setting once, in the order of the grids and of their parameters' values.
    conflicting : int
        Combinations left out because their values do not go together.
    repeated : int
        Combinations left out because an earlier one is equal.
    """

    strategies: tuple[Rule, ...]
    conflicting: int
    repeated: int


def load_settings(path: Path, text: str | None = None) -> Sweep:
    """Expand the grids of a TOML file.

    Parameters
    ----------
    path : Path
        Named in messages, and read where no text is given.
    text : str, optional
        The file's text, read before.

    Returns
    -------
    Sweep
        With at least one strategy.

    Raises
    ------
    UsageError
        Naming the file and the grid: for text that is no TOML, unknown names (with the nearest known ones), values
        out of range, a grid of which no combination is possible, or more than :data:`MAX_SETTINGS` of them.
    """
    tables = _tables(path, read_toml(path) if text is None else text)
    grids = tables.get("grid", [])
    if isinstance(grids, dict):
        raise UsageError(f"{path}: expected [[grid]], with two brackets on each side, found [grid]")
    if not isinstance(grids, list) or not grids or not all(isinstance(grid, dict) for grid in grids):
        raise UsageError(f"{path}: expected at least one table that begins with [[grid]]")
    return _expand([(f"{path}: grid {number}", grid) for number, grid in enumerate(grids, 1)])


def load_range(path: Path, text: str) -> Split:
    """Return the range of dates that a TOML file says, and its hold-out; open where it says nothing.

    Raises
    ------
    UsageError
        Naming the file and what is wrong in its table.
    """
    table = _tables(path, text).get("range", {})
    if not isinstance(table, dict):
        raise UsageError(f"{path}: expected [range], with one bracket on each side")
    moments: dict[str, int] = {}
    for key, value in table.items():
        if key not in _RANGE_KEYS:
            raise UsageError(f"{path}: [range] has no {shown(key, 40)}: {nearest(key, _RANGE_KEYS)}")
        moments[key] = parse_moment(str(value), f"{path}: [range] {key}")
    dates = DateRange(moments.get("from"), moments.get("to"))
    return Split(dates, DateRange(moments["holdout"]) if "holdout" in moments else None)


def _tables(path: Path, text: str) -> dict[str, Any]:
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path}: not valid TOML: {error}") from error
    for key in tables:
        if key not in {"grid", "range"}:
            hint = nearest(key, ["grid", "range"], "tables that begin with [[grid]], in which settings stand")
            raise UsageError(f"{path}: unknown name {shown(key, 40)}: {hint}")
    return tables


def parse_grid(text: str) -> Sweep:
    """Expand grids written on one line; see :func:`load_settings`, whose errors it shares."""
    grids: list[tuple[str, Mapping[str, Any]]] = []
    for number, part in enumerate((part for part in text.split(";") if part.strip()), 1):
        grid: dict[str, str] = {}
        for word in part.split():
            key, equals, value = word.partition("=")
            if not (key and equals and value):
                hint = f"; did you mean family={word}?" if word in FAMILIES else ""
                raise UsageError(f"grid {number}: expected name=values without spaces, found {shown(word, 40)}{hint}")
            if key in grid:
                raise UsageError(f"grid {number}: {key} is given twice")
            grid[key] = value
        grids.append((f"grid {number}", grid))
    if not grids:
        raise UsageError("grid: expected family=NAME and its values, such as family=rsi period=7,14 low=20:30:5")
    return _expand(grids)


def _expand(grids: list[tuple[str, Mapping[str, Any]]]) -> Sweep:
    found: dict[Rule, None] = {}
    conflicting = combinations = 0
    for where, grid in grids:
        family, axes = _axes(where, grid)
        count = math.prod(len(values) for values in axes.values())
        combinations += count
        if combinations > MAX_SETTINGS:
            raise UsageError(f"{where}: {combinations:,} combinations so far, at most {MAX_SETTINGS:,} are allowed")
        made, refused = _combinations(family, axes)
        if not made:
            raise UsageError(f"{where}: no combination is possible: {refused}")
        found.update(dict.fromkeys(made))
        conflicting += count - len(made)
    return Sweep(tuple(found), conflicting, combinations - conflicting - len(found))


def _combinations(family: type[Rule], axes: Mapping[str, tuple[Any, ...]]) -> tuple[list[Rule], str]:
    """Return the combinations that are possible, and what is wrong with the first of the others."""
    # Every value was read before: only their combination can be wrong.
    of_rule = {name: values for name, values in axes.items() if name not in ORDER_SETTINGS}
    orders, refused = _combined_orders({name: values for name, values in axes.items() if name in ORDER_SETTINGS})
    refused = f"{family.family}: {refused}" if refused else ""
    made: list[Rule] = []
    for values in itertools.product(*of_rule.values()):
        given = dict(zip(of_rule, values, strict=True))
        for each in orders:
            try:
                made.append(family(**given, orders=each))
            except UsageError as error:
                refused = refused or str(error)
    return made, refused


def _combined_orders(axes: Mapping[str, tuple[Any, ...]]) -> tuple[list[Orders], str]:
    # Made once, and shared by all settings of the family: a sweep has few of them beside its other values.
    made: list[Orders] = []
    refused = ""
    for values in itertools.product(*axes.values()):
        try:
            made.append(make_orders(dict(zip(axes, values, strict=True))))
        except UsageError as error:
            refused = refused or str(error)
    return made, refused


def _axes(where: str, grid: Mapping[str, Any]) -> tuple[type[Rule], dict[str, tuple[Any, ...]]]:
    name = _family_of(where, grid)
    if name not in FAMILIES:
        raise UsageError(f"{where}: unknown family {shown(name, 40)}: {nearest(name, FAMILIES)}")
    family = FAMILIES[name]
    bounds = settings_of(family)
    for key in grid:
        if key != "family" and key not in bounds:
            known = f"{', '.join(bounds_of(family))}, and the orders of docs/orders.md"
            hint = nearest(key, ["family", *bounds], otherwise=known)
            raise UsageError(f"{where}: {name} has no setting {shown(key, 40)}: {hint}")
    # In the family's own order, so that the order of the keys decides nothing.
    return family, {
        key: read_values(f"{where}: {key}", bounds[key], grid[key], MAX_SETTINGS) for key in bounds if key in grid
    }


def _family_of(where: str, grid: Mapping[str, Any]) -> str:
    """Return the name that a grid gives as its family, whether or not there is such a family."""
    if "family" not in grid:
        names = {name for family in FAMILIES.values() for name in settings_of(family)}
        for key in grid:
            # The name of a parameter is not one that was meant to be another.
            hint = nearest(key, ["family", *names], otherwise="others")
            if key not in names and "family" in hint:
                raise UsageError(f"{where}: unknown name {shown(key, 40)}: {hint}")
    name = grid.get("family")
    if not isinstance(name, str):
        found = "; found a list, and a grid has one" if isinstance(name, list) else ""
        raise UsageError(f"{where}: expected a family: one of {', '.join(sorted(FAMILIES))}{found}")
    return name
