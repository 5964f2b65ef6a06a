"""From settings to requests: what a run will compute, the largest pair first."""

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from config import Settings
from necrozma_core.costs import Account, Costs
from necrozma_core.errors import DamagedError, UsageError
from necrozma_core.jobs import PairRequest, with_key
from necrozma_core.storage.tick_store import TickStore
from necrozma_core.strategies.source import StrategySource
from necrozma_core.timeframes import parse_timeframe

if TYPE_CHECKING:
    # Plans are made before Prefect is imported.
    from prefect.flows import Flow


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


def recorded_settings(settings: Settings) -> dict[str, Any]:
    """Return the settings as JSON, for the manifest and for Prefect."""
    return settings.record()


def recorded_inputs(requests: list[PairRequest]) -> dict[str, Any]:
    """Return what a run is computed from: each pair's ticks, by hash, and the strategies."""
    inputs: dict[str, Any] = {}
    for request in requests:
        with suppress(DamagedError):
            inputs[request.pair] = TickStore(request.data_dir).fingerprint(request.pair)
    if requests:
        inputs["strategies"] = requests[0].source.fingerprint()
    return inputs


def flow_parameters(settings: Settings, flow: "Flow[Any, Any]") -> dict[str, Any]:
    """Return those settings that are parameters of the flow, so that the history shows them and a retry has them.

    Paths are absolute, because a retry may start elsewhere. A cooldown that nobody asked for is left out.
    """
    absolute = {name: value.absolute() for name, value in settings if isinstance(value, Path)}
    recorded = recorded_settings(settings.model_copy(update=absolute))
    recorded["keep_trades"] = "all" if settings.keep_trades is None else settings.keep_trades
    names = set(flow.parameters.properties) - (set() if settings.cooldown_explicit else {"cooldown_seconds"})
    return {name: value for name, value in recorded.items() if name in names}


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


def source_of(settings: Settings) -> StrategySource:
    """Return where the strategies of a run come from; UsageError if that cannot be read."""
    if settings.strategies is not None:
        return StrategySource.from_file(settings.strategies.absolute())
    if settings.settings_file is not None:
        return StrategySource.from_settings(settings.settings_file.absolute())
    if settings.grid is not None:
        return StrategySource.from_grid(settings.grid)
    return StrategySource()
