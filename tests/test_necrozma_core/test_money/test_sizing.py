"""Sizes by hand, and the account from entry to entry against a walk in exact fractions."""

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from math import floor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from money_samples import make_ticks, make_trades

from necrozma_core.engine.trades import Trades
from necrozma_core.errors import StrategyError, UsageError
from necrozma_core.market.instruments import LotRules, Terms
from necrozma_core.market.ticks import Ticks
from necrozma_core.money.conversion import Conversion
from necrozma_core.money.costs import Costs, LotMoney
from necrozma_core.money.margin import Margin
from necrozma_core.money.size import Size
from necrozma_core.money.sizing import SizedTrades, size_trades


def sized(
    ticks: Ticks,
    trades: Trades,
    size: str,
    *,
    balance: float = 10_000.0,
    costs: Costs | None = None,
    rules: LotRules | None = None,
    margin: Margin | None = None,
    conversion: Conversion | None = None,
    ranges: Sequence[float] | None = None,
) -> SizedTrades:
    conversion = conversion or Conversion.identity()
    return size_trades(
        trades,
        ticks,
        LotMoney.of(trades, ticks, costs or Costs(), conversion),
        Size.parse(size),
        rules or LotRules(),
        margin or Margin(),
        conversion,
        balance,
        None if ranges is None else np.array(ranges, np.float64),
    )


def moves(*points: int, bid: int = 100_000) -> tuple[Ticks, Trades]:
    """Long trades that follow one another, each to the next tick, by so many points; no spread."""
    prices = np.cumsum([bid, *points]).tolist()
    ticks = make_ticks([(n, price, price) for n, price in enumerate(prices)])
    return ticks, make_trades(ticks, [(1, n, n + 1) for n in range(len(points))])


def with_stops(trades: Trades, *points: float) -> Trades:
    return replace(trades, stop_points=np.array(points, np.float64))


def test_risk_by_hand_is_25_000_units() -> None:
    # 1 % of 5,000 is 50; a short at 1.0000 with its stop at 1.0020 loses 200 a lot.
    ticks = make_ticks([(0, 100_000, 100_000), (1, 99_900, 99_900)])
    trades = with_stops(make_trades(ticks, [(-1, 0, 1)]), 200.0)
    found = sized(ticks, trades, "risk:1%", balance=5_000.0)
    assert found.lots.tolist() == [0.25]
    assert found.lots[0] * ticks.pair.contract_size == 25_000
    assert sized(ticks, trades, "risk:50", balance=5_000.0).lots.tolist() == [0.25]


def test_risk_compounds_by_the_balance_at_each_entry() -> None:
    # 1 % of 10,000 at 100 points (100 USD a lot) is one lot, which gains 1,000: of 11,000 it is 1.10. That loses 1,100:
    # 9,900, 0.99 lots.
    ticks, trades = moves(1_000, -1_000, 10)
    found = sized(ticks, with_stops(trades, 100.0, 100.0, 100.0), "risk:1%")
    assert found.lots.tolist() == [1.0, 1.1, 0.99]
    assert found.balance.tolist() == pytest.approx([10_000, 11_000, 9_900])
    assert found.money.profit.tolist() == pytest.approx([1_000, -1_100, 9.9])


def test_risk_in_yen_is_converted_at_the_entry_and_the_profit_at_the_exit() -> None:
    # 20 pips of a lot are 20,000 JPY, 200 USD at 100.00: 1 % of 10,000 is 0.5 lots. 25 yen of 50,000 are 1,250,000 JPY,
    # at 125.00 10,000 USD.
    ticks = make_ticks([(0, 100_000, 100_000), (1, 125_000, 125_000)], "USDJPY", 3)
    trades = with_stops(make_trades(ticks, [(1, 0, 1)]), 200.0)
    conversion = Conversion.from_ticks(ticks.pair, ticks, multiply=False)
    found = sized(ticks, trades, "risk:1%", conversion=conversion)
    assert found.lots.tolist() == [0.5]
    assert found.money.profit.tolist() == pytest.approx([10_000.0])


def test_equity_by_hand() -> None:
    # Twice 10,000 at 1.25 is 16,000 EUR: 0.16 lots. A USD is 0.8 EUR: twice 10,000 EUR are 0.20 lots at any price.
    ticks = make_ticks([(0, 125_000, 125_000), (1, 125_000, 125_000)])
    trades = make_trades(ticks, [(1, 0, 1)])
    assert sized(ticks, trades, "equity:200%").lots.tolist() == [0.16]
    to_euro = Conversion.from_ticks(ticks.pair, ticks, multiply=False)
    assert sized(ticks, trades, "equity:200%", conversion=to_euro).lots.tolist() == [0.2]


def test_volatility_by_hand() -> None:
    # A range of 80 points is 80 USD a lot: 1 % of 10,000 is 1.25 lots. Where no range is known nothing is entered.
    ticks, trades = moves(5, 5)
    found = sized(ticks, trades, "volatility:1%", ranges=[80.0, np.nan])
    assert (found.lots.tolist(), found.not_afforded) == ([1.25], 1)


def test_size_is_within_what_the_broker_takes() -> None:
    ticks, trades = moves(0, 0, 0, 0)
    trades = with_stops(trades, 0.5, 3_000.0, 20_000.0, 700.0)
    rules = LotRules(lot_step=0.1, min_lots=0.1, max_lots=20.0)
    # 200 lots are cut to 20, 0.0333 and 0.005 are nothing, 0.1428 is 0.1.
    found = sized(ticks, trades, "risk:1%", rules=rules)
    assert (found.lots.tolist(), found.not_afforded) == ([20.0, 0.1], 2)
    assert found.trades.entry_tick.tolist() == [0, 3]


def test_fixed_lots_are_traded_as_they_are() -> None:
    ticks, trades = moves(10, -20)
    found = sized(ticks, trades, "lots:0.123")
    assert (found.lots.tolist(), found.not_afforded) == ([0.123, 0.123], 0)
    assert found.trades is trades


@pytest.mark.parametrize("size", ["lots:1", "risk:1%", "risk:100", "equity:1000%"])
def test_account_without_money_enters_nothing_any_more(size: str) -> None:
    # One lot loses 10,000 and all that there is.
    ticks, trades = moves(-10_000, 50_000, 10)
    found = sized(ticks, with_stops(trades, 100.0, 100.0, 100.0), size)
    assert len(found.trades) == 1
    assert found.not_afforded == 2
    assert found.money.net.sum() <= -10_000.0


def test_parts_of_a_position_share_its_lots() -> None:
    # Half is closed 100 points up, half 100 points down; the next entry has the balance of both.
    ticks, _ = moves(100, -200, 0)
    parts = make_trades(ticks, [(1, 0, 1), (1, 0, 2), (1, 2, 3)])
    parts = replace(parts, event=np.array([3, 3, 5]), fraction=np.array([0.5, 0.5, 1.0]), stop_points=np.full(3, 100.0))
    found = sized(ticks, parts, "risk:1%")
    assert found.position_lots.tolist() == [1.0, 1.0, 1.0]
    assert found.lots.tolist() == [0.5, 0.5, 1.0]
    assert found.money.profit.tolist() == pytest.approx([50.0, -50.0, 0.0])
    nothing = sized(ticks, replace(parts, stop_points=np.full(3, 1e7)), "risk:1%")
    assert (len(nothing.trades), nothing.not_afforded) == (0, 2)


def test_risk_without_a_stop_is_refused_by_name() -> None:
    ticks, trades = moves(10)
    with pytest.raises(StrategyError, match=r"risk:1%.*no stop"):
        sized(ticks, trades, "risk:1%")


def test_no_trades_are_no_sizes() -> None:
    ticks = make_ticks([(0, 100, 101)])
    for size in ("lots:1", "risk:1%"):
        found = sized(ticks, make_trades(ticks, []), size)
        assert (len(found.trades), len(found.lots), found.not_afforded) == (0, 0, 0)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("lots:0.1", Size("lots", 0.0, 0.1)),  # type: ignore[arg-type]
        ("risk:1%", Size("risk", 0.01, 0.0)),  # type: ignore[arg-type]
        ("risk:50", Size("risk", 0.0, 50.0)),  # type: ignore[arg-type]
        ("equity:200%", Size("equity", 2.0, 0.0)),  # type: ignore[arg-type]
        ("volatility:0.07%", Size("volatility", 0.0007, 0.0)),  # type: ignore[arg-type]
    ],
)
def test_size_is_read_and_written_alike(text: str, size: Size) -> None:
    assert Size.parse(text) == size
    assert str(size) == text


@pytest.mark.parametrize(
    "text",
    ["", "0.1", "lots", "lots:", "lots:0", "lots:-1", "lots:1%", "lots:nan", "risk:101%", "risk:0%", "equity:2",
     "volatility:1", "RISK:1%", "risk:1 %", "risk:1e3", "equity:100001%", "lots:1000001"],
)  # fmt: skip
def test_size_that_cannot_be_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(UsageError, match=r"--size '.*': expected "):
        Size.parse(text)


@pytest.mark.parametrize(
    ("terms", "said"),
    [
        ({"lot_step": 0.0}, "a lot_step of 0.0"),
        ({"min_lots": float("nan")}, "a min_lots of nan"),
        ({"max_lots": 1e7}, "a max_lots of 10000000.0"),
        ({"min_lots": 5.0, "max_lots": 1.0}, "a max_lots of 1.0: expected no less than min_lots, 5.0"),
    ],
)
def test_rules_that_cannot_be_are_refused(terms: dict[str, float], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        _ = Terms(**terms).lot_rules


@pytest.mark.parametrize(
    ("lots", "said"), [(0.3, None), (0.35, "a multiple"), (0.1, "no less than"), (6.0, "no more than")]
)
def test_fixed_lots_that_the_broker_does_not_take_are_told(lots: float, said: str | None) -> None:
    assert Terms().refuse_lots(lots) is None
    found = Terms(lot_step=0.1, min_lots=0.2, max_lots=5.0).refuse_lots(lots)
    assert (found is None) == (said is None)
    assert said is None or said in str(found)


@given(
    st.floats(1.0, 1e7),
    st.floats(0.05, 50.0).map(lambda number: round(number, 2)),
    st.floats(0.5, 5_000.0),
    st.sampled_from([0.01, 0.1, 0.001, 0.25, 1.0, 3.0]),
)
def test_size_is_rounded_down_and_never_by_a_whole_step(
    balance: float, percent: float, stop: float, step: float
) -> None:
    ticks, trades = moves(0)
    rules = LotRules(lot_step=step, min_lots=step, max_lots=1e6)
    found = sized(ticks, with_stops(trades, stop), f"risk:{percent:f}%", balance=balance, rules=rules)
    exact = Fraction(balance) * Fraction(f"{percent:f}") / 100 / Fraction(stop)
    lots = Fraction(found.lots[0]) if len(found.lots) else Fraction(0)
    assert lots <= min(exact * (1 + Fraction(1, 10**9)), 10**6)
    assert lots > exact - Fraction(str(step)) * (1 + Fraction(1, 10**9)) or lots >= 10**6 - step
    steps = lots / Fraction(str(step))
    assert abs(steps - round(steps)) < Fraction(1, 10**6)


def naive_walk(
    ticks: Ticks, trades: Trades, size: Size, rules: LotRules, margin: Margin, costs: Costs, start: float
) -> list[float]:
    """Each trade's lots of its position: the account in exact fractions, one trade after the other."""
    balance, found, lots = Fraction(start), [], Fraction(0)
    contract, scale = ticks.pair.contract_size, ticks.scale
    step = Fraction(str(rules.lot_step))
    for n in range(len(trades)):
        entry = Fraction(round(trades.entry_price[n] * scale), scale)
        if n == 0 or trades.event[n] != trades.event[n - 1]:
            lots = Fraction(0)
            if balance > 0:
                if size.is_fixed:
                    lots = Fraction(str(size.amount))
                else:
                    basis = Fraction(trades.stop_points[n]) / scale if size.needs_stop else entry
                    lots = (Fraction(str(size.share)) * balance + Fraction(str(size.amount))) / (basis * contract)
                    lots = min(lots, Fraction(str(rules.max_lots)))
                fits = True
                if margin.leverage and lots * entry * contract / Fraction(margin.leverage) > balance:
                    lots, fits = balance * Fraction(margin.leverage) / (entry * contract), False
                if not (size.is_fixed and fits):
                    lots = floor(lots / step * (1 + Fraction(1, 10**11))) * step
                    lots = lots if lots >= Fraction(str(rules.min_lots)) else Fraction(0)
        found.append(float(lots))
        if lots:
            part = lots * Fraction(trades.fraction[n])
            paid = max(part * 2 * Fraction(str(costs.commission_per_lot)), Fraction(str(costs.commission_minimum)))
            balance += part * Fraction(trades.points[n]) * contract / scale - paid
    return found


@given(
    st.lists(st.tuples(st.sampled_from([1, -1]), st.integers(-3_000, 3_000), st.integers(0, 4), st.integers(1, 900)),
             max_size=40),
    st.sampled_from(["lots:0.7", "lots:3", "risk:2%", "risk:75", "equity:500%", "equity:90%"]),
    st.sampled_from([None, 1.0, 30.0, 500.0]),
    st.sampled_from([LotRules(), LotRules(0.1, 0.3, 7.0), LotRules(1.0, 1.0, 50.0)]),
    st.sampled_from([Costs(), Costs(3.5), Costs(commission_per_lot=2.0, commission_minimum=4.0)]),
)  # fmt: skip
def test_sizes_equal_a_walk_in_exact_fractions(
    legs: list[tuple[int, int, int, int]], text: str, leverage: float | None, rules: LotRules, costs: Costs
) -> None:
    rows, price = [(0, 100_000, 100_002)], 100_000
    for n, (_, move, _, _) in enumerate(legs, start=1):
        price = max(20_000, price + move)
        rows.append((n, price, price + 2))
    ticks = make_ticks(rows)
    # Every fourth leg or so is a part of the position before it.
    event = np.cumsum([part > 0 for _, _, part, _ in legs]).astype(np.int64)
    first = [int(np.argmax(event == number)) for number in event]
    trades = make_trades(ticks, [(legs[at][0], at, n + 1) for n, at in enumerate(first)])
    counts = {number: int((event == number).sum()) for number in event.tolist()}
    trades = replace(
        trades,
        event=event,
        fraction=np.array([1 / counts[number] for number in event.tolist()]),
        stop_points=np.array([float(legs[at][3]) for at in first]),
    )
    margin = Margin(leverage)
    found = sized(ticks, trades, text, costs=costs, rules=rules, margin=margin)
    expected = naive_walk(ticks, trades, Size.parse(text), rules, margin, costs, 10_000.0)
    assert found.position_lots.tolist() == pytest.approx([lots for lots in expected if lots], rel=1e-12)
    assert found.not_afforded == len({number for number, lots in zip(event, expected, strict=True) if not lots})
    assert found.balance.tolist() == pytest.approx(_balances(found), rel=1e-12, abs=1e-6)


def _balances(found: SizedTrades) -> list[float]:
    net, balances, now = found.money.net, [], 10_000.0
    for n in range(len(found.trades)):
        if n == 0 or found.trades.event[n] != found.trades.event[n - 1]:
            now = 10_000.0 + float(np.cumsum(net)[n - 1] if n else 0.0)
        balances.append(now)
    return balances
