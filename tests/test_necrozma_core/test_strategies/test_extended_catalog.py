"""The extended catalog: some two hundred settings that are all different, all possible, and use every order."""

from dataclasses import fields

import numpy as np
import pytest
from bar_samples import walking_bars

from necrozma_core.engine.events import find_events
from necrozma_core.engine.instructions import BUY, SELL, OnOpposite, Sides, keep_sides
from necrozma_core.engine.order_simulation import simulate_orders
from necrozma_core.engine.trades import ExitReason
from necrozma_core.feeds.samples.quotes import sample_ticks
from necrozma_core.market.bar_building import bars_from_ticks
from necrozma_core.market.timeframes import parse_timeframe
from necrozma_core.strategies.catalog import FAMILIES, default_strategies
from necrozma_core.strategies.catalogs.extended import extended_strategies
from necrozma_core.strategies.order_settings import ORDER_SETTINGS
from necrozma_core.strategies.rule import signal_key

EXTENDED = extended_strategies()


def test_extended_strategies_are_some_two_hundred_with_names_of_their_own() -> None:
    assert 180 <= len(EXTENDED) <= 240
    names = {strategy.name for strategy in EXTENDED}
    assert len(names) == len(EXTENDED)
    assert not names & {strategy.name for strategy in default_strategies()}


def test_extended_strategies_use_every_family_every_order_and_every_natural_exit() -> None:
    assert {strategy.family for strategy in EXTENDED} == set(FAMILIES)
    assert {name for strategy in EXTENDED for name in strategy.orders.given()} == set(ORDER_SETTINGS)
    having = {name for name, family in FAMILIES.items() if "exit" in {entry.name for entry in fields(family)}}
    assert having == set(FAMILIES)
    crossings = {"sma_cross", "ema_cross", "macd"}
    assert {strategy.family for strategy in EXTENDED if strategy.natural_exit is not None} == having - crossings
    assert {strategy.family for strategy in EXTENDED if strategy.on_opposite == "close"} == crossings


def test_extended_strategies_all_have_a_stop() -> None:
    for strategy in EXTENDED:
        assert strategy.stop_loss_pips or strategy.orders.stop_loss_atr, strategy.name


def test_extended_strategies_share_signals() -> None:
    assert len({signal_key(strategy) for strategy in EXTENDED}) < len(EXTENDED) / 2


@pytest.mark.parametrize("seed", [1, 2])
def test_extended_strategies_every_one_speaks_both_ways_in_eight_weeks(seed: int) -> None:
    bars = walking_bars(11_520, seed)
    seen: dict[object, np.ndarray] = {}
    for strategy in EXTENDED:
        key = signal_key(strategy)
        if key not in seen:
            seen[key] = strategy.signals(bars)
        assert (seen[key][:-1] == BUY).any(), strategy.name
        assert (seen[key][:-1] == SELL).any(), strategy.name
        assert (strategy.natural_exit is not None) == bool((seen[key] > BUY).any()), strategy.name


@pytest.mark.parametrize("pair", ["EURUSD", "USDJPY"])
def test_extended_strategies_every_one_trades_on_the_sample_ticks_and_every_reason_comes_up(pair: str) -> None:
    ticks = sample_ticks(pair, 200_000, seed=1)
    bars = bars_from_ticks(ticks, parse_timeframe("5min"))
    reasons: set[int] = set()
    for strategy in EXTENDED:
        sides = Sides(strategy.sides)
        trades = simulate_orders(
            ticks,
            bars,
            find_events(keep_sides(strategy.signals(bars), sides)),
            strategy.stop_loss_pips,
            strategy.take_profit_pips,
            strategy.orders,
            on_opposite=OnOpposite(strategy.on_opposite),
            sides=sides,
        )
        assert len(trades) >= 10, strategy.name
        reasons |= set(trades.reason.tolist())
    assert reasons == set(ExitReason) - {ExitReason.END_OF_RANGE, ExitReason.STOP_OUT}
