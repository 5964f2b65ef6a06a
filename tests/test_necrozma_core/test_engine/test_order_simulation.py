"""The walk over bars and the ticks that decide against the naive walk over every tick."""

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from naive_orders import OrderWalk
from naive_positions import Setup
from order_cases import draw_setup, written

from necrozma_core.engine.events import find_events
from necrozma_core.engine.instructions import OnOpposite, Sides
from necrozma_core.engine.order_simulation import simulate_orders
from necrozma_core.engine.trades import ExitReason, Trades
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


def assert_same(setup: Setup) -> int:
    """Compare the engine with the naive walk, trade for trade; returns how many trades there were."""
    walk = OrderWalk(setup).run()
    trades = engine_trades(setup)
    events = find_events(np.array(setup.signals, np.int8))
    found = [
        (side, entry, exit_, ExitReason(reason).label, int(events.bar[event]) - 1)
        for side, entry, exit_, reason, event in zip(
            trades.side.tolist(),
            trades.entry_tick.tolist(),
            trades.exit_tick.tolist(),
            trades.reason.tolist(),
            trades.event.tolist(),
            strict=True,
        )
    ]
    expected = [(each.side, each.entry_tick, each.exit_tick, each.reason, each.signal_bar) for each in walk.trades]
    assert found == expected, written(setup)
    scale = setup.ticks.scale
    for name, actual in (
        ("entry", trades.entry_price * scale),
        ("exit", trades.exit_price * scale),
        ("points", trades.points),
        ("fraction", trades.fraction),
    ):
        naive = [float(getattr(each, name)) for each in walk.trades]
        assert actual == pytest.approx(naive, abs=1e-6), written(setup)
    assert trades.stale_entries == walk.stale_entries, written(setup)
    return len(trades)


@given(st.randoms(use_true_random=False), st.sampled_from([5, 20, 60, 150]))
def test_orders_of_every_kind_trade_as_in_the_naive_walk(random: Random, number: int) -> None:
    assert_same(draw_setup(random, number))


def test_many_random_setups_trade_as_in_the_naive_walk() -> None:
    trades = sum(assert_same(draw_setup(Random(seed), 120)) for seed in range(300))
    assert trades > 1_000
