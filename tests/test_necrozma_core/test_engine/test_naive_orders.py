"""The naive walks over orders against the naive walks that know none, so that each stands on another."""

from dataclasses import replace
from random import Random

from hypothesis import given
from hypothesis import strategies as st
from naive_bar_engine import naive_bar_trades
from naive_bar_orders import BarOrderWalk
from naive_engine import NaiveTrade, naive_trades
from naive_orders import OrderWalk
from naive_positions import NO_LEVELS, NaiveOrderTrade, Setup
from order_cases import draw_bar_setup, draw_setup
from order_samples import MINUTE_MS

from necrozma_core.engine.execution import Execution
from necrozma_core.engine.orders import Orders


def plain(setup: Setup, slippage_points: int) -> Setup:
    """Return a setup with signals, stop, target and slippage alone."""
    slippage = Execution(slippage_pips=slippage_points / setup.ticks.points_per_pip)
    return replace(setup, orders=Orders(), execution=slippage, levels=NO_LEVELS, stop_out={})


def without_orders(trades: list[NaiveOrderTrade]) -> list[NaiveTrade]:
    return [
        NaiveTrade(each.side, each.entry_tick, each.exit_tick, each.entry, each.exit, each.reason) for each in trades
    ]


@given(st.randoms(use_true_random=False), st.sampled_from([0, 1, 7]))
def test_naive_walk_without_orders_is_the_plain_naive_walk(random: Random, slippage: int) -> None:
    setup = plain(draw_setup(random, 60), slippage)
    stop, target = setup.stop_loss_pips, setup.take_profit_pips
    expected = naive_trades(setup.ticks, MINUTE_MS, list(setup.signals), stop, target, slippage, setup.on_opposite)
    assert without_orders(OrderWalk(setup).run().trades) == expected


@given(st.randoms(use_true_random=False), st.sampled_from([0, 1, 7]))
def test_naive_walk_over_bars_without_orders_is_the_plain_one(random: Random, slippage: int) -> None:
    bars, drawn = draw_bar_setup(random, 40)
    setup = plain(drawn, slippage)
    walk = BarOrderWalk(bars, setup)
    due = {tick // 2: signal for tick, (signal, _) in walk.due.items()}
    stop, target = setup.stop_loss_pips, setup.take_profit_pips
    expected = naive_bar_trades(bars, due, stop, target, slippage, setup.on_opposite)
    assert without_orders(walk.run().trades) == expected


@given(st.randoms(use_true_random=False))
def test_naive_walk_orders_out_of_reach_change_nothing(random: Random) -> None:
    """Trailing, break-even and times so far away that nothing comes to them."""
    setup = replace(draw_setup(random, 60), orders=Orders())
    far = Orders(trailing_stop_pips=1e6, break_even_pips=1e6, targets="1000000:0.5", max_bars=10**6, max_minutes=10**9)
    assert OrderWalk(setup).run().trades == OrderWalk(replace(setup, orders=far)).run().trades
