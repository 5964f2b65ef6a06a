"""Each order on bars without ticks, with numbers worked out by hand. A pip is ten points.

Bars are bids (open, high, low, close); the ask is 2 points above. Tick 2b is the opening of bar b, 2b + 1 what follows.
The first bar has the signal, so a long enters at tick 2 and, at a bid of 1000, at 1002.
"""

from typing import Any

import numpy as np
import pytest
from order_samples import MINUTE_MS, Told, at, make_quote_bars, trade_bars

from necrozma_core.engine.bar_levels import BarLevels
from necrozma_core.engine.execution import Execution
from necrozma_core.engine.orders import Orders

Row = tuple[int, int, int, int]
FLAT: Row = (1000, 1000, 1000, 1000)


def long(rows: list[Row], orders: Orders, side: int = 1, **more: Any) -> list[Told]:
    """Signal at the close of a flat first bar and return what came of it."""
    return trade_bars(make_quote_bars([FLAT, *rows]), [side] + [0] * len(rows), orders, **more)


def test_trailing_stop_fills_at_its_level_inside_a_bar_and_at_the_opening_on_a_gap() -> None:
    orders = Orders(trailing_stop_pips=2.0)
    # The high of 1030 leaves a level of 1010 for the next bar.
    first: Row = (1000, 1030, 1000, 1025)
    assert long([first, (1025, 1025, 1009, 1020)], orders) == [("trailing_stop", 2, 5, 1002, 1010)]
    assert long([first, (1008, 1025, 1000, 1020)], orders) == [("trailing_stop", 2, 4, 1002, 1008)]


def test_trailing_stop_moved_by_a_bars_high_does_not_fill_on_the_low_of_that_bar() -> None:
    # 1030 - 20 = 1010 is above the low of 985, which may have come first; the entry's level of 980 is below.
    rows: list[Row] = [(1000, 1030, 985, 1025), (1025, 1025, 1011, 1015)]
    assert long(rows, Orders(trailing_stop_pips=2.0)) == [("end_of_data", 2, 5, 1002, 1015)]


def test_trailing_stop_moved_by_an_opening_counts_in_that_bar() -> None:
    # From the opening of 1040 on the level is 1020.
    rows: list[Row] = [FLAT, (1040, 1040, 1019, 1030)]
    assert long(rows, Orders(trailing_stop_pips=2.0)) == [("trailing_stop", 2, 5, 1002, 1020)]


def test_break_even_is_live_from_the_next_bar() -> None:
    rows: list[Row] = [(1000, 1012, 1000, 1010), (1010, 1011, 1000, 1005)]
    orders = Orders(break_even_pips=1.0, break_even_lock_pips=0.3)
    assert long(rows, orders) == [("break_even", 2, 5, 1002, 1005)]
    assert long(rows[:1], orders) == [("end_of_data", 2, 3, 1002, 1010)]


def test_nearest_stop_is_reached_first_and_equal_ones_have_an_order() -> None:
    rows: list[Row] = [(1000, 1022, 1000, 1020), (1020, 1020, 900, 950)]
    nearest = long(rows, Orders(trailing_stop_pips=2.0, break_even_pips=1.0), stop_loss_pips=1.0)
    assert nearest == [("break_even", 2, 5, 1002, 1002)]  # the trailing level is 1002, too
    assert long(rows, Orders(trailing_stop_pips=3.5), stop_loss_pips=1.0) == [("stop_loss", 2, 5, 1002, 992)]
    assert long(rows, Orders(), stop_loss_pips=2.0, stop_out={0: 10.0}) == [("stop_out", 2, 5, 1002, 992)]


def test_stop_comes_before_partial_targets_in_one_bar() -> None:
    rows: list[Row] = [(1000, 1050, 990, 1040)]
    assert long(rows, Orders(targets="1:0.5"), stop_loss_pips=1.0) == [("stop_loss", 2, 3, 1002, 992)]


def test_partial_targets_fill_at_their_levels_and_at_the_opening_on_a_gap() -> None:
    orders = Orders(targets="1:0.5+2:0.25")
    assert long([(1000, 1050, 1000, 1040)], orders) == [
        ("partial_target", 2, 3, 1002, 1012),
        ("partial_target", 2, 3, 1002, 1022),
        ("end_of_data", 2, 3, 1002, 1040),
    ]
    assert long([FLAT, (1030, 1030, 1030, 1030)], orders)[:2] == [
        ("partial_target", 2, 4, 1002, 1030),
        ("partial_target", 2, 4, 1002, 1030),
    ]


STOP_ENTRY = Orders(entry_order="stop", entry_offset_pips=1.0, entry_expiry_bars=5)
LIMIT_ENTRY = Orders(entry_order="limit", entry_offset_pips=1.0, entry_expiry_bars=5)


def test_stop_entry_fills_at_its_level_inside_a_bar_and_at_the_opening_on_a_gap() -> None:
    # The level is 1012 for the ask.
    slips = Execution(slippage_pips=0.1)
    assert long([(1000, 1020, 1000, 1015)], STOP_ENTRY, execution=slips) == [("end_of_data", 3, 3, 1013, 1014)]
    assert long([FLAT, (1020, 1020, 1020, 1020)], STOP_ENTRY, execution=slips)[0][:4] == ("end_of_data", 4, 5, 1023)


def test_stop_entry_inside_a_bar_whose_low_is_beyond_its_stop_is_stopped_there() -> None:
    # 1012 - 15 = 997, and the low is 996; the target is reached by the high, and not looked at.
    rows: list[Row] = [(1000, 1060, 996, 1050)]
    assert long(rows, STOP_ENTRY, stop_loss_pips=1.5, take_profit_pips=2.0) == [("stop_loss", 3, 3, 1012, 997)]
    assert long(rows, STOP_ENTRY, take_profit_pips=2.0) == [("end_of_data", 3, 3, 1012, 1050)]


def test_limit_entry_fills_at_its_level_inside_a_bar_and_at_the_opening_on_a_gap() -> None:
    # The level is 992 for the ask. No slippage at the entry.
    slips = Execution(slippage_pips=0.1)
    assert long([(1000, 1000, 980, 985)], LIMIT_ENTRY, execution=slips) == [("end_of_data", 3, 3, 992, 984)]
    assert long([FLAT, (980, 980, 980, 980)], LIMIT_ENTRY, execution=slips)[0][:4] == ("end_of_data", 4, 5, 982)


def test_trailing_of_an_entry_inside_a_bar_begins_with_its_close() -> None:
    # Entered at 1012; the high of 1060 may have come before, 1020 did not: the level is 1010.
    rows: list[Row] = [(1000, 1060, 1000, 1020), (1020, 1020, 1011, 1015), (1015, 1015, 1010, 1015)]
    orders = Orders(entry_order="stop", entry_offset_pips=1.0, trailing_stop_pips=1.0)
    assert long(rows, orders) == [("trailing_stop", 3, 7, 1012, 1010)]


@pytest.mark.parametrize(("side", "entry", "stopped"), [(1, 1012, 1002), (-1, 990, 1000)])
def test_both_sides_reached_in_one_bar_the_signals_side_fills_and_is_stopped(
    side: int, entry: int, stopped: int
) -> None:
    orders = Orders(entry_order="stop", entry_offset_pips=1.0, entry_sides="both")
    rows: list[Row] = [(1000, 1030, 970, 1000)]
    assert long(rows, orders, side, stop_loss_pips=1.0) == [("stop_loss", 3, 3, entry, stopped)]


def test_time_exits_are_at_openings() -> None:
    rows = [FLAT] * 5
    assert long(rows, Orders(max_minutes=2)) == [("time", 2, 6, 1002, 1000)]
    assert long(rows, Orders(max_bars=3)) == [("time", 2, 8, 1002, 1000)]
    # The entry is at 20:55, and 20:58 within its bar: it is closed where the next one opens.
    bars = make_quote_bars([FLAT] * 4, first_ms=at("2024-06-04 20:50"), length_ms=5 * MINUTE_MS)
    trades = trade_bars(bars, [1, 0, 0, 0], Orders(close_at="20:58@UTC"), timeframe_ms=5 * MINUTE_MS)
    assert trades == [("time", 2, 4, 1002, 1000)]


def test_waiting_order_of_a_coarser_bar_ends_with_its_expiry() -> None:
    # Bars of two minutes: the order of the first lives through the second, minutes 2 and 3.
    late = (1000, 1030, 1000, 1000)
    orders = Orders(entry_order="stop", entry_offset_pips=1.0)
    for minute, entered in ((2, True), (3, True), (4, False)):
        rows = [FLAT] * 6
        rows[minute] = late
        bars = make_quote_bars(rows)
        assert bool(trade_bars(bars, [1, 0, 0], orders, timeframe_ms=2 * MINUTE_MS)) == entered


def test_entry_from_extreme_of_bars() -> None:
    rows: list[Row] = [(1000, 1020, 990, 1000), (1000, 1021, 1000, 1000), (1000, 1021, 1000, 1000)]
    orders = Orders(entry_order="stop", entry_from="extreme", entry_offset_pips=0.1)
    # The highest ask is 1022, the level 1023, which the second bar's high reaches exactly.
    assert trade_bars(make_quote_bars(rows), [1, 0, 0], orders)[0][:4] == ("end_of_data", 3, 5, 1023)


def test_mark_up_moves_every_level_inside_a_bar() -> None:
    # Entry 1003; the bid is worth a point less: a stop of 10 is reached by a bid of 994 and filled at 993.
    markup = Execution(spread_markup_pips=0.2)
    rows: list[Row] = [FLAT, (1000, 1000, 995, 1000), (1000, 1000, 994, 1000)]
    assert long(rows, Orders(), stop_loss_pips=1.0, execution=markup) == [("stop_loss", 2, 7, 1003, 993)]


def test_distances_given_for_the_bar_of_the_signal() -> None:
    levels = BarLevels(stop_pips=np.array([1.2, 9.0]))
    assert long([(1000, 1000, 990, 1000)], Orders(), levels=levels) == [("stop_loss", 2, 3, 1002, 990)]
