"""A pair's market: ticks, bars, conversion, trading days."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from necrozma_core.backtest.conversion_choice import legs_of
from necrozma_core.backtest.outcome import Checkpoint, Market
from necrozma_core.backtest.request import PairRequest
from necrozma_core.market.bar_building import bars_from_ticks
from necrozma_core.market.conversion_paths import Leg
from necrozma_core.market.ticks import Ticks
from necrozma_core.market.timeframes import format_timeframe
from necrozma_core.money.conversion import Conversion, PricedLeg, Quotes, TickQuotes
from necrozma_core.money.equity import trading_days
from necrozma_core.storage.ticks.manifest import TickManifest
from necrozma_core.storage.ticks.store import TickStore


def load_market(request: PairRequest, checkpoint: Checkpoint) -> Market:
    """Read a pair's ticks and build what its strategies share: bars, conversion, trading days."""
    store = TickStore(request.data_dir)
    ticks = replace(_read_ticks(store, request.pair, checkpoint), pair=request.instrument)
    checkpoint("bars", 0, 0, format_timeframe(request.timeframe_ms), len(ticks))
    bars = bars_from_ticks(ticks, request.timeframe_ms)
    conversion = load_conversion(store, ticks, legs_of(request), checkpoint)
    return Market(ticks, bars, conversion, trading_days(ticks, conversion))


def _read_ticks(store: TickStore, pair: str, checkpoint: Checkpoint) -> Ticks:
    return store.read(pair, on_chunk=lambda rows: checkpoint("read", 0, 0, pair, rows))


def load_conversion(store: TickStore, ticks: Ticks, legs: Sequence[Leg], checkpoint: Checkpoint) -> Conversion:
    """Read the prices that turn profits of the ticks' pair into the account's currency.

    Raises
    ------
    DataError
        If a pair that is needed has no stored ticks.
    """
    return Conversion(tuple(PricedLeg(leg, _leg_quotes(store, ticks, leg, checkpoint)) for leg in legs))


def _leg_quotes(store: TickStore, ticks: Ticks, leg: Leg, checkpoint: Checkpoint) -> Quotes | TickQuotes:
    name = leg.pair.name
    if name == ticks.pair.name:
        return TickQuotes(ticks)

    def gather(manifest: TickManifest, pieces: Iterator[Ticks]) -> Quotes:
        span_ms = (manifest.years[0].first_ms, manifest.years[-1].last_ms)
        return Quotes.gather(pieces, manifest.ticks, manifest.digits, span_ms)

    # Only its prices by time are kept, a third of its ticks.
    return store.scan(name, gather, on_chunk=lambda rows: checkpoint("read", 0, 0, name, rows))
