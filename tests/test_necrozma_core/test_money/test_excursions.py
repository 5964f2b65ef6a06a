"""The account as it was lived, and how far each trade went, against a walk over every tick; and cases by hand."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from money_samples import Row, excursions_of, figures_of, make_ticks, make_trades, ms, naive_day

from necrozma_core.engine.extremes import BarExtremes
from necrozma_core.engine.trades import ExitReason, Trades
from necrozma_core.errors import ConversionError
from necrozma_core.market.bar_building import ticks_of_quote_bars
from necrozma_core.market.instruments import get_pair
from necrozma_core.market.quote_bars import QuoteBars
from necrozma_core.market.ticks import Ticks
from necrozma_core.metrics.figures import Metrics, measure
from necrozma_core.money.conversion import Conversion
from necrozma_core.money.costs import Account, Costs, price_trades
from necrozma_core.money.equity import equity_points, trading_days
from necrozma_core.money.excursions import find_excursions
from necrozma_core.money.path import path_of

ACCOUNT = Account(initial_balance=10_000.0)
IDENTITY = Conversion.identity()


def in_parts(trades: Trades, fractions: list[float]) -> Trades:
    """Give trades the fractions of their positions, which those with one entry share."""
    return replace(trades, fraction=np.array(fractions))


def test_a_fall_inside_the_day_that_comes_back_is_lived_and_not_seen_at_exits() -> None:
    # One lot of EURUSD: a point is a dollar. Half of ten thousand is lost and comes back before the day ends.
    rows: list[Row] = [
        ("2024-01-15 00:05", 110_000, 110_000),
        ("2024-01-15 10:00", 105_000, 105_000),
        ("2024-01-15 20:00", 110_000, 110_000),
    ]
    metrics = figures_of(make_ticks(rows), make_trades(make_ticks(rows), [(1, 0, 2)]), IDENTITY, 1.0, ACCOUNT, Costs())
    assert (metrics.max_drawdown, metrics.max_drawdown_at_exits) == (pytest.approx(-0.5), 0.0)
    assert metrics.recovery_factor == 0.0


def test_a_position_closed_in_parts_falls_with_what_is_still_open() -> None:
    # Long a lot at 1,010 (a point is a dollar): at bid 1,000 -10. A half leaves at 1,100: +45. At bid 900 the other
    # half is at -55: 9,990 of a peak of 10,045. It leaves at 1,060: +25, which makes 10,070.
    bids = [1_000, 1_100, 900, 1_060]
    ticks = make_ticks([(ms("2024-01-08 12:00") + 60_000 * n, bid, bid + 10) for n, bid in enumerate(bids)])
    trades = in_parts(make_trades(ticks, [(1, 0, 1), (1, 0, 3)]), [0.5, 0.5])
    metrics = figures_of(ticks, trades, IDENTITY, np.array([0.5, 0.5]), ACCOUNT, Costs())
    assert metrics.max_drawdown == pytest.approx(-55 / 10_045)
    assert metrics.max_drawdown_at_exits == 0.0
    assert metrics.recovery_factor == pytest.approx(70 / 55)
    assert metrics.exposure == 1.0
    assert (metrics.trades, metrics.win_rate) == (2, 1.0)
    adverse, favourable = excursions_of(ticks, trades, IDENTITY).of_trades(trades, ticks)
    assert adverse.tolist() == [-10, -110]
    assert favourable.tolist() == [90, 90]


def test_the_mark_up_of_the_spread_counts_against_an_open_position() -> None:
    # A pip is ten points; half of two pips is ten points worse at every tick, beside what the entry's record has.
    ticks = make_ticks([(0, 1_000, 1_010), (1, 900, 910), (2, 1_020, 1_030)])
    trades = make_trades(ticks, [(1, 0, 2)])
    costs = Costs(spread_markup_pips=2.0)
    adverse, favourable = excursions_of(ticks, trades, IDENTITY, 2.0).of_trades(trades, ticks)
    assert (adverse.tolist(), favourable.tolist()) == ([-120], [10])
    metrics = figures_of(ticks, trades, IDENTITY, 1.0, ACCOUNT, costs)
    assert metrics.max_drawdown == pytest.approx(-120 / 10_000)


def test_a_worst_tick_without_a_price_that_converts_it_names_the_pair() -> None:
    rows: list[Row] = [("2024-01-08 12:00", 85_000, 85_000), ("2024-01-08 13:00", 84_000, 84_000)]
    ticks = make_ticks([*rows, ("2024-01-08 14:00", 85_000, 85_000)], "EURGBP")
    sterling = make_ticks([("2024-01-08 13:30", 126_000, 126_000)], "GBPUSD")
    conversion = Conversion.from_ticks(sterling.pair, sterling, multiply=True)
    with pytest.raises(ConversionError, match=r"GBPUSD: .* 2024-01-08 13:00"):
        figures_of(ticks, make_trades(ticks, [(1, 0, 2)]), conversion, 1.0, ACCOUNT, Costs())


@st.composite
def histories(draw: st.DrawFn) -> tuple[Ticks, Trades, np.ndarray, Conversion]:
    """Some weeks of ticks, positions that follow one another and are closed in parts, and what converts them."""
    start = draw(st.sampled_from([ms("2024-03-08 18:00"), ms("2024-01-05 20:00"), ms("2024-11-01 20:30")]))
    waits = st.sampled_from([0, 1, 60_000, 60_000, 3_600_000, 20_000_000, 86_400_000])
    steps = draw(st.lists(st.tuples(waits, st.integers(-400, 400), st.integers(0, 30)), min_size=1, max_size=50))
    rows, time, bid = [], start, 100_000
    for wait, move, spread in steps:
        time, bid = time + wait, bid + move
        rows.append((time, bid, bid + spread))
    pair, digits = draw(st.sampled_from([("EURUSD", 5), ("USDJPY", 3), ("EURGBP", 5)]))
    ticks = make_ticks(rows, pair, digits)
    conversion = IDENTITY
    if pair == "USDJPY":
        conversion = Conversion.from_ticks(ticks.pair, ticks, multiply=False)
    if pair == "EURGBP":
        quotes = [(when - 1, mid, mid + 3) for (when, _, _), mid in zip(rows, draw(_mids(len(rows))), strict=True)]
        sterling = make_ticks([(start - 10, 125_000, 125_004), *quotes], "GBPUSD")
        conversion = Conversion.from_ticks(sterling.pair, sterling, multiply=True)
    cuts = sorted(draw(st.lists(st.integers(0, len(rows) - 1), max_size=16)))
    spans, fractions = [], []
    for entry, last in pairwise(cuts):
        # Two positions never have one entry.
        if draw(st.booleans()) or (spans and spans[-1][1] == entry):
            continue
        side = draw(st.sampled_from([1, -1]))
        earlier = sorted(draw(st.lists(st.integers(min(entry + 1, last), last), max_size=3)))
        parts = draw(st.sampled_from([[1.0], [0.5, 0.5], [0.25, 0.25, 0.5], [0.1, 0.2, 0.3, 0.4]]))[-len(earlier) - 1 :]
        exits = [*earlier, last][-len(parts) :]
        spans += [(side, entry, exit_) for exit_ in exits]
        fractions += [part / sum(parts) for part in parts]
    trades = in_parts(make_trades(ticks, spans), fractions)
    return ticks, trades, draw(st.sampled_from([0.1, 3.0])) * trades.fraction, conversion


def _mids(count: int) -> st.SearchStrategy[list[int]]:
    return st.lists(st.sampled_from([90_000, 125_000, 180_000]), min_size=count, max_size=count)


def naive_walk(
    ticks: Ticks, trades: Trades, lots: np.ndarray, net: list[float], conversion: Conversion, half: float
) -> tuple[list[float], list[float], float, float]:
    """Walk every tick; return the day ends, the path, and the deepest fall as a fraction and in money."""
    balance = peak = ACCOUNT.initial_balance
    day_end, path, deepest, largest = [], [], 0.0, 0.0
    for tick in range(len(ticks)):
        for number in range(len(trades)):
            if trades.exit_tick[number] == tick:
                balance += net[number]
                path.append(balance)
                deepest, largest = min(deepest, balance / peak - 1), max(largest, peak - balance)
                peak = max(peak, balance)
        open_ = [n for n in range(len(trades)) if trades.entry_tick[n] <= tick < trades.exit_tick[n]]
        equity = balance
        for number in open_:
            side = int(trades.side[number])
            quote = side * int((ticks.bid if side > 0 else ticks.ask)[tick]) - half
            result = (quote / ticks.scale - side * trades.entry_price[number]) * lots[number]
            equity += result * ticks.pair.contract_size * conversion.at(ticks.time_ms[tick : tick + 1])[0]
        deepest, largest = min(deepest, equity / peak - 1), max(largest, peak - equity)
        times = ticks.time_ms[tick : tick + 2].tolist()
        if len(times) < 2 or naive_day(times[0]) != naive_day(times[1]):
            day_end.append(equity)
            if open_:
                path.append(equity)
                peak = max(peak, equity)
    return day_end, path, deepest, largest


@given(histories(), st.sampled_from([0.0, 0.5]))
def test_lived_account_equals_a_walk_over_every_tick(
    history: tuple[Ticks, Trades, np.ndarray, Conversion], markup: float
) -> None:
    ticks, trades, lots, conversion = history
    costs = Costs(2.0, 0.0, -0.5, 0.1, markup)
    half = markup * ticks.points_per_pip / 2
    money = price_trades(trades, ticks, lots, costs, conversion)
    day_end, path, deepest, largest = naive_walk(ticks, trades, lots, money.net.tolist(), conversion, half)
    days = trading_days(ticks, conversion)
    equity = equity_points(trades, money, days, ticks, lots, ACCOUNT, half_markup=half)
    assert equity.day_end.tolist() == pytest.approx(day_end, rel=1e-12)
    assert equity.path.tolist() == pytest.approx(path, rel=1e-12)
    metrics = figures_of(ticks, trades, conversion, lots, ACCOUNT, costs)
    if not len(trades):
        assert metrics.max_drawdown is metrics.max_drawdown_at_exits is None
        return
    assert metrics.max_drawdown_at_exits is not None
    if conversion.legs and conversion.legs[0].leg.pair.name == "GBPUSD":
        # The worst price decides, and a rate that moves meanwhile may make another tick a little worse.
        assert metrics.max_drawdown <= metrics.max_drawdown_at_exits
        return
    assert metrics.max_drawdown == pytest.approx(deepest, abs=1e-12 if conversion is IDENTITY else 1e-6)
    if largest > 1e-6:
        tolerance = {"rel": 1e-9} if conversion is IDENTITY else {"rel": 1e-3}
        assert metrics.recovery_factor == pytest.approx(float(money.net.sum()) / largest, abs=1e-6, **tolerance)


@given(histories())
def test_lived_drawdown_at_any_rate_is_that_of_the_worst_price_of_each_span(
    history: tuple[Ticks, Trades, np.ndarray, Conversion],
) -> None:
    ticks, trades, lots, conversion = history
    if not len(trades):
        return
    costs = Costs(1.0)
    net = price_trades(trades, ticks, lots, costs, conversion).net.tolist()
    days = trading_days(ticks, conversion)
    ends = set(days.last_tick.tolist())
    balance = peak = ACCOUNT.initial_balance
    deepest = 0.0
    entry = at = -1
    for number in range(len(trades)):
        if trades.entry_tick[number] != entry:
            entry = at = int(trades.entry_tick[number])
        side = int(trades.side[number])
        prices = [side * price for price in (ticks.bid if side > 0 else ticks.ask).tolist()]
        units = sum(lots[n] for n in range(number, len(trades)) if trades.entry_tick[n] == entry)

        def worth(tick: int) -> float:
            gain = (prices[tick] / ticks.scale - side * trades.entry_price[number]) * units  # noqa: B023
            rate = conversion.at(ticks.time_ms[tick : tick + 1])[0]
            return balance + gain * ticks.pair.contract_size * rate  # noqa: B023

        stops = [tick + 1 for tick in sorted(ends) if at <= tick < trades.exit_tick[number]]
        for stop in [*stops, int(trades.exit_tick[number])]:
            if at < stop:
                worst = min(range(at, stop), key=prices.__getitem__)
                deepest = min(deepest, worth(worst) / peak - 1)
            if stop - 1 in ends and stop in stops:
                deepest = min(deepest, worth(stop - 1) / peak - 1)
                peak = max(peak, worth(stop - 1))
            at = max(at, stop)
        balance += net[number]
        deepest = min(deepest, balance / peak - 1)
        peak = max(peak, balance)
    metrics = figures_of(ticks, trades, conversion, lots, ACCOUNT, costs)
    assert metrics.max_drawdown == pytest.approx(deepest, abs=1e-12)


@given(histories())
def test_excursions_of_any_trade_equal_a_walk_over_its_ticks(
    history: tuple[Ticks, Trades, np.ndarray, Conversion],
) -> None:
    ticks, trades, _, conversion = history
    adverse, favourable = excursions_of(ticks, trades, conversion).of_trades(trades, ticks)
    held_ms = {}
    for number in range(len(trades)):
        side, entry, exit_ = (int(array[number]) for array in (trades.side, trades.entry_tick, trades.exit_tick))
        price = round(trades.entry_price[number] * ticks.scale)
        lived = [side * (int(at) - price) for at in (ticks.bid if side > 0 else ticks.ask)[entry:exit_]]
        lived += [0, trades.points[number]]
        assert (adverse[number], favourable[number]) == (min(lived), max(lived))
        held_ms[entry] = int(ticks.time_ms[exit_] - ticks.time_ms[entry])
    span_ms = int(ticks.time_ms[-1] - ticks.time_ms[0])
    exposure = figures_of(ticks, trades, conversion, 1.0, ACCOUNT, Costs()).exposure
    assert exposure == (pytest.approx(sum(held_ms.values()) / span_ms) if span_ms else None)


def bars_figures(reason: ExitReason, spans: list[tuple[int, int, int]], prices: list[float]) -> tuple[Metrics, list]:
    """Trade three bars of one hour (each 1,000 opened, 1,100 high, 900 low, 1,050 closed), without a spread."""
    row = [[1_000, 1_100, 900, 1_050]] * 3
    sides = np.array(row, np.int32), np.array(row, np.int32)
    opened = ms("2024-01-08 10:00") + 3_600_000 * np.arange(3)
    given_ = QuoteBars(get_pair("EURUSD"), 3_600_000, 5, opened, *sides, np.zeros(3, np.int32))
    ticks = ticks_of_quote_bars(given_)
    trades = make_trades(ticks, spans, [reason] * len(spans))
    filled = np.array(prices)
    trades = replace(trades, exit_price=filled / ticks.scale)
    trades = replace(trades, points=trades.side * (filled - np.round(trades.entry_price * ticks.scale)))
    days = trading_days(ticks, IDENTITY)
    excursions = find_excursions(trades, path_of(trades, days), BarExtremes(given_))
    money = price_trades(trades, ticks, 1.0, Costs(), IDENTITY)
    metrics = measure(trades, money, days, ticks, 1.0, ACCOUNT, excursions)
    return metrics, [array.tolist() for array in excursions.of_trades(trades, ticks)]


@pytest.mark.parametrize(
    ("reason", "span", "exit_price", "adverse", "favourable", "drawdown"),
    [
        # Long from the first opening, stopped inside the first bar at 970: behind it nothing was lived.
        (ExitReason.STOP_LOSS, (1, 0, 1), 970, -30, 100, -30 / 10_000),
        (ExitReason.TAKE_PROFIT, (1, 0, 1), 1_080, -100, 80, -100 / 10_000),
        (ExitReason.SIGNAL, (1, 0, 2), 1_000, -100, 100, -100 / 10_000),
        (ExitReason.END_OF_DATA, (-1, 2, 5), 1_050, -100, 100, -100 / 10_000),
        # In at 1,050 by an order inside the first bar: its worst price counts, and of the good side its last one.
        (ExitReason.SIGNAL, (1, 1, 2), 1_000, -150, 0, -150 / 10_000),
        (ExitReason.STOP_LOSS, (1, 1, 1), 1_030, -20, 0, -20 / 10_000),
    ],
)
def test_excursions_on_bars_by_hand(
    reason: ExitReason,
    span: tuple[int, int, int],
    exit_price: float,
    adverse: float,
    favourable: float,
    drawdown: float,
) -> None:
    metrics, found = bars_figures(reason, [span], [exit_price])
    assert found == [[adverse], [favourable]]
    assert metrics.max_drawdown == pytest.approx(drawdown)
