"""The engine and the account in turn, against a walk from tick to tick that knows both at once."""

from dataclasses import replace
from fractions import Fraction
from math import floor
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from money_samples import make_ticks

from necrozma_core.backtest.accounting import account_figures, trade_account
from necrozma_core.backtest.outcome import Market
from necrozma_core.backtest.request import PairRequest
from necrozma_core.engine.events import find_events
from necrozma_core.engine.orders import NO_ORDERS
from necrozma_core.engine.trades import ExitReason
from necrozma_core.errors import StrategyError
from necrozma_core.market.bar_building import bars_from_ticks
from necrozma_core.market.instruments import Terms
from necrozma_core.money.conversion import Conversion
from necrozma_core.money.costs import Account, Costs
from necrozma_core.money.equity import trading_days
from necrozma_core.money.margin import Margin
from necrozma_core.money.size import Size
from necrozma_core.money.sizing import SizedTrades
from necrozma_core.strategies.source import StrategySource

MINUTE_MS = 60_000
REQUEST = PairRequest("EURUSD", MINUTE_MS, StrategySource(), Path("data"), Path("results"))


def market_of(prices: list[tuple[int, int]]) -> Market:
    """One tick a minute, each a bar of its own: bid and spread."""
    ticks = make_ticks([(n * MINUTE_MS, bid, bid + spread) for n, (bid, spread) in enumerate(prices)])
    conversion = Conversion.identity()
    return Market(ticks, bars_from_ticks(ticks, MINUTE_MS), conversion, trading_days(ticks, conversion))


def strategy_of(**others: Any) -> Any:
    usual = {
        "name": "mine", "params": {}, "stop_loss_pips": None, "take_profit_pips": None, "sides": "both",
        "on_opposite": "reverse", "orders": NO_ORDERS,
    }  # fmt: skip
    return SimpleNamespace(**(usual | others))


def traded(prices: list[tuple[int, int]], signals: list[int], request: PairRequest, **others: Any) -> SizedTrades:
    events = find_events(np.array(signals, np.int8))
    sized, _ = trade_account(market_of(prices), strategy_of(**others), request, events)
    return sized


def request_of(size: str = "lots:1", balance: float = 5_000.0, **others: Any) -> PairRequest:
    given = {"asked_size": Size.parse(size), "account": Account(initial_balance=balance), **others}
    return replace(REQUEST, **cast(Any, given))


def test_position_is_stopped_out_at_the_tick_that_leaves_half_of_its_margin() -> None:
    # One lot at 1.20 and 30 ties up 4,000 of 5,000. Half of that is left 3,000 points lower; the tick there is a gap.
    # Of the 1,900 that are left the next entry has room for 0.48 lots at 1.17: 1,900 * 30 / 117,000 is 0.487.
    prices = [(120_000, 0), (120_000, 0), (118_000, 0), (117_001, 0), (116_900, 0), (117_000, 0), (117_100, 0)]
    sized = traded(prices, [1, 0, 0, 0, 1, 0, 0], request_of(account_margin=Margin(30.0)))
    trades = sized.trades
    assert [ExitReason(reason).label for reason in trades.reason] == ["stop_out", "end_of_data"]
    assert (trades.entry_tick.tolist(), trades.exit_tick.tolist()) == ([1, 5], [4, 6])
    assert sized.lots.tolist() == [1.0, 0.48]
    assert sized.balance.tolist() == pytest.approx([5_000.0, 1_900.0])


def test_pair_has_a_leverage_of_its_own() -> None:
    prices = [(120_000, 0), (120_000, 0), (120_000, 0)]
    request = request_of(account_margin=Margin(500.0), terms=Terms(leverage=10.0))
    assert traded(prices, [1, 0, 0], request).lots.tolist() == [0.41]  # 5,000 * 10 / 120,000 is 0.4167


def test_stop_comes_before_the_stop_out_of_the_same_tick() -> None:
    prices = [(120_000, 0), (120_000, 0), (110_000, 0), (110_000, 0)]
    request = request_of(account_margin=Margin(30.0))
    sized = traded(prices, [1, 0, 0, 0], request, stop_loss_pips=500.0)
    assert [ExitReason(reason).label for reason in sized.trades.reason] == ["stop_loss"]


def test_volatility_takes_the_range_of_the_signals_bar() -> None:
    # Sixteen bars a tick each that go up and down by 100 points: a range of 100 points, 100 USD a lot. The signal of
    # the twelfth bar comes before any range is known.
    prices = [(100_000 + 100 * (n % 2), 0) for n in range(24)]
    signals = [0] * 24
    signals[12], signals[18] = 1, -1
    sized = traded(prices, signals, request_of("volatility:1%", 10_000.0))
    assert (sized.lots.tolist(), sized.not_afforded) == ([1.0], 1)
    assert sized.trades.entry_tick.tolist() == [19]


def test_risk_without_a_stop_fails_by_the_strategys_name() -> None:
    with pytest.raises(StrategyError, match=r"^strategy 'mine': --size risk:1%: a position has no stop"):
        traded([(100_000, 0)] * 3, [1, 0, 0], request_of("risk:1%"))


def test_fixed_lots_beside_a_size_are_what_they_come_to_alone() -> None:
    rising = [(100_000 + 40 * n + 25 * (n % 3), 2) for n in range(40)]
    signals = ([1, 0, 0, -1, 0] * 8)[:40]
    market, events = market_of(rising), find_events(np.array(signals, np.int8))
    strategy = strategy_of(stop_loss_pips=20.0)
    request = request_of("risk:2%", lots=0.5, costs=Costs(3.0))
    found = account_figures(market, request, *trade_account(market, strategy, request, events))
    alone = request_of("lots:0.5", costs=Costs(3.0))
    fixed, first = trade_account(market, strategy, alone, events)
    assert found.fixed_net_profit == float(fixed.money.net.sum())
    assert found.size == "risk:2%"
    assert account_figures(market, alone, fixed, first).lots == 0.5
    assert account_figures(market, alone, fixed, first).fixed_net_profit is None


def naive_lots(size: Size, balance: Fraction, entry: Fraction, leverage: int) -> Fraction:
    if balance <= 0:
        return Fraction(0)
    if size.is_fixed:
        lots = Fraction(str(size.amount))
        if lots * entry / leverage <= balance:
            return lots
    else:
        lots = min(Fraction(str(size.share)) * balance / entry, Fraction(100))
    lots = min(lots, balance * leverage / entry)
    return Fraction(floor(lots * 100 * (1 + Fraction(1, 10**11))), 100)


def naive_account(
    prices: list[tuple[int, int]], signals: list[int], size: Size, leverage: int, percent: int, start: int
) -> list[tuple[int, int, float, str]]:
    """Walk through the ticks in exact fractions: entry, exit, lots and reason of every position that is entered."""
    balance, found = Fraction(start), []
    side, entry_tick, entry, lots = 0, 0, Fraction(0), Fraction(0)
    margin = Fraction(0)

    def close(tick: int, price: int, reason: str) -> None:
        nonlocal balance, side
        if lots:
            balance += lots * (price - entry) * side
            found.append((entry_tick, tick, float(lots), reason))
        side = 0

    for tick, (bid, spread) in enumerate(prices):
        quote = {1: bid, -1: bid + spread, 0: 0}
        if side and lots and balance + lots * (quote[side] - entry) * side <= Fraction(percent, 100) * margin:
            close(tick, quote[side], "stop_out")
        signal = signals[tick - 1] if tick else 0
        if signal and signal != side:
            if side:
                close(tick, quote[side], "signal")
            side, entry_tick, entry = signal, tick, Fraction(bid + spread if signal > 0 else bid)
            lots = naive_lots(size, balance, entry, leverage)
            margin = lots * entry / leverage
    if side:
        close(len(prices) - 1, {1: prices[-1][0], -1: sum(prices[-1])}[side], "end_of_data")
    return found


@given(
    st.lists(
        st.tuples(st.integers(-4_000, 4_000), st.integers(0, 30), st.sampled_from([0, 0, 0, 1, -1])),
        min_size=2,
        max_size=60,
    ),
    st.sampled_from(["lots:1", "lots:0.37", "equity:2000%", "equity:300%"]),
    st.sampled_from([1, 10, 30, 400]),
    st.sampled_from([20, 50, 100]),
    st.sampled_from([300, 5_000, 60_000]),
)
def test_account_with_stop_outs_equals_a_walk_from_tick_to_tick(
    steps: list[tuple[int, int, int]], text: str, leverage: int, percent: int, start: int
) -> None:
    # A point of a lot is a dollar: prices of 100,000 points are those of a notional of 100,000 dollars.
    price, prices = 100_000, []
    for move, spread, _ in steps:
        price = max(10_000, price + move)
        prices.append((price, spread))
    signals = [signal for _, _, signal in steps]
    request = request_of(text, float(start), account_margin=Margin(float(leverage), float(percent)))
    sized = traded(prices, signals, request)
    trades = sized.trades
    rows = zip(trades.entry_tick.tolist(), trades.exit_tick.tolist(), sized.lots.tolist(), strict=True)
    found = [(*row, ExitReason(reason).label) for row, reason in zip(rows, trades.reason.tolist(), strict=True)]
    assert found == naive_account(prices, signals, Size.parse(text), leverage, percent, start)
