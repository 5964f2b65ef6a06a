"""Margin and stop-out by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from money_samples import make_ticks, make_trades

from necrozma_core.errors import UsageError
from necrozma_core.market.instruments import LotRules
from necrozma_core.money.conversion import Conversion
from necrozma_core.money.costs import Costs, LotMoney
from necrozma_core.money.margin import NEVER, Margin
from necrozma_core.money.size import Size
from necrozma_core.money.sizing import size_trades

IDENTITY = Conversion.identity()


def test_margin_of_a_lot_is_its_notional_by_the_leverage() -> None:
    # 100,000 EUR at 1.20 are 120,000 USD: at 30 they tie up 4,000.
    ticks = make_ticks([(0, 120_000, 120_000), (1, 120_000, 120_000)])
    trades = make_trades(ticks, [(1, 0, 1)])
    assert Margin(30.0).of_lots(trades, ticks, IDENTITY).tolist() == [4_000.0]
    assert Margin().of_lots(trades, ticks, IDENTITY).tolist() == [0.0]


def test_margin_in_yen_is_converted_at_the_entry() -> None:
    # 100,000 USD are 100,000 USD, whatever a yen is: at 50 they tie up 2,000.
    ticks = make_ticks([(0, 100_000, 100_000), (1, 125_000, 125_000)], "USDJPY", 3)
    trades = make_trades(ticks, [(1, 0, 1)])
    conversion = Conversion.from_ticks(ticks.pair, ticks, multiply=False)
    assert Margin(50.0).of_lots(trades, ticks, conversion).tolist() == pytest.approx([2_000.0])


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ("lots:2", [2.0]),  # 8,000 of 10,000
        ("lots:3", [2.5]),  # 12,000 do not fit: 2.5 lots tie up 10,000
        ("equity:5000%", [2.5]),
    ],
)
def test_position_beyond_the_account_is_reduced_to_what_fits(size: str, expected: list[float]) -> None:
    ticks = make_ticks([(0, 120_000, 120_000), (1, 120_000, 120_000)])
    trades = make_trades(ticks, [(1, 0, 1)])
    money = LotMoney.of(trades, ticks, Costs(), IDENTITY)
    found = size_trades(trades, ticks, money, Size.parse(size), LotRules(), Margin(30.0), IDENTITY, 10_000.0)
    assert found.lots.tolist() == expected


def test_position_that_does_not_fit_at_its_smallest_is_not_taken() -> None:
    # 0.01 lots at leverage 1 are 1,200 USD.
    ticks = make_ticks([(0, 120_000, 120_000), (1, 120_000, 120_000)])
    trades = make_trades(ticks, [(1, 0, 1)])
    money = LotMoney.of(trades, ticks, Costs(), IDENTITY)
    found = size_trades(trades, ticks, money, Size.fixed(0.1), LotRules(), Margin(1.0), IDENTITY, 1_199.0)
    assert (len(found.trades), found.not_afforded) == (0, 1)


@pytest.mark.parametrize(
    ("percent", "lots", "balance", "points"),
    [
        # One lot at 1.20 and 30 ties up 4,000; a point is a dollar. Half of it is left after 10,000 - 2,000.
        (50.0, 1.0, 10_000.0, 8_000),
        (100.0, 1.0, 10_000.0, 6_000),
        (50.0, 2.0, 10_000.0, 3_000),
        (100.0, 2.5, 10_000.0, 1),  # all is tied up: the first point that is lost is one too many
        (50.0, 3.0, 14_000.5, 2_667),  # 8,000.5 / 3 is 2,666.83: rounded up
    ],
)
def test_stop_out_by_hand(percent: float, lots: float, balance: float, points: int) -> None:
    ticks = make_ticks([(0, 120_000, 120_000), (1, 120_000, 120_000)])
    trades = make_trades(ticks, [(1, 0, 1)])
    sizes = np.array([lots]), np.array([balance])
    assert Margin(30.0, percent).stop_out_points(trades, ticks, *sizes, IDENTITY).tolist() == [points]
    assert Margin(None, percent).stop_out_points(trades, ticks, *sizes, IDENTITY).tolist() == [NEVER]


@given(st.floats(1, 1_000), st.floats(1, 100), st.floats(0.01, 100), st.floats(100, 1e6))
def test_stop_out_leaves_no_more_than_the_share_of_the_margin(
    leverage: float, percent: float, lots: float, balance: float
) -> None:
    ticks = make_ticks([(0, 120_000, 120_000), (1, 120_000, 120_000)])
    trades = make_trades(ticks, [(1, 0, 1)])
    margin = Margin(leverage, percent)
    tied = lots * float(margin.of_lots(trades, ticks, IDENTITY)[0])
    if tied > balance:
        return
    (points,) = margin.stop_out_points(trades, ticks, np.array([lots]), np.array([balance]), IDENTITY).tolist()
    assert balance - points * lots <= percent / 100 * tied + 1e-6
    assert points == 1 or balance - (points - 1) * lots > percent / 100 * tied - 1e-6


@pytest.mark.parametrize("values", [(0.5, 50.0), (1e5, 50.0), (float("nan"), 50.0), (30.0, 0.0), (30.0, 101.0)])
def test_margin_that_cannot_be_is_refused(values: tuple[float, float]) -> None:
    with pytest.raises(UsageError, match=r"^--(leverage|stop-out): expected"):
        Margin(*values)
