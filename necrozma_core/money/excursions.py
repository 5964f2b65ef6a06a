"""How far positions went against the account and in its favour while they were open."""

from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from necrozma_core.engine.spans import Extremes, Spans
from necrozma_core.engine.trades import Trades
from necrozma_core.market.arrays import FloatArray, Int32Array, Int64Array
from necrozma_core.market.ticks import Ticks
from necrozma_core.money.equity import Equity, TradingDays
from necrozma_core.money.path import Path, open_lots

_POINT_DECIMALS = 6
"""Prices are recorded as floats, and the entry in points is read from them: what is finer is rounding."""


@dataclass(frozen=True, slots=True, eq=False)
class Excursions:
    """The worst and the best prices between the points of an account's path. Made by :func:`find_excursions`.

    Attributes
    ----------
    path : Path
    worst, best : int32 array, shape (n_points,)
        Of the side at which the position closes, points, before each point; beyond any price where none was open.
    half_markup : float
        Points by which a position closes worse than at the quote.
    spans : Spans
        When a position was open before each point.
    extremes : Extremes
        Where the prices came from.
    """

    path: Path
    worst: Int32Array
    best: Int32Array
    half_markup: float
    spans: Spans
    extremes: Extremes

    def of_trades(self, trades: Trades, ticks: Ticks) -> tuple[FloatArray, FloatArray]:
        """Return how far each trade went against the account, and in its favour.

        Both are counted from the recorded entry price, over the entry's tick and every later one up to the exit, where
        what counts is the price of the fill. So no trade brings less than the one or more than the other.

        Returns
        -------
        adverse, favourable : float64 array, shape (n_trades,)
            Points; zero or below, and zero or above.
        """
        # Late: who only names figures must not load the compiler.
        from necrozma_core.kernels.walks.excursions import widest_since_entry  # noqa: PLC0415

        worst, best = widest_since_entry(self.path.trade, trades.entry_tick, trades.side, self.worst, self.best)
        entry = np.round(trades.entry_price * ticks.scale, _POINT_DECIMALS)
        adverse = np.minimum(trades.side * (worst - entry) - self.half_markup, trades.points)
        favourable = np.maximum(trades.side * (best - entry) - self.half_markup, trades.points)
        return np.minimum(adverse, 0.0), np.maximum(favourable, 0.0)


def half_markup_points(markup_pips: float, ticks: Ticks) -> float:
    """Return half of a mark-up of the spread in points."""
    return float(Decimal(repr(float(markup_pips))) * ticks.pair.points_per_pip(ticks.digits) / 2)


def find_excursions(trades: Trades, path: Path, extremes: Extremes, half_markup: float = 0.0) -> Excursions:
    """Find how far prices went while positions were open.

    Parameters
    ----------
    trades : Trades
        Possibly none.
    path : Path
        Of these trades.
    extremes : Extremes
        Of the prices that were traded.
    half_markup : float
        Points by which a position closes worse than at the quote.
    """
    reason = np.where(path.is_day_end, np.int8(-1), trades.reason[path.trade])
    spans = Spans(path.start, path.stop, trades.side[path.trade], reason)
    worst, best = extremes.find(spans)
    return Excursions(path, worst, best, half_markup, spans, extremes)


def lowest_equity(
    equity: Equity,
    peak: FloatArray,
    excursions: Excursions,
    trades: Trades,
    days: TradingDays,
    ticks: Ticks,
    lots: FloatArray | float,
) -> tuple[FloatArray, FloatArray]:
    """Return the lowest equity between points of the path, with the peak before it.

    An open position counts at the worst price at which it could have been closed, converted at that tick; its
    commission and swap are counted when it closes, and what was closed of it before has been.

    Parameters
    ----------
    equity : Equity
        Of `excursions.path`.
    peak : float64 array, shape (n_points,)
        The highest equity up to each point of the path.
    excursions : Excursions
    trades : Trades
    days : TradingDays
    ticks : Ticks
        Those that were traded.
    lots : float64 array, shape (n_trades,), or float
        Size of each trade, or of every one.

    Returns
    -------
    lowest, peak : float64 array, shape (n,)
        Those that may be the deepest, as a fraction of the peak or in money: where profits are converted, most are too
        shallow at any rate, and looking for their ticks would take longer than everything else.

    Raises
    ------
    ConversionError
        If such a tick has no price that converts it.
    """
    # Late: who only names figures must not load the compiler.
    from necrozma_core.kernels.walks.account import lowest_equity as kernel  # noqa: PLC0415

    path, spans = excursions.path, excursions.spans
    unit = open_lots(trades, lots) * ticks.pair.contract_size
    balance, gain, least, before, deepest, largest = kernel(
        path.trade,
        path.is_day_end,
        path.start < path.stop,
        excursions.worst,
        equity.path,
        peak,
        equity.initial_balance,
        trades.entry_price,
        trades.side,
        unit,
        float(ticks.scale),
        excursions.half_markup,
        *days.rate_bounds,
    )

    def found(points: Int64Array) -> FloatArray:
        is_open = points[path.start[points] < path.stop[points]]
        worst_ticks = excursions.extremes.worst_ticks(spans.only(is_open), excursions.worst[is_open])
        rates = np.ones(len(path))
        rates[is_open] = days.conversion.at_ticks(ticks, worst_ticks)
        at_worst: FloatArray = balance[points] + gain[points] * rates[points]
        return at_worst

    likely = np.unique([deepest, largest])[: len(path)]
    if not days.conversion.legs or not len(path):
        return least[likely], before[likely]
    there = found(likely)
    part, fall = (there / before[likely]).min(), (before[likely] - there).max()
    points = np.flatnonzero((least / before <= part) | (before - least >= fall))
    return found(points), before[points]
