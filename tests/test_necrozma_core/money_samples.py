"""Small markets and trades for the tests of money: everything a person can follow with a pencil."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from necrozma_core.engine.extremes import TickExtremes
from necrozma_core.engine.trades import ExitReason, Trades
from necrozma_core.market.bar_building import bars_from_ticks
from necrozma_core.market.instruments import get_pair
from necrozma_core.market.ticks import Ticks
from necrozma_core.metrics.figures import Metrics, measure
from necrozma_core.money.conversion import Conversion
from necrozma_core.money.costs import Account, Costs, price_trades
from necrozma_core.money.equity import trading_days
from necrozma_core.money.excursions import Excursions, find_excursions, half_markup_points
from necrozma_core.money.path import path_of

Row = tuple[str | int, int, int]
"""Time (UTC text or milliseconds), bid and ask in points."""


def ms(text: str | int) -> int:
    """Milliseconds of a UTC time such as ``2024-01-08 10:00``; milliseconds are passed on."""
    return text if isinstance(text, int) else round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def times(*texts: str | int) -> np.ndarray:
    return np.array([ms(text) for text in texts], np.int64)


def make_ticks(rows: Sequence[Row], pair: str = "EURUSD", digits: int = 5) -> Ticks:
    time, bid, ask = zip(*rows, strict=True) if rows else ((), (), ())
    return Ticks(get_pair(pair), digits, times(*time), np.array(bid, np.int32), np.array(ask, np.int32))


def make_trades(
    ticks: Ticks, spans: Sequence[tuple[int, int, int]], reasons: Sequence[ExitReason] | None = None
) -> Trades:
    """Trades from (side, entry tick, exit tick), filled at the ticks' prices."""
    side, entry, exit_ = (
        (np.array(column, np.int64) for column in zip(*spans, strict=True))
        if spans
        else (np.empty(0, np.int64) for _ in range(3))
    )
    bid, ask = ticks.bid.astype(np.float64), ticks.ask.astype(np.float64)
    opened = np.where(side > 0, ask[entry], bid[entry])
    closed = np.where(side > 0, bid[exit_], ask[exit_])
    return Trades(
        side=side.astype(np.int8),
        entry_tick=entry,
        exit_tick=exit_,
        entry_time_ms=ticks.time_ms[entry],
        exit_time_ms=ticks.time_ms[exit_],
        entry_price=opened / ticks.scale,
        exit_price=closed / ticks.scale,
        points=(closed - opened) * side,
        reason=np.array(reasons or [ExitReason.SIGNAL] * len(spans), np.int8),
        event=np.arange(len(spans)),
        fraction=np.ones(len(spans)),
        stop_points=np.full(len(spans), np.nan),
    )


def excursions_of(ticks: Ticks, trades: Trades, conversion: Conversion, markup_pips: float = 0.0) -> Excursions:
    """How far prices went, found by bars of five minutes."""
    extremes = TickExtremes(ticks, bars_from_ticks(ticks, 300_000))
    path = path_of(trades, trading_days(ticks, conversion))
    return find_excursions(trades, path, extremes, half_markup_points(markup_pips, ticks))


def figures_of(
    ticks: Ticks, trades: Trades, conversion: Conversion, lots: np.ndarray | float, account: Account, costs: Costs
) -> Metrics:
    """All figures of some trades."""
    money = price_trades(trades, ticks, lots, costs, conversion)
    excursions = excursions_of(ticks, trades, conversion, costs.spread_markup_pips)
    return measure(trades, money, trading_days(ticks, conversion), ticks, lots, account, excursions)


def naive_day(time_ms: int) -> date:
    """The day on whose 17:00 New York the tick's trading day closes; weekends belong to Monday."""
    local = datetime.fromtimestamp(time_ms / 1000, UTC).astimezone(ZoneInfo("America/New_York"))
    day = local.date() + timedelta(days=local.hour >= 17)
    return day + timedelta(days={5: 2, 6: 1}.get(day.weekday(), 0))
