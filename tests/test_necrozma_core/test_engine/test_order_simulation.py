"""The walk over bars and the ticks that decide against the naive walk over every tick."""

from dataclasses import replace
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from naive_positions import NO_LEVELS, Setup
from order_cases import draw_setup
from order_samples import make_ticks

from necrozma_core.engine.bar_levels import BarLevels
from necrozma_core.engine.events import find_events
from necrozma_core.engine.execution import Execution
from necrozma_core.engine.instructions import OnOpposite, Sides
from necrozma_core.engine.order_simulation import simulate_orders
from necrozma_core.engine.orders import NO_ORDERS, Orders
from necrozma_core.engine.simulation import simulate_events
from necrozma_core.engine.trades import Trades
from necrozma_core.errors import UsageError
from necrozma_core.market.bar_building import bars_from_ticks


def engine_trades(setup: Setup) -> Trades:
    bars = bars_from_ticks(setup.ticks, setup.timeframe_ms)
    events = find_events(np.array(setup.signals, np.int8))
    stop_out = np.array([setup.stop_out.get(bar - 1, np.nan) for bar in events.bar.tolist()])
    return simulate_orders(
        setup.ticks,
        bars,
        events,
        setup.stop_loss_pips,
        setup.take_profit_pips,
        setup.orders,
        setup.execution,
        setup.levels,
        stop_out_points=stop_out if setup.stop_out else None,
        on_opposite=OnOpposite(setup.on_opposite),
        sides=Sides(setup.sides),
    )


def columns(trades: Trades) -> list[list[float]]:
    return [
        getattr(trades, name).tolist()
        for name in ("side", "entry_tick", "exit_tick", "entry_price", "exit_price", "points", "reason", "event")
    ]


@given(st.randoms(use_true_random=False))
def test_without_orders_trades_are_those_of_the_plain_engine(random: Random) -> None:
    drawn = draw_setup(random, 80)
    costs = replace(drawn.execution, latency_ms=0, max_quote_age_ms=None)
    setup = replace(drawn, orders=NO_ORDERS, execution=costs, levels=NO_LEVELS, stop_out={})
    plain = simulate_events(
        setup.ticks,
        bars_from_ticks(setup.ticks, setup.timeframe_ms),
        find_events(np.array(setup.signals, np.int8)),
        setup.stop_loss_pips,
        setup.take_profit_pips,
        costs.slippage_pips,
        on_opposite=OnOpposite(setup.on_opposite),
        spread_markup_pips=costs.spread_markup_pips,
    )
    for plainly, by_orders in zip(columns(plain), columns(engine_trades(setup)), strict=True):
        assert by_orders == pytest.approx(plainly, abs=1e-9)


def test_each_position_closes_its_whole_lot() -> None:
    for seed in range(200):
        setup = draw_setup(Random(seed), 100)
        trades = engine_trades(setup)
        assert np.bincount(trades.event, trades.fraction)[np.unique(trades.event)] == pytest.approx(1.0, abs=1e-12)
        begins = np.flatnonzero(np.diff(trades.event)) + 1
        assert (trades.entry_tick[begins] >= trades.exit_tick[begins - 1]).all()  # positions never overlap


@pytest.mark.parametrize(
    ("orders", "execution", "message"),
    [
        (Orders(trailing_stop_pips=-1.0), Execution(), "trailing_stop_pips: expected a number of pips above zero"),
        (Orders(stop_loss_atr=0.0), Execution(), "stop_loss_atr: expected a number above zero"),
        (Orders(targets="10"), Execution(), "targets '10': expected pips and fractions"),
        (Orders(entry_window="noon"), Execution(), "entry_window 'noon': expected two times"),
        (Orders(close_at="25:00"), Execution(), "close_at '25:00': expected a time of the clock"),
        (Orders(close_session="paris"), Execution(), "close_session 'paris': "),
        (Orders(), Execution(slippage_pips=float("inf")), "slippage_pips: expected a number of pips, 0 or above"),
    ],
)
def test_what_cannot_be_traded_is_refused(orders: Orders, execution: Execution, message: str) -> None:
    setup = replace(draw_setup(Random(1), 20), orders=orders, execution=execution, levels=NO_LEVELS)
    with pytest.raises(UsageError) as raised:
        engine_trades(setup)
    assert str(raised.value).startswith(message)


def test_stop_of_a_bar_with_a_signal_that_is_none_is_refused() -> None:
    setup = replace(draw_setup(Random(1), 60), stop_loss_pips=None, orders=NO_ORDERS)
    bars = bars_from_ticks(setup.ticks, setup.timeframe_ms)
    signals = [1] + [0] * (len(bars) - 1)
    levels = BarLevels(stop_pips=np.full(len(bars), np.nan))
    with pytest.raises(UsageError, match="stop_loss_pips: bar 0 has a signal and nan pips"):
        engine_trades(replace(setup, signals=signals, levels=levels))


def test_no_ticks_and_no_events_are_no_trades() -> None:
    setup = Setup(make_ticks([]), 60_000, [], Orders(trailing_stop_pips=1.0, close_at="12:00", stop_loss_atr=2.0))
    assert len(engine_trades(setup)) == 0
    setup = Setup(
        make_ticks([(0, 100, 101), (60_000, 100, 101)]), 60_000, [0, 0], Orders(entry_order="stop", targets="1:1")
    )
    assert len(engine_trades(setup)) == 0
