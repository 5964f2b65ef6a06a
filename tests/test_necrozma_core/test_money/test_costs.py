"""Profit, commission and swap against cases worked out by hand."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from money_samples import make_ticks, make_trades, ms, times

from necrozma_core.errors import UsageError
from necrozma_core.market.instruments import get_pair
from necrozma_core.money.conversion import Conversion
from necrozma_core.money.costs import Account, Costs, price_trades
from necrozma_core.money.swaps import count_nights

HOUR_MS = 3_600_000
SPAN_MS = (ms("2024-01-01"), ms("2025-01-01"))


def nights(entry: str, exit_: str) -> int:
    return int(count_nights(times(entry), times(exit_), SPAN_MS)[0])


def test_profit_dollar_quote_counts_points_times_contract() -> None:
    # Long 0.1 lot from 1.10010 to 1.10110: 0.00100 * 0.1 * 100,000 = 10 USD. Short 1.10200 to 1.10250: -5 USD.
    ticks = make_ticks([(0, 110_000, 110_010), (1, 110_110, 110_120), (2, 110_200, 110_210), (3, 110_240, 110_250)])
    money = price_trades(make_trades(ticks, [(1, 0, 1), (-1, 2, 3)]), ticks, 0.1, Costs(), Conversion.identity())
    assert money.profit.tolist() == pytest.approx([10.0, -5.0])
    assert money.commission.tolist() == money.swap.tolist() == [0.0, 0.0]


def test_profit_yen_quote_is_divided_by_the_mid_at_the_exit() -> None:
    # 50 points of 0.001 are 0.050 JPY on 100,000: 5,000 JPY. At 110.100/110.130 the mid is 110.115 and a yen is
    # 0.0090814149 USD, so 45.4070744 USD. The rate at the entry, 100.015, does not matter.
    ticks = make_ticks([(0, 110_030, 110_050), (1, 110_100, 110_130)], "USDJPY", 3)
    conversion = Conversion.from_ticks(ticks.pair, ticks, multiply=False)
    assert conversion.at(ticks.time_ms[1:]).tolist() == pytest.approx([0.0090814149], abs=5e-11)
    money = price_trades(make_trades(ticks, [(1, 0, 1)]), ticks, 1.0, Costs(), conversion)
    assert money.profit.tolist() == pytest.approx([5_000 / 110.115])


def test_profit_of_a_cross_is_multiplied_by_the_mid_at_the_exit() -> None:
    # EURGBP long 0.85020 to 0.85120, one lot: 100 GBP. GBPUSD 1.26990/1.27010 is 1.27: 127 USD.
    ticks = make_ticks([(1_000, 85_000, 85_020), (2_000, 85_120, 85_140)], "EURGBP")
    sterling = make_ticks([(0, 120_000, 120_000), (1_900, 126_990, 127_010), (2_001, 200_000, 200_000)], "GBPUSD")
    conversion = Conversion.from_ticks(sterling.pair, sterling, multiply=True)
    money = price_trades(make_trades(ticks, [(1, 0, 1)]), ticks, 1.0, Costs(), conversion)
    assert money.profit.tolist() == pytest.approx([127.0])


def test_profit_gold_counts_a_hundred_ounces_a_lot() -> None:
    # Half a lot is 50 ounces; 2,000.50 to 2,001.73 is 1.23 USD each: 61.50 USD.
    ticks = make_ticks([(0, 200_030, 200_050), (1, 200_173, 200_193)], "XAUUSD", 2)
    money = price_trades(make_trades(ticks, [(1, 0, 1)]), ticks, 0.5, Costs(), Conversion.identity())
    assert money.profit.tolist() == pytest.approx([61.5])


def test_commission_is_paid_on_both_sides() -> None:
    # LEAN's ThreeWinners: three round turns of one lot at 1 a side are 6; profits of 10, 20 and 20 are 50.
    ticks = make_ticks([(0, 1_000, 1_000), (1, 1_010, 1_010), (2, 1_030, 1_030), (3, 1_050, 1_050)])
    trades = make_trades(ticks, [(1, 0, 1), (1, 1, 2), (1, 2, 3)])
    money = price_trades(trades, ticks, 1.0, Costs(commission_per_lot=1.0), Conversion.identity())
    assert (money.commission.sum(), money.profit.sum(), money.net.sum()) == pytest.approx((6.0, 50.0, 44.0))


@pytest.mark.parametrize(
    ("entry", "exit_", "expected"),
    [
        ("2024-01-08 12:00", "2024-01-09 12:00", 1),  # Monday to Tuesday
        ("2024-01-09 12:00", "2024-01-10 12:00", 1),  # Tuesday to Wednesday
        ("2024-01-10 12:00", "2024-01-11 12:00", 3),  # Wednesday's roll is charged the weekend
        ("2024-01-11 12:00", "2024-01-12 12:00", 1),  # Thursday to Friday
        ("2024-01-12 12:00", "2024-01-15 12:00", 1),  # over the weekend: Friday's roll alone
        ("2024-01-13 10:00", "2024-01-14 23:00", 0),  # Saturday and Sunday roll nothing
        ("2024-01-08 12:00", "2024-01-15 12:00", 7),  # a week
        ("2024-01-08 12:00", "2024-01-08 21:59:59.999", 0),
        ("2024-01-08 21:00", "2024-01-08 22:00", 1),  # closed at the roll: 17:00 in winter is 22:00 UTC
        ("2024-01-08 22:00", "2024-01-09 21:59", 0),  # entered at the roll
        ("2024-07-08 20:59", "2024-07-08 21:00", 1),  # in summer it is 21:00 UTC
        ("2024-07-08 21:30", "2024-07-08 22:30", 0),
    ],
)
def test_nights_are_rolls_after_entry_up_to_exit(entry: str, exit_: str, expected: int) -> None:
    assert nights(entry, exit_) == expected


@given(st.integers(0, 300 * 24 * 60), st.integers(0, 60 * 24 * 60))
def test_nights_any_span_equals_a_walk_through_the_days(start_minutes: int, minutes: int) -> None:
    entry, exit_ = SPAN_MS[0] + start_minutes * 60_000, SPAN_MS[0] + (start_minutes + minutes) * 60_000
    roll = datetime(2023, 12, 30, 17, tzinfo=ZoneInfo("America/New_York"))
    expected = 0
    while (roll_ms := roll.timestamp() * 1000) <= exit_:
        if roll_ms > entry:
            expected += {"Wed": 3, "Sat": 0, "Sun": 0}.get(f"{roll:%a}", 1)
        roll += timedelta(days=1)  # the wall clock's next 17:00, whatever daylight saving does
    assert int(count_nights(times(entry), times(exit_), SPAN_MS)[0]) == expected


def test_swap_is_signed_and_scales_with_nights_and_side() -> None:
    # Wednesday to Thursday is three nights. Long one lot at -0.8 pips: -0.8 * 10 USD * 3 = -24. Thursday to
    # Friday is one; short at +0.3 pips: +3.
    ticks = make_ticks(
        [("2024-01-10 12:00", 1_000, 1_000), ("2024-01-11 12:00", 1_000, 1_000), ("2024-01-12 12:00", 1_000, 1_000)]
    )
    costs = Costs(swap_long_pips=-0.8, swap_short_pips=0.3)
    money = price_trades(make_trades(ticks, [(1, 0, 1), (-1, 1, 2)]), ticks, 1.0, costs, Conversion.identity())
    assert money.swap.tolist() == pytest.approx([-24.0, 3.0])
    assert money.net.tolist() == pytest.approx([-24.0, 3.0])


def test_swap_is_converted_at_the_exit() -> None:
    # USDJPY, 0.5 lot, one night at -2 pips: -0.02 * 50,000 = -1,000 JPY, at 125 yen a dollar -8 USD.
    ticks = make_ticks([("2024-01-08 12:00", 100_000, 100_000), ("2024-01-09 12:00", 125_000, 125_000)], "USDJPY", 3)
    conversion = Conversion.from_ticks(ticks.pair, ticks, multiply=False)
    costs = Costs(swap_long_pips=-2.0)
    assert price_trades(make_trades(ticks, [(1, 0, 1)]), ticks, 0.5, costs, conversion).swap.tolist() == [-8.0]


def test_price_no_trades_gives_empty_columns() -> None:
    ticks = make_ticks([(0, 100, 101)])
    money = price_trades(make_trades(ticks, []), ticks, 1.0, Costs(1.0, 0.0, 1.0, 1.0), Conversion.identity())
    assert [len(column) for column in (money.profit, money.commission, money.swap, money.net)] == [0, 0, 0, 0]


def test_price_each_trade_by_its_own_size() -> None:
    # A tenth of a lot gains 10 USD, two lots lose 50 * 2: 100; commission of 3 a lot and side: 0.6 and 12.
    ticks = make_ticks([(0, 110_000, 110_010), (1, 110_110, 110_120), (2, 110_200, 110_210), (3, 110_240, 110_250)])
    trades = make_trades(ticks, [(1, 0, 1), (-1, 2, 3)])
    money = price_trades(trades, ticks, np.array([0.1, 2.0]), Costs(3.0), Conversion.identity())
    assert money.profit.tolist() == pytest.approx([10.0, -100.0])
    assert money.commission.tolist() == pytest.approx([0.6, 12.0])


@given(
    st.lists(st.tuples(st.sampled_from([1, -1]), st.integers(1, 40 * HOUR_MS), st.integers(-500, 500)), max_size=30),
    st.sampled_from([0.01, 0.1, 2.5, 40.0]),
)
def test_price_any_trades_is_linear_in_lots(legs: list[tuple[int, int, int]], lots: float) -> None:
    rows, time, bid = [(SPAN_MS[0], 100_000, 100_003)], SPAN_MS[0], 100_000
    for _, wait, move in legs:
        time, bid = time + wait, bid + move
        rows.append((time, bid, bid + 3))
    ticks = make_ticks(rows, "USDJPY", 3)
    trades = make_trades(ticks, [(side, k, k + 1) for k, (side, _, _) in enumerate(legs)])
    conversion = Conversion.from_ticks(ticks.pair, ticks, multiply=False)
    costs = Costs(3.5, 0.0, -0.7, 0.2)
    one, many = (price_trades(trades, ticks, size, costs, conversion) for size in (1.0, lots))
    for name in ("profit", "commission", "swap", "net"):
        assert getattr(many, name) == pytest.approx(lots * getattr(one, name), rel=1e-12, abs=1e-9)
    assert (one.commission >= 0).all()
    assert np.array_equal(one.net, one.profit - one.commission + one.swap)


@pytest.mark.parametrize(
    ("costs", "expected"),
    [
        # One lot from 1.10 to 1.12 is worth 110,000 and 112,000 USD.
        ({"commission_per_million": 25.0}, 5.55),
        ({"commission_percent": 0.01}, 22.2),
        ({"commission_per_lot": 3.5, "commission_percent": 0.01}, 29.2),
        ({"commission_per_million": 25.0, "commission_minimum": 6.0}, 6.0),
        ({"commission_per_million": 25.0, "commission_minimum": 5.0}, 5.55),
    ],
)
def test_commission_of_every_kind_by_hand(costs: dict[str, float], expected: float) -> None:
    ticks = make_ticks([(0, 110_000, 110_000), (1, 112_000, 112_000)])
    money = price_trades(make_trades(ticks, [(1, 0, 1)]), ticks, 1.0, Costs(**costs), Conversion.identity())
    assert money.commission.tolist() == pytest.approx([expected])
    assert money.net.tolist() == pytest.approx([2_000 - expected])


def test_commission_of_notional_is_in_the_accounts_currency() -> None:
    # One lot of USDJPY is 100,000 USD, whatever a dollar costs: 0.01 % a side is 20 USD.
    ticks = make_ticks([(0, 100_000, 100_000), (1, 125_000, 125_000)], "USDJPY", 3)
    conversion = Conversion.from_ticks(ticks.pair, ticks, multiply=False)
    money = price_trades(make_trades(ticks, [(1, 0, 1)]), ticks, 1.0, Costs(commission_percent=0.01), conversion)
    assert money.commission.tolist() == pytest.approx([20.0])


@pytest.mark.parametrize("lots", [0.01, 0.07, 0.1, 0.3, 0.7, 1.1])
def test_trade_that_only_rounding_moves_from_zero_is_neither_won_nor_lost(lots: float) -> None:
    # A pip gained and ten nights of a tenth paid is nothing, whatever binary fractions make of it.
    ticks = make_ticks([("2024-01-08 12:00", 110_000, 110_000), ("2024-01-18 12:00", 110_010, 110_010)])
    trades, costs = make_trades(ticks, [(1, 0, 1)]), Costs(swap_long_pips=-0.1)
    assert nights("2024-01-08 12:00", "2024-01-18 12:00") == 12
    held = make_ticks([("2024-01-08 12:00", 110_000, 110_000), ("2024-01-18 12:00", 110_012, 110_012)])
    assert price_trades(trades, ticks, lots, costs, Conversion.identity()).net[0] < 0
    assert price_trades(make_trades(held, [(1, 0, 1)]), held, lots, costs, Conversion.identity()).net.tolist() == [0.0]


@given(st.integers(-300, 300), st.integers(0, 300), st.sampled_from([0.01, 0.07, 0.1, 0.3, 1.1, 7.77]))
def test_trade_is_won_or_lost_as_the_exact_sum_says(points: int, paid: int, lots: float) -> None:
    # A point of a lot is a dollar.
    ticks = make_ticks([(0, 110_000, 110_000), (1, 110_000 + points, 110_000 + points)])
    costs = Costs(commission_per_lot=paid / 2)
    net = price_trades(make_trades(ticks, [(1, 0, 1)]), ticks, lots, costs, Conversion.identity()).net
    assert np.sign(net).tolist() == [(points > paid) - (points < paid)]


@pytest.mark.parametrize(
    "name",
    ["commission_per_lot", "slippage_pips", "swap_long_pips", "swap_short_pips", "spread_markup_pips",
     "commission_per_million", "commission_percent", "commission_minimum"],
)  # fmt: skip
@pytest.mark.parametrize("value", [-0.5, float("nan"), float("inf"), 3e8])
def test_costs_impossible_number_is_refused_by_name(name: str, value: float) -> None:
    if value == -0.5 and name.startswith("swap"):
        assert getattr(Costs(**{name: value}), name) == value
        return
    with pytest.raises(UsageError, match=name):
        Costs(**{name: value})


@pytest.mark.parametrize("balance", [0.0, -1.0, float("nan"), float("inf")])
def test_account_impossible_balance_is_refused(balance: float) -> None:
    with pytest.raises(UsageError, match="initial balance"):
        Account(initial_balance=balance)


def test_account_unknown_currency_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r"'DOGE'.*CHF.*USD"):
        Account("DOGE")
    assert Account().currency == get_pair("EURUSD").quote
