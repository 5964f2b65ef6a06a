"""Distances and prices that a user's strategy gives for each bar: what is taken, and one line for what is not."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bar_samples import walking_bars

from necrozma_core.errors import StrategyError
from necrozma_core.strategies.bar_distances import checked_levels
from necrozma_core.strategies.isolation.answers import Answer, AnswersHere, unpacked
from necrozma_core.strategies.user import load_strategies

BARS = walking_bars(40)

FILE = """
import numpy as np

class Odd(np.ndarray):
    @property
    def shape(self): raise KeyboardInterrupt

class Mine:
    name, params, stop_loss_pips, take_profit_pips = "mine", {}, None, None
    entry_order, sides = "stop", "SIDES"
    def signals(self, bars):
        signals = np.zeros(len(bars), np.int8)
        signals[[7, 20]] = 1, -1
        signals[30] = 2
        return signals
    def stop_distances(self, bars): return pips(bars)
    def entry_prices(self, bars): return prices(bars)

def pips(bars): return np.linspace(5, 6, len(bars))
def prices(bars): return bars.ask_high, bars.bid_low
CHANGE
def strategies(): return [Mine()]
"""


def answered(change: str = "", sides: str = "both") -> Answer:
    text = FILE.replace("CHANGE", change).replace("SIDES", sides)
    (strategy,) = load_strategies(Path("mine.py"), text)
    return AnswersHere([strategy], BARS).answer(0)


def arrays_of(answer: Answer) -> dict[str, Any]:
    names, payload = answer.packed()
    signals, levels = unpacked(names, payload, len(BARS))
    assert np.array_equal(signals, answer.signals)
    return {name: getattr(levels, name) for name in names}


def test_levels_are_float_arrays_of_the_strategy_s_values_and_cross_a_process_border_unchanged() -> None:
    answer = answered()
    assert answer.levels is not None
    assert np.array_equal(answer.levels.stop_pips, np.linspace(5, 6, 40))
    assert np.array_equal(answer.levels.buy_price, BARS.ask_high)
    assert answer.levels.target_pips is None
    arrays = arrays_of(answer)
    assert list(arrays) == ["stop_pips", "buy_price", "sell_price"]
    for name, array in arrays.items():
        assert array.dtype == np.float64
        assert array.flags.c_contiguous
        assert array.flags.writeable
        assert np.array_equal(array, getattr(answer.levels, name))


def test_levels_a_strategy_without_the_methods_has_none() -> None:
    answer = answered("del Mine.stop_distances, Mine.entry_prices")
    assert answer.levels is None
    assert answer.packed() == ([], answer.signals.tobytes())
    assert unpacked(*answer.packed(), len(BARS))[1] is None


@pytest.mark.parametrize(
    "change",
    [
        "def pips(bars): return np.full(len(bars), 5)",
        "def pips(bars): return np.full(len(bars), 5, np.float32)[::-1]",
        "def pips(bars): return np.where(np.isin(np.arange(len(bars)), [7, 20]), 5.0, np.nan)",
        "def prices(bars): return [np.full(len(bars), np.nan), bars.bid_low]",
        "def prices(bars): return (bars.bid_low, np.where(np.arange(len(bars)) == 21, -1.0, 1.0))",
    ],
)
def test_levels_values_that_are_right_where_a_signal_enters_are_taken(change: str) -> None:
    assert answered(change).levels is not None


def test_levels_a_side_that_may_not_be_entered_needs_none() -> None:
    wrong_at_20 = "def pips(bars): return np.where(np.arange(len(bars)) == 20, np.nan, 5.0)"
    assert answered(wrong_at_20, "long").levels is not None
    with pytest.raises(StrategyError, match="returned nan at bar 20, whose signal enters"):
        answered(wrong_at_20, "short")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("def pips(bars): return 1 / 0", "raised ZeroDivisionError: division by zero (mine.py:21)"),
        ("def pips(bars): raise SystemExit(3)", "raised SystemExit: 3 (mine.py:21)"),
        ("def pips(bars): return 5.0", ": stop_distances() returned a float; expected a float array of shape (40,)"),
        ("def pips(bars): return None", ": stop_distances() returned a NoneType"),
        ("def pips(bars): return [5.0] * len(bars)", ": stop_distances() returned a list"),
        ("def pips(bars): return np.ones(39)", ": stop_distances() returned shape (39,)"),
        ("def pips(bars): return np.ones((40, 1))", ": stop_distances() returned shape (40, 1)"),
        ("def pips(bars): return np.ones(40, bool)", ": stop_distances() returned dtype bool"),
        ("def pips(bars): return np.ones(40, complex)", ": stop_distances() returned dtype complex128"),
        ("def pips(bars): return np.ones(40, object)", ": stop_distances() returned dtype object"),
        ("def pips(bars): return np.ma.masked_array(np.ones(40), True)", ": stop_distances() returned a masked array"),
        ("def pips(bars): return np.ones(40).view(Odd)", "raised KeyboardInterrupt"),
        (
            "def pips(bars): return np.arange(40) - 7",
            ": stop_distances() returned 0 at bar 7, whose signal enters; expected a number of pips above zero",
        ),
        ("def pips(bars): return np.full(40, np.inf)", "returned inf at bar 7"),
        ("def pips(bars): return np.where(np.arange(40) == 20, np.nan, 5)", "returned nan at bar 20"),
        (
            "def prices(bars): return bars.ask_high",
            "returned a ndarray; expected two float arrays, to buy and to sell at, each of shape (40,)",
        ),
        ("def prices(bars): return bars.ask_high, None", ": entry_prices() returned a NoneType"),
        ("def prices(bars): return (bars.ask_high,)", ": entry_prices() returned a tuple"),
        (
            "def prices(bars): return bars.ask_high, np.where(np.arange(40) == 20, -1.5, np.nan)",
            ": entry_prices() returned -1.5 at bar 20, whose signal enters; expected a price, or NaN for no order",
        ),
        ("def prices(bars): return np.full(40, 1e9), bars.bid_low", "entry_prices() returned 1000000000 at bar 7"),
    ],
)
def test_levels_that_cannot_be_used_fail_in_one_line(
    change: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As in a worker, where no Ctrl-C comes.
    monkeypatch.setattr("necrozma_core.strategies.checking.SYSTEM.is_deaf", lambda: True, raising=True)
    with pytest.raises(StrategyError) as caught:
        answered(change)
    assert str(caught.value).startswith("strategy 'mine'")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_levels_arrays_that_are_changed_later_do_not_matter() -> None:
    answer = answered("kept = np.full(40, 5.0)\ndef pips(bars): return kept")
    assert answer.levels is not None
    (strategy,) = load_strategies(
        Path("mine.py"), FILE.replace("CHANGE", "kept = np.ones(40)\ndef pips(b): return kept").replace("SIDES", "both")
    )
    strategy_levels = checked_levels(strategy, BARS, answer.signals)
    strategy.stop_distances(BARS)[:] = -1  # type: ignore[attr-defined]
    assert strategy_levels is not None
    assert (strategy_levels.stop_pips == 1).all()


@pytest.mark.parametrize("change", [b"x", b""])
def test_unpacked_bytes_of_another_length_are_refused(change: bytes) -> None:
    names, payload = answered().packed()
    with pytest.raises(ValueError, match="another number of bytes"):
        unpacked(names, payload + change if change else payload[1:], len(BARS))
    with pytest.raises(TypeError):
        unpacked(["no_such"], b"\0" * 9 * len(BARS), len(BARS))
