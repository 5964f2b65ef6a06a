"""Each order once, with numbers worked out by hand. A pip is ten points but where it says so.

Most markets begin with the bar of the signal, tick 0, and enter at tick 1. The spread is 2 points: a long that enters
at a bid of 1000 enters at 1002.
"""

import numpy as np
import pytest
from naive_positions import Setup
from order_samples import MINUTE_MS, after_signal, at, long, make_ticks, trade

from necrozma_core.engine.bar_levels import BarLevels
from necrozma_core.engine.execution import Execution
from necrozma_core.engine.orders import Orders

BUY, SELL = [1] + [0] * 9, [-1] + [0] * 9
LONDON, NEW_YORK = "Europe/London", "America/New_York"


# Distances that the bar of the signal gives.


def test_stop_of_a_bar_is_that_of_the_signals_bar() -> None:
    levels = BarLevels(stop_pips=np.array([1.2, 9.0]), target_pips=np.array([3.0, 9.0]))
    assert long([1000, 1000, 991, 990], Orders(), levels=levels) == [("stop_loss", 1, 3, 1002, 990)]
    assert long([1000, 1000, 1031, 1040], Orders(), levels=levels) == [("take_profit", 1, 3, 1002, 1032)]


# Trailing stop.


def test_trailing_stop_follows_the_best_bid_and_fills_at_the_tick() -> None:
    # Levels left for the next tick: 990, 1000, 1000, 1001, and a bid of 998 is beyond it.
    bids = [1000, 1000, 1010, 1005, 1011, 998, 2000]
    assert long(bids, Orders(trailing_stop_pips=1.0)) == [("trailing_stop", 1, 5, 1002, 998)]


def test_trailing_stop_a_low_before_the_high_of_its_bar_does_not_close() -> None:
    # 994 is more than 10 below the best price of the same bar, 1040, and was there before it.
    bids = [1000, 1000, 1003, 994, 1040, 1031, 1030]
    assert long(bids, Orders(trailing_stop_pips=1.0)) == [("trailing_stop", 1, 6, 1002, 1030)]


def test_trailing_stop_is_there_from_the_entry_on_without_a_start() -> None:
    # The best bid is the entry's, 1000, though the entry price is 1002.
    assert long([1000, 1000, 991, 990], Orders(trailing_stop_pips=1.0)) == [("trailing_stop", 1, 3, 1002, 990)]


def test_trailing_stop_does_not_trail_before_its_start() -> None:
    # 1021 is 19 points beyond the entry, 1022 is 20.
    orders = Orders(trailing_stop_pips=1.0, trailing_start_pips=2.0)
    assert long([1000, 1000, 1021, 900, 1022, 1013, 1012], orders) == [("trailing_stop", 1, 6, 1002, 1012)]


def test_trailing_stop_moves_by_its_step_or_not_at_all() -> None:
    # From 1000 to 1009 is less than a step of 10, to 1011 more; 1020 would lead to 1000, but is 9 above 1011.
    orders = Orders(trailing_stop_pips=2.0, trailing_step_pips=1.0)
    assert long([1000, 1000, 1009, 1011, 1020, 992, 991], orders) == [("trailing_stop", 1, 6, 1002, 991)]


def test_trailing_stop_of_a_short_follows_the_lowest_ask() -> None:
    # Entry at the bid 1000; asks 1002, 992, 1001, 1002: ten above the best is 1002.
    ticks = after_signal([1000, 1000, 990, 999, 1000])
    trades = trade(Setup(ticks, MINUTE_MS, [-1, 0], Orders(trailing_stop_pips=1.0)))
    assert trades == [("trailing_stop", 1, 4, 1000, 1002)]


# Break-even.


def test_break_even_is_the_entry_once_the_price_was_beyond() -> None:
    assert long([1000, 1000, 1011, 1000, 1012, 1003, 1002], Orders(break_even_pips=1.0)) == [
        ("break_even", 1, 6, 1002, 1002)
    ]


def test_break_even_locks_what_it_says_but_for_a_gap() -> None:
    orders = Orders(break_even_pips=1.0, break_even_lock_pips=0.2)
    assert long([1000, 1000, 1012, 1005, 1004], orders) == [("break_even", 1, 4, 1002, 1004)]
    assert long([1000, 1000, 1012, 1005, 950], orders) == [("break_even", 1, 4, 1002, 950)]


def test_break_even_is_compared_with_the_marked_up_price() -> None:
    # A mark-up of 0.4 pips takes 2 points from each price: entry 1004, gain of 10 at a bid of 1016.
    execution = Execution(spread_markup_pips=0.4)
    bids = [1000, 1000, 1015, 1004, 1016, 1007, 1006]
    assert long(bids, Orders(break_even_pips=1.0), execution) == [("break_even", 1, 6, 1004, 1004)]


@pytest.mark.parametrize(
    ("bids", "expected"),
    [
        ([1000, 1000, 1015, 1002], ("break_even", 1, 3, 1002, 1002)),  # the trailing level is 995
        ([1000, 1000, 1022, 1002], ("break_even", 1, 3, 1002, 1002)),  # both are 1002
        ([1000, 1000, 1023, 1002], ("trailing_stop", 1, 3, 1002, 1002)),  # 1003 is nearer
    ],
)
def test_trailing_stop_beside_break_even_the_nearer_one_gives_the_reason(
    bids: list[int], expected: tuple[object, ...]
) -> None:
    assert long(bids, Orders(trailing_stop_pips=2.0, break_even_pips=1.0)) == [expected]


# Partial targets.


def test_partial_targets_each_fill_at_their_level() -> None:
    assert long([1000, 1000, 1012, 1011, 1025, 990], Orders(targets="1:0.5+2:0.25"), stop_loss_pips=1.0) == [
        ("partial_target", 1, 2, 1002, 1012),
        ("partial_target", 1, 4, 1002, 1022),
        ("stop_loss", 1, 5, 1002, 990),
    ]


def test_partial_targets_one_gap_through_all_of_them_fills_all() -> None:
    assert long([1000, 1000, 1100, 990], Orders(targets="1:0.5+2:0.25"), take_profit_pips=4.0) == [
        ("partial_target", 1, 2, 1002, 1012),
        ("partial_target", 1, 2, 1002, 1022),
        ("take_profit", 1, 2, 1002, 1042),
    ]


def test_partial_targets_of_the_whole_end_the_position() -> None:
    assert long([1000, 1000, 1012, 1022, 990], Orders(targets="1:0.5+2:0.5"), take_profit_pips=4.0) == [
        ("partial_target", 1, 2, 1002, 1012),
        ("partial_target", 1, 3, 1002, 1022),
    ]


# Time.


def test_max_bars_counts_bars_that_exist() -> None:
    # The entry's bar begins at 1 minute; nothing is quoted in the next; its second bar begins at 4 minutes.
    ticks = make_ticks([(minute * MINUTE_MS, 1000, 1002) for minute in (0, 1, 3, 4, 5)])
    setup = Setup(ticks, MINUTE_MS, BUY[:5], Orders(max_bars=2))
    assert trade(setup) == [("time", 1, 3, 1002, 1000)]


def test_max_minutes_closes_at_the_first_tick_so_much_later() -> None:
    ticks = make_ticks([(time, 1000, 1002) for time in (0, 61_000, 180_999, 181_000, 200_000)])
    assert trade(Setup(ticks, MINUTE_MS, BUY[:3], Orders(max_minutes=2))) == [("time", 1, 3, 1002, 1000)]


def closes_at(first: str, moments: list[str], orders: Orders) -> list[tuple[str, str]]:
    """Buy a minute after a time, quote at some moments, and return when and why the position closed."""
    times = [at(first), at(first) + MINUTE_MS, *(at(moment) for moment in moments)]
    setup = Setup(make_ticks([(time, 1000, 1000) for time in times]), MINUTE_MS, [1] + [0] * (len(times) - 1), orders)
    return [(moments[exit_tick - 2], reason) for reason, _, exit_tick, _, _ in trade(setup)]


@pytest.mark.parametrize(
    ("friday", "zone", "before", "moment"),
    [
        ("2024-03-08", NEW_YORK, "20:59", "21:00"),  # clocks go forward on Sunday 10 March
        ("2024-03-15", NEW_YORK, "19:59", "20:00"),
        ("2024-03-29", LONDON, "15:59", "16:00"),  # on Sunday 31 March
        ("2024-04-05", LONDON, "14:59", "15:00"),
        ("2024-10-25", LONDON, "14:59", "15:00"),  # back on Sunday 27 October
        ("2024-11-01", LONDON, "15:59", "16:00"),
        ("2024-11-01", NEW_YORK, "19:59", "20:00"),  # back on Sunday 3 November
        ("2024-11-08", NEW_YORK, "20:59", "21:00"),
    ],
)
def test_close_friday_is_by_the_local_clock(friday: str, zone: str, before: str, moment: str) -> None:
    moments = [f"{friday} {clock}" for clock in ("12:00", before, moment, "22:00")]
    monday = str(np.datetime64(friday) - 4)
    assert closes_at(f"{monday} 09:00", moments, Orders(close_friday=f"16:00@{zone}")) == [(moments[2], "session")]


@pytest.mark.parametrize(
    ("clock", "zone", "first", "before", "moment"),
    [
        ("02:30", NEW_YORK, "2024-03-10 04:00", "2024-03-10 06:59", "2024-03-10 07:00"),
        ("02:00", NEW_YORK, "2024-03-10 04:00", "2024-03-10 06:59", "2024-03-10 07:00"),
        ("03:00", NEW_YORK, "2024-03-10 04:00", "2024-03-10 06:59", "2024-03-10 07:00"),
        ("01:30", LONDON, "2024-03-31 00:10", "2024-03-31 00:59", "2024-03-31 01:00"),
        ("01:30", NEW_YORK, "2024-11-03 04:00", "2024-11-03 05:29", "2024-11-03 05:30"),
    ],
)
def test_close_at_a_time_that_clocks_skip_or_show_twice(
    clock: str, zone: str, first: str, before: str, moment: str
) -> None:
    moments = [before, moment, "2024-12-01 00:00"]
    assert closes_at(first, moments, Orders(close_at=f"{clock}@{zone}")) == [(moment, "time")]


def test_close_at_the_moment_of_the_entry_is_that_of_the_next_day() -> None:
    # The entry's tick is at 10:01 itself.
    moments = ["2024-06-04 23:00", "2024-06-05 10:00", "2024-06-05 10:02", "2024-06-06 10:01"]
    assert closes_at("2024-06-04 10:00", moments, Orders(close_at="10:01@UTC")) == [(moments[2], "time")]


@pytest.mark.parametrize(
    ("session", "before", "moment"),
    [("tokyo", "08:59", "09:00"), ("london", "15:29", "15:30"), ("new_york", "20:59", "21:00")],
)
def test_close_session_is_on_weekdays(session: str, before: str, moment: str) -> None:
    moments = ["2024-06-08 21:30", "2024-06-09 21:30", f"2024-06-10 {before}", f"2024-06-10 {moment}"]
    orders = Orders(close_session=session)
    assert closes_at("2024-06-07 21:00", [*moments, "2024-06-11 00:00"], orders) == [(moments[3], "session")]


def test_close_before_roll_is_minutes_before_five_in_new_york() -> None:
    moments = ["2024-06-04 20:44", "2024-06-04 20:46", "2024-06-04 21:00"]
    assert closes_at("2024-06-04 10:00", moments, Orders(close_before_roll_minutes=15)) == [(moments[1], "session")]


def test_close_time_comes_before_session_at_one_tick() -> None:
    orders = Orders(close_before_roll_minutes=15, close_at=f"16:50@{NEW_YORK}")
    moments = ["2024-06-04 20:44", "2024-06-04 20:55", "2024-06-04 21:00"]
    assert closes_at("2024-06-04 10:00", moments, orders) == [(moments[1], "time")]


# Costs, latency and old quotes.


def test_slippage_and_mark_up_are_fractions_of_a_point() -> None:
    # USDJPY of two decimals: a pip is a point. 0.3 lost at each fill, and 0.2 of the spread added to each side.
    ticks = make_ticks([(0, 15000, 15002), (60_000, 15000, 15002), (61_000, 15010, 15012)], 2, "USDJPY")
    execution = Execution(slippage_pips=0.3, spread_markup_pips=0.4)
    assert trade(Setup(ticks, MINUTE_MS, BUY[:2], execution=execution)) == [("end_of_data", 1, 2, 15002.5, 15009.5)]


def test_stop_is_measured_from_the_recorded_entry_to_the_marked_up_price() -> None:
    # Entry 1002 + 0.5 + 1 = 1003.5; a bid of 995 is 994 to the trader: 9.5 points away, 994 is 10.5.
    execution = Execution(slippage_pips=0.05, spread_markup_pips=0.2)
    assert long([1000, 1000, 995, 994], Orders(), execution, stop_loss_pips=1.0) == [
        ("stop_loss", 1, 3, 1003.5, 994 - 1 - 0.5)
    ]


def test_target_fills_at_its_level_without_slippage() -> None:
    execution = Execution(slippage_pips=0.05, spread_markup_pips=0.2)
    # 1014 is 1013 to the trader: 9.5 points beyond the entry; 1015 is 10.5.
    assert long([1000, 1000, 1014, 1015], Orders(), execution, take_profit_pips=1.0) == [
        ("take_profit", 1, 3, 1003.5, 1013.5)
    ]


def test_latency_delays_the_entry_and_the_stop_but_not_the_target() -> None:
    # Ticks a second apart from the bar's close on; with 1,500 ms the signal acts two seconds after it.
    execution = Execution(latency_ms=1_500)
    stopped = long([1000, 1010, 1020, 1000, 989, 2000, 980, 985], Orders(), execution, stop_loss_pips=1.0)
    assert stopped == [("stop_loss", 3, 6, 1002, 980)]  # reached at tick 4; the target's price at tick 5 is in between
    won = long([1000, 1010, 1020, 1000, 1012, 980, 980], Orders(), execution, take_profit_pips=1.0)
    assert won == [("take_profit", 3, 4, 1002, 1012)]


def test_latency_of_an_exit_beyond_the_data_closes_at_its_end() -> None:
    execution = Execution(latency_ms=1_500)
    assert long([1000, 1010, 1020, 1000, 989, 970], Orders(), execution, stop_loss_pips=1.0) == [
        ("end_of_data", 3, 5, 1002, 970)
    ]


def test_latency_delays_a_stop_entry_which_nothing_cancels_then() -> None:
    rows = [(0, 1000, 1002), (60_500, 1000, 1002), (119_800, 1010, 1012), (120_300, 1001, 1003), (120_500, 1002, 1004)]
    ticks = make_ticks([*rows, (121_000, 1000, 1002)])
    orders = Orders(entry_order="stop", entry_offset_pips=1.0)
    # Reached at 119,800 and filled at 120,300; the close of the second bar's signal acts at 120,500 and ends it.
    setup = Setup(ticks, MINUTE_MS, [1, 2, 0], orders, Execution(latency_ms=500))
    assert trade(setup) == [("signal", 3, 4, 1003, 1002)]


def test_latency_of_two_signals_at_one_tick_the_later_counts() -> None:
    ticks = make_ticks([(0, 1000, 1002), (60_000, 1000, 1002), (200_000, 1000, 1002), (201_000, 1000, 1002)])
    setup = Setup(ticks, MINUTE_MS, [1, -1, 0], execution=Execution(latency_ms=30_000))
    assert trade(setup) == [("end_of_data", 2, 3, 1000, 1002)]


@pytest.mark.parametrize(("late_ms", "enters"), [(5_000, True), (5_001, False)])
def test_quote_age_an_entry_whose_tick_comes_late_is_not_taken(late_ms: int, enters: bool) -> None:
    # Not counted from the bar's close, but from a second of latency later.
    acting = MINUTE_MS + 1_000 + late_ms
    ticks = make_ticks([(0, 1000, 1002), (acting, 1000, 1002), (acting + 1, 1000, 1002)])
    setup = Setup(ticks, MINUTE_MS, [1, 0], execution=Execution(latency_ms=1_000, max_quote_age_ms=5_000))
    assert bool(trade(setup)) == enters


@pytest.mark.parametrize(
    "orders",
    [
        Orders(trailing_stop_pips=2.0, trailing_start_pips=1.0),
        Orders(break_even_pips=1.0),
        Orders(entry_order="stop", entry_offset_pips=1.0, entry_sides="both"),
        Orders(targets="1:0.5"),
    ],
)
def test_orders_on_no_tick_one_tick_and_no_signal_are_no_trades(orders: Orders) -> None:
    assert trade(Setup(make_ticks([]), MINUTE_MS, [], orders)) == []
    assert trade(Setup(make_ticks([(0, 1000, 1002)]), MINUTE_MS, [1], orders)) == []
    assert trade(Setup(after_signal([1000, 1000, 2000, 10]), MINUTE_MS, [0, 0], orders)) == []


def test_stop_out_is_reached_at_its_distance_and_told_from_the_stop() -> None:
    # 983 is 19 points below the entry, 982 is 20.
    assert long([1000, 1000, 983, 982], Orders(), stop_out={0: 20.0}) == [("stop_out", 1, 3, 1002, 982)]
    assert long([1000, 1000, 990, 950], Orders(), stop_out={0: 20.0}) == [("stop_out", 1, 3, 1002, 950)]
    both = long([1000, 1000, 990, 950], Orders(), stop_out={0: 20.0}, stop_loss_pips=3.0)
    assert both == [("stop_loss", 1, 3, 1002, 950)]
