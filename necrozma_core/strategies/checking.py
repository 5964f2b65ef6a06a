"""Signals that keep the contract, and why a strategy made no trade."""

import traceback
from pathlib import Path
from typing import Final

import numpy as np

from necrozma_core.engine.instructions import BUY, SELL, Sides, find_unknown, keep_sides
from necrozma_core.errors import StrategyError, UsageError, shown
from necrozma_core.market.arrays import Int8Array
from necrozma_core.market.bars import Bars
from necrozma_core.strategies.filters import keep_filtered
from necrozma_core.strategies.protocol import Strategy
from necrozma_core.strategies.rule import Rule
from necrozma_core.system.chosen import SYSTEM

_OURS: Final = Path(__file__).parent
_LONGEST_MESSAGE: Final = 200
UNEXPLAINED: Final = "its signals led to no trade"
"""Where the signals do not say why."""


def one_line(error: BaseException) -> str:
    """Return an exception's type and message on one line of bounded length."""
    try:
        message = " ".join(str(error).split())
    except BaseException:  # noqa: BLE001 -- a user's exception may fail to tell what it is
        message = "(its message cannot be read)"
    if len(message) > _LONGEST_MESSAGE:
        message = f"{message[:_LONGEST_MESSAGE]}..."
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


def place_of(error: BaseException) -> str:
    """Return ``file:line`` where an exception left the user's code, or where it was raised in ours.

    The user's code is the outermost file outside this package. A library that it calls is further in, and not where
    the user should look.
    """
    frames = traceback.extract_tb(error.__traceback__)
    outside = [frame for frame in frames if _OURS not in Path(frame.filename).parents]
    frame = [frame for frame in frames if frame.filename == outside[0].filename][-1] if outside else frames[-1]
    return f"{Path(frame.filename).name}:{frame.lineno}"


def is_ctrl_c(error: BaseException) -> bool:
    """Tell whether an interrupt is a person's; where no Ctrl-C comes, as in a worker, it is the strategy's doing."""
    return isinstance(error, KeyboardInterrupt) and not SYSTEM.is_deaf()


def raised(strategy: Strategy, error: BaseException) -> StrategyError:
    """Return the failure of a strategy that raised something, with the line of the user's file."""
    return StrategyError(f"strategy {shown(strategy.name)} raised {one_line(error)} ({place_of(error)})")


def checked_signals(strategy: Strategy, bars: Bars) -> Int8Array:
    """Compute a strategy's signals and hold them to their contract.

    Parameters
    ----------
    strategy : Strategy
    bars : Bars

    Returns
    -------
    int8 array, shape (n_bars,)
        Values of `necrozma_core.engine.instructions.Instruction`.

    Raises
    ------
    StrategyError
        Naming the strategy, if it raises anything, or returns no integer array of that shape and those values.
        Floats are refused, with or without NaN: the strategy must say how it rounds.
    """
    try:
        found = strategy.signals(bars)
        # Looked at here, because an array of a user's own class runs the user's code as well.
        problem = _problem(found, len(bars))
        # Writable too: for a read-only array numba would compile another version, which the sealed kernels do not hold.
        signals = None if problem else np.require(np.asarray(found), np.int8, ["C", "W", "E"])
    except BaseException as error:  # anything: the other strategies of the pair go on
        if is_ctrl_c(error):
            raise
        raise raised(strategy, error) from error
    if signals is None:
        raise StrategyError(
            f"strategy {shown(strategy.name)}: signals() returned {problem}; "
            f"expected an int8 array of shape ({len(bars)},) with numbers from -1 to 4"
        )
    return signals


def no_array(found: object, n_bars: int) -> str | None:
    """Say what a strategy returned instead of a plain array of one entry a bar, or None where it is one."""
    if not isinstance(found, np.ndarray):
        return f"a {type(found).__name__}"
    if isinstance(found, np.ma.MaskedArray):
        return "a masked array, whose hidden entries would count (fill it: array.filled(0))"
    return None if found.shape == (n_bars,) else f"shape {found.shape}"


def _problem(found: object, n_bars: int) -> str | None:
    if (problem := no_array(found, n_bars)) is not None:
        return problem
    assert isinstance(found, np.ndarray), "looked at just now"
    if found.dtype.kind == "f" and np.isnan(found).any():
        return f"NaN at bar {int(np.isnan(found).argmax())}"
    if found.dtype.kind not in "iu":
        return f"dtype {found.dtype}"
    if (bar := find_unknown(found)) is not None:
        return f"{found[bar]} at bar {bar}"
    return None


def entering_signals(strategy: Strategy, signals: Int8Array, bars: Bars) -> Int8Array:
    """Return signals that enter only what a strategy's sides and filter allow.

    Parameters
    ----------
    strategy : Strategy
    signals : int8 array, shape (n_bars,)
        What it gave for ``bars``.
    bars : Bars

    Returns
    -------
    int8 array, shape (n_bars,)
        What may not enter closes the other side, or does nothing where opposite signals are ignored.

    Raises
    ------
    StrategyError
        The filter's bars cannot be made of these.
    """
    kept = keep_sides(signals, Sides(strategy.sides), strategy.on_opposite)
    if strategy.filter is None:
        return kept
    try:
        return keep_filtered(kept, strategy.filter, bars, strategy.on_opposite)
    except UsageError as error:
        raise StrategyError(f"strategy {shown(strategy.name)}: {error}") from error


def explain_silence(strategy: Strategy, bars: Bars, signals: Int8Array) -> str:
    """Say in a few words why a strategy made no trade.

    Parameters
    ----------
    strategy : Strategy
    bars : Bars
    signals : int8 array, shape (n_bars,)
        What the strategy gave for ``bars``.

    Returns
    -------
    str
        One line, for the ``note`` column of the results.
    """
    if not len(bars):
        return "no bars"
    if isinstance(strategy, Rule) and (reason := strategy.explain_silence(bars)):
        return reason
    if not signals.any():
        return "no signal: its condition never became true"
    if not np.isin(signals, (BUY, SELL)).any():
        return "its signals only close, and nothing was open"
    if not signals[:-1].any():
        return "its only signal came at the last bar, after which there is no tick to enter at"
    return UNEXPLAINED
