"""Orders as settings: their spellings, their limits, and what does not go together."""

import json
import pickle
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from necrozma_core.engine.orders import NO_ORDERS, EntryKind, Orders
from necrozma_core.errors import UsageError
from necrozma_core.strategies.catalog import FAMILIES
from necrozma_core.strategies.families.keltner import Keltner
from necrozma_core.strategies.families.sma_cross import SmaCross
from necrozma_core.strategies.families.zscore import Zscore
from necrozma_core.strategies.order_settings import ORDER_DEFAULTS, ORDER_SETTINGS, make_orders
from necrozma_core.strategies.rule import settings_of, signal_key
from necrozma_core.strategies.settings import parse_grid


def test_every_order_s_default_is_a_value_that_it_may_have() -> None:
    assert make_orders(ORDER_DEFAULTS) is NO_ORDERS
    assert NO_ORDERS.given() == {}


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_takes_every_order_in_a_grid(family: str) -> None:
    assert settings_of(FAMILIES[family]).keys() >= ORDER_SETTINGS.keys()
    (strategy,) = parse_grid(
        f"family={family} stop_loss_atr=2 exit_atr_period=10 trailing_stop_pips=15 trailing_start_pips=10 "
        "trailing_step_pips=1 break_even_pips=8 break_even_lock_pips=1 targets=20:0.5+30:0.25 max_bars=96 "
        "max_minutes=600 close_at=16:30@Europe/London close_session=london close_friday=20:00@UTC "
        "close_before_roll_minutes=5 entry_order=stop entry_from=extreme entry_offset_pips=1 entry_expiry_bars=3 "
        "entry_sides=both entry_window=7:00-16:00@Europe/London take_profit_pips=40"
    ).strategies
    assert len(strategy.orders.given()) == len(ORDER_SETTINGS) - 2
    assert strategy.orders.entry_window == "07:00-16:00@Europe/London"
    assert strategy.params["entry_order"] == "stop"
    assert strategy.params["max_bars"] == 96
    json.dumps(dict(strategy.params))
    assert signal_key(strategy) == signal_key(FAMILIES[family]())


def test_families_whose_parameters_have_names_of_orders_keep_them() -> None:
    (zscore,) = parse_grid("family=zscore entry=2.5 entry_order=limit entry_offset_pips=3").strategies
    assert isinstance(zscore, Zscore)
    assert (zscore.entry, zscore.orders.entry_order) == (2.5, "limit")
    (keltner,) = parse_grid("family=keltner atr_period=7 exit_atr_period=21 trailing_stop_atr=3").strategies
    assert isinstance(keltner, Keltner)
    assert (keltner.atr_period, keltner.orders.exit_atr_period) == (7, 21)


def test_a_setting_has_one_spelling_however_it_was_written() -> None:
    spellings = [
        SmaCross(orders=Orders(close_at="16:30 Europe/London", trailing_stop_pips=15)),
        SmaCross(orders=Orders(close_at=" 16:30@Europe/London", trailing_stop_pips=15.0)),
        *parse_grid("family=sma_cross close_at=16:30@Europe/London trailing_stop_pips=15.0").strategies,
    ]
    assert len(set(spellings)) == 1
    assert len({id(strategy.orders) for strategy in spellings}) == 1
    assert spellings[0].name == "sma_cross(10,30) trailing_stop_pips=15 close_at=16:30@Europe/London"
    assert SmaCross(orders=Orders(close_friday="9:05")).orders.close_friday == "09:05@UTC"
    assert SmaCross(orders=Orders(targets="10:.50 + 20:0.250")).orders.targets == "10:0.5+20:0.25"
    assert SmaCross(orders=Orders(entry_order=EntryKind.STOP)).name == "sma_cross(10,30) entry_order=stop"
    assert type(SmaCross(orders=Orders(entry_order=EntryKind.STOP)).orders.entry_order) is str
    assert SmaCross(orders=Orders()).orders is NO_ORDERS


def test_setting_with_orders_is_a_value() -> None:
    strategy = SmaCross(10, 30, stop_loss_pips=20, orders=Orders(trailing_stop_pips=15))
    assert strategy.name == "sma_cross(10,30) sl20 trailing_stop_pips=15"
    assert dict(strategy.params) == {"fast": 10, "slow": 30, "trailing_stop_pips": 15.0}
    assert pickle.loads(pickle.dumps(strategy)) == strategy
    assert replace(strategy, fast=11).orders is strategy.orders
    assert signal_key(strategy) == signal_key(SmaCross(10, 30))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"trailing_stop_pips": 0}, "trailing_stop_pips: expected a number of pips above zero, or none, found 0"),
        ({"trailing_stop_atr": 0.0}, "trailing_stop_atr: expected a number above 0 up to 1000, or none, found 0.0"),
        ({"trailing_stop_pips": 5, "trailing_start_pips": -1}, "trailing_start_pips: expected a number from 0"),
        ({"trailing_stop_pips": True}, "trailing_stop_pips: expected a number of pips above zero, or none, found true"),
        ({"max_bars": 0}, "max_bars: expected a whole number from 1 to 1000000, or none, found 0"),
        ({"max_bars": 1.5}, "max_bars: expected a whole number from 1 to 1000000, or none, found 1.5"),
        ({"max_minutes": True}, "max_minutes: expected a whole number from 1 to"),
        ({"close_at": "25:00"}, "close_at '25:00': expected a time of the clock, such as 16:30@Europe/London"),
        ({"close_at": "16:30@Europe/Londn"}, "unknown zone 'Europe/Londn'"),
        ({"close_at": 16}, "close_at: expected a text, or none, found 16"),
        ({"close_at": ["16:30"]}, "close_at: expected a text, or none, found"),
        ({"close_session": "londn"}, "close_session: unknown value 'londn': did you mean london?"),
        ({"close_before_roll_minutes": 1440}, "close_before_roll_minutes: expected a whole number from 1 to 1439"),
        ({"entry_order": "stopp"}, "entry_order: unknown value 'stopp': did you mean stop?"),
        ({"entry_order": "stop", "entry_expiry_bars": 0}, "entry_expiry_bars: expected a whole number from 1"),
        ({"entry_window": "07:00-07:00"}, "it ends where it begins; expected two times that differ"),
        ({"targets": "10:0.5+20:0.75"}, "expected fractions of at most 1 together, found 1.25"),
        ({"targets": "20:0.5+10:0.25"}, "expected distances that rise"),
        ({"targets": "10:0"}, "expected pips and fractions above zero"),
        ({"targets": "10:0.5+9999999:0.1"}, "expected at most 1,000,000 pips"),
        ({"trailing_stop_pips": 5, "trailing_stop_atr": 2.0}, "trailing_stop_pips and trailing_stop_atr exclude each"),
        ({"trailing_start_pips": 5}, "trailing_start_pips (5) needs trailing_stop_pips or trailing_stop_atr"),
        ({"trailing_step_pips": 0.5}, "trailing_step_pips (0.5) needs trailing_stop_pips or trailing_stop_atr"),
        ({"break_even_lock_pips": 1}, "break_even_lock_pips (1) needs break_even_pips"),
        (
            {"break_even_pips": 5, "break_even_lock_pips": 5},
            "break_even_lock_pips (5) must be below break_even_pips (5)",
        ),
        ({"exit_atr_period": 10}, "exit_atr_period (10) needs a distance in ATR: stop_loss_atr, take_profit_atr or"),
        ({"entry_from": "extreme"}, "entry_from (extreme) needs an order that waits: entry_order stop or limit"),
        ({"entry_offset_pips": 2}, "entry_offset_pips (2) needs an order that waits: entry_order stop or limit"),
        ({"entry_expiry_bars": 2}, "entry_expiry_bars (2) needs an order that waits: entry_order stop or limit"),
        ({"entry_sides": "both"}, "entry_sides (both) needs an order that waits: entry_order stop or limit"),
        ({"targets": "10:0.5+20:0.5", "break_even_pips": 20}, "break_even_pips (20) must be below the last of targets"),
        ({"targets": "10:0.9+20:0.1", "take_profit_atr": 3.0}, "so take_profit_atr is never reached"),
    ],
)
def test_orders_that_cannot_be_are_refused_by_name(values: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        make_orders(values, "here: ")
    assert str(caught.value).startswith("here: ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("strategy", "orders", "message"),
    [
        ({"stop_loss_pips": 20}, {"stop_loss_atr": 2.0}, "stop_loss_pips and stop_loss_atr exclude each other"),
        ({"take_profit_pips": 20}, {"take_profit_atr": 2.0}, "take_profit_pips and take_profit_atr exclude each other"),
        (
            {"take_profit_pips": 20},
            {"trailing_stop_pips": 5, "trailing_start_pips": 20},
            "trailing_start_pips (20) must be below take_profit_pips (20)",
        ),
        ({"take_profit_pips": 20}, {"break_even_pips": 25}, "break_even_pips (25) must be below take_profit_pips (20)"),
        ({"take_profit_pips": 20}, {"targets": "10:0.5+20:0.1"}, "targets (10:0.5+20:0.1) must lie before take_profit"),
        ({"take_profit_pips": 20}, {"targets": "10:0.5+15:0.5"}, "targets (10:0.5+15:0.5) close all of the lot, so"),
        (
            {"sides": "long"},
            {"entry_order": "stop", "entry_sides": "both"},
            "entry_sides=both leaves orders on both sides",
        ),
    ],
)
def test_orders_that_contradict_the_other_settings_are_refused(
    strategy: dict[str, Any], orders: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError) as caught:
        SmaCross(**strategy, orders=Orders(**orders))
    assert str(caught.value).startswith("sma_cross: ")
    assert message in str(caught.value)


def test_orders_of_another_type_are_refused() -> None:
    for wrong in ({"trailing_stop_pips": 5}, None, 5):
        with pytest.raises(UsageError, match=r"sma_cross: orders: expected Orders\(\.\.\.\), found"):
            SmaCross(orders=wrong)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="close_at: expected a text, or none, found"):
        SmaCross(orders=Orders(close_at=["16:30"]))  # type: ignore[arg-type]


def test_grid_combinations_that_contradict_are_left_out_and_counted() -> None:
    sweep = parse_grid("family=sma_cross trailing_stop_pips=none,10 trailing_start_pips=0,20 take_profit_pips=none,20")
    assert [strategy.name for strategy in sweep.strategies] == [
        "sma_cross(10,30)",
        "sma_cross(10,30) trailing_stop_pips=10",
        "sma_cross(10,30) trailing_stop_pips=10 trailing_start_pips=20",
        "sma_cross(10,30) tp20",
        "sma_cross(10,30) tp20 trailing_stop_pips=10",
    ]
    assert (sweep.conflicting, sweep.repeated) == (3, 0)
    with pytest.raises(UsageError, match=r"no combination is possible: sma_cross: trailing_start_pips \(5\) needs"):
        parse_grid("family=sma_cross trailing_start_pips=5")


def test_grid_ranges_of_orders_step_like_others() -> None:
    sweep = parse_grid("family=rsi trailing_stop_pips=10:30:5 max_bars=none,24:48:24 close_at=none,16:30,17:00@UTC")
    assert len(sweep.strategies) == 5 * 3 * 3
    assert sweep.strategies[-1].name == "rsi(14,30,70) trailing_stop_pips=30 max_bars=48 close_at=17:00@UTC"


ANY: dict[str, st.SearchStrategy[Any]] = {
    "stop_loss_atr": st.sampled_from([None, 1, 1.5]),
    "trailing_stop_pips": st.sampled_from([None, 5, 5.5]),
    "trailing_start_pips": st.sampled_from([0, 1.0, 30]),
    "break_even_pips": st.sampled_from([None, 2.0, 3]),
    "break_even_lock_pips": st.sampled_from([0, 1, 2.5]),
    "targets": st.sampled_from([None, "10:.5", "10:0.50", "10:0.5+12:0.5"]),
    "max_bars": st.sampled_from([None, 1, 2]),
    "close_at": st.sampled_from([None, "16:30", "16:30@UTC", "16:30 Europe/London"]),
    "entry_order": st.sampled_from(["market", "stop"]),
    "entry_expiry_bars": st.sampled_from([1, 2]),
}


@given(st.lists(st.fixed_dictionaries({}, optional=ANY), max_size=12))
def test_names_are_equal_only_for_equal_settings_and_orders_survive_json(rows: list[dict[str, Any]]) -> None:
    made = set()
    for row in rows:
        try:
            made.add(SmaCross(orders=Orders(**row)))
        except UsageError:
            continue
    assert len({strategy.name for strategy in made}) == len(made)
    for strategy in made:
        assert make_orders(json.loads(json.dumps(strategy.orders.given()))) is strategy.orders
