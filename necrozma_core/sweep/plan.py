"""From what is asked to requests: what a sweep will compute, the largest pair first."""

from contextlib import suppress
from typing import Any

from necrozma_core.backtest.key import engine_fingerprint, with_key
from necrozma_core.backtest.prices import Prices, choose_bars, pairs_with_prices, prices_fingerprint
from necrozma_core.backtest.request import PairRequest, Receipt, stored_receipt
from necrozma_core.errors import DamagedError, StorageError
from necrozma_core.market.instruments import get_pair
from necrozma_core.storage.bars.store import BarStore
from necrozma_core.storage.results_folder import ResultsFolder
from necrozma_core.storage.ticks.store import TickStore, no_ticks_error
from necrozma_core.sweep.request import SweepRequest


def plan_requests(sweep: SweepRequest) -> list[PairRequest]:
    """Make a request for every pair of a sweep, the one with the most ticks first: no long one is left for last.

    A pair whose stored ticks are damaged keeps an empty key: it will fail by itself when its turn comes.

    Raises
    ------
    UsageError
        The user's file of strategies cannot be used.
    DataError
        There are no ticks at all, or none of a pair that was asked for or that converts another's profits.
    """
    sweep.source.try_file()
    pairs = [get_pair(name).name for name in sweep.pairs] or pairs_with_prices(sweep.data, Prices(sweep.prices))
    if not pairs:
        raise no_ticks_error(sweep.data)
    sized = {pair: _size(sweep, pair) for pair in pairs}
    return [_request(sweep, pair) for pair in sorted(sized, key=lambda pair: (-sized[pair], pair))]


def recorded_inputs(requests: list[PairRequest]) -> dict[str, Any]:
    """Return what a run is computed from, by hash: each pair's ticks, the strategies, the engine."""
    inputs: dict[str, Any] = {}
    for request in requests:
        with suppress(DamagedError):
            inputs[request.pair] = prices_fingerprint(request.data_dir, request.pair, request.bars_ms, request.until_ms)
    if requests:
        inputs["strategies"] = requests[0].source.fingerprint()
        inputs["engine"] = engine_fingerprint()
    return inputs


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
    request = PairRequest(
        pair=pair,
        timeframe_ms=sweep.timeframe_ms,
        grid=sweep.grid,
        bars_ms=_bars(sweep, pair),
        dates=dates,
        holdout=holdout if sweep.use_holdout else None,
        source=sweep.source,
        data_dir=sweep.data.absolute(),
        results_dir=sweep.results.absolute(),
        lots=sweep.lots,
        costs=sweep.costs_of(pair),
        account=sweep.account,
        keep_trades=sweep.keep_trades,
    )
    with suppress(DamagedError):
        return with_key(request)
    return request


def _bars(sweep: SweepRequest, pair: str) -> int | None:
    return choose_bars(sweep.data, pair, sweep.timeframe_ms, Prices(sweep.prices))


def _size(sweep: SweepRequest, pair: str) -> int:
    """Return how many ticks or bars a pair has; 0 where what is recorded of them is damaged."""
    try:
        bars_ms = _bars(sweep, pair)
        if bars_ms is None:
            return TickStore(sweep.data).summary(pair).ticks
        return BarStore(sweep.data).summary(pair, bars_ms).bars
    except DamagedError:
        return 0
