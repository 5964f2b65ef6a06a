"""One trade for each kind of order, found among those that a strategy makes on generated ticks."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, NamedTuple

import numpy as np

from benchmarks.pictures.tick_chart import GAIN, LOSS, MOVING, WAITING, Fill, Level, Moment, TickChart
from necrozma_core.engine.events import Events, find_events
from necrozma_core.engine.order_schedule import clock_moments
from necrozma_core.engine.order_simulation import simulate_orders
from necrozma_core.engine.order_texts import parse_clock, parse_targets
from necrozma_core.engine.orders import Orders
from necrozma_core.engine.trades import ExitReason, Trades
from necrozma_core.feeds.samples.quotes import sample_ticks
from necrozma_core.market.bar_building import bars_from_ticks
from necrozma_core.market.bars import Bars
from necrozma_core.market.ticks import Ticks
from necrozma_core.strategies.settings import parse_grid

_PAIR: Final = "EURUSD"
_TICKS: Final = 60_000
_SEED: Final = 1
_TIMEFRAME_MS: Final = 300_000
_SIGNALS: Final = "family=sma_cross fast=10 slow=30"
_SHOWN_TICKS: Final = (50, 260)
_SHOWN_MS: Final = 8 * 3_600_000


@dataclass(frozen=True)
class Kind:
    """An order, and which of its trades is drawn.

    Attributes
    ----------
    name, title : str
    side : int
        Of the trade.
    reason : ExitReason
    orders : Orders
    stop, target : float or None
        Pips.
    """

    name: str
    title: str
    side: int
    reason: ExitReason
    orders: Orders = field(default_factory=Orders)
    stop: float | None = None
    target: float | None = None


KINDS: Final = (
    Kind("stop-and-target", "A stop 10 pips below the entry, a target 20 above it", 1, ExitReason.TAKE_PROFIT,
         stop=10, target=20),
    Kind("trailing-stop", "A trailing stop: 8 pips behind the best bid, once it is 5 pips beyond the entry", 1,
         ExitReason.TRAILING_STOP, Orders(trailing_stop_pips=8, trailing_start_pips=5), stop=12),
    Kind("break-even", "Break-even: at 8 pips a stop moves to one pip beyond the entry", 1, ExitReason.BREAK_EVEN,
         Orders(break_even_pips=8, break_even_lock_pips=1), stop=12, target=25),
    Kind("partial-targets", "Partial targets: half at 6 pips, a quarter at 12, the rest runs", 1, ExitReason.SIGNAL,
         Orders(targets="6:0.5+12:0.25"), stop=10),
    Kind("time", "A time limit: closed at the first tick of the eighth bar after the entry's", 1, ExitReason.TIME,
         Orders(max_bars=8), stop=15),
    Kind("friday", "Friday: closed at the first tick at 16:00 New York or later", -1, ExitReason.SESSION,
         Orders(close_friday="16:00@America/New_York")),
    Kind("stop-entry", "A stop entry: buys one pip above the high of the signal's bar", 1, ExitReason.TAKE_PROFIT,
         Orders(entry_order="stop", entry_from="extreme", entry_offset_pips=1, entry_expiry_bars=6), stop=10,
         target=20),
    Kind("limit-entry", "A limit entry: sells 4 pips above the close of the signal's bar", -1, ExitReason.TAKE_PROFIT,
         Orders(entry_order="limit", entry_offset_pips=4, entry_expiry_bars=6), stop=10, target=20),
    Kind("both-sides", "Both sides: the order that fills first cancels the other", 1, ExitReason.TAKE_PROFIT,
         Orders(entry_order="stop", entry_from="extreme", entry_offset_pips=2, entry_expiry_bars=6, entry_sides="both"),
         stop=10, target=20),
)  # fmt: skip
"""The pictures, in the order of the page."""


class Market(NamedTuple):
    """Generated ticks, their bars, and where averages cross."""

    ticks: Ticks
    bars: Bars
    events: Events


def make_market() -> Market:
    """Generate ticks, the same ones everywhere."""
    ticks = sample_ticks(_PAIR, _TICKS, _SEED)
    bars = bars_from_ticks(ticks, _TIMEFRAME_MS)
    (strategy,) = parse_grid(_SIGNALS).strategies
    return Market(ticks, bars, find_events(strategy.signals(bars)))


def draw_orders() -> dict[str, str]:
    """Return the SVG of every kind of order by its name."""
    market = make_market()
    return {kind.name: draw(market, kind) for kind in KINDS}


def trade_kind(market: Market, kind: Kind) -> Trades:
    """Trade the signals with an order of a kind."""
    return simulate_orders(market.ticks, market.bars, market.events, kind.stop, kind.target, kind.orders)


def find_trade(market: Market, kind: Kind, trades: Trades) -> slice:
    """Return the rows of the position that shows an order best: it went far, in as many ticks as fit a picture.

    Raises
    ------
    LookupError
        There is none.
    """
    found: list[tuple[float, int, int]] = []
    rows = np.flatnonzero(np.diff(trades.event, append=-1))
    start = 0
    for last in rows.tolist():
        n_ticks = int(trades.exit_tick[last] - trades.entry_tick[last])
        fits = _SHOWN_TICKS[0] <= n_ticks <= _SHOWN_TICKS[1]
        fits &= trades.exit_time_ms[last] - trades.entry_time_ms[last] <= _SHOWN_MS
        is_meant = trades.reason[last] == kind.reason and trades.side[last] == kind.side
        if fits and is_meant and _shows(market, kind, trades, start, last):
            found.append((-_farthest(market, trades, last), start, last + 1))
        start = last + 1
    if not found:
        raise LookupError(f"no trade shows {kind.name}")
    return slice(*min(found)[1:])


def _shows(market: Market, kind: Kind, trades: Trades, start: int, last: int) -> bool:
    # Both partial targets are reached; an order waits for a while; of two the signal's is not the one that fills.
    event = int(trades.event[start])
    if kind.orders.entry_order != "market" and trades.entry_tick[start] - _acting_tick(market, event) < 8:
        return False
    if kind.orders.entry_sides == "both" and market.events.side[event] == kind.side:
        return False
    return kind.orders.targets is None or last - start == len(parse_targets(kind.orders.targets))


def _acting_tick(market: Market, event: int) -> int:
    return int(market.bars.first_tick[market.events.bar[event]])


def _side_price(market: Market, side: int) -> np.ndarray:
    return market.ticks.bid if side > 0 else market.ticks.ask


def _farthest(market: Market, trades: Trades, row: int) -> float:
    side, entry = int(trades.side[row]), float(trades.entry_price[row]) * market.ticks.scale
    held = slice(int(trades.entry_tick[row]), int(trades.exit_tick[row]) + 1)
    return float((side * (_side_price(market, side)[held] - entry)).max())


def draw(market: Market, kind: Kind) -> str:
    """Draw the trade that shows an order best."""
    trades = trade_kind(market, kind)
    rows = find_trade(market, kind, trades)
    entered, left = int(trades.entry_tick[rows.start]), int(trades.exit_tick[rows.stop - 1])
    event = int(trades.event[rows.start])
    acting, times = _acting_tick(market, event), market.ticks.time_ms
    margin = max((left - acting) // 10, 8)
    signal_bar = int(market.events.bar[event]) - 1
    opened = int(market.bars.open_time_ms[signal_bar])
    first = max(min(acting - margin, int(market.bars.first_tick[signal_bar]) - 2), 0)
    day = datetime.fromtimestamp(int(times[entered]) / 1000, UTC)
    points = float(np.dot(trades.points[rows], trades.fraction[rows]))
    chart = TickChart(
        kind.title,
        f"{_PAIR}, generated ticks of {day:%A}, {day.day} {day:%B %Y}, UTC; "
        f"{'a long position' if kind.side > 0 else 'a short position'}, {points / 10:+.1f} pips",
        market.ticks,
        first,
        min(left + margin, len(times) - 1),
    )
    chart.moments.append(Moment("signal's bar", opened, opened + _TIMEFRAME_MS))
    chart.moments.extend(_clock(market, kind, left))
    chart.levels.extend(_levels(market, kind, trades, rows))
    chart.levels.extend(_waiting(market, kind, acting, entered))
    chart.fills.extend(_fills(market, kind, trades, rows))
    return chart.svg()


def _fills(market: Market, kind: Kind, trades: Trades, rows: slice) -> Iterator[Fill]:
    scale, buys = market.ticks.scale, kind.side > 0
    entry = float(trades.entry_price[rows.start])
    yield Fill(f"{'buy' if buys else 'sell'} {entry:.5f}", int(trades.entry_time_ms[rows.start]), entry * scale, buys)
    for row in range(rows.start, rows.stop):
        price, fraction = float(trades.exit_price[row]), float(trades.fraction[row])
        part = "" if fraction == 1 else f" {fraction:g} of it"
        yield Fill(
            f"{'sell' if buys else 'buy'}{part} {price:.5f}", int(trades.exit_time_ms[row]), price * scale, not buys
        )


def _clock(market: Market, kind: Kind, left: int) -> Iterator[Moment]:
    time_ms = int(market.ticks.time_ms[left])
    if kind.orders.close_friday is not None:
        clock = parse_clock(kind.orders.close_friday)
        moment = int(clock_moments(clock, time_ms - 86_400_000, time_ms)[-1])
        yield Moment("16:00 New York", moment, moment)
    if kind.orders.max_bars is not None:
        bar = int(np.searchsorted(market.bars.first_tick, left, side="right")) - 1
        opened = int(market.bars.open_time_ms[bar])
        yield Moment("eighth bar", opened, opened + _TIMEFRAME_MS)


def _levels(market: Market, kind: Kind, trades: Trades, rows: slice) -> Iterator[Level]:
    entered, left = int(trades.entry_tick[rows.start]), int(trades.exit_tick[rows.stop - 1])
    times, side = market.ticks.time_ms, kind.side
    entry = float(trades.entry_price[rows.start]) * market.ticks.scale
    from_ms, until_ms = int(times[entered]), int(times[left])

    def fixed(label: str, colour: str, pips: float, ends: int = until_ms, begins: int = from_ms) -> Level:
        return Level(label, colour, (begins,), (entry + side * pips * 10,), ends)

    if kind.stop is not None:
        yield fixed("stop", LOSS, -kind.stop)
    if kind.target is not None:
        yield fixed("target", GAIN, kind.target)
    for row, (pips, _) in enumerate(parse_targets(kind.orders.targets or "1:1"), rows.start):
        if kind.orders.targets is not None:
            yield fixed(f"target {row - rows.start + 1}", GAIN, pips, int(trades.exit_time_ms[row]))
    gains = side * (_side_price(market, side)[entered : left + 1].astype(np.float64) - entry)
    if kind.orders.trailing_stop_pips is not None:
        yield _trailing(kind, times[entered : left + 1], gains, entry)
    if kind.orders.break_even_pips is not None:
        armed = entered + int((gains >= kind.orders.break_even_pips * 10).argmax())
        yield fixed("break-even", MOVING, kind.orders.break_even_lock_pips, begins=int(times[armed]))
        yield fixed("break-even begins", WAITING, kind.orders.break_even_pips, ends=int(times[armed]))


def _trailing(kind: Kind, times: np.ndarray, gains: np.ndarray, entry: float) -> Level:
    # The level that each tick leaves, from the tick on that begins it; the last one is tested and moves nothing.
    distance = (kind.orders.trailing_stop_pips or 0) * 10
    best = np.maximum.accumulate(gains[:-1])
    begins = int((best >= kind.orders.trailing_start_pips * 10).argmax())
    points = entry + kind.side * (best[begins:] - distance)
    return Level("trailing stop", MOVING, times[begins:-1].tolist(), points.tolist(), int(times[-1]))


def _waiting(market: Market, kind: Kind, acting: int, entered: int) -> Iterator[Level]:
    if kind.orders.entry_order == "market":
        return
    bar = int(np.searchsorted(market.bars.first_tick, acting)) - 1
    sides = (1, -1) if kind.orders.entry_sides == "both" else (kind.side,)
    times = market.ticks.time_ms
    for side in sides:
        quotes = market.bars.ask_points if side > 0 else market.bars.bid_points
        up = side if kind.orders.entry_order == "stop" else -side
        column = 3 if kind.orders.entry_from == "close" else (1 if up > 0 else 2)
        level = float(quotes[bar, column]) + up * kind.orders.entry_offset_pips * 10
        what = f"{'buy' if side > 0 else 'sell'} {kind.orders.entry_order}"
        label = what if side == kind.side else f"{what}, cancelled"
        yield Level(label, WAITING, (int(times[acting]),), (level,), int(times[entered]))
