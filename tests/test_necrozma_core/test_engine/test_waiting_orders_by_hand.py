"""Orders that wait for a price, with numbers worked out by hand. A pip is ten points.

Markets begin with the bar of the signal, tick 0, whose closing quotes are 1000 and 1002.
"""

import numpy as np
import pytest
from naive_positions import Setup
from order_samples import MINUTE_MS, after_signal, at, long, make_ticks, trade

from necrozma_core.engine.bar_levels import BarLevels
from necrozma_core.engine.execution import Execution
from necrozma_core.engine.orders import Orders

BUY = [1] + [0] * 9
LONDON = "Europe/London"


def test_limit_entry_fills_at_its_level() -> None:
    # The level is 10 under the ask of the signal's bar, 1002: 992. An ask of 993 is not there yet, one of 980 beyond.
    orders = Orders(entry_order="limit", entry_offset_pips=1.0)
    assert long([1000, 991, 978, 985], orders) == [("end_of_data", 2, 3, 992, 985)]


def test_limit_entry_pays_no_slippage_and_counts_the_mark_up_into_its_reach() -> None:
    # A mark-up of 2 points: an ask of 992 is 993 to the trader.
    orders = Orders(entry_order="limit", entry_offset_pips=1.0)
    costs = Execution(slippage_pips=0.5, spread_markup_pips=0.2)
    assert long([1000, 990, 989, 985], orders, costs) == [("end_of_data", 2, 3, 992, 985 - 1 - 5)]


def test_stop_entry_through_a_gap_fills_at_the_tick() -> None:
    # The level is 10 above the ask of the signal's bar: 1012. An ask of 1011 is not there yet.
    orders = Orders(entry_order="stop", entry_offset_pips=1.0)
    assert long([1000, 1009, 1028, 1020], orders) == [("end_of_data", 2, 3, 1030, 1020)]


def test_entry_from_extreme_counts_from_the_far_end_of_the_signals_bar() -> None:
    rows = [(0, 1000, 1002), (1_000, 1020, 1023), (2_000, 1010, 1012)]
    ticks = make_ticks([*rows, (60_000, 1010, 1023), (61_000, 1030, 1033), (62_000, 1030, 1032)])
    orders = Orders(entry_order="stop", entry_from="extreme", entry_offset_pips=0.1)
    assert trade(Setup(ticks, MINUTE_MS, [1, 0], orders)) == [("end_of_data", 4, 5, 1033, 1030)]


def test_entry_level_of_the_bar_stands_before_offset_and_reference() -> None:
    levels = BarLevels(buy_price=np.array([0.01030, np.nan]))
    orders = Orders(entry_order="stop", entry_offset_pips=50.0)
    assert long([1000, 1010, 1028, 1035], orders, levels=levels) == [("end_of_data", 2, 3, 1030, 1035)]
    assert long([1000, 1010, 1028, 1035], orders, levels=BarLevels(buy_price=np.array([np.nan, 1.0]))) == []


@pytest.mark.parametrize(("expiry", "expected"), [(1, []), (2, [("end_of_data", 3, 4, 1032, 1030)])])
def test_waiting_order_lives_for_bars_that_exist(expiry: int, expected: list[object]) -> None:
    # After the signal's bar there is one of minute 1, and the next of minute 9.
    times = [0, 60_000, 119_999, 540_000, 545_000]
    bids = [1000, 1000, 1000, 1030, 1030]
    ticks = make_ticks([(time, bid, bid + 2) for time, bid in zip(times, bids, strict=True)])
    orders = Orders(entry_order="stop", entry_offset_pips=1.0, entry_expiry_bars=expiry)
    assert trade(Setup(ticks, MINUTE_MS, BUY[:3], orders)) == expected


def test_waiting_order_ends_with_the_hours_in_which_it_was_placed() -> None:
    orders = Orders(
        entry_order="stop", entry_offset_pips=1.0, entry_expiry_bars=50, entry_window=f"07:00-09:00@{LONDON}"
    )
    for minute, fills in (("07:59", True), ("08:00", False)):  # London is an hour ahead of UTC
        times = [at(f"2024-06-04 {clock}") for clock in ("07:50", "07:51", minute, "08:30")]
        ticks = make_ticks(list(zip(times, (1000, 1000, 1030, 1030), (1002, 1002, 1032, 1032), strict=True)))
        assert bool(trade(Setup(ticks, MINUTE_MS, BUY[:4], orders))) == fills


def test_entry_window_does_not_hold_its_end_and_may_hold_midnight() -> None:
    for window, clock, enters in (
        ("22:00-06:00@UTC", "05:59", True),
        ("22:00-06:00@UTC", "06:00", False),
        ("22:00-06:00@UTC", "21:59", False),
        ("22:00-06:00@UTC", "22:00", True),
        ("08:00-09:00@UTC", "08:00", True),
        ("08:00-09:00@UTC", "09:00", False),
    ):
        acting = at(f"2024-06-04 {clock}")
        ticks = make_ticks([(time, 1000, 1002) for time in (acting - 30_000, acting, acting + 1)])
        assert bool(trade(Setup(ticks, MINUTE_MS, [1, 0], Orders(entry_window=window)))) == enters


def test_entry_outside_its_window_still_closes_what_is_against_it() -> None:
    times = [at(f"2024-06-04 {clock}") for clock in ("08:57", "08:58", "08:59", "09:00", "09:01")]
    ticks = make_ticks([(time, 1000, 1002) for time in times])
    setup = Setup(ticks, MINUTE_MS, [1, 0, -1, 0, 0], Orders(entry_window="08:00-09:00@UTC"))
    assert trade(setup) == [("signal", 1, 3, 1002, 1000)]


BOTH_SIDES = Orders(entry_order="stop", entry_offset_pips=1.0, entry_sides="both", entry_expiry_bars=9)


@pytest.mark.parametrize("signal", [1, -1])
def test_both_sides_the_first_order_that_fills_cancels_the_other(signal: int) -> None:
    # Levels: 1012 for the ask, 990 for the bid.
    ticks = after_signal([1000, 1000, 990, 1030, 1030])
    assert trade(Setup(ticks, MINUTE_MS, [signal, 0], BOTH_SIDES)) == [("end_of_data", 2, 4, 990, 1032)]


@pytest.mark.parametrize(("signal", "entry"), [(1, 1020), (-1, 980)])
def test_both_sides_reached_in_one_tick_the_signals_side_fills(signal: int, entry: int) -> None:
    ticks = make_ticks([(0, 1000, 1002), (60_000, 1000, 1002), (61_000, 980, 1020), (62_000, 1000, 1000)])
    assert trade(Setup(ticks, MINUTE_MS, [signal, 0], BOTH_SIDES)) == [("end_of_data", 2, 3, entry, 1000)]


@pytest.mark.parametrize(("instruction", "cancels"), [(2, True), (3, True), (4, False)])
def test_waiting_order_is_cancelled_by_a_close_of_its_side(instruction: int, cancels: bool) -> None:
    ticks = make_ticks([(0, 1000, 1002), (60_000, 1000, 1002), (120_000, 1030, 1032), (180_000, 1030, 1032)])
    orders = Orders(entry_order="stop", entry_offset_pips=1.0, entry_expiry_bars=9)
    # The close acts at the tick that would fill the order.
    trades = trade(Setup(ticks, MINUTE_MS, [1, instruction, 0, 0], orders))
    assert trades == ([] if cancels else [("end_of_data", 2, 3, 1032, 1030)])


def test_waiting_order_is_replaced_by_the_next_signals() -> None:
    ticks = make_ticks([(0, 1000, 1002), (60_000, 1005, 1007), (120_000, 1010, 1012), (180_000, 1020, 1022)])
    orders = Orders(entry_order="stop", entry_offset_pips=1.0, entry_expiry_bars=9)
    # The first order lies at 1012, the second, in force from 2 minutes on, at 1017.
    assert trade(Setup(ticks, MINUTE_MS, [1, 1, 0, 0], orders)) == [("end_of_data", 3, 3, 1022, 1020)]


def test_reversal_with_orders_that_wait_closes_at_once_and_enters_at_the_level() -> None:
    bids = [1000, 1000, 1020, 1020, 1020, 1005, 1005]
    ticks = make_ticks([(number * MINUTE_MS, bid, bid + 2) for number, bid in enumerate(bids)])
    orders = Orders(entry_order="stop", entry_offset_pips=1.0, entry_expiry_bars=9)
    assert trade(Setup(ticks, MINUTE_MS, [1, 0, -1, 0, 0, 0, 0], orders)) == [
        ("signal", 2, 3, 1022, 1020),
        ("end_of_data", 5, 6, 1005, 1007),
    ]


def test_both_sides_where_one_may_be_entered_leave_its_order_alone() -> None:
    # The sell stop at 990 is not there, the buy stop at 1012 is.
    ticks = after_signal([1000, 1000, 980, 1030, 1030])
    setup = Setup(ticks, MINUTE_MS, [1, 0], BOTH_SIDES, sides="long")
    assert trade(setup) == [("end_of_data", 3, 4, 1032, 1030)]
