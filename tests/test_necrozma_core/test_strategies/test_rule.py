"""Settings of the built-in families: their names, limits and keys."""

import copy
import pickle
from dataclasses import FrozenInstanceError, replace
from pathlib import Path

import numpy as np
import pytest
from bar_samples import walking_bars
from hypothesis import given
from hypothesis import strategies as st

from necrozma_core.errors import UsageError
from necrozma_core.strategies.catalog import FAMILIES, default_strategies
from necrozma_core.strategies.families.donchian import Donchian
from necrozma_core.strategies.families.keltner import Keltner
from necrozma_core.strategies.families.regime import Regime
from necrozma_core.strategies.families.rsi import Rsi
from necrozma_core.strategies.families.session import Session
from necrozma_core.strategies.families.sma_cross import SmaCross
from necrozma_core.strategies.families.stochastic import Stochastic
from necrozma_core.strategies.families.zscore import Zscore
from necrozma_core.strategies.order_settings import ORDER_SETTINGS
from necrozma_core.strategies.rule import Rule, bounds_of, settings_of, signal_key
from necrozma_core.strategies.settings import parse_grid


@pytest.mark.parametrize(
    ("strategy", "name"),
    [
        (SmaCross(10, 30, stop_loss_pips=20, take_profit_pips=40), "sma_cross(10,30) sl20 tp40"),
        (SmaCross(10, 30, stop_loss_pips=12.5), "sma_cross(10,30) sl12.5"),
        (SmaCross(10, 30, take_profit_pips=0.1), "sma_cross(10,30) tp0.1"),
        (SmaCross(10, 30), "sma_cross(10,30)"),
        (Keltner(20, 10, 1.5), "keltner(20,10,1.5)"),
        (Session("tokyo", 30, 120), "session(tokyo,30,120)"),
    ],
)
def test_name_holds_all_settings_and_both_levels(strategy: Rule, name: str) -> None:
    assert strategy.name == name


@given(
    st.lists(
        st.tuples(
            st.integers(1, 5),
            st.integers(6, 9),
            st.none() | st.floats(0.001, 1e6),
            st.none() | st.floats(0.001, 1e6) | st.integers(1, 50),
        ),
        max_size=30,
    )
)
def test_name_is_equal_only_for_equal_settings(rows: list[tuple[int, int, float | None, float | None]]) -> None:
    made = {SmaCross(fast, slow, stop_loss_pips=stop, take_profit_pips=target) for fast, slow, stop, target in rows}
    assert len({strategy.name for strategy in made}) == len(made)


def test_params_are_all_settings_but_the_levels_in_the_order_of_the_family() -> None:
    strategy = Rsi(7, 20, 80.0, stop_loss_pips=5)
    assert list(strategy.params.items()) == [("period", 7), ("low", 20.0), ("high", 80.0)]
    assert type(strategy.params["low"]) is float
    assert (strategy.stop_loss_pips, strategy.take_profit_pips) == (5.0, None)


@pytest.mark.parametrize("family", FAMILIES)
def test_family_defaults_are_valid_and_its_name_is_its_module_s(family: str) -> None:
    kind = FAMILIES[family]
    assert kind.__module__ == f"necrozma_core.strategies.families.{family}"
    assert kind().family == family
    assert "References" in (kind.__doc__ or "")
    assert list(bounds_of(kind))[-5:] == ["stop_loss_pips", "take_profit_pips", "sides", "on_opposite", "filter"]
    assert set(kind().params) == set(list(bounds_of(kind))[:-5]) - {"exit"}
    assert list(settings_of(kind)) == [*bounds_of(kind), *ORDER_SETTINGS]


@pytest.mark.parametrize("strategy", default_strategies(), ids=lambda strategy: strategy.name)
def test_setting_is_a_value(strategy: Rule) -> None:
    assert pickle.loads(pickle.dumps(strategy)) == strategy
    assert copy.deepcopy(strategy) == strategy
    assert len({strategy, replace(strategy)}) == 1
    assert not hasattr(strategy, "__dict__")
    with pytest.raises(FrozenInstanceError):
        strategy.stop_loss_pips = 1.0  # type: ignore[misc]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"fast": 0}, "sma_cross: fast: expected a whole number from 1 to 10000, found 0"),
        ({"slow": 10_001}, "sma_cross: slow: expected a whole number from 2 to 10000, found 10001"),
        ({"fast": 5.0}, "sma_cross: fast: expected a whole number from 1 to 10000, found 5.0"),
        ({"fast": True}, "sma_cross: fast: expected a whole number from 1 to 10000, found true"),
        ({"fast": "5"}, "sma_cross: fast: expected a whole number from 1 to 10000, found '5'"),
        ({"fast": 30, "slow": 30}, "sma_cross: fast (30) must be below slow (30)"),
        ({"stop_loss_pips": 0}, "sma_cross: stop_loss_pips: expected a number of pips above zero, or none, found 0"),
        (
            {"stop_loss_pips": -1.5},
            "sma_cross: stop_loss_pips: expected a number of pips above zero, or none, found -1.5",
        ),
        (
            {"take_profit_pips": float("nan")},
            "take_profit_pips: expected a number of pips above zero, or none, found nan",
        ),
        ({"take_profit_pips": float("inf")}, "expected a number of pips above zero, or none, found inf"),
        ({"take_profit_pips": "none"}, "expected a number of pips above zero, or none, found 'none'"),
        ({"take_profit_pips": True}, "expected a number of pips above zero, or none, found true"),
    ],
)
def test_setting_out_of_its_limits_is_refused_by_name(values: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        SmaCross(**values)  # type: ignore[arg-type]
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Rsi(14, 70.0, 30.0), "rsi: low (70) must be below high (30)"),
        (lambda: Rsi(14, -1.0, 30.0), "rsi: low: expected a number from 0 to 100, found -1.0"),
        (lambda: Stochastic(low=50.0, high=50.0), "stochastic: low (50) must be below high (50)"),
        (lambda: Regime(trending=0.1, ranging=0.2), "regime: ranging (0.2) must not exceed trending (0.1)"),
        (lambda: Keltner(width=0.0), "keltner: width: expected a number above 0 up to 100, found 0.0"),
        (lambda: Session("londno"), "session: session: unknown value 'londno': did you mean london?"),
        (lambda: Rsi(exit=30.0), "rsi: exit (30) must be above low (30), and 100 - exit below high (70)"),
        (lambda: Rsi(exit=101.0), "rsi: exit: expected a number from 0 to 100, or none, found 101.0"),
        (lambda: Zscore(50, 2.0, exit=2.0), "zscore: exit (2) must be below entry (2)"),
        (lambda: Donchian(20, exit=20), "donchian: exit (20) must be below period (20)"),
        (lambda: Keltner(exit="midle"), "keltner: exit: unknown value 'midle': did you mean middle?"),
        (lambda: Session("mars"), "unknown value 'mars': known are london, new_york, tokyo"),
    ],
)
def test_setting_that_contradicts_itself_is_refused(make: object, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        make()  # type: ignore[operator]
    assert message in str(caught.value)


def test_signal_key_is_shared_by_settings_of_equal_signals_alone() -> None:
    plain = SmaCross(10, 30)
    assert signal_key(plain) == signal_key(SmaCross(10, 30, stop_loss_pips=20, take_profit_pips=40))
    assert signal_key(plain) != signal_key(SmaCross(10, 31))
    assert len({signal_key(strategy) for strategy in (Rsi(14, 30, 70), Rsi(14, 30.0, 70.0))}) == 1

    class Own:
        name, params, stop_loss_pips, take_profit_pips = "own", {}, None, None

        def signals(self, bars: object) -> object:
            return None

    assert signal_key(Own()) is None  # type: ignore[arg-type]


def test_signal_key_equal_keys_have_equal_signals() -> None:
    bars = walking_bars(3_000)
    for strategy in default_strategies():
        other = replace(strategy, stop_loss_pips=None, take_profit_pips=1.0)
        assert signal_key(other) == signal_key(strategy)
        assert np.array_equal(other.signals(bars), strategy.signals(bars))


def test_catalog_every_file_of_a_family_is_in_it() -> None:
    import necrozma_core.strategies.families as room

    folder = Path(room.__file__).parent
    families = {path.stem for path in folder.glob("*.py") if "(Rule):" in path.read_text()}
    assert families == set(FAMILIES)


@pytest.mark.parametrize("family", ["sma_cross", "ema_cross", "macd"])
def test_crossing_s_exit_at_the_opposite_is_another_spelling_of_what_opposite_signals_do(family: str) -> None:
    kind = FAMILIES[family]
    strategy = kind(exit="opposite")  # type: ignore[call-arg]
    assert strategy == kind(on_opposite="close")
    assert strategy.name.endswith(") on_opposite=close")
    assert replace(strategy, stop_loss_pips=20.0).on_opposite == "close"
    assert parse_grid(f"family={family} exit=none,opposite on_opposite=reverse,close").repeated == 2
    with pytest.raises(UsageError, match="exit=opposite and on_opposite=ignore exclude each other"):
        kind(exit="opposite", on_opposite="ignore")  # type: ignore[call-arg]


def test_orders_that_are_not_as_always_are_in_name_and_params() -> None:
    usual = SmaCross(10, 30, stop_loss_pips=20)
    longs = SmaCross(10, 30, stop_loss_pips=20, sides="long", on_opposite="close")
    assert usual.params == {"fast": 10, "slow": 30}
    assert longs.name == "sma_cross(10,30) sl20 sides=long on_opposite=close"
    assert longs.params == {"fast": 10, "slow": 30, "sides": "long", "on_opposite": "close"}
    assert signal_key(longs) != signal_key(usual)
    assert signal_key(SmaCross(10, 30, on_opposite="close")) == signal_key(usual)
    with pytest.raises(UsageError, match=r"sma_cross: sides: unknown value 'longs': did you mean long"):
        SmaCross(10, 30, sides="longs")
