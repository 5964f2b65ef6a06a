"""From what is asked to requests: what a sweep will compute, the largest pair first."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from necrozma_core.backtest.key import engine_fingerprint, with_key
from necrozma_core.backtest.prices import Prices, choose_bars, converting_bars, pairs_with_prices, prices_fingerprint
from necrozma_core.backtest.request import PairRequest, Receipt, stored_receipt
from necrozma_core.errors import ConversionError, DamagedError, StorageError, UsageError
from necrozma_core.market.conversion_paths import describe_path
from necrozma_core.market.date_range import DateRange
from necrozma_core.market.instruments import Terms, get_pair
from necrozma_core.market.timeframes import format_timeframe
from necrozma_core.storage.bars.store import BarStore
from necrozma_core.storage.results_folder import ResultsFolder
from necrozma_core.storage.ticks.store import TickStore, no_ticks_error
from necrozma_core.strategies.source import SourceKind
from necrozma_core.sweep.request import SweepRequest


def plan_requests(sweep: SweepRequest) -> list[PairRequest]:
    """Make a request for every pair of a sweep, the one with the most ticks first: no long one is left for last.

    A pair whose stored ticks are damaged, or whose profits no stored pairs convert, keeps an empty key: it will fail
    by itself when its turn comes.

    Raises
    ------
    UsageError
        The user's file of strategies cannot be used; a filter's timeframe cannot be made of the strategies'; or a
        latency was asked for where there are only bars.
    DataError
        There are no ticks at all, or none of a pair that was asked for.
    ConversionError
        No pair's profits can be converted.
    """
    sweep.source.try_file(sweep.timeframe_ms)
    _refuse_without_stop(sweep)
    pairs = [get_pair(name).name for name in sweep.pairs] or pairs_with_prices(sweep.data, Prices(sweep.prices))
    if not pairs:
        raise no_ticks_error(sweep.data)
    sized = {pair: _size(sweep, pair) for pair in pairs}
    requests, refusals = [], []
    for pair in sorted(sized, key=lambda pair: (-sized[pair], pair)):
        request = _request(sweep, pair)
        requests.append(request)
        try:
            requests[-1] = with_key(request)
        except DamagedError:
            pass
        except ConversionError as error:
            refusals.append(error)
    if len(refusals) == len(requests):
        raise refusals[0]
    return requests


def recorded_inputs(requests: list[PairRequest]) -> dict[str, Any]:
    """Return what a run is computed from: by hash each pair's ticks, those that convert, the strategies, the engine.

    By which pairs profits are converted is told beside them.
    """
    inputs: dict[str, Any] = {}
    for request in requests:
        for name in (request.pair, *(leg.pair.name for leg in request.legs or ())):
            bars_ms = request.bars_ms if name == request.pair else converting_bars(request.data_dir, name)
            with suppress(DamagedError):
                inputs[name] = prices_fingerprint(request.data_dir, name, bars_ms, request.until_ms)
    if requests:
        inputs["conversion"] = described_paths(requests)
        inputs["strategies"] = requests[0].source.fingerprint()
        inputs["engine"] = engine_fingerprint()
    if free := without_swap(requests):
        inputs["without_swap_rates"] = free
    return inputs


def without_swap(requests: Sequence[PairRequest]) -> list[str]:
    """Return the pairs whose nights are free while others' are not."""
    free = [request.pair for request in requests if not request.costs.dated_swap]
    return sorted(free) if len(free) < len(requests) else []


def described_paths(requests: Sequence[PairRequest]) -> dict[str, list[str]]:
    """Say of each pair that is converted which pairs do it, a text a leg."""
    return {request.pair: describe_path(request.legs) for request in requests if request.legs}


def find_stored(request: PairRequest) -> Receipt | None:
    """Return the receipt of a result that the store has already; None where it has not.

    The one place that asks: before the workers are counted, and before any of them is given a pair.
    """
    store = ResultsFolder(request.results_dir).store
    is_stored = bool(request.key) and store.has(request.pair, request.key)
    return stored_receipt(store, request) if is_stored else None


def count_missing(requests: list[PairRequest]) -> int:
    """Count the requests whose results the store lacks.

    A result that cannot be read counts as lacking: that is its pair's trouble, told when the pair's turn comes.
    """
    missing = 0
    for request in requests:
        try:
            missing += find_stored(request) is None
        except StorageError:
            missing += 1
    return missing


def _request(sweep: SweepRequest, pair: str) -> PairRequest:
    dates, holdout = sweep.split()
    bars_ms = _bars(sweep, pair)
    if bars_ms is not None and sweep.latency_ms:
        raise UsageError(
            f"--latency-ms {sweep.latency_ms}: {pair} has no ticks to tell it by, only bars of "
            f"{format_timeframe(bars_ms)}; leave it out, or import ticks"
        )
    return PairRequest(
        pair=pair,
        timeframe_ms=sweep.timeframe_ms,
        grid=sweep.grid,
        bars_ms=bars_ms,
        dates=dates,
        holdout=holdout if sweep.use_holdout else None,
        source=sweep.source,
        data_dir=sweep.data.absolute(),
        results_dir=sweep.results.absolute(),
        lots=sweep.lots,
        asked_size=sweep.size,
        account_margin=sweep.margin,
        costs=sweep.costs_of(pair),
        sides=sweep.conversion == "side",
        account=sweep.account,
        terms=sweep.instruments.get(pair, Terms()),
        keep_trades=sweep.keep_trades,
        latency_ms=sweep.latency_ms,
        max_quote_age_ms=sweep.max_quote_age_ms,
    )


def _refuse_without_stop(sweep: SweepRequest) -> None:
    """Refuse a size that nothing limits; a user's strategies are known only where they run, and fail there."""
    if sweep.size is None or not sweep.size.needs_stop or sweep.source.kind is SourceKind.FILE:
        return
    strategies = sweep.source.load()
    if without := [each.name for each in strategies if each.stop_loss_pips is None and not each.orders.stop_loss_atr]:
        others = f" and {len(without) - 1:,} more have" if len(without) > 1 else " has"
        raise UsageError(
            f"--size {sweep.size}: {without[0]}{others} no stop, so that what a position risks is not known; "
            "give stop_loss_pips or stop_loss_atr"
        )


def _bars(sweep: SweepRequest, pair: str) -> int | None:
    dates, holdout = sweep.split()
    end = dates.to_ms if holdout is None or not sweep.use_holdout else holdout.to_ms
    return choose_bars(sweep.data, pair, sweep.timeframe_ms, Prices(sweep.prices), DateRange(dates.from_ms, end))


def _size(sweep: SweepRequest, pair: str) -> int:
    """Return how many ticks or bars a pair has; 0 where what is recorded of them is damaged."""
    try:
        bars_ms = _bars(sweep, pair)
        if bars_ms is None:
            return TickStore(sweep.data).summary(pair).ticks
        return BarStore(sweep.data).summary(pair, bars_ms).bars
    except DamagedError:
        return 0
