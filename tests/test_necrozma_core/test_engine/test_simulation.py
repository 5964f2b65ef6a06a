"""The engine against a naive walk over every tick, and against cases worked out by hand."""

from fractions import Fraction
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from naive_engine import naive_bars, naive_trades

from necrozma_core.engine.instructions import CLOSE, CLOSE_LONG, CLOSE_SHORT, Instruction, OnOpposite, Sides, keep_sides
from necrozma_core.engine.simulation import simulate
from necrozma_core.engine.trades import ExitReason, Trades
from necrozma_core.errors import UsageError
from necrozma_core.kernels.walks import simulation as kernels
from necrozma_core.market.bar_building import bars_from_ticks
from necrozma_core.market.instruments import get_pair
from necrozma_core.market.ticks import Ticks

MINUTE_MS = 60_000


def make_ticks(rows: list[tuple[int, int, int]], digits: int = 5, pair: str = "EURUSD") -> Ticks:
    """Ticks from (milliseconds, bid points, ask points)."""
    time, bid, ask = zip(*rows, strict=True) if rows else ((), (), ())
    return Ticks(get_pair(pair), digits, np.array(time, np.int64), np.array(bid, np.int32), np.array(ask, np.int32))


def run(ticks: Ticks, signals: list[int], stop: float | None = None, target: float | None = None) -> Trades:
    return simulate(ticks, bars_from_ticks(ticks, MINUTE_MS), np.array(signals, np.int8), stop, target)


def reasons(trades: Trades) -> list[str]:
    return [ExitReason(reason).label for reason in trades.reason.tolist()]


ON_OPPOSITE = st.sampled_from(["reverse", "reverse", "close", "ignore"])


class Case(NamedTuple):
    ticks: Ticks
    signals: list[int]
    stop: float | None
    target: float | None
    slippage_points: Fraction
    on_opposite: str = "reverse"


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Short markets full of what breaks engines: jumps through levels, equal times, weekends, zero spreads."""
    digits = draw(st.sampled_from([3, 4, 5]))
    steps = draw(
        st.lists(
            st.tuples(
                st.sampled_from([0, 0, 1, 10_000, 30_000, 59_999, 60_000, 61_000, 180_000_000]),
                st.one_of(st.integers(-3, 3), st.integers(-60, 60)),
                st.sampled_from([0, 0, 1, 2, 15, 40]),
            ),
            min_size=1,
            max_size=60,
        )
    )
    time, bid, rows = draw(st.integers(0, 120_000)), 10_000, []
    for wait, move, spread in steps:
        time += wait
        bid += move
        rows.append((time, bid, bid + spread))
    ticks = make_ticks(rows, digits)
    n_bars = len(naive_bars(ticks, MINUTE_MS))
    asked = draw(st.sampled_from([[0, 0, 1, -1], [0, 0, 1, -1, 2], [0, 1, -1, 2, 3, 4]]))
    signals = draw(st.lists(st.sampled_from(asked), min_size=n_bars, max_size=n_bars))
    distance = st.one_of(st.none(), st.sampled_from([0.1, 0.3, 0.55, 1.0, 1.1, 2.0, 2.3, 5.0, 20.0]))
    slippage = Fraction(draw(st.sampled_from(["0", "0", "1", "7", "0.3", "12.5"])))
    return Case(ticks, signals, draw(distance), draw(distance), slippage, draw(ON_OPPOSITE))


@settings(max_examples=600)
@given(cases())
@example(Case(make_ticks([(0, 100, 101)]), [1], None, None, Fraction(0)))
def test_simulate_any_market_equals_naive_walk(case: Case) -> None:
    ticks, signals, stop, target, slippage_points, on_opposite = case
    slippage_pips = float(slippage_points / Fraction(ticks.points_per_pip))
    bars = bars_from_ticks(ticks, MINUTE_MS)
    trades = simulate(ticks, bars, np.array(signals, np.int8), stop, target, slippage_pips, OnOpposite(on_opposite))
    expected = naive_trades(ticks, MINUTE_MS, signals, stop, target, slippage_points, on_opposite)
    assert [
        (int(side), int(entry), int(exit_), label)
        for side, entry, exit_, label in zip(
            trades.side, trades.entry_tick, trades.exit_tick, reasons(trades), strict=True
        )
    ] == [(trade.side, trade.entry_tick, trade.exit_tick, trade.reason) for trade in expected]
    entries = [float(trade.entry_points) / ticks.scale for trade in expected]
    assert trades.entry_price.tolist() == (entries if slippage_points.denominator == 1 else pytest.approx(entries))
    assert trades.exit_price.tolist() == pytest.approx(
        [float(trade.exit_points / ticks.scale) for trade in expected], rel=1e-15
    )
    assert trades.points.tolist() == pytest.approx(
        [float((trade.exit_points - trade.entry_points) * trade.side) for trade in expected], abs=1e-9
    )
    assert trades.entry_time_ms.tolist() == [int(ticks.time_ms[trade.entry_tick]) for trade in expected]
    assert trades.exit_time_ms.tolist() == [int(ticks.time_ms[trade.exit_tick]) for trade in expected]


@given(cases(), st.integers(0, 2**32 - 1))
def test_simulate_later_ticks_changed_leaves_earlier_trades(case: Case, seed: int) -> None:
    """Nothing sees the future: what closed before the change is untouched by it."""
    ticks, signals, stop, target, _, _ = case
    rng = np.random.default_rng(seed)
    cut = int(rng.integers(0, len(ticks)))
    bid, ask = ticks.bid.copy(), ticks.ask.copy()
    bid[cut:] += rng.integers(-50, 50, len(ticks) - cut, dtype=np.int32)
    ask[cut:] = bid[cut:] + 3
    changed = Ticks(ticks.pair, ticks.digits, ticks.time_ms, bid, ask)
    before, after = run(ticks, signals, stop, target), run(changed, signals, stop, target)
    closed = int((before.exit_tick < cut).sum())
    assert before.exit_tick[:closed].tolist() == after.exit_tick[:closed].tolist()
    assert before.points[:closed].tolist() == after.points[:closed].tolist()


def test_simulate_slippage_below_a_point_costs_what_it_is() -> None:
    # 0.3 pips of a yen file with two decimals are 0.3 points, and both fills lose them: 0.6 pips a round trip.
    ticks = make_ticks([(0, 15_000, 15_001), (60_000, 15_000, 15_001), (120_000, 15_020, 15_021)], 2, "USDJPY")
    bars, signals = bars_from_ticks(ticks, MINUTE_MS), np.array([1, -1, 0], np.int8)
    trades = simulate(ticks, bars, signals, None, None, slippage_pips=0.3)
    assert trades.entry_price.tolist() == pytest.approx([150.013, 150.197])
    assert trades.points.tolist() == pytest.approx([19 - 0.6, -1 - 0.6], abs=1e-12)


def test_simulate_markup_is_paid_by_halves_and_moves_levels() -> None:
    # Marked up by 3 points, quotes are 100/105, 110/113 and so on, by halves: the long enters at 113 + 1.5, leaves at a
    # bid less 1.5. Ten points below its entry is a bid of 106: 104.5 is no more than 104.5.
    ticks = make_ticks([(0, 100, 102), (60_000, 110, 113), (61_000, 107, 109), (62_000, 106, 108)])
    bars, signals = bars_from_ticks(ticks, MINUTE_MS), np.array([1, 0], np.int8)
    trades = simulate(ticks, bars, signals, 1.0, None, spread_markup_pips=0.3)
    assert (trades.entry_price * 1e5).tolist() == pytest.approx([114.5])
    assert (trades.exit_price * 1e5).tolist() == pytest.approx([104.5])
    assert (reasons(trades), trades.exit_tick.tolist(), trades.points.tolist()) == (["stop_loss"], [3], [-10.0])
    assert run(ticks, [1, 0], 1.0).exit_tick.tolist() == [3]
    assert simulate(ticks, bars, signals, None, 1.0, spread_markup_pips=0.3).reason.tolist() == [ExitReason.END_OF_DATA]


@pytest.mark.parametrize("costs", [{"slippage_pips": -0.1}, {"spread_markup_pips": -0.1}, {"slippage_pips": np.nan}])
def test_simulate_cost_below_zero_is_refused(costs: dict[str, float]) -> None:
    ticks = make_ticks([(0, 100, 102)])
    with pytest.raises(UsageError, match=r"_pips: expected a number of pips, zero or above"):
        simulate(ticks, bars_from_ticks(ticks, MINUTE_MS), np.array([1], np.int8), None, None, **costs)


def test_simulate_long_signal_enters_at_ask_of_first_tick_after_close() -> None:
    ticks = make_ticks([(0, 100, 102), (59_999, 101, 103), (60_000, 110, 113), (61_000, 120, 121)])
    trades = run(ticks, [1, 0])
    assert trades.entry_price.tolist() == [113 / 1e5]
    assert trades.exit_price.tolist() == [120 / 1e5]
    assert trades.points.tolist() == [7.0]
    assert reasons(trades) == ["end_of_data"]


def test_simulate_signal_on_last_bar_does_nothing() -> None:
    assert len(run(make_ticks([(0, 100, 101), (60_000, 100, 101)]), [0, 1])) == 0


def test_simulate_gap_through_stop_fills_at_the_tick() -> None:
    ticks = make_ticks([(0, 1000, 1001), (60_000, 1000, 1001), (200_000, 900, 905)])
    trades = run(ticks, [1, 0, 0], stop=2.0)
    assert (trades.points.tolist(), reasons(trades)) == ([-101.0], ["stop_loss"])


def test_simulate_gap_through_target_fills_at_the_level() -> None:
    ticks = make_ticks([(0, 1000, 1001), (60_000, 1000, 1001), (200_000, 1100, 1101)])
    trades = run(ticks, [1, 0, 0], target=2.0)
    assert (trades.points.tolist(), reasons(trades)) == ([20.0], ["take_profit"])


def test_simulate_opposite_signal_at_the_tick_of_a_stop_stops_first_then_enters() -> None:
    ticks = make_ticks([(0, 1000, 1001), (60_000, 1000, 1001), (120_000, 950, 951), (121_000, 950, 951)])
    trades = run(ticks, [1, -1, 0], stop=2.0)
    assert reasons(trades) == ["stop_loss", "end_of_data"]
    assert trades.side.tolist() == [1, -1]
    assert trades.entry_tick.tolist() == [1, 2]


def test_simulate_own_direction_at_the_tick_of_a_stop_enters_again() -> None:
    ticks = make_ticks([(0, 1000, 1001), (60_000, 1000, 1001), (120_000, 950, 951), (121_000, 960, 961)])
    trades = run(ticks, [1, 1, 0], stop=2.0)
    assert trades.entry_tick.tolist() == [1, 2]


def test_simulate_spread_wider_than_stop_stops_at_the_tick_after_entry() -> None:
    ticks = make_ticks([(0, 1000, 1050), (60_000, 1000, 1050), (60_001, 1000, 1050), (60_002, 1200, 1250)])
    trades = run(ticks, [1, 0], stop=2.0)
    assert (trades.exit_tick.tolist(), trades.points.tolist()) == ([2], [-50.0])


def test_simulate_stop_of_eleven_points_is_reached_at_eleven() -> None:
    """1.1 * 10 is 11.000000000000002 in floating point; the level is 11 points all the same."""
    ticks = make_ticks([(0, 1000, 1000), (60_000, 1000, 1000), (60_001, 989, 989), (60_002, 1200, 1200)])
    assert reasons(run(ticks, [1, 0], stop=1.1)) == ["stop_loss"]


def test_simulate_own_direction_at_last_tick_makes_no_second_trade() -> None:
    ticks = make_ticks([(0, 100, 101), (60_000, 100, 101), (120_000, 100, 101)])
    trades = run(ticks, [1, 1, 0])
    assert (len(trades), reasons(trades)) == (1, ["end_of_data"])


@pytest.mark.parametrize("pips", [0.0, -1.0, float("nan"), float("inf")])
def test_simulate_impossible_distance_is_refused(pips: float) -> None:
    ticks = make_ticks([(0, 100, 101)])
    with pytest.raises(UsageError, match="stop_loss_pips"):
        run(ticks, [0], stop=pips)
    with pytest.raises(UsageError, match="take_profit_pips"):
        run(ticks, [0], target=pips)


def test_simulate_no_ticks_gives_no_trades() -> None:
    assert len(run(make_ticks([]), [])) == 0


def test_exit_reasons_are_the_numbers_that_the_kernels_write() -> None:
    # The compiler wants plain numbers, and what names reasons must not load it: so both say them.
    # What is open at the end of a range the kernels call the end of the data; the engine knows better.
    assert {reason.name: reason.value for reason in ExitReason if reason is not ExitReason.END_OF_RANGE} == {
        "STOP_LOSS": kernels.STOP_LOSS,
        "TAKE_PROFIT": kernels.TAKE_PROFIT,
        "SIGNAL": kernels.SIGNAL,
        "END_OF_DATA": kernels.END_OF_DATA,
        "TRAILING_STOP": kernels.TRAILING_STOP,
        "BREAK_EVEN": kernels.BREAK_EVEN,
        "TIME": kernels.TIME,
        "SESSION": kernels.SESSION,
        "PARTIAL_TARGET": kernels.PARTIAL_TARGET,
        "STOP_OUT": kernels.STOP_OUT,
    }


FLAT = [(minute * MINUTE_MS, 1000 + minute, 1002 + minute) for minute in range(6)]


@pytest.mark.parametrize(
    ("signals", "on_opposite", "expected"),
    [
        ([1, CLOSE, 0, 0, 0, 0], "reverse", [(1, 1, 2)]),
        ([1, CLOSE_LONG, 0, 0, 0, 0], "reverse", [(1, 1, 2)]),
        ([1, CLOSE_SHORT, 0, 0, 0, 0], "reverse", [(1, 1, 5)]),
        ([-1, CLOSE_SHORT, 0, 0, 0, 0], "reverse", [(-1, 1, 2)]),
        ([CLOSE, CLOSE_LONG, 1, 0, 0, 0], "reverse", [(1, 3, 5)]),
        ([1, -1, 0, 0, 0, 0], "reverse", [(1, 1, 2), (-1, 2, 5)]),
        ([1, -1, 0, 0, 0, 0], "close", [(1, 1, 2)]),
        ([1, -1, -1, 0, 0, 0], "close", [(1, 1, 2), (-1, 3, 5)]),
        ([1, -1, 0, CLOSE, 0, 0], "ignore", [(1, 1, 4)]),
    ],
)
def test_simulate_instructions_do_what_they_say(
    signals: list[int], on_opposite: str, expected: list[tuple[int, int, int]]
) -> None:
    ticks = make_ticks(FLAT)
    bars = bars_from_ticks(ticks, MINUTE_MS)
    trades = simulate(ticks, bars, np.array(signals, np.int8), None, None, on_opposite=OnOpposite(on_opposite))
    found = zip(trades.side.tolist(), trades.entry_tick.tolist(), trades.exit_tick.tolist(), strict=True)
    assert list(found) == expected


def test_simulate_close_at_the_tick_of_a_stop_leaves_the_stop_its_due() -> None:
    ticks = make_ticks([(0, 1000, 1000), (60_000, 1000, 1000), (120_000, 980, 980), (180_000, 990, 990)])
    bars = bars_from_ticks(ticks, MINUTE_MS)
    trades = simulate(ticks, bars, np.array([1, CLOSE, 0, 0], np.int8), 1.0, None)
    assert reasons(trades) == ["stop_loss"]


def test_sides_turn_entries_of_the_other_side_into_closes() -> None:
    signals = np.array([1, -1, 0, 2, 3, 4], np.int8)
    assert keep_sides(signals, Sides.BOTH) is signals
    assert keep_sides(signals, Sides.LONG).tolist() == [1, CLOSE_LONG, 0, 2, 3, 4]
    assert keep_sides(signals, Sides.SHORT).tolist() == [CLOSE_SHORT, -1, 0, 2, 3, 4]
    assert keep_sides(signals, Sides.LONG).dtype == np.int8


def test_instructions_are_the_numbers_that_the_kernels_read() -> None:
    assert {each.name: each.value for each in Instruction if each.value} == {
        name: getattr(kernels, name) for name in ("BUY", "SELL", "CLOSE", "CLOSE_LONG", "CLOSE_SHORT")
    }
    assert [each.code for each in OnOpposite] == [kernels.REVERSE, kernels.CLOSE_ONLY, kernels.IGNORE]
