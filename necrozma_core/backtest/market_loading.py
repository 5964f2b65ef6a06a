"""A pair's market: ticks or bars, conversion, trading days; and what of it the figures are about."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from necrozma_core.backtest.conversion_choice import legs_of
from necrozma_core.backtest.outcome import Checkpoint, Market
from necrozma_core.backtest.prices import converting_bars
from necrozma_core.backtest.request import PairRequest
from necrozma_core.engine.trades import ExitReason
from necrozma_core.errors import DataError
from necrozma_core.market.bar_building import bars_from_quote_bars, bars_from_ticks, ticks_of_quote_bars
from necrozma_core.market.bars import Bars
from necrozma_core.market.conversion_paths import Leg
from necrozma_core.market.date_range import DateRange
from necrozma_core.market.quote_bars import QuoteBars
from necrozma_core.market.ticks import Ticks
from necrozma_core.market.timeframes import format_timeframe
from necrozma_core.money.conversion import Conversion, PricedLeg, Quotes, TickQuotes
from necrozma_core.money.equity import trading_days
from necrozma_core.storage.bars.store import BarStore
from necrozma_core.storage.ticks.manifest import TickManifest, format_span
from necrozma_core.storage.ticks.store import TickStore


def load_market(request: PairRequest, checkpoint: Checkpoint) -> Market:
    """Read what a pair's strategies share: quotes, bars, conversion, trading days.

    Returns
    -------
    Market
        Of the request's dates; with the hold-out's own, where it is looked at.

    Raises
    ------
    DataError
        There are no prices, or none in the dates asked for; or the pair that converts has none.
    """
    given = _read_bars(request, checkpoint) if request.bars_ms is not None else None
    ticks = ticks_of_quote_bars(given) if given is not None else _read_ticks(request, checkpoint)
    ticks = replace(ticks, pair=request.instrument)
    market = _market(request, ticks, given, request.dates, checkpoint)
    if request.holdout is None:
        return market
    return market._replace(holdout=_market(request, ticks, given, request.holdout, checkpoint))


def _read_ticks(request: PairRequest, checkpoint: Checkpoint) -> Ticks:
    pair = request.pair
    return TickStore(request.data_dir).read(
        pair, on_chunk=lambda rows: checkpoint("read", 0, 0, pair, rows), until_ms=request.until_ms
    )


def _read_bars(request: PairRequest, checkpoint: Checkpoint) -> QuoteBars:
    pair = request.pair
    assert request.bars_ms is not None
    return BarStore(request.data_dir).read(
        pair, request.bars_ms, on_chunk=lambda rows: checkpoint("read", 0, 0, pair, rows)
    )


def _market(
    request: PairRequest, ticks: Ticks, given: QuoteBars | None, dates: DateRange, checkpoint: Checkpoint
) -> Market:
    """Cut the market of a range: what lies before it is there for indicators alone, and what lies after it is not."""
    stop = _position(ticks, dates.to_ms)
    if given is not None:
        stop -= stop % 2  # a bar that ends after the range is not in it
    ticks = _piece(ticks, slice(None, stop))
    checkpoint("bars", 0, 0, format_timeframe(request.timeframe_ms), len(ticks))
    if given is None:
        bars = bars_from_ticks(ticks, request.timeframe_ms, request.grid)
    else:
        given = _bars_piece(given, slice(None, stop // 2))
        bars = bars_from_quote_bars(given, request.timeframe_ms, request.grid)
    start = 0 if dates.from_ms is None else _position(ticks, dates.from_ms)
    if given is not None:
        start += start % 2
        given = _bars_piece(given, slice(start // 2, None))
    if start >= len(ticks) and not dates.is_open:
        raise DataError(_nothing_there(request, ticks, dates))
    first_bar = int(np.searchsorted(bars.first_tick[:-1], start))
    inside = _piece(ticks, slice(start, None))
    conversion = load_conversion(request, inside, checkpoint)
    return Market(
        ticks=inside,
        bars=_counted_from(bars, start),
        conversion=conversion,
        days=trading_days(inside, conversion),
        given=given,
        first_bar=first_bar,
        at_end=ExitReason.END_OF_DATA if dates.to_ms is None else ExitReason.END_OF_RANGE,
    )


def _position(ticks: Ticks, time_ms: int | None) -> int:
    return len(ticks) if time_ms is None else int(np.searchsorted(ticks.time_ms, time_ms))


def _piece(ticks: Ticks, part: slice) -> Ticks:
    if part in (slice(None, len(ticks)), slice(0, None)):
        return ticks
    return Ticks(ticks.pair, ticks.digits, ticks.time_ms[part], ticks.bid[part], ticks.ask[part])


def _bars_piece(given: QuoteBars, part: slice) -> QuoteBars:
    arrays = given.open_time_ms[part], given.bid[part], given.ask[part], given.tick_count[part]
    return QuoteBars(given.pair, given.timeframe_ms, given.digits, *arrays)


def _counted_from(bars: Bars, start: int) -> Bars:
    """Return the bars with ticks counted from the first one of the range; those of earlier bars are all 0."""
    if not start:
        return bars
    first_tick = np.maximum(bars.first_tick - start, 0)
    first_tick.setflags(write=False)
    return Bars(
        bars.timeframe_ms,
        bars.digits,
        bars.open_time_ms,
        bars.bid_points,
        bars.ask_points,
        bars.mid2_points,
        bars.tick_count,
        first_tick,
        bars.grid,
    )


def _nothing_there(request: PairRequest, ticks: Ticks, dates: DateRange) -> str:
    times = ticks.time_ms
    stored = f"; stored are {format_span(int(times[0]), int(times[-1]))}" if len(times) else ""
    return f"{request.pair}: expected {request.made_from} in the range {dates}, found none{stored}"


def load_conversion(request: PairRequest, ticks: Ticks, checkpoint: Checkpoint) -> Conversion:
    """Read the prices that turn profits of the ticks' pair into the account's currency.

    Raises
    ------
    DataError
        If a pair that is needed has no stored prices.
    """
    legs = tuple(PricedLeg(leg, _leg_quotes(request, ticks, leg, checkpoint)) for leg in legs_of(request))
    return Conversion(legs, request.sides)


def _leg_quotes(request: PairRequest, ticks: Ticks, leg: Leg, checkpoint: Checkpoint) -> Quotes | TickQuotes:
    name = leg.pair.name
    if name == ticks.pair.name:
        return TickQuotes(ticks)
    bars_ms = converting_bars(request.data_dir, name)
    if bars_ms is not None:
        return TickQuotes(ticks_of_quote_bars(BarStore(request.data_dir).read(name, bars_ms)))

    def gather(manifest: TickManifest, pieces: Iterator[Ticks]) -> Quotes:
        span_ms = (manifest.years[0].first_ms, manifest.years[-1].last_ms)
        return Quotes.gather(pieces, manifest.ticks, manifest.digits, span_ms, request.sides)

    # Only its prices by time are kept, a third of its ticks.
    return TickStore(request.data_dir).scan(
        name, gather, on_chunk=lambda rows: checkpoint("read", 0, 0, name, rows), until_ms=request.until_ms
    )
