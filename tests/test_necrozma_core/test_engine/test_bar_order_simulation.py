"""Orders on bars without ticks, by hand and without any order; `test_orders_against_naive` mixes them all."""

from dataclasses import replace
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from naive_positions import Setup
from order_cases import draw_bar_setup

from necrozma_core.engine.bar_levels import BarLevels
from necrozma_core.engine.bar_order_simulation import simulate_bar_orders
from necrozma_core.engine.bar_simulation import simulate_bar_events
from necrozma_core.engine.events import find_events
from necrozma_core.engine.execution import Execution
from necrozma_core.engine.instructions import OnOpposite, Sides
from necrozma_core.engine.orders import Orders
from necrozma_core.engine.trades import ExitReason, Trades
from necrozma_core.errors import UsageError
from necrozma_core.market.bar_building import bars_from_quote_bars, ticks_of_quote_bars
from necrozma_core.market.instruments import get_pair
from necrozma_core.market.quote_bars import QuoteBars

MINUTE_MS = 60_000
Row = tuple[int, int, int, int]
FLAT = (10_000, 10_000, 10_000, 10_000)


def make_bars(rows: list[Row], spread: int = 0, first_ms: int = 0) -> QuoteBars:
    """Bars of a minute from bids (open, high, low, close), in points of which a pip has ten."""
    bid = np.array(rows, np.int32).reshape(-1, 4)
    times = first_ms + np.arange(len(rows), dtype=np.int64) * MINUTE_MS
    return QuoteBars(
        get_pair("EURUSD"), MINUTE_MS, 5, times, bid, bid + np.int32(spread), np.zeros(len(rows), np.int32)
    )


def trade(bars: QuoteBars, setup: Setup) -> Trades:
    gathered = bars_from_quote_bars(bars, setup.timeframe_ms)
    events = find_events(np.array(setup.signals, np.int8))
    stop_out = np.array([setup.stop_out.get(int(bar) - 1, np.nan) for bar in events.bar], dtype=np.float64)
    return simulate_bar_orders(
        bars,
        ticks_of_quote_bars(bars),
        gathered,
        events,
        setup.stop_loss_pips,
        setup.take_profit_pips,
        setup.orders,
        setup.execution,
        setup.levels,
        on_opposite=OnOpposite(setup.on_opposite),
        sides=Sides(setup.sides),
        stop_out_points=stop_out if setup.stop_out else None,
    )


def told(
    rows: list[Row],
    signals: list[int],
    *,
    spread: int = 0,
    stop: float | None = None,
    target: float | None = None,
    costs: Execution | None = None,
    levels: BarLevels | None = None,
    first_ms: int = 0,
    **orders: Any,
) -> list[tuple[str, int, int, float, float]]:
    """Return reason, entry tick, exit tick, entry and exit price in points of every trade."""
    bars = make_bars(rows, spread, first_ms)
    setup = Setup(
        ticks_of_quote_bars(bars),
        MINUTE_MS,
        signals + [0] * (len(rows) - len(signals)),
        Orders(**orders),
        costs or Execution(),
        stop,
        target,
        levels=levels or BarLevels(),
    )
    trades = trade(bars, setup)
    return [
        (ExitReason(reason).label, int(entered), int(left), round(float(entry) * 1e5, 6), round(float(out) * 1e5, 6))
        for reason, entered, left, entry, out in zip(
            trades.reason,
            trades.entry_tick,
            trades.exit_tick,
            trades.entry_price,
            trades.exit_price,
            strict=True,
        )
    ]


@given(st.randoms(use_true_random=False), st.sampled_from([5, 30, 80]))
def test_simulate_without_orders_is_the_plain_walk(random: Random, number: int) -> None:
    bars, setup = draw_bar_setup(random, number)
    setup.orders, setup.levels, setup.stop_out = Orders(), BarLevels(), {}
    setup.execution = replace(setup.execution, max_quote_age_ms=None)
    plain = simulate_bar_events(
        bars,
        ticks_of_quote_bars(bars),
        bars_from_quote_bars(bars, setup.timeframe_ms),
        find_events(np.array(setup.signals, np.int8)),
        setup.stop_loss_pips,
        setup.take_profit_pips,
        setup.execution.slippage_pips,
        on_opposite=OnOpposite(setup.on_opposite),
        spread_markup_pips=setup.execution.spread_markup_pips,
    )
    trades = trade(bars, setup)
    for name in ("side", "entry_tick", "exit_tick", "entry_price", "exit_price", "points", "reason", "event"):
        assert getattr(trades, name).tolist() == pytest.approx(getattr(plain, name).tolist(), rel=0, abs=1e-9), name
    np.testing.assert_array_equal(trades.stop_points, plain.stop_points)


def test_trailing_stop_follows_the_best_price_of_a_bar_from_the_next_opening_on() -> None:
    # The bar that rises to 10100 falls to 10010 as well: which came first is not known, and its level is not yet live.
    rows = [FLAT, (10_000, 10_100, 10_000, 10_010), (10_090, 10_095, 10_040, 10_050)]
    assert told(rows, [1], trailing_stop_pips=5) == [("trailing_stop", 2, 5, 10_000, 10_050)]


def test_trailing_stop_is_there_from_the_entry_on_where_nothing_has_to_start_it() -> None:
    assert told([FLAT, (10_000, 10_010, 9_900, 9_990)], [1], trailing_stop_pips=5) == [
        ("trailing_stop", 2, 3, 10_000, 9_950)
    ]


def test_trailing_stop_fills_at_the_opening_of_a_bar_beyond_it() -> None:
    rows = [FLAT, (10_000, 10_100, 10_000, 10_100), (10_020,) * 4]
    assert told(rows, [1], trailing_stop_pips=5) == [("trailing_stop", 2, 4, 10_000, 10_020)]


def test_trailing_stop_waits_for_its_start_and_moves_by_whole_steps() -> None:
    rows = [FLAT, (10_000, 10_049, 9_800, 10_049), (10_049, 10_050, 10_040, 10_045), (10_045, 10_059, 10_031, 10_059)]
    # Trailing begins at 10050; 10059 is less than a step of one pip above that, 10060 is one.
    rows += [(10_059, 10_060, 10_055, 10_060), (10_060, 10_060, 10_005, 10_010)]
    orders = {"trailing_stop_pips": 5, "trailing_start_pips": 5, "trailing_step_pips": 1}
    assert told(rows, [1], **orders) == [("trailing_stop", 2, 11, 10_000, 10_010)]


def test_break_even_closes_at_the_entry_and_its_lock() -> None:
    rows = [FLAT, (10_000, 10_100, 9_999, 10_100), (10_100, 10_100, 9_990, 9_990)]
    assert told(rows, [1], break_even_pips=10, break_even_lock_pips=1) == [("break_even", 2, 5, 10_000, 10_010)]


def test_break_even_that_an_opening_reaches_is_live_in_the_same_bar() -> None:
    rows = [FLAT, FLAT, (10_100, 10_100, 9_990, 9_990)]
    assert told(rows, [1], break_even_pips=10) == [("break_even", 2, 5, 10_000, 10_000)]


def test_nearest_of_several_stops_is_the_one_that_fills() -> None:
    rows = [FLAT, (10_000, 10_100, 10_000, 10_100), (10_100, 10_100, 9_000, 9_000)]
    both = {"break_even_pips": 5, "break_even_lock_pips": 4}
    assert told(rows, [1], stop=20, trailing_stop_pips=5, **both)[0][0] == "trailing_stop"
    assert told(rows, [1], stop=20, trailing_stop_pips=7, **both)[0][0] == "break_even"
    # At one level, the entry and four pips, break-even gives the reason.
    assert told(rows, [1], stop=20, trailing_stop_pips=6, **both) == [("break_even", 2, 5, 10_000, 10_040)]


def test_partial_targets_fill_at_their_levels_and_a_stop_closes_the_rest() -> None:
    rows = [FLAT, (10_000, 10_250, 9_990, 10_200), (10_200, 10_500, 9_700, 9_700)]
    bars = make_bars(rows)
    setup = Setup(ticks_of_quote_bars(bars), MINUTE_MS, [1, 0, 0], Orders(targets="10:0.5+20:0.25"), stop_loss_pips=25)
    trades = trade(bars, setup)
    assert trades.fraction.tolist() == [0.5, 0.25, 0.25]
    # In the last bar, which holds the stop, a farther target would not have been taken either.
    assert told(rows, [1], stop=25, target=40, targets="10:0.5+20:0.25") == [
        ("partial_target", 2, 3, 10_000, 10_100),
        ("partial_target", 2, 3, 10_000, 10_200),
        ("stop_loss", 2, 5, 10_000, 9_750),
    ]


def test_partial_targets_of_the_whole_end_the_position_and_gain_by_a_gap() -> None:
    rows = [FLAT, FLAT, (10_300,) * 4, FLAT]
    assert told(rows, [1], targets="10:0.5+20:0.5", max_bars=3) == [
        ("partial_target", 2, 4, 10_000, 10_300),
        ("partial_target", 2, 4, 10_000, 10_300),
    ]


def test_max_bars_and_minutes_close_at_an_opening() -> None:
    assert told([FLAT] * 5, [1], max_bars=2) == [("time", 2, 6, 10_000, 10_000)]
    assert told([FLAT] * 5, [1], max_minutes=1) == [("time", 2, 4, 10_000, 10_000)]


def test_a_clock_closes_at_the_first_opening_at_its_time() -> None:
    friday = 1_704_491_880_000  # 21:58 on 5 January 2024, two minutes before New York's weekend
    rows, minute = [FLAT] * 5, {"first_ms": friday}
    assert told(rows, [1], close_session="new_york", **minute) == [("session", 2, 4, 10_000, 10_000)]
    assert told(rows, [1], close_friday="16:59@America/New_York", close_at="22:01", **minute)[0][:3] == ("time", 2, 6)


def test_stop_entry_fills_at_its_level_inside_a_bar_and_a_gap_costs() -> None:
    rise = [FLAT, (10_000, 10_060, 10_000, 10_060), (10_060,) * 4]
    gap = [FLAT, (10_070,) * 4, (10_060,) * 4]
    orders = {"entry_order": "stop", "entry_offset_pips": 5}
    assert told(rise, [1], **orders) == [("end_of_data", 3, 5, 10_050, 10_060)]
    assert told(gap, [1], **orders) == [("end_of_data", 2, 5, 10_070, 10_060)]


def test_stop_entry_takes_the_worst_of_its_bar_for_its_stop_and_no_target() -> None:
    rows = [FLAT, (10_000, 10_200, 9_990, 10_100), (10_100, 10_100, 10_100, 10_100)]
    orders = {"entry_order": "stop", "entry_offset_pips": 5}
    assert told(rows, [1], stop=6, **orders) == [("stop_loss", 3, 3, 10_050, 9_990)]
    assert told(rows, [1], stop=6.1, target=5, **orders) == [("take_profit", 3, 4, 10_050, 10_100)]


def test_levels_begin_to_move_with_the_close_of_the_bar_that_filled_the_order() -> None:
    # The high of the second bar came before the limit was filled, or after: nothing trails from it.
    rows = [FLAT, (10_000, 10_200, 9_950, 9_960), (9_960, 9_970, 9_940, 9_940), (9_945, 9_945, 9_900, 9_900)]
    assert told(rows, [1], entry_order="limit", entry_offset_pips=5, trailing_stop_pips=3) == [
        ("trailing_stop", 3, 7, 9_950, 9_940)
    ]


def test_limit_entry_fills_at_its_level_and_better_at_a_gap() -> None:
    fall = [FLAT, (10_000, 10_000, 9_940, 9_945), (9_945,) * 4]
    gap = [FLAT, (9_930,) * 4, (9_945,) * 4]
    orders = {"entry_order": "limit", "entry_offset_pips": 5, "costs": Execution(slippage_pips=0.3)}
    assert told(fall, [1], **orders) == [("end_of_data", 3, 5, 9_950, 9_942)]
    assert told(gap, [1], **orders) == [("end_of_data", 2, 5, 9_930, 9_942)]


def test_pair_of_orders_that_one_bar_reaches_fills_the_side_of_the_signal() -> None:
    rows = [FLAT, (10_000, 10_060, 9_900, 10_000), FLAT]
    orders = {"entry_order": "stop", "entry_offset_pips": 5, "entry_sides": "both"}
    assert told(rows, [1], stop=9, **orders) == [("stop_loss", 3, 3, 10_050, 9_960)]
    assert told(rows, [-1], stop=30, **orders) == [("end_of_data", 3, 5, 9_950, 10_000)]


def test_waiting_order_ends_with_its_bars_its_window_and_a_later_instruction() -> None:
    late = [FLAT, FLAT, FLAT, (10_000, 10_060, 10_000, 10_060), (10_060,) * 4]
    orders = {"entry_order": "stop", "entry_offset_pips": 5}
    assert told(late, [1], entry_expiry_bars=2, **orders) == []
    assert told(late, [1], entry_expiry_bars=3, **orders) == [("end_of_data", 7, 9, 10_050, 10_060)]
    assert told(late, [1], entry_expiry_bars=3, entry_window="00:00-00:03", **orders) == []
    assert told(late, [1, 0, 2], entry_expiry_bars=3, **orders) == []
    assert told(late, [1, 0, 4], entry_expiry_bars=3, **orders) == [("end_of_data", 7, 9, 10_050, 10_060)]
    assert told(late, [1, 0, -1], entry_expiry_bars=3, **orders) == []


def test_prices_of_a_strategy_are_the_levels_of_its_orders() -> None:
    rows = [FLAT, (10_000, 10_060, 9_940, 10_000), FLAT]
    prices = np.array([0.10042, np.nan, np.nan])
    assert told(rows, [1], entry_order="stop", levels=BarLevels(buy_price=prices)) == [
        ("end_of_data", 3, 5, 10_042, 10_000)
    ]
    assert told(rows, [0, 1], entry_order="stop", levels=BarLevels(buy_price=prices)) == []


def test_entry_whose_quote_is_too_old_is_counted_and_not_taken() -> None:
    bars = make_bars([FLAT, FLAT, FLAT])
    bars.open_time_ms[1:] += 5 * MINUTE_MS
    for oldest, stale in ((5 * MINUTE_MS, 0), (5 * MINUTE_MS - 1, 1)):
        setup = Setup(ticks_of_quote_bars(bars), MINUTE_MS, [1, 0, 0], execution=Execution(max_quote_age_ms=oldest))
        trades = trade(bars, setup)
        assert (len(trades), trades.stale_entries) == (1 - stale, stale)


def test_costs_are_paid_at_levels_and_quotes() -> None:
    # Slippage 0.3 pips and half a mark-up of 0.4 pips: 5 points are lost at the entry, 5 at the stop's quote.
    costs = Execution(slippage_pips=0.3, spread_markup_pips=0.4)
    rows = [FLAT, (10_000, 10_000, 9_900, 9_900)]
    assert told(rows, [1], stop=5, costs=costs) == [("stop_loss", 2, 3, 10_005, 9_952)]
    assert told(rows, [-1], target=5, costs=costs) == [("take_profit", 2, 3, 9_995, 9_945)]


def test_latency_is_refused() -> None:
    with pytest.raises(UsageError, match="EURUSD: a latency of 5 ms: bars without ticks cannot tell"):
        told([FLAT], [0], costs=Execution(latency_ms=5))
