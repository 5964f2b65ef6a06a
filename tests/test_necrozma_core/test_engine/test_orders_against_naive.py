"""The engine against the naive walk over every tick, on random markets with all orders mixed, trade for trade."""

from collections import Counter
from dataclasses import replace
from random import Random

import numpy as np
import pytest
from hypothesis import event, given, note
from hypothesis import strategies as st
from naive_bar_orders import BarOrderWalk
from naive_orders import OrderWalk
from naive_positions import Setup
from order_cases import draw_bar_setup, draw_day_setup, draw_setup, written
from order_samples import Found, differs, engine_on_bars, engine_on_ticks, found_by_walk

from necrozma_core.engine.bar_levels import BarLevels
from necrozma_core.engine.orders import Orders
from necrozma_core.engine.trades import ExitReason
from necrozma_core.market.ticks import Ticks

RANDOM = st.randoms(use_true_random=False)
NUMBERS = st.sampled_from([2, 6, 15, 40, 120])


@given(RANDOM, NUMBERS)
def test_orders_on_any_market_equal_the_naive_walk(random: Random, number: int) -> None:
    setup = draw_setup(random, number)
    note(written(setup))
    expected = found_by_walk(OrderWalk(setup).run())
    for reason in {trade[0] for trade in expected.trades}:
        event(reason)
    assert not differs(engine_on_ticks(setup), expected)


@given(RANDOM, NUMBERS)
def test_orders_on_any_bars_equal_the_naive_walk(random: Random, number: int) -> None:
    bars, setup = draw_bar_setup(random, number)
    note(f"{written(setup)}\n{bars.bid.tolist()}\n{bars.ask.tolist()}")
    assert not differs(engine_on_bars(bars, setup), found_by_walk(BarOrderWalk(bars, setup).run()))


def test_orders_on_bars_whose_days_end_by_a_clock_that_changes_equal_the_naive_walk() -> None:
    for seed in range(100):
        setup = draw_day_setup(Random(seed), 80)
        assert not differs(engine_on_ticks(setup), found_by_walk(OrderWalk(setup).run())), written(setup)


@pytest.mark.parametrize("kind", ["ticks", "bars"])
def test_orders_on_markets_with_seeds_equal_the_naive_walk_and_end_for_every_reason(kind: str) -> None:
    """Seeded, so that it is known what the random setups hold: hundreds of trades, and enough of every reason."""
    reasons: Counter[str] = Counter()
    waited = 0
    for seed in range(300):
        random = Random(seed)
        if kind == "ticks":
            setup = draw_setup(random, 120)
            walk, found = OrderWalk(setup).run(), engine_on_ticks(setup)
        else:
            bars, setup = draw_bar_setup(random, 100)
            walk, found = BarOrderWalk(bars, setup).run(), engine_on_bars(bars, setup)
        assert not differs(found, found_by_walk(walk)), written(setup)
        reasons.update(trade.reason for trade in walk.trades)
        waited += len(walk.trades) if setup.orders.entry_order != "market" else 0
    assert set(reasons) == {reason.label for reason in ExitReason if reason is not ExitReason.END_OF_RANGE}
    assert min(reasons.values()) >= 5
    assert waited >= 100


def mirrored(setup: Setup) -> Setup:
    """Turn prices upside down, and every instruction to its other side."""
    ticks, levels, top = setup.ticks, setup.levels, 20_000
    other = {0: 0, 1: -1, -1: 1, 2: 2, 3: 4, 4: 3}

    def turned(prices: np.ndarray | None) -> np.ndarray | None:
        return None if prices is None else top / ticks.scale - prices

    return replace(
        setup,
        ticks=Ticks(ticks.pair, ticks.digits, ticks.time_ms, top - ticks.ask, top - ticks.bid),
        signals=[other[signal] for signal in setup.signals],
        sides={"both": "both", "long": "short", "short": "long"}[setup.sides],
        levels=BarLevels(
            stop_pips=levels.stop_pips,
            target_pips=levels.target_pips,
            buy_price=turned(levels.sell_price),
            sell_price=turned(levels.buy_price),
        ),
    )


@given(RANDOM)
def test_orders_long_and_short_mirror_each_other_on_mirrored_prices(random: Random) -> None:
    setup = draw_setup(random, 120)
    found, turned = engine_on_ticks(setup), engine_on_ticks(mirrored(setup))
    assert [(reason, -side, *rest) for reason, side, *rest in turned.trades] == [tuple(each) for each in found.trades]
    assert turned.stale_entries == found.stale_entries
    assert results(turned) == pytest.approx(results(found), abs=2e-6)


def results(found: Found) -> list[float]:
    """Return the result of each trade, points."""
    return found.points[2::5]


@given(RANDOM)
def test_trailing_stop_at_an_infinite_distance_is_no_trailing_stop(random: Random) -> None:
    setup = draw_setup(random, 120)
    without = replace(setup.orders, trailing_stop_pips=None, trailing_stop_atr=None)
    far = replace(without, trailing_stop_pips=1e7)
    assert not differs(engine_on_ticks(replace(setup, orders=far)), engine_on_ticks(replace(setup, orders=without)))


@given(RANDOM)
def test_break_even_loses_no_more_than_slippage_and_a_gap(random: Random) -> None:
    """What it closes at is at most one tick's move below the entry and its lock."""
    setup = draw_setup(random, 120)
    orders = Orders(break_even_pips=5 / float(setup.ticks.points_per_pip), max_bars=9)
    walk = OrderWalk(replace(setup, orders=orders)).run()
    found = engine_on_ticks(replace(setup, orders=orders))
    moves = np.abs(np.diff(setup.ticks.bid, prepend=setup.ticks.bid[0])) + np.abs(
        np.diff(setup.ticks.ask, prepend=setup.ticks.ask[0])
    )
    most = float(2 * walk.slippage + 2 * walk.half_markup)
    latency = setup.execution.latency_ms
    for (reason, *_, exit_tick, _), points in zip(found.trades, results(found), strict=True):
        if reason == "break_even" and not latency:
            assert points >= -most - float(moves[exit_tick])
