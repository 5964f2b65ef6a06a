"""Bars without ticks against a naive walk over every bar, and against cases worked out by hand."""

from fractions import Fraction
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from naive_bar_engine import naive_bar_trades

from necrozma_core.engine.bar_simulation import simulate_bar_events
from necrozma_core.engine.events import find_events
from necrozma_core.engine.instructions import OnOpposite
from necrozma_core.engine.trades import ExitReason, Trades
from necrozma_core.errors import UsageError
from necrozma_core.market.bar_building import bars_from_quote_bars, ticks_of_quote_bars
from necrozma_core.market.instruments import get_pair
from necrozma_core.market.quote_bars import QuoteBars

MINUTE_MS = 60_000
Row = tuple[int, int, int, int]


def make_bars(rows: list[Row], spread: int | list[int] = 2, pair: str = "EURUSD", digits: int = 5) -> QuoteBars:
    """Bars of a minute from bids (open, high, low, close), in points; the ask is a spread above them."""
    bid = np.array(rows, np.int32).reshape(-1, 4)
    ask = bid + np.array(spread, np.int32).reshape(-1, 1)
    times = np.arange(len(rows), dtype=np.int64) * MINUTE_MS
    return QuoteBars(get_pair(pair), MINUTE_MS, digits, times, bid, ask, np.zeros(len(rows), np.int32))


def run(
    given_bars: QuoteBars,
    signals: list[int],
    stop: float | None = None,
    target: float | None = None,
    slippage: float = 0.0,
    timeframe_ms: int = MINUTE_MS,
    on_opposite: str = "reverse",
    markup: float = 0.0,
) -> Trades:
    bars = bars_from_quote_bars(given_bars, timeframe_ms)
    events = find_events(np.array(signals, np.int8))
    return simulate_bar_events(
        given_bars,
        ticks_of_quote_bars(given_bars),
        bars,
        events,
        stop,
        target,
        slippage,
        on_opposite=OnOpposite(on_opposite),
        spread_markup_pips=markup,
    )


def told(trades: Trades) -> list[tuple[str, int, int, float]]:
    return [
        (ExitReason(reason).label, int(entry), int(exited), round(float(price), 6))
        for reason, entry, exited, price in zip(
            trades.reason, trades.entry_tick, trades.exit_tick, trades.exit_price, strict=True
        )
    ]


class Case(NamedTuple):
    bars: QuoteBars
    signals: list[int]
    stop: float | None
    target: float | None
    slippage: float
    markup: float
    group: int
    on_opposite: str


@st.composite
def cases(draw: st.DrawFn) -> Case:
    number = draw(st.integers(0, 40))
    small = st.integers(0, 12)
    level = 100_000
    rows, spreads = [], []
    for _ in range(number):
        # Gaps between bars, wide bars and flat ones, spreads above the stop.
        level += draw(st.integers(-15, 15))
        opened, closed = level, level + draw(st.integers(-10, 10))
        rows.append((opened, max(opened, closed) + draw(small), min(opened, closed) - draw(small), closed))
        spreads.append(draw(st.sampled_from([0, 1, 3, 25])))
        level = closed
    group = draw(st.sampled_from([1, 2, 5]))
    n_bars = -(-number // group)
    return Case(
        make_bars(rows, spreads if rows else 0),
        draw(st.lists(st.sampled_from([-1, 0, 0, 1, 2, 3, 4]), min_size=n_bars, max_size=n_bars)),
        draw(st.sampled_from([None, 0.1, 0.55, 1.0, 2.0])),
        draw(st.sampled_from([None, 0.1, 0.55, 1.0, 3.0])),
        draw(st.sampled_from([0.0, 0.0, 0.3, 0.12])),
        draw(st.sampled_from([0.0, 0.0, 0.1, 0.37])),
        group,
        draw(st.sampled_from(["reverse", "close", "ignore"])),
    )


@given(cases())
def test_simulate_any_bars_equal_the_naive_walk(case: Case) -> None:
    trades = run(
        case.bars,
        case.signals,
        case.stop,
        case.target,
        case.slippage,
        case.group * MINUTE_MS,
        case.on_opposite,
        case.markup,
    )
    due = {
        (number + 1) * case.group: side
        for number, side in enumerate(case.signals)
        if side and (number + 1) * case.group < len(case.bars)
    }
    slippage, markup = (Fraction(str(pips)) * 10 for pips in (case.slippage, case.markup))
    expected = naive_bar_trades(case.bars, due, case.stop, case.target, slippage, case.on_opposite, markup)
    assert [ExitReason(reason).label for reason in trades.reason] == [trade.reason for trade in expected]
    assert trades.side.tolist() == [trade.side for trade in expected]
    assert trades.entry_tick.tolist() == [trade.entry_tick for trade in expected]
    assert trades.exit_tick.tolist() == [trade.exit_tick for trade in expected]
    # Whole points are exact; fractions are as near as a float is.
    results = [float((trade.exit_points - trade.entry_points) * trade.side) for trade in expected]
    assert trades.points.tolist() == (results if case.slippage in (0.0, 0.3) and not case.markup else approx(results))
    assert trades.entry_price.tolist() == approx([float(trade.entry_points) / 100_000 for trade in expected])
    assert trades.exit_price.tolist() == approx([float(trade.exit_points) / 100_000 for trade in expected])


def approx(numbers: list[float]) -> object:
    return pytest.approx(numbers, rel=0, abs=1e-9)


def test_simulate_fraction_of_a_point_costs_what_it_is() -> None:
    # 0.3 pips are a third of a point of a yen file with two decimals; twice that is lost, and nothing is rounded.
    bars = make_bars([(10_000,) * 4, (10_000,) * 4, (10_010,) * 4], 0, "USDJPY", 2)
    assert run(bars, [1, 0, 0], slippage=0.3).points.tolist() == [10 - 0.6]
    assert run(bars, [1, 0, 0], slippage=0.3, markup=0.5).points.tolist() == [10 - 1.1]
    # The recorded entry is 10000.55, so a target of 10 pips asks for a bid of 10010.8.
    assert told(run(bars, [1, 0, 0], None, 10.0, 0.3, markup=0.5))[0][0] == "end_of_data"
    assert told(run(bars, [1, 0, 0], None, 9.0, 0.3, markup=0.5)) == [("take_profit", 2, 4, 100.0975)]


@pytest.mark.parametrize("name", ["slippage", "markup"])
@pytest.mark.parametrize("pips", [-0.1, float("nan"), float("inf")])
def test_simulate_cost_that_is_none_is_refused(name: str, pips: float) -> None:
    with pytest.raises(UsageError, match="expected a number of pips, zero or above"):
        run(make_bars([(1000,) * 4]), [0], **{name: pips})


def test_simulate_signal_acts_at_the_next_opening_and_pays_the_spread() -> None:
    trades = run(make_bars([(100, 105, 95, 101), (102, 110, 90, 104), (105, 106, 104, 106)]), [1, 0, 0])
    assert trades.entry_price.tolist() == [0.00104]
    assert told(trades) == [("end_of_data", 2, 5, 0.00106)]


def test_simulate_stop_comes_first_where_one_bar_holds_both() -> None:
    bars = make_bars([(1000, 1000, 1000, 1000), (1000, 1100, 900, 1000)], 0)
    assert told(run(bars, [1, 0], 2.0, 2.0)) == [("stop_loss", 2, 3, 0.0098)]
    assert told(run(bars, [-1, 0], 2.0, 2.0)) == [("stop_loss", 2, 3, 0.0102)]


@pytest.mark.parametrize(
    ("opening", "expected"),
    [(970, ("stop_loss", 2, 4, 0.0097)), (1050, ("take_profit", 2, 4, 0.0105)), (1000, ("end_of_data", 2, 5, 0.01))],
)
def test_simulate_gap_through_a_level_fills_at_the_opening(opening: int, expected: tuple[str, int, int, float]) -> None:
    bars = make_bars([(1000,) * 4, (1000,) * 4, (opening,) * 4], 0)
    assert told(run(bars, [1, 0, 0], 2.0, 2.0)) == [expected]


def test_simulate_entry_due_at_the_opening_of_a_stop_is_taken() -> None:
    bars = make_bars([(1000,) * 4, (1000,) * 4, (970,) * 4, (975,) * 4], 0)
    assert told(run(bars, [1, 1, 0, 0], 2.0, None)) == [("stop_loss", 2, 4, 0.0097), ("end_of_data", 4, 7, 0.00975)]


def test_simulate_levels_are_looked_for_in_the_finest_bars() -> None:
    # Within the second bar of two minutes the target is reached a minute before the stop.
    rows = [(1000,) * 4, (1000,) * 4, (1000, 1100, 1000, 1000), (1000, 1000, 900, 1000)]
    assert told(run(make_bars(rows, 0), [1, 0], 2.0, 2.0, timeframe_ms=2 * MINUTE_MS))[0][0] == "take_profit"


def test_quotes_of_bars_are_their_first_and_last() -> None:
    ticks = ticks_of_quote_bars(make_bars([(100, 105, 95, 101), (102, 110, 90, 104)]))
    assert ticks.time_ms.tolist() == [0, MINUTE_MS - 1, MINUTE_MS, 2 * MINUTE_MS - 1]
    assert ticks.bid.tolist() == [100, 101, 102, 104]
    assert ticks.ask.tolist() == [102, 103, 104, 106]


@given(cases(), st.sampled_from([1, 2, 5, 60]))
def test_bars_gathered_are_those_of_pandas(case: Case, minutes: int) -> None:
    import pandas as pd

    bars = bars_from_quote_bars(case.bars, minutes * MINUTE_MS)
    frame = pd.DataFrame(case.bars.ask, pd.to_datetime(case.bars.open_time_ms, unit="ms"), ["o", "h", "l", "c"])
    expected = frame.resample(f"{minutes}min").agg({"o": "first", "h": "max", "l": "min", "c": "last"}).dropna()
    assert bars.ask_points.tolist() == expected.astype(int).to_numpy().tolist()
    assert bars.open_time_ms.tolist() == expected.index.as_unit("ms").astype("int64").tolist()
