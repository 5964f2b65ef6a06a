"""Parity first: the engine and a compiled walk over every tick must make the same trades before either is timed."""

from collections.abc import Sequence

import numpy as np

from benchmarks.naive.simulation import walk_every_tick
from necrozma_core.engine.events import find_events as list_events
from necrozma_core.engine.simulation import simulate_events
from necrozma_core.engine.trades import Trades
from necrozma_core.market.arrays import Int8Array
from necrozma_core.market.bars import Bars
from necrozma_core.market.ticks import Ticks
from necrozma_core.strategies.protocol import Strategy

_FAR = 2**40


def run_engine(ticks: Ticks, bars: Bars, strategies: Sequence[Strategy], signals: Sequence[Int8Array]) -> list[Trades]:
    """Trade every strategy's signals with the product's engine, events included."""
    return [
        simulate_events(ticks, bars, list_events(signal), strategy.stop_loss_pips, strategy.take_profit_pips)
        for strategy, signal in zip(strategies, signals, strict=True)
    ]


def run_naive(
    ticks: Ticks, bars: Bars, strategies: Sequence[Strategy], signals: Sequence[Int8Array]
) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Trade every strategy's signals tick by tick; entry ticks, exit ticks and reasons of each."""
    entry, exit_, reason = (np.empty(len(bars) + 1, kind) for kind in (np.int64, np.int64, np.int8))
    results = []
    for strategy, signal in zip(strategies, signals, strict=True):
        stop, target = (
            _FAR if pips is None else int(np.ceil(round(pips * ticks.points_per_pip, 6)))
            for pips in (strategy.stop_loss_pips, strategy.take_profit_pips)
        )
        count = walk_every_tick(ticks.bid, ticks.ask, bars.first_tick, signal, stop, target, entry, exit_, reason)
        results.append((entry[:count].copy(), exit_[:count].copy(), reason[:count].copy()))
    return results


def check_parity(ticks: Ticks, bars: Bars, strategies: Sequence[Strategy], signals: Sequence[Int8Array]) -> int:
    """Compare both engines trade for trade; returns how many trades agreed.

    Raises
    ------
    SystemExit
        Naming the first strategy whose trades differ: there is no point in timing a wrong engine.
    """
    engine, naive = run_engine(ticks, bars, strategies, signals), run_naive(ticks, bars, strategies, signals)
    for strategy, ours, (entry, exit_, reason) in zip(strategies, engine, naive, strict=True):
        same = (
            np.array_equal(ours.entry_tick, entry)
            and np.array_equal(ours.exit_tick, exit_)
            and np.array_equal(ours.reason, reason)
        )
        if not same:
            raise SystemExit(f"parity broken: {strategy.name} differs from the naive walk")
    return sum(len(trades) for trades in engine)
