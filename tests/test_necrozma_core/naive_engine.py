"""The engine's rules, written a second time: every tick, one after the other, exact fractions, no cleverness.

Read beside DESIGN's exactness rules. Shares no code with the engine but the types it reads.
"""

from bisect import bisect_left
from dataclasses import dataclass
from fractions import Fraction

from necrozma_core.market.ticks import Ticks


@dataclass(frozen=True)
class NaiveTrade:
    side: int
    entry_tick: int
    exit_tick: int
    entry_points: Fraction
    exit_points: Fraction
    reason: str


@dataclass(frozen=True)
class NaiveBar:
    opens_at: int
    ticks: tuple[int, ...]


def naive_bars(ticks: Ticks, timeframe_ms: int) -> list[NaiveBar]:
    """Group tick indices by their interval."""
    groups: dict[int, list[int]] = {}
    for index, time in enumerate(ticks.time_ms.tolist()):
        groups.setdefault(time // timeframe_ms * timeframe_ms, []).append(index)
    return [NaiveBar(opens_at, tuple(members)) for opens_at, members in sorted(groups.items())]


def naive_trades(
    ticks: Ticks,
    timeframe_ms: int,
    signals: list[int],
    stop_loss_pips: float | None,
    take_profit_pips: float | None,
    slippage_points: Fraction | int = 0,
    on_opposite: str = "reverse",
) -> list[NaiveTrade]:
    """Walk every tick in order and do what the rules say."""
    due = _due_signals(ticks, naive_bars(ticks, timeframe_ms), timeframe_ms, signals)
    per_pip = Fraction(ticks.pair.points_per_pip(ticks.digits))
    stop = None if stop_loss_pips is None else Fraction(str(stop_loss_pips)) * per_pip
    target = None if take_profit_pips is None else Fraction(str(take_profit_pips)) * per_pip
    trades: list[NaiveTrade] = []
    position: tuple[int, int, Fraction] | None = None  # side, entry tick, entry price
    last = len(ticks) - 1

    def close(price: Fraction, tick: int, reason: str) -> None:
        nonlocal position
        assert position is not None
        trades.append(NaiveTrade(position[0], position[1], tick, position[2], price, reason))
        position = None

    for tick in range(len(ticks)):
        bid, ask = Fraction(int(ticks.bid[tick])), Fraction(int(ticks.ask[tick]))
        wanted, may_enter = due.get(tick, 0), True
        if position is not None:
            side, _, entry = position
            quote = bid if side > 0 else ask
            result = (quote - entry) * side
            if stop is not None and result <= -stop:
                close(quote - side * slippage_points, tick, "stop_loss")
            elif target is not None and result >= target:
                close(entry + side * target, tick, "take_profit")
            elif asks_to_close(wanted, side, on_opposite):
                close(quote - side * slippage_points, tick, "signal")
                may_enter = on_opposite != "close"
        if position is None and wanted in (1, -1) and may_enter:
            position = (wanted, tick, (ask if wanted > 0 else bid) + wanted * slippage_points)
        if position is not None and tick == last:
            side = position[0]
            close((bid if side > 0 else ask) - side * slippage_points, tick, "end_of_data")
    return trades


def asks_to_close(wanted: int, side: int, on_opposite: str) -> bool:
    """Say whether an instruction ends a position: 2 any, 3 a long, 4 a short, and a signal against it."""
    if wanted == -side:
        return on_opposite != "ignore"
    return wanted == 2 or (wanted == 3 and side == 1) or (wanted == 4 and side == -1)


def _due_signals(ticks: Ticks, bars: list[NaiveBar], timeframe_ms: int, signals: list[int]) -> dict[int, int]:
    """Map the tick at which each signal acts to the signal: the first tick at or after its bar's close."""
    due: dict[int, int] = {}
    times = ticks.time_ms.tolist()
    for bar, signal in zip(bars, signals, strict=True):
        acting = bisect_left(times, bar.opens_at + timeframe_ms)
        if signal and acting < len(times):
            due[acting] = signal
    return due
