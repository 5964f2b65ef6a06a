"""The account over time against a walk over every tick with one clock, and a case by hand."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from money_samples import make_ticks, make_trades, ms, naive_day

from necrozma_core.engine.trades import Trades
from necrozma_core.errors import ConversionError
from necrozma_core.market.ticks import Ticks
from necrozma_core.money.conversion import Conversion
from necrozma_core.money.costs import Account, Costs, Money, price_trades
from necrozma_core.money.equity import equity_points, trading_days

ACCOUNT = Account(initial_balance=10_000.0)


def naive_equity(ticks: Ticks, trades: Trades, money: Money, lots: float, rate: Conversion) -> tuple[list, list]:
    """Walk every tick: what closes there, then whether the day ends there."""
    size = lots * ticks.pair.contract_size
    net = (money.profit - money.commission + money.swap).tolist()
    balance, day_end, path = ACCOUNT.initial_balance, [], []
    for tick in range(len(ticks)):
        for number in range(len(trades)):
            if trades.exit_tick[number] == tick:
                balance += net[number]
                path.append(balance)
        is_last = tick + 1 == len(ticks)
        if not is_last and naive_day(int(ticks.time_ms[tick])) == naive_day(int(ticks.time_ms[tick + 1])):
            continue
        equity = balance
        for number in range(len(trades)):
            if trades.entry_tick[number] <= tick < trades.exit_tick[number]:
                side = int(trades.side[number])
                quote = (ticks.bid if side > 0 else ticks.ask)[tick] / ticks.scale
                result = (quote - trades.entry_price[number]) * side * size
                equity += result * rate.at(ticks.time_ms[tick : tick + 1])[0]
                path.append(equity)
        day_end.append(equity)
    return day_end, path


def test_trading_days_by_hand_end_at_five_in_new_york() -> None:
    ticks = make_ticks(
        [
            ("2024-01-05 21:59:59.999", 101, 102),  # Friday's last
            ("2024-01-05 22:00", 103, 104),  # stray ticks of the weekend belong to Monday
            ("2024-01-07 21:00", 105, 106),
            ("2024-01-08 21:59:59.999", 107, 108),
            ("2024-01-08 22:00", 109, 110),  # Tuesday
            ("2024-01-11 12:00", 111, 112),  # Wednesday has no tick; this is Thursday
        ]
    )
    days = trading_days(ticks, Conversion.identity())
    names = [str(np.datetime64(day, "D")) for day in days.day.tolist()]
    assert names == ["2024-01-05", "2024-01-08", "2024-01-09", "2024-01-11"]
    assert days.last_tick.tolist() == [0, 3, 4, 5]
    assert (days.bid.tolist(), days.ask.tolist()) == ([101, 107, 109, 111], [102, 108, 110, 112])
    assert days.rate.tolist() == [1.0] * 4
    assert len(days) == 4


def test_trading_days_summer_ends_an_hour_earlier() -> None:
    ticks = make_ticks([("2024-07-08 20:59", 100, 101), ("2024-07-08 21:00", 100, 101), ("2024-07-08 22:00", 100, 101)])
    assert trading_days(ticks, Conversion.identity()).last_tick.tolist() == [0, 2]


def test_trading_days_without_ticks_are_none() -> None:
    ticks = make_ticks([])
    days = trading_days(ticks, Conversion.identity())
    trades = make_trades(ticks, [])
    money = price_trades(trades, ticks, 1.0, Costs(), Conversion.identity())
    equity = equity_points(trades, money, days, ticks, 1.0, ACCOUNT)
    assert (len(days), len(equity.day_end), len(equity.path)) == (0, 0, 0)


def test_equity_open_position_is_marked_at_the_side_it_would_close_at() -> None:
    # One lot, a point is one dollar. Long at 1010 held over two closes: marked at bid 990 (-20), then 1040 (+30);
    # closed at 1050 (+40). Short at 1050, marked at ask 1062 (-12), closed at ask 1045 (+5).
    ticks = make_ticks(
        [
            ("2024-01-08 12:00", 1_000, 1_010),
            ("2024-01-08 13:00", 990, 995),
            ("2024-01-09 13:00", 1_040, 1_044),
            ("2024-01-10 12:00", 1_050, 1_055),
            ("2024-01-10 13:00", 1_060, 1_062),
            ("2024-01-11 12:00", 1_040, 1_045),
        ]
    )
    trades = make_trades(ticks, [(1, 0, 3), (-1, 3, 5)])
    identity = Conversion.identity()
    money = price_trades(trades, ticks, 1.0, Costs(), identity)
    equity = equity_points(trades, money, trading_days(ticks, identity), ticks, 1.0, ACCOUNT)
    assert equity.day_end.tolist() == pytest.approx([9_980, 10_030, 10_028, 10_045])
    assert equity.path.tolist() == pytest.approx([9_980, 10_030, 10_040, 10_028, 10_045])
    assert equity.time_ms.tolist() == [ticks.time_ms[tick] for tick in (1, 2, 4, 5)]
    assert equity.initial_balance == 10_000


def test_equity_open_at_a_close_without_a_price_for_it_names_the_pair() -> None:
    ticks = make_ticks([("2024-01-08 12:00", 85_000, 85_000), ("2024-01-10 12:00", 85_000, 85_000)], "EURGBP")
    sterling = make_ticks([("2024-01-09 12:00", 126_000, 126_000)], "GBPUSD")
    conversion = Conversion.from_ticks(sterling.pair, sterling, multiply=True)
    days = trading_days(ticks, conversion)
    flat, held = make_trades(ticks, []), make_trades(ticks, [(1, 0, 1)])
    nothing = price_trades(flat, ticks, 1.0, Costs(), conversion)
    assert equity_points(flat, nothing, days, ticks, 1.0, ACCOUNT).day_end.tolist() == [10_000.0] * 2
    money = price_trades(held, ticks, 1.0, Costs(), conversion)
    with pytest.raises(ConversionError, match=r"GBPUSD: .* 2024-01-08 12:00"):
        equity_points(held, money, days, ticks, 1.0, ACCOUNT)


@st.composite
def histories(draw: st.DrawFn) -> tuple[Ticks, Trades]:
    """Some weeks of sparse ticks, and trades that follow one another through them."""
    start = draw(st.sampled_from([ms("2024-03-08 18:00"), ms("2024-01-05 20:00"), ms("2024-11-01 20:30")]))
    waits = st.sampled_from([0, 1, 3_600_000, 3_600_000, 20_000_000, 86_400_000, 200_000_000])
    steps = draw(st.lists(st.tuples(waits, st.integers(-400, 400), st.integers(0, 30)), min_size=1, max_size=40))
    rows, time, bid = [], start, 100_000
    for wait, move, spread in steps:
        time, bid = time + wait, bid + move
        rows.append((time, bid, bid + spread))
    pair, digits = draw(st.sampled_from([("EURUSD", 5), ("USDJPY", 3)]))
    cuts = sorted(draw(st.lists(st.integers(0, len(rows) - 1), max_size=20)))
    spans = [(draw(st.sampled_from([1, -1])), *span) for span in pairwise(cuts) if draw(st.booleans())]
    ticks = make_ticks(rows, pair, digits)
    return ticks, make_trades(ticks, spans)


@given(histories(), st.sampled_from([0.1, 1.0, 3.0]))
def test_equity_any_history_equals_a_walk_over_every_tick(history: tuple[Ticks, Trades], lots: float) -> None:
    ticks, trades = history
    conversion = Conversion.identity()
    if ticks.pair.quote == "JPY":
        conversion = Conversion.from_ticks(ticks.pair, ticks, multiply=False)
    money = price_trades(trades, ticks, lots, Costs(2.0, 0.0, -0.5, 0.1), conversion)
    equity = equity_points(trades, money, trading_days(ticks, conversion), ticks, lots, ACCOUNT)
    day_end, path = naive_equity(ticks, trades, money, lots, conversion)
    assert equity.day_end.tolist() == pytest.approx(day_end, rel=1e-12)
    assert equity.path.tolist() == pytest.approx(path, rel=1e-12)
    if len(trades):
        assert equity.day_end[-1] == equity.path[-1]
