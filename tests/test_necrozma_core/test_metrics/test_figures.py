"""The figures of a strategy: one case with every figure worked out by hand, and what holds for any."""

import math
import pickle
from dataclasses import asdict, fields
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from money_samples import Row, figures_of, make_ticks, make_trades, ms

from necrozma_core.engine.trades import ExitReason
from necrozma_core.metrics.figures import MIN_DAYS, MIN_TRADES, Metrics
from necrozma_core.money.conversion import Conversion
from necrozma_core.money.costs import Account, Costs, price_trades

ACCOUNT = Account(initial_balance=10_000.0)
Spans = list[tuple[int, int, int]]


def figures(
    rows: list[Row],
    spans: Spans,
    reasons: list[ExitReason] | None = None,
    costs: Costs = Costs(),  # noqa: B008
    account: Account = ACCOUNT,
    lots: float = 1.0,
) -> Metrics:
    ticks = make_ticks(rows)
    trades = make_trades(ticks, spans, reasons)
    return figures_of(ticks, trades, Conversion.identity(), lots, account, costs)


def test_measure_three_trades_by_hand() -> None:
    # One lot of EURUSD: a point is one dollar; one dollar a side is two a trade.
    rows: list[Row] = [
        ("2024-01-08 10:00", 110_000, 110_010),
        ("2024-01-08 12:00", 110_210, 110_220),
        ("2024-01-08 15:00", 110_000, 110_010),
        ("2024-01-08 21:59", 109_900, 109_910),  # Monday ends
        ("2024-01-09 10:00", 109_800, 109_810),
        ("2024-01-09 20:00", 109_990, 110_000),  # Tuesday ends
        ("2024-01-10 10:00", 110_300, 110_310),  # Wednesday ends
    ]
    # Long 110,010 to 110,210 is +200, net 198. Long 110,010 to 109,800 is -210, net -212.
    # Short 109,990 to 110,310 is -320, net -322. Swap: the second is held over Monday's roll, the third over
    # Tuesday's; long and short pay 1 pip a night: -10 each, so -222 and -332.
    metrics = figures(
        rows,
        [(1, 0, 1), (1, 2, 4), (-1, 5, 6)],
        [ExitReason.TAKE_PROFIT, ExitReason.STOP_LOSS, ExitReason.END_OF_DATA],
        Costs(commission_per_lot=1.0, swap_long_pips=-1.0, swap_short_pips=-1.0),
    )
    # Exits leave 10,198, 9,976 and 9,644. Monday ends with the second open at bid 109,900: 10,198 - 110 = 10,088.
    # Tuesday ends with the third open at ask 110,000: 9,976 - 10 = 9,966. Wednesday ends at 9,644.
    returns = [10_088 / 10_000 - 1, 9_966 / 10_088 - 1, 9_644 / 9_966 - 1]
    mean = sum(returns) / 3
    deviation = math.sqrt(sum((each - mean) ** 2 for each in returns) / 2)
    downside = math.sqrt((returns[1] ** 2 + returns[2] ** 2) / 3)
    yearly = 0.9644 ** (252 / 3) - 1
    assert metrics.trades == 3
    assert metrics.few_trades is True
    assert metrics.win_rate == pytest.approx(1 / 3)
    assert metrics.profit_factor == pytest.approx(198 / 554)
    assert metrics.net_profit == pytest.approx(-356)
    assert metrics.total_return == pytest.approx(-0.0356)
    assert metrics.annual_return == pytest.approx(yearly)
    assert metrics.annual_volatility == pytest.approx(deviation * math.sqrt(252))
    assert metrics.sharpe == pytest.approx(mean / deviation * math.sqrt(252))
    assert metrics.sortino == pytest.approx(mean / downside * math.sqrt(252))
    # The peak is the first exit, inside Monday: 10,198.
    assert metrics.max_drawdown == pytest.approx(-554 / 10_198)
    assert metrics.calmar == pytest.approx(yearly / (554 / 10_198))
    # At the days' ends the peak is 10,088: falls of 0, 122 and 444.
    assert metrics.ulcer_index == pytest.approx(math.sqrt(((122 / 10_088) ** 2 + (444 / 10_088) ** 2) / 3))
    assert metrics.expectancy == pytest.approx(-356 / 3)
    assert metrics.recovery_factor == pytest.approx(-356 / 554)
    assert metrics.average_win == pytest.approx(198)
    assert metrics.average_loss == pytest.approx(-277)
    assert (metrics.largest_win, metrics.largest_loss) == pytest.approx((198, -332))
    assert (metrics.commission, metrics.swap) == pytest.approx((6, -20))
    # In a position for 2 + 19 + 14 of 48 hours.
    assert metrics.exposure == pytest.approx(35 / 48)
    exits = (metrics.exits_stop_loss, metrics.exits_take_profit, metrics.exits_signal, metrics.exits_end_of_data)
    assert exits == (1, 1, 0, 1)


def test_measure_no_trades_leaves_figures_undefined() -> None:
    metrics = asdict(figures([("2024-01-08 10:00", 100, 101), ("2024-01-10 10:00", 100, 101)], []))
    zero = {"trades", "net_profit", "total_return", "commission", "swap", "exposure", "days", "stale_entries"}
    zero |= {name for name in metrics if name.startswith("exits_")}
    marks = [metrics.pop(name) for name in ("few_trades", "few_days", "constant_returns")]
    assert marks == [True, True, False]
    assert {name for name, value in metrics.items() if value == 0 and value is not None} == zero
    assert {name for name, value in metrics.items() if value is None} == set(metrics) - zero


def test_measure_no_ticks_leaves_exposure_undefined_too() -> None:
    metrics = figures([], [])
    assert (metrics.trades, metrics.net_profit, metrics.exposure, metrics.sharpe) == (0, 0.0, None, None)


def test_measure_one_day_has_no_daily_figures() -> None:
    metrics = figures([("2024-01-08 10:00", 100, 100), ("2024-01-08 11:00", 150, 150)], [(1, 0, 1)])
    daily = (metrics.annual_return, metrics.annual_volatility, metrics.sharpe, metrics.sortino, metrics.calmar)
    assert daily == (None,) * 5
    assert (metrics.net_profit, metrics.max_drawdown, metrics.ulcer_index) == (pytest.approx(50), 0.0, 0.0)
    assert (metrics.profit_factor, metrics.recovery_factor) == (None, None)


def test_measure_days_without_trades_count_as_zero_returns() -> None:
    days = [(f"2024-01-{day:02d} 12:00", 100, 100) for day in (8, 9, 10, 11)]
    metrics = figures([("2024-01-08 11:00", 0, 0), *days], [(1, 0, 1)])
    # +100 on the first of four days: mean 0.0025, deviation 0.005.
    assert metrics.sharpe == pytest.approx(0.5 * math.sqrt(252))


def test_measure_ruined_account_has_no_daily_figures() -> None:
    rows: list[Row] = [("2024-01-08 10:00", 50_000, 50_000), ("2024-01-09 10:00", 20_000, 20_000)]
    metrics = figures([*rows, ("2024-01-10 10:00", 20_000, 20_000)], [(1, 0, 1)])
    assert (metrics.annual_return, metrics.sharpe, metrics.sortino, metrics.calmar) == (None,) * 4
    assert metrics.max_drawdown == pytest.approx(-3.0)
    assert metrics.total_return == pytest.approx(-3.0)


@pytest.mark.parametrize(("count", "expected"), [(MIN_TRADES - 1, True), (MIN_TRADES, False)])
def test_measure_fewer_than_thirty_trades_is_marked(count: int, expected: bool) -> None:
    rows: list[Row] = [(ms("2024-01-08") + tick, 100 + tick, 100 + tick) for tick in range(count + 1)]
    assert figures(rows, [(1, tick, tick + 1) for tick in range(count)]).few_trades is expected


def figures_of_days(*gains: int) -> Metrics:
    """One trade a day of one lot, a point a dollar; a gain of 0 makes no trade."""
    rows: list[Row] = []
    spans: Spans = []
    for day, gain in enumerate(gains):
        time = ms("2024-01-08 10:00") + (day // 5 * 7 + day % 5) * 86_400_000
        rows += [(time, 50_000, 50_000), (time + 60_000, 50_000 + gain, 50_000 + gain)]
        spans += [(1, 2 * day, 2 * day + 1)] * (gain != 0)
    return figures(rows, spans)


@pytest.mark.parametrize(("count", "expected"), [(MIN_DAYS - 1, True), (MIN_DAYS, False)])
def test_measure_fewer_than_thirty_days_is_marked(count: int, expected: bool) -> None:
    metrics = figures_of_days(*[10, -5, 0] * (count // 3), *[7] * (count % 3))
    assert (metrics.days, metrics.few_days, metrics.constant_returns) == (count, expected, False)


@pytest.mark.parametrize(
    ("gains", "constant"),
    [
        ([1, 1, 1], True),  # vary by 1e-8 of the account, because the balance grows: a Sharpe ratio of 158,761
        ([-200] * 10, True),
        ([100] * 60, True),  # the returns fall by a third through compounding alone
        ([1_000, 1_001, 1_000, 999], True),
        ([100, 103, 100, 97], False),
        ([50, 50, 50, 0], False),
        ([10], False),  # one day: too few to tell
    ],
)
def test_measure_days_that_bring_practically_the_same_are_marked(gains: list[int], constant: bool) -> None:
    assert figures_of_days(*gains).constant_returns is constant


def test_measure_three_equal_days_keep_the_sharpe_ratio_that_their_mark_is_for() -> None:
    assert figures_of_days(1, 1, 1).sharpe == pytest.approx(158_760.95, abs=0.1)


@st.composite
def markets(draw: st.DrawFn) -> tuple[list[Row], Spans]:
    steps = draw(
        st.lists(
            st.tuples(st.sampled_from([0, 60_000, 10_000_000, 90_000_000]), st.integers(-300, 300)),
            min_size=2,
            max_size=50,
        )
    )
    rows: list[Row] = []
    time, bid = ms("2024-03-07 18:00"), 100_000
    for wait, move in steps:
        time, bid = time + wait, bid + move
        rows.append((time, bid, bid + 4))
    cuts = sorted(draw(st.sets(st.integers(0, len(rows) - 1))))
    return rows, [(draw(st.sampled_from([1, -1])), *span) for span in pairwise(cuts)]


@given(markets())
def test_measure_any_market_keeps_what_always_holds(market: tuple[list[Row], Spans]) -> None:
    rows, spans = market
    costs = Costs(1.5, 0.0, -0.4, 0.1)
    ticks = make_ticks(rows)
    trades = make_trades(ticks, spans)
    money = price_trades(trades, ticks, 1.0, costs, Conversion.identity())
    metrics = figures(rows, spans, costs=costs)
    assert metrics.net_profit == pytest.approx(sum(money.net.tolist()), abs=1e-9)
    assert metrics.net_profit == pytest.approx(money.profit.sum() - metrics.commission + metrics.swap, abs=1e-9)
    assert metrics.max_drawdown is None or metrics.max_drawdown <= 0
    assert metrics.ulcer_index is None or 0 <= metrics.ulcer_index <= -(metrics.max_drawdown or 0) + 1e-12
    assert metrics.exposure is None or 0 <= metrics.exposure <= 1
    exits = metrics.exits_stop_loss + metrics.exits_take_profit + metrics.exits_signal + metrics.exits_end_of_data
    assert exits == metrics.trades == len(spans)
    for field in fields(metrics):
        value = getattr(metrics, field.name)
        assert value is None or (type(value) in (int, bool, float) and math.isfinite(value)), field.name
    assert figures(rows, spans, costs=costs) == metrics
    assert pickle.loads(pickle.dumps(metrics)) == metrics


@given(markets(), st.sampled_from([0.01, 0.1, 3.0]))
def test_measure_lots_and_balance_scaled_together_leave_ratios(market: tuple[list[Row], Spans], size: float) -> None:
    rows, spans = market
    big = asdict(figures(rows, spans))
    small = asdict(figures(rows, spans, lots=size, account=Account(initial_balance=10_000.0 * size)))
    in_money = {"net_profit", "expectancy", "average_win", "average_loss", "largest_win", "largest_loss", "commission"}
    for name, value in big.items():
        if value is None or isinstance(value, bool):
            assert small[name] is value, name
            continue
        expected = value * size if name in in_money else value
        assert small[name] == pytest.approx(expected, rel=1e-6, abs=1e-9), name


def test_metrics_hold_no_numpy_values() -> None:
    metrics = figures([("2024-01-08 10:00", 100, 100), ("2024-01-09 11:00", 150, 150)], [(1, 0, 1)])
    assert not any(isinstance(getattr(metrics, field.name), np.generic) for field in fields(metrics))
