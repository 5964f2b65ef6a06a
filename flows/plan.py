"""From settings to requests: what a run will compute, the largest pair first."""

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from config import Settings
from flows.sweep_request import source_of
from necrozma_core.backtest.key import engine_fingerprint, with_key
from necrozma_core.backtest.request import PairRequest
from necrozma_core.errors import DamagedError, UsageError
from necrozma_core.market.timeframes import parse_timeframe
from necrozma_core.money.costs import Account, Costs
from necrozma_core.storage.ticks.store import TickStore
from necrozma_core.strategies.source import StrategySource

if TYPE_CHECKING:
    # Plans are made before Prefect is imported.
    pass


def plan_requests(settings: Settings) -> list[PairRequest]:
    """Make a request for every pair of a run, the one with the most ticks first, so that no long one is left for last.

    A pair whose stored ticks are damaged keeps an empty key: it will fail by itself when its turn comes.

    Raises
    ------
    UsageError
        There are no ticks at all, or the strategies cannot be read.
    DataError
        A pair that was asked for has no ticks, or the pair that converts its profits has none.
    """
    store = TickStore(settings.data)
    pairs = settings.pairs or store.pairs()
    if not pairs:
        raise UsageError(
            f"{settings.data}: no ticks there; bring some with `necrozma data import FILES --pair EURUSD --to "
            f"{settings.data}` or make some with `necrozma data sample --to {settings.data}`"
        )
    source = source_of(settings)
    sized = {pair: _ticks(store, pair) for pair in pairs}
    return [_request(settings, source, pair) for pair in sorted(sized, key=lambda pair: (-sized[pair], pair))]


def recorded_inputs(requests: list[PairRequest]) -> dict[str, Any]:
    """Return what a run is computed from, by hash: each pair's ticks, the strategies, the engine."""
    inputs: dict[str, Any] = {}
    for request in requests:
        with suppress(DamagedError):
            inputs[request.pair] = TickStore(request.data_dir).fingerprint(request.pair)
    if requests:
        inputs["strategies"] = requests[0].source.fingerprint()
        inputs["engine"] = engine_fingerprint()
    return inputs


def _request(settings: Settings, source: StrategySource, pair: str) -> PairRequest:
    swap = settings.swap_rates.get(pair)
    request = PairRequest(
        pair=pair,
        timeframe_ms=parse_timeframe(settings.timeframe),
        source=source,
        data_dir=settings.data.absolute(),
        results_dir=settings.results.absolute(),
        lots=settings.lots,
        costs=Costs(
            commission_per_lot=settings.commission,
            slippage_pips=settings.slippage_pips,
            swap_long_pips=swap.long if swap else 0.0,
            swap_short_pips=swap.short if swap else 0.0,
        ),
        account=Account(settings.account_currency, settings.initial_balance),
        keep_trades=settings.keep_trades,
    )
    with suppress(DamagedError):
        return with_key(request)
    return request


def _ticks(store: TickStore, pair: str) -> int:
    try:
        return store.summary(pair).ticks
    except DamagedError:
        return 0
