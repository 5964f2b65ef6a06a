"""The flow: every strategy on every pair. Prefect loads this file by its path, so nothing else lives here."""

from pathlib import Path
from typing import Annotated, Literal

from prefect import flow, unmapped
from prefect.client.schemas.objects import State

from flows.binding import bound_flow
from flows.fields import Commission, Instrument, SwapRates
from flows.notifications import notify
from flows.parameters import Kept, parameter
from flows.runner import ThrottledRunner
from tasks.backtest import backtest_pair
from tasks.ranking import rank_results
from tasks.report import publish_report


@flow(
    name="backtest-pairs",
    task_runner=ThrottledRunner(),  # type: ignore[arg-type]  # typed for runners of any future; ours gives one kind
    persist_result=False,
    on_completion=[notify],
    on_failure=[notify],
    on_cancellation=[notify],
    on_crashed=[notify],
)
def backtest_pairs(
    pairs: Annotated[list[str] | None, parameter("pairs")] = None,
    timeframe: Annotated[str | None, parameter("timeframe")] = None,
    day_end: Annotated[str | None, parameter("day_end")] = None,
    bar_offset: Annotated[str | None, parameter("bar_offset")] = None,
    prices: Annotated[Literal["auto", "ticks", "bars"] | None, parameter("prices")] = None,
    date_from: Annotated[str | None, parameter("date_from")] = None,
    date_to: Annotated[str | None, parameter("date_to")] = None,
    holdout: Annotated[str | None, parameter("holdout")] = None,
    use_holdout: Annotated[bool | None, parameter("use_holdout")] = None,
    data: Annotated[Path | None, parameter("data")] = None,
    results: Annotated[Path | None, parameter("results")] = None,
    strategies: Annotated[Path | None, parameter("strategies")] = None,
    settings_file: Annotated[Path | None, parameter("settings_file")] = None,
    grid: Annotated[str | None, parameter("grid")] = None,
    catalog: Annotated[Literal["default", "extended"] | None, parameter("catalog")] = None,
    lots: Annotated[float | None, parameter("lots")] = None,
    size: Annotated[str | None, parameter("size")] = None,
    leverage: Annotated[float | None, parameter("leverage")] = None,
    stop_out_percent: Annotated[float | None, parameter("stop_out_percent")] = None,
    commission: Annotated[float | None, parameter("commission")] = None,
    commission_per_million: Annotated[float | None, parameter("commission_per_million")] = None,
    commission_percent: Annotated[float | None, parameter("commission_percent")] = None,
    commission_minimum: Annotated[float | None, parameter("commission_minimum")] = None,
    commissions: Annotated[dict[str, Commission] | None, parameter("commissions")] = None,
    slippage_pips: Annotated[float | None, parameter("slippage_pips")] = None,
    spread_markup_pips: Annotated[float | None, parameter("spread_markup_pips")] = None,
    latency_ms: Annotated[int | None, parameter("latency_ms")] = None,
    max_quote_age_s: Annotated[float | None, parameter("max_quote_age_s")] = None,
    swap_rates: Annotated[dict[str, SwapRates] | None, parameter("swap_rates")] = None,
    swap_table: Annotated[Path | None, parameter("swap_table")] = None,
    swap_triple_day: Annotated[dict[str, str] | None, parameter("swap_triple_day")] = None,
    instruments: Annotated[dict[str, Instrument] | None, parameter("instruments")] = None,
    account_currency: Annotated[str | None, parameter("account_currency")] = None,
    conversion: Annotated[Literal["mid", "side"] | None, parameter("conversion")] = None,
    initial_balance: Annotated[float | None, parameter("initial_balance")] = None,
    storage_format: Annotated[Literal["parquet", "json"] | None, parameter("storage_format")] = None,
    keep_trades: Annotated[Kept | None, parameter("keep_trades")] = None,
    rank_by: Annotated[Literal["deflated_sharpe", "sharpe", "net_profit"] | None, parameter("rank_by")] = None,
    strict: Annotated[bool | None, parameter("strict")] = None,
    workers: Annotated[int | None, parameter("workers")] = None,
    cpu_limit: Annotated[float | None, parameter("cpu_limit")] = None,
    cooldown_seconds: Annotated[float | None, parameter("cooldown_seconds")] = None,
    nice: Annotated[bool | None, parameter("nice")] = None,
    background: Annotated[bool | None, parameter("background")] = None,
    pair_timeout_s: Annotated[float | None, parameter("pair_timeout_s")] = None,
    worker_memory_mb: Annotated[int | None, parameter("worker_memory_mb")] = None,
    label: Annotated[str | None, parameter("label")] = None,
) -> "str | State[None]":
    """Backtest every strategy on every pair; what is stored already is not computed again.

    Returns the run's id, which is the name of its folder below ``results/runs``. Pairs that fail leave the others
    done; the flow then fails with their names and the command that retries them.
    """
    with bound_flow() as binding:
        session = binding.session
        with binding.admitting():
            backtest_pair.map(session.requests, unmapped(session.dispatch))
        if session.is_stopping:
            return binding.cancelled_state()
        session.complete(rank_results, publish_report)
        if session.is_stopping:
            return binding.cancelled_state()
        session.outcome().raise_failures()
        return session.run_id
