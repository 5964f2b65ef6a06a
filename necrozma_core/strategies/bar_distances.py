"""What a user's strategy may say for each bar beside its signals: distances of stop and target, prices of orders."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import numpy as np

from necrozma_core.engine.bar_levels import BarLevels
from necrozma_core.engine.instructions import BUY, SELL, Sides, keep_sides
from necrozma_core.errors import StrategyError, shown
from necrozma_core.market.arrays import BoolArray, FloatArray, Int8Array
from necrozma_core.market.bars import Bars
from necrozma_core.strategies.checking import is_ctrl_c, no_array, raised
from necrozma_core.strategies.parameters import MAX_PIPS, write_value
from necrozma_core.strategies.protocol import Strategy

LEVEL_METHODS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "stop_distances": ("stop_pips",),
        "target_distances": ("target_pips",),
        "entry_prices": ("buy_price", "sell_price"),
    }
)
"""The methods that a strategy need not have, and the arrays of `BarLevels` that each gives."""


def checked_levels(strategy: Strategy, bars: Bars, signals: Int8Array) -> BarLevels | None:
    """Ask a strategy for what it says beside its signals, and hold it to its contract.

    Parameters
    ----------
    strategy : Strategy
    bars : Bars
    signals : int8 array, shape (n_bars,)
        What it gave for ``bars``.

    Returns
    -------
    BarLevels or None
        None where it has none of :data:`LEVEL_METHODS`.

    Raises
    ------
    StrategyError
        Naming the strategy and the bar, if it raises anything, returns no numbers of that shape, or, at a bar whose
        signal may enter, a distance that is not above zero or a price that cannot be.
    """
    arrays: dict[str, FloatArray] = {}
    for method, names in LEVEL_METHODS.items():
        ask = getattr(strategy, method, None)
        if ask is not None:
            arrays.update(zip(names, _ask(strategy, ask, method, bars), strict=True))
    if not arrays:
        return None
    levels = BarLevels(**arrays)
    if problem := find_problem(levels, keep_sides(signals, Sides(strategy.sides)), bars.digits):
        raise StrategyError(f"strategy {shown(strategy.name)}: {problem}")
    return levels


def _ask(strategy: Strategy, ask: Callable[[Bars], object], method: str, bars: Bars) -> tuple[FloatArray, ...]:
    names, n_bars = LEVEL_METHODS[method], len(bars)
    try:
        found = ask(bars)
        # Looked at here, because an array of a user's own class runs the user's code as well.
        problem = _problem(found, len(names), n_bars)
        # Copies: what the strategy does with its arrays later changes nothing.
        kept = () if problem else tuple(np.array(each, np.float64, order="C") for each in _listed(found, len(names)))
    except BaseException as error:  # anything: the other strategies of the pair go on
        if is_ctrl_c(error):
            raise
        raise raised(strategy, error) from error
    if problem:
        arrays = "a float array" if len(names) == 1 else "two float arrays, to buy and to sell at, each"
        raise StrategyError(
            f"strategy {shown(strategy.name)}: {method}() returned {problem}; expected {arrays} of shape ({n_bars},)"
        )
    return kept


def _listed(found: object, count: int) -> tuple[object, ...]:
    return (found,) if count == 1 else tuple(found)  # type: ignore[arg-type]


def _problem(found: object, count: int, n_bars: int) -> str | None:
    if count > 1 and not (isinstance(found, tuple | list) and len(found) == count):
        return f"a {type(found).__name__}"
    for each in _listed(found, count):
        if problem := no_array(each, n_bars):
            return problem
        assert isinstance(each, np.ndarray), "looked at just now"
        if each.dtype.kind not in "fiu":
            return f"dtype {each.dtype}"
    return None


def find_problem(levels: BarLevels, entering: Int8Array, digits: int) -> str | None:
    """Say at which bar with a signal to enter a strategy's levels cannot be used, and why; None where they all can.

    Parameters
    ----------
    levels : BarLevels
    entering : int8 array, shape (n_bars,)
        Signals, of which those to buy and to sell may enter.
    digits : int
        Decimals of the prices.
    """
    enters = (entering == BUY) | (entering == SELL)
    most = 2**31 / 10**digits
    for method, names in LEVEL_METHODS.items():
        for name in names:
            values = getattr(levels, name)
            if values is None:
                continue
            bar = _first_wrong(values, enters, name, most)
            if bar is not None:
                expected = "a price, or NaN for no order" if name.endswith("price") else "a number of pips above zero"
                value = write_value(float(values[bar]))
                return f"{method}() returned {value} at bar {bar}, whose signal enters; expected {expected}"
    return None


def _first_wrong(values: FloatArray, enters: BoolArray, name: str, most: float) -> int | None:
    if name.endswith("price"):
        right = np.isnan(values) | ((values > 0) & (values < most))
    else:
        right = (values > 0) & (values <= MAX_PIPS)
    wrong = enters & ~right
    return int(wrong.argmax()) if wrong.any() else None
