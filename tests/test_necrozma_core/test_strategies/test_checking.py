"""Signals that keep the contract, and reasons for silence."""

import signal
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from bar_samples import make_bars, walking_bars

from necrozma_core.engine.events import find_events
from necrozma_core.errors import ExitCode, StrategyError
from necrozma_core.kernels.walks import simulation as kernels
from necrozma_core.market.bars import Bars
from necrozma_core.strategies.checking import checked_signals, explain_silence
from necrozma_core.strategies.families.donchian import Donchian
from necrozma_core.strategies.families.sma_cross import SmaCross


def strategy(signals: Callable[[Bars], Any]) -> Any:
    return SimpleNamespace(name="mine", params={}, stop_loss_pips=None, take_profit_pips=None, signals=signals)


@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.int32, np.int64, np.dtype(">i4")])
def test_checked_signals_any_integers_become_int8(dtype: Any) -> None:
    found = checked_signals(strategy(lambda bars: np.array([1, 0, -1], dtype)), make_bars([1, 2, 3]))
    assert found.dtype == np.int8
    assert found.tolist() == [1, 0, -1]


def test_checked_signals_strided_and_unsigned_arrays_become_contiguous_int8() -> None:
    found = checked_signals(strategy(lambda bars: np.array([1, 9, 0, 9, 1, 9], np.uint8)[::2]), make_bars([1, 2, 3]))
    assert found.flags.c_contiguous
    assert found.tolist() == [1, 0, 1]


def test_checked_signals_that_nobody_may_write_to_compile_nothing_anew() -> None:
    mine = np.array([1, 0, -1], np.int8)
    find_events(mine)
    known = set(kernels.find_events.signatures)
    mine.setflags(write=False)

    find_events(checked_signals(strategy(lambda bars: mine), make_bars([10, 11, 12])))

    assert set(kernels.find_events.signatures) == known


def test_checked_signals_no_bars_give_no_signals() -> None:
    assert checked_signals(strategy(lambda bars: np.zeros(0, np.int8)), make_bars([])).shape == (0,)
    assert checked_signals(SmaCross(), make_bars([])).shape == (0,)


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (None, "returned a NoneType"),
        ([1, 0, -1], "returned a list"),
        (pd.Series([1, 0, -1]), "returned a Series"),
        (np.int8(1), "returned a int8"),
        (np.zeros(2, np.int8), "returned shape (2,)"),
        (np.zeros((3, 1), np.int8), "returned shape (3, 1)"),
        (np.array([0.0, np.nan, 1.0]), "returned NaN at bar 1"),
        (np.array([0.0, 1.0, -1.0]), "returned dtype float64"),
        (np.array([True, False, True]), "returned dtype bool"),
        (np.array([1, 0, None]), "returned dtype object"),
        (np.array(["1", "0", "1"]), "returned dtype <U1"),
        (
            np.ma.masked_array([1, 0, -1], [True, False, False]),
            "returned a masked array, whose hidden entries would count (fill it: array.filled(0))",
        ),
        (np.array([0, 5, -3]), "returned 5 at bar 1"),
        (np.array([0, 0, -2]), "returned -2 at bar 2"),
        (np.array([0, 256, 0]), "returned 256 at bar 1"),  # would be 0 as int8
        (np.array([0, 255, 0], np.uint8), "returned 255 at bar 1"),  # would be -1
    ],
)
def test_checked_signals_anything_else_is_refused_by_name(result: Any, message: str) -> None:
    with pytest.raises(StrategyError) as caught:
        checked_signals(strategy(lambda bars: result), make_bars([1, 2, 3]))
    assert str(caught.value) == (
        f"strategy 'mine': signals() {message}; expected an int8 array of shape (3,) with numbers from -1 to 4"
    )


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (KeyError("x"), "KeyError: 'x'"),
        (ValueError(), "ValueError"),
        (ValueError("a\n  b"), "ValueError: a b"),
        (SystemExit(3), "SystemExit: 3"),
        (GeneratorExit(), "GeneratorExit"),
        (BaseException("all of it"), "BaseException: all of it"),
        (RecursionError("deep"), "RecursionError: deep"),
        (MemoryError("Unable to allocate 8 PiB"), "MemoryError: Unable to allocate 8 PiB"),
        (RuntimeError("x" * 500), f"RuntimeError: {'x' * 200}..."),
    ],
)
def test_checked_signals_whatever_is_raised_becomes_one_line(error: BaseException, message: str) -> None:
    def fail(bars: Bars) -> None:
        raise error

    with pytest.raises(StrategyError) as caught:
        checked_signals(strategy(fail), make_bars([1, 2, 3]))
    assert str(caught.value).startswith(f"strategy 'mine' raised {message} (test_checking.py:")
    assert caught.value.exit_code is ExitCode.PAIRS_FAILED
    assert caught.value.__cause__ is error


def test_checked_signals_interrupt_is_a_person_s_where_ctrl_c_is_heard_and_the_strategy_s_in_a_worker() -> None:
    def interrupt(bars: Bars) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        checked_signals(strategy(interrupt), make_bars([1, 2, 3]))
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        with pytest.raises(StrategyError, match="'mine' raised KeyboardInterrupt"):
            checked_signals(strategy(interrupt), make_bars([1, 2, 3]))
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def test_checked_signals_strategy_that_writes_into_the_bars_fails_alone() -> None:
    def vandal(bars: Bars) -> np.ndarray:
        bars.mid_close[0] = 0.0
        return np.zeros(len(bars), np.int8)

    bars = walking_bars(50)
    before = bars.mid_close.copy()
    with pytest.raises(StrategyError, match="raised ValueError: assignment destination is read-only"):
        checked_signals(strategy(vandal), bars)
    assert np.array_equal(bars.mid_close, before)


@pytest.mark.parametrize(
    ("closes", "reason"),
    [
        ([], "no bars"),
        ([100] * 3, "only 3 bars of 1min: its first signal can come at bar 4"),
        ([100] * 20, "no signal: its condition never became true"),
        ([100] * 20 + [101], "its only signal came at the last bar, after which there is no tick to enter at"),
    ],
)
def test_explain_silence_says_why(closes: list[int], reason: str) -> None:
    bars = make_bars(closes)
    quiet = Donchian(2)
    assert explain_silence(quiet, bars, quiet.signals(bars)) == reason


def test_explain_silence_user_s_strategy_has_reasons_too() -> None:
    bars = make_bars([1, 2, 3])
    assert explain_silence(strategy(len), bars, np.zeros(3, np.int8)) == "no signal: its condition never became true"
    assert "last bar" in explain_silence(strategy(len), bars, np.array([0, 0, 1], np.int8))
    assert explain_silence(strategy(len), bars, np.array([0, 1, 1], np.int8)) == "its signals led to no trade"
