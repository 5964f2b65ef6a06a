"""Every formula against published numbers or arithmetic done by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from money_samples import make_ticks, make_trades

from necrozma_core.metrics import formulas

# empyrical's `mixed_returns`; its leading NaN, which is no return, is left out.
MIXED = np.array([1.0, 10.0, -4.0, 2.0, 3.0, 2.0, 1.0, -10.0]) / 100
MIXED_EQUITY = np.cumprod(1 + MIXED)
NET = np.array([198.0, -212.0, -322.0, 0.0, 50.0])

amounts = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60).map(np.array)


def test_sharpe_published_series_equals_empyrical() -> None:
    assert formulas.sharpe_ratio(MIXED) == pytest.approx(1.72386, abs=5e-6)


def test_sharpe_of_three_trades_equals_lean() -> None:
    # Mean 16.667, deviation 5.77350: 2.88675 before it is annualised.
    sharpe = formulas.sharpe_ratio(np.array([10.0, 20.0, 20.0]))
    assert sharpe is not None
    assert sharpe / math.sqrt(252) == pytest.approx(2.88675, abs=5e-6)


def test_sharpe_two_days_by_hand() -> None:
    # Mean 0.02, deviation sqrt(((0.01)^2 + (0.01)^2) / 1) = 0.0141421: sqrt(2) * sqrt(252) = 22.449944.
    assert formulas.sharpe_ratio(np.array([0.01, 0.03])) == pytest.approx(22.449944, abs=1e-6)


@pytest.mark.parametrize("returns", [[], [0.01], [0.0, 0.0, 0.0], [0.01, 0.01, 0.01], [0.1, 0.1 + 1e-16]])
def test_sharpe_without_variation_is_undefined(returns: list[float]) -> None:
    assert formulas.sharpe_ratio(np.array(returns)) is None


def test_sharpe_of_compounding_by_a_constant_is_undefined_despite_rounding() -> None:
    returns = formulas.daily_returns(10_000 * 1.01 ** np.arange(1, 200), 10_000)
    assert len(set(returns.tolist())) > 1
    assert formulas.sharpe_ratio(returns) is None


@pytest.mark.parametrize(
    ("day_end", "constant"),
    [
        (10_000 * 1.01 ** np.arange(1, 200), True),  # of the account
        (10_000 + 100.0 * np.arange(1, 200), True),  # in money
        (10_000 - 10 * np.arange(1, 200) + np.tile([0.0, 0.02], 100)[:199], True),
        (10_000 + np.cumsum(np.tile([100.0, 103.0], 50)), False),
        (np.full(50, 10_000.0), True),
        (np.array([10_100.0]), False),
        (np.array([]), False),
    ],
)
def test_returns_are_constant_where_they_vary_by_rounding_or_compounding(day_end: np.ndarray, constant: bool) -> None:
    returns = formulas.daily_returns(day_end, 10_000.0)
    assert formulas.are_constant(returns, day_end, 10_000.0) is constant


@pytest.mark.parametrize(("sharpe", "constant"), [(1_590.0, True), (1_585.0, False)])
def test_returns_are_constant_from_the_sharpe_ratio_that_the_guide_names(sharpe: float, constant: bool) -> None:
    # Two days of mean m and deviation d: m - d / sqrt(2) and m + d / sqrt(2).
    mean = 0.01
    apart = mean * math.sqrt(252) / sharpe / math.sqrt(2)
    returns = np.array([mean - apart, mean + apart])
    assert formulas.sharpe_ratio(returns) == pytest.approx(sharpe)
    # The balance shrinks to a tenth in between, so that the gains in money differ.
    day_end = 10_000 * np.cumprod(1 + returns) * [1.0, 0.1]
    assert formulas.are_constant(returns, day_end, 10_000.0) is constant


def test_sortino_published_series_equals_empyrical() -> None:
    assert formulas.sortino_ratio(MIXED) == pytest.approx(2.60553, abs=5e-6)


def test_sortino_by_hand_divides_by_all_days() -> None:
    # Mean 0.01; downside sqrt((0.02^2 + 0 + 0 + 0) / 4) = 0.01: 1 * sqrt(252).
    assert formulas.sortino_ratio(np.array([-0.02, 0.03, 0.02, 0.01])) == pytest.approx(math.sqrt(252))


@pytest.mark.parametrize("returns", [[], [-0.01], [0.01, 0.02], [0.0, 0.0]])
def test_sortino_without_a_loss_is_undefined(returns: list[float]) -> None:
    assert formulas.sortino_ratio(np.array(returns)) is None


def test_annual_volatility_published_series_equals_empyrical() -> None:
    assert formulas.annual_volatility(MIXED) == pytest.approx(0.91365, abs=5e-6)
    assert formulas.annual_volatility(MIXED[:1]) is None


def test_calmar_published_series_equals_empyrical() -> None:
    # empyrical counts the day of its leading NaN: nine days.
    yearly = formulas.annual_return(float(MIXED_EQUITY[-1]) - 1, 9)
    drawdown = formulas.max_drawdown(MIXED_EQUITY, formulas.running_peak(MIXED_EQUITY, 1.0))
    assert drawdown == pytest.approx(-0.1)
    assert formulas.calmar_ratio(yearly, drawdown) == pytest.approx(19.13593, abs=5e-6)


@pytest.mark.parametrize(("yearly", "drawdown"), [(None, -0.1), (0.2, None), (0.2, 0.0), (0.2, -0.0)])
def test_calmar_without_return_or_drawdown_is_undefined(yearly: float | None, drawdown: float | None) -> None:
    assert formulas.calmar_ratio(yearly, drawdown) is None


def test_annual_return_by_hand() -> None:
    # 126 days are half a year: 1.1^2 - 1 = 0.21.
    assert formulas.annual_return(0.1, 126) == pytest.approx(0.21)
    assert formulas.annual_return(-0.5, 504) == pytest.approx(math.sqrt(0.5) - 1)


@pytest.mark.parametrize(("total", "days"), [(0.1, 0), (0.1, 1), (-1.0, 100), (-1.5, 100), (1e9, 2)])
def test_annual_return_without_meaning_is_undefined(total: float, days: int) -> None:
    assert formulas.annual_return(total, days) is None


def test_daily_returns_start_from_the_initial_balance() -> None:
    assert formulas.daily_returns(np.array([110.0, 99.0]), 100.0).tolist() == pytest.approx([0.1, -0.1])
    assert formulas.daily_returns(np.empty(0), 100.0).tolist() == []


@pytest.mark.parametrize("ruin", [0.0, -5.0])
def test_daily_returns_of_a_ruined_account_are_undefined(ruin: float) -> None:
    assert formulas.daily_returns(np.array([110.0, ruin, 200.0]), 100.0).tolist() == []


def test_drawdown_by_hand_starts_from_the_initial_balance() -> None:
    # Peaks 100, 120, 120: falls of 10 of 100, 0, and 42 of 120.
    equity = np.array([90.0, 120.0, 78.0])
    peak = formulas.running_peak(equity, 100.0)
    assert peak.tolist() == [100.0, 120.0, 120.0]
    assert formulas.max_drawdown(equity, peak) == pytest.approx(-0.35)
    # sqrt((0.1^2 + 0 + 0.35^2) / 3) = sqrt(0.1325 / 3).
    assert formulas.ulcer_index(equity, peak) == pytest.approx(math.sqrt(0.1325 / 3))
    # A profit of 21 by the deepest fall of 42.
    assert formulas.recovery_factor(21.0, equity, peak) == pytest.approx(0.5)


def test_drawdown_of_an_overdrawn_account_exceeds_one() -> None:
    equity = np.array([-50.0])
    assert formulas.max_drawdown(equity, formulas.running_peak(equity, 100.0)) == pytest.approx(-1.5)


def test_drawdown_of_nothing_is_undefined_and_of_a_rise_is_zero() -> None:
    nothing, rise = np.empty(0), np.array([100.0, 110.0])
    assert formulas.max_drawdown(nothing, nothing) is None
    assert formulas.ulcer_index(nothing, nothing) is None
    assert formulas.recovery_factor(0.0, nothing, nothing) is None
    peak = formulas.running_peak(rise, 100.0)
    assert (formulas.max_drawdown(rise, peak), formulas.ulcer_index(rise, peak)) == (0.0, 0.0)
    assert formulas.recovery_factor(10.0, rise, peak) is None


def test_trade_figures_by_hand() -> None:
    # Won 198 + 50 = 248 in 2 of 5 trades, lost 212 + 322 = 534 in 2; a trade of 0 is neither.
    profit, loss = formulas.gross_profit(NET), formulas.gross_loss(NET)
    assert (profit, loss) == (248.0, -534.0)
    assert formulas.win_rate(2, 5) == 0.4
    assert formulas.profit_factor(profit, loss) == pytest.approx(248 / 534)
    assert formulas.expectancy(-286.0, 5) == pytest.approx(-57.2)
    assert formulas.average_win(profit, 2) == 124.0
    assert formulas.average_loss(loss, 2) == -267.0
    assert (formulas.largest_win(NET), formulas.largest_loss(NET)) == (198.0, -322.0)


def test_trade_figures_of_nothing_are_undefined() -> None:
    nothing = np.empty(0)
    assert (formulas.gross_profit(nothing), formulas.gross_loss(nothing)) == (0.0, 0.0)
    assert formulas.win_rate(0, 0) is None
    assert formulas.profit_factor(0.0, 0.0) is None
    assert formulas.expectancy(0.0, 0) is None
    assert formulas.average_win(0.0, 0) is None
    assert formulas.average_loss(0.0, 0) is None
    assert (formulas.largest_win(nothing), formulas.largest_loss(nothing)) == (None, None)


def test_profit_factor_without_losses_is_undefined_and_without_wins_is_zero() -> None:
    assert formulas.profit_factor(100.0, 0.0) is None
    assert formulas.profit_factor(0.0, -100.0) == 0.0
    assert formulas.largest_win(np.array([-1.0, 0.0])) is None
    assert formulas.largest_loss(np.array([1.0, 0.0])) is None


def test_exposure_by_hand() -> None:
    # Ten seconds of ticks, in a position for 2 and for 3 of them.
    ticks = make_ticks([(second * 1_000, 100, 101) for second in range(11)])
    assert formulas.exposure(make_trades(ticks, [(1, 1, 3), (-1, 3, 6)]), ticks) == 0.5
    assert formulas.exposure(make_trades(ticks, []), ticks) == 0.0


@pytest.mark.parametrize("rows", [[], [(5, 100, 101)]])
def test_exposure_without_time_is_undefined(rows: list[tuple[int, int, int]]) -> None:
    ticks = make_ticks(rows)
    assert formulas.exposure(make_trades(ticks, []), ticks) is None


@given(amounts, st.floats(1.0, 1e6))
def test_drawdown_any_equity_is_at_most_zero_and_equals_a_walk(equity: np.ndarray, start: float) -> None:
    highest, deepest = start, 0.0
    for value in equity.tolist():
        highest = max(highest, value)
        deepest = min(deepest, value / highest - 1)
    drawdown = formulas.max_drawdown(equity, formulas.running_peak(equity, start))
    assert drawdown is not None
    assert drawdown <= 0
    assert drawdown == pytest.approx(deepest, abs=1e-12)


@given(amounts, st.randoms(use_true_random=False))
def test_trade_figures_any_order_are_the_same(net: np.ndarray, random: object) -> None:
    shuffled = net.copy()
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    for figure in (formulas.gross_profit, formulas.gross_loss, formulas.largest_win, formulas.largest_loss):
        expected = figure(net)
        assert figure(shuffled) == (None if expected is None else pytest.approx(expected, rel=1e-12))
    assert formulas.gross_profit(net) + formulas.gross_loss(net) == pytest.approx(net.sum(), rel=1e-9, abs=1e-6)


@given(st.lists(st.floats(-0.5, 0.5), max_size=40).map(np.array))
def test_daily_figures_any_returns_are_finite_or_undefined(returns: np.ndarray) -> None:
    for figure in (formulas.sharpe_ratio, formulas.sortino_ratio, formulas.annual_volatility):
        value = figure(returns)
        assert value is None or (type(value) is float and math.isfinite(value))
