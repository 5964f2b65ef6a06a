"""Settings as what a sweep is asked to do, and as the parameters of the flow."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from flows.configuration import SETTINGS
from flows.folders import cache_folder
from flows.resuming import resuming_command
from flows.settings import Settings
from necrozma_core.market.date_range import DateRange
from necrozma_core.market.instruments import Terms
from necrozma_core.market.moments import parse_moment
from necrozma_core.money.costs import Account, CommissionTerms, Costs
from necrozma_core.money.margin import Margin
from necrozma_core.money.size import Size
from necrozma_core.money.swaps import SwapTable
from necrozma_core.strategies.source import StrategySource
from necrozma_core.sweep.request import SweepRequest
from necrozma_core.throttle.limits import Limits
from necrozma_core.throttle.priority import Priority
from necrozma_core.workers.limits import WorkerLimits


def sweep_request(settings: Settings) -> SweepRequest:
    """Make what a sweep is asked to do of the settings of a run.

    Raises
    ------
    UsageError
        The strategies cannot be read.
    """
    request = SweepRequest(
        data=settings.data,
        results=settings.results,
        pairs=settings.pairs or (),
        source=source_of(settings),
        timeframe=settings.timeframe,
        day_end=settings.day_end,
        offset=settings.bar_offset,
        prices=settings.prices,
        dates=_dates(settings),
        holdout_ms=None if settings.holdout is None else parse_moment(settings.holdout, "--holdout"),
        use_holdout=settings.use_holdout,
        lots=settings.lots,
        size=None if settings.size is None else Size.parse(settings.size),
        margin=Margin(settings.leverage, settings.stop_out_percent),
        costs=_costs(settings),
        commissions={pair: CommissionTerms(**asdict(each)) for pair, each in settings.commissions.items()},
        latency_ms=settings.latency_ms,
        max_quote_age_ms=None if settings.max_quote_age_s is None else round(settings.max_quote_age_s * 1000),
        swap_pips={pair: (rates.long, rates.short) for pair, rates in settings.swap_rates.items()},
        swap_table=None if settings.swap_table is None else SwapTable.from_file(settings.swap_table.absolute()),
        swap_triple_day=settings.swap_triple_day,
        instruments={pair: Terms(**asdict(each)) for pair, each in settings.instruments.items()},
        account=Account(settings.account_currency, settings.initial_balance),
        conversion=settings.conversion,
        keep_trades=settings.keep_trades,
        rank_by=settings.rank_by,
        json_copies=settings.storage_format == "json",
        strict=settings.strict,
        limits=_limits(settings),
        workers=WorkerLimits(_priority(settings), settings.worker_memory_mb, settings.pair_timeout_s),
        kernels=cache_folder(),
        label=settings.label or "",
        settings=settings.record(),
        retry=resuming_command(settings),
    )
    # What a settings file says of dates belongs to the record: the file may say another range when a run is retried.
    return replace(request, settings={**settings.record(), **request.described_dates()})


def flow_parameters(settings: Settings) -> dict[str, Any]:
    """Return those settings that are parameters of the flow, so that the history shows them and a retry has them.

    Paths are absolute, because a retry may start elsewhere. A cooldown that nobody asked for is left out.
    """
    absolute = {name: value.absolute() for name, value in settings if isinstance(value, Path)}
    return recorded_parameters(settings.model_copy(update=absolute).record())


def recorded_parameters(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of the recorded settings of a run that are parameters of the flow, see `flow_parameters`."""
    names = {name for name, setting in SETTINGS.items() if setting.form is not None}
    if not record.get("cooldown_explicit"):
        names.discard("cooldown_seconds")
    parameters = {name: value for name, value in record.items() if name in names}
    if "keep_trades" in parameters and parameters["keep_trades"] is None:
        parameters["keep_trades"] = "all"
    return parameters


def source_of(settings: Settings) -> StrategySource:
    """Return where the strategies of a run come from; UsageError if that cannot be read."""
    if settings.strategies is not None:
        return StrategySource.from_file(settings.strategies.absolute())
    if settings.settings_file is not None:
        return StrategySource.from_settings(settings.settings_file.absolute())
    if settings.grid is not None:
        return StrategySource.from_grid(settings.grid)
    if settings.catalog is not None:
        return StrategySource.from_catalog(settings.catalog)
    return StrategySource()


def _costs(settings: Settings) -> Costs:
    return Costs(
        commission_per_lot=settings.commission,
        slippage_pips=settings.slippage_pips,
        spread_markup_pips=settings.spread_markup_pips,
        commission_per_million=settings.commission_per_million,
        commission_percent=settings.commission_percent,
        commission_minimum=settings.commission_minimum,
    )


def _dates(settings: Settings) -> DateRange | None:
    start = None if settings.date_from is None else parse_moment(settings.date_from, "--from")
    end = None if settings.date_to is None else parse_moment(settings.date_to, "--to")
    return None if start is None and end is None else DateRange(start, end)


def _limits(settings: Settings) -> Limits:
    return Limits(
        workers=settings.workers,
        cpu_limit=settings.cpu_limit,
        adaptive=settings.adaptive_throttling,
        cooldown_s=settings.cooldown_seconds,
        cooldown_explicit=settings.cooldown_explicit,
        cpu_check_interval=settings.cpu_check_interval,
        max_temperature_c=settings.max_temperature_c,
        memory_floor_mb=settings.memory_floor_mb,
    )


def _priority(settings: Settings) -> Priority:
    return Priority.BACKGROUND if settings.background else Priority.NICE if settings.nice else Priority.NORMAL
