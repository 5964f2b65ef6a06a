"""Orders beside the fixed stop and target: parity with the naive walk first, then time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from benchmarks.engine import Stages
from benchmarks.measuring.market import TEN_PAIRS, prepare_ticks
from benchmarks.measuring.measure import Report, markdown_table, time_runs
from benchmarks.naive.orders import LIMIT, MARKET, NONE, STOP, walk_every_tick
from benchmarks.scale import FULL, Scale
from necrozma_core.engine.events import find_events
from necrozma_core.engine.execution import Execution
from necrozma_core.engine.order_schedule import is_inside, scheduled_closes
from necrozma_core.engine.order_simulation import simulate_orders
from necrozma_core.engine.order_texts import parse_targets, parse_window
from necrozma_core.engine.orders import NO_ORDERS, EntryFrom, EntryKind, EntrySides, Orders
from necrozma_core.engine.trades import ExitReason, Trades
from necrozma_core.market.arrays import Int8Array
from necrozma_core.market.bars import Bars
from necrozma_core.market.ticks import Ticks
from necrozma_core.strategies.protocol import Strategy

_PAIR: Final = TEN_PAIRS[0]
_KINDS: Final = {EntryKind.MARKET: MARKET, EntryKind.STOP: STOP, EntryKind.LIMIT: LIMIT}
_NEVER: Final = 2**61
_SAME: Final = 1e-6  # points
_AT_ONCE: Final = Execution()


@dataclass(frozen=True, slots=True)
class Setting:
    """Orders, and how they are filled."""

    orders: Orders = NO_ORDERS
    execution: Execution = _AT_ONCE


TRAILING: Final = Setting(Orders(trailing_stop_pips=20.0, trailing_start_pips=10.0))
"""What is timed beside a fixed stop and target."""

MIXED: Final = (
    TRAILING,
    Setting(Orders(trailing_stop_pips=8.0), Execution(slippage_pips=0.25)),
    Setting(Orders(trailing_stop_pips=12.5, trailing_step_pips=2.0, break_even_pips=5.0, break_even_lock_pips=1.0)),
    Setting(Orders(break_even_pips=6.0, max_bars=45), Execution(spread_markup_pips=0.5)),
    Setting(Orders(targets="3:0.5+6:0.25"), Execution(latency_ms=150)),
    Setting(Orders(targets="2:0.25+4:0.25+8:0.5", max_minutes=90)),
    Setting(Orders(entry_order="stop", entry_offset_pips=1.0, entry_expiry_bars=3), Execution(slippage_pips=0.5)),
    Setting(Orders(entry_order="stop", entry_from="extreme", entry_sides="both", trailing_stop_pips=15.0)),
    Setting(Orders(entry_order="limit", entry_offset_pips=1.5, entry_expiry_bars=5, break_even_pips=4.0)),
    Setting(Orders(entry_order="limit", entry_sides="both", entry_offset_pips=2.0), Execution(latency_ms=400)),
    Setting(Orders(entry_window="07:00-16:00@Europe/London", close_session="london")),
    Setting(
        Orders(entry_order="stop", entry_expiry_bars=2, close_friday="20:00", trailing_stop_pips=10.0),
        Execution(latency_ms=1_000, max_quote_age_ms=4_000, slippage_pips=0.25, spread_markup_pips=0.25),
    ),
)
"""Orders of every kind; each strategy trades by the next of them."""


def run_engine_orders(
    ticks: Ticks,
    bars: Bars,
    strategies: Sequence[Strategy],
    signals: Sequence[Int8Array],
    settings: Sequence[Setting],
) -> list[Trades]:
    """Trade every strategy by its orders with the product's engine, events included."""
    return [
        simulate_orders(
            ticks,
            bars,
            find_events(signal),
            strategy.stop_loss_pips,
            strategy.take_profit_pips,
            setting.orders,
            setting.execution,
        )
        for strategy, signal, setting in zip(strategies, signals, _repeated(settings, len(strategies)), strict=True)
    ]


def run_naive_orders(
    ticks: Ticks,
    bars: Bars,
    strategies: Sequence[Strategy],
    signals: Sequence[Int8Array],
    settings: Sequence[Setting],
) -> list[tuple[np.ndarray, ...]]:
    """Trade every strategy tick by tick; entry ticks, exit ticks, reasons, points and fractions of each."""
    always = np.ones(len(ticks), dtype=np.bool_)
    return [
        _walk(ticks, bars, strategy, signal, setting, always)
        for strategy, signal, setting in zip(strategies, signals, _repeated(settings, len(strategies)), strict=True)
    ]


def _repeated(settings: Sequence[Setting], number: int) -> list[Setting]:
    return [settings[position % len(settings)] for position in range(number)]


def _walk(
    ticks: Ticks, bars: Bars, strategy: Strategy, signal: Int8Array, setting: Setting, always: np.ndarray
) -> tuple[np.ndarray, ...]:
    orders, execution = setting.orders, setting.execution

    def points(pips: float | None) -> float:
        return NONE if pips is None else round(pips * ticks.points_per_pip, 6)

    window = orders.entry_window
    parts = () if orders.targets is None else parse_targets(orders.targets)
    found = [np.empty(4 * len(bars) + 4, kind) for kind in (np.int64, np.int64, np.int8, np.float64, np.float64)]
    span = (int(ticks.time_ms[0]), int(ticks.time_ms[-1])) if len(ticks) else (0, 0)
    count, _ = walk_every_tick(
        ticks.bid,
        ticks.ask,
        ticks.time_ms,
        bars.first_tick,
        bars.close_time_ms,
        signal,
        always if window is None else is_inside(parse_window(window), ticks.time_ms),
        _KINDS[EntryKind(orders.entry_order)],
        points(orders.entry_offset_pips),
        orders.entry_sides == EntrySides.BOTH,
        orders.entry_expiry_bars,
        orders.entry_from == EntryFrom.EXTREME,
        bars.ask_points,
        bars.bid_points,
        points(strategy.stop_loss_pips),
        points(strategy.take_profit_pips),
        np.array([points(pips) for pips, _ in parts]),
        np.array([fraction for _, fraction in parts]),
        points(orders.trailing_stop_pips),
        points(orders.trailing_start_pips),
        points(orders.trailing_step_pips),
        points(orders.break_even_pips),
        points(orders.break_even_lock_pips),
        _NEVER if orders.max_bars is None else orders.max_bars,
        _NEVER if orders.max_minutes is None else orders.max_minutes * 60_000,
        scheduled_closes(orders, *span)[0],
        points(execution.slippage_pips),
        points(execution.spread_markup_pips),
        execution.latency_ms,
        _NEVER if execution.max_quote_age_ms is None else execution.max_quote_age_ms,
        *found,
    )
    return tuple(column[:count].copy() for column in found)


def check_orders_parity(
    ticks: Ticks,
    bars: Bars,
    strategies: Sequence[Strategy],
    signals: Sequence[Int8Array],
    settings: Sequence[Setting] = MIXED,
) -> int:
    """Compare both engines trade for trade; returns how many trades agreed.

    Raises
    ------
    SystemExit
        Naming the first strategy whose trades differ.
    """
    engine = run_engine_orders(ticks, bars, strategies, signals, settings)
    naive = run_naive_orders(ticks, bars, strategies, signals, settings)
    for strategy, trades, (entry, exit_, reason, won, fraction) in zip(strategies, engine, naive, strict=True):
        same = (
            np.array_equal(trades.entry_tick, entry)
            and np.array_equal(trades.exit_tick, exit_)
            and np.array_equal(trades.reason, reason)
            and np.allclose(trades.points, won, rtol=0, atol=_SAME)
            and np.allclose(trades.fraction, fraction, rtol=0, atol=_SAME)
        )
        if not same:
            raise SystemExit(f"parity broken: {strategy.name} with orders differs from the naive walk")
    return sum(len(trades) for trades in engine)


def measure_orders(scale: Scale = FULL) -> Report:
    """Return the table of fifty settings with a trailing stop beside the fifty without, and the naive kernel."""
    stages = Stages.of(prepare_ticks([_PAIR], scale.ticks))
    market = stages.ticks, stages.bars, stages.strategies, stages.signals
    agreed = check_orders_parity(*market)
    fixed = time_runs(stages.simulate, scale.runs)
    trailing = time_runs(lambda: run_engine_orders(*market, [TRAILING]), scale.runs)
    mixed = time_runs(lambda: run_engine_orders(*market, MIXED), scale.runs)
    naive = time_runs(lambda: run_naive_orders(*market, [TRAILING]), 1, 0)
    times = trailing.median / fixed.median
    head = (
        f"{len(stages.ticks):,} ticks, {len(stages.bars):,} bars, {len(stages.strategies)} strategies; {agreed:,} "
        f"trades with orders of {len(MIXED)} kinds, each at the same ticks, for the same reason and with equal points "
        f"as in a naive walk over every tick. One core, median (least to most) of {scale.runs}, events included. A "
        f"trailing stop takes {times:.1f} times the time of none."
    )
    rows = [
        ("stop and target", fixed),
        ("a trailing stop of 20 pips after 10 beside them", trailing),
        ("orders of every kind", mixed),
        ("the trailing stop by the naive kernel", naive),
    ]
    reasons = sorted({int(reason) for trades in run_engine_orders(*market, MIXED) for reason in set(trades.reason)})
    labels = ", ".join(ExitReason(reason).label for reason in reasons)
    tail = f"Reasons for which positions were closed: {labels}."
    return Report(f"{head}\n\n{markdown_table(('fifty settings', 'time'), rows)}\n\n{tail}", {"trailing_times": times})
