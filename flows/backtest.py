"""The flow: every strategy on every pair. Prefect loads this file by its path, so nothing else lives here."""

from prefect import flow, unmapped
from prefect.client.schemas.objects import State

from flows import parameters
from flows.binding import bound_flow
from flows.notifications import notify
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
    pairs: parameters.Pairs = None,
    timeframe: parameters.Timeframe = None,
    data: parameters.DataFolder = None,
    results: parameters.ResultsFolder = None,
    strategies: parameters.StrategiesFile = None,
    settings_file: parameters.SettingsFile = None,
    grid: parameters.Grid = None,
    lots: parameters.Lots = None,
    commission: parameters.Commission = None,
    slippage_pips: parameters.Slippage = None,
    swap_rates: parameters.Swaps = None,
    account_currency: parameters.Currency = None,
    initial_balance: parameters.Balance = None,
    keep_trades: parameters.KeepTrades = None,
    workers: parameters.Workers = None,
    cpu_limit: parameters.CpuLimit = None,
    cooldown_seconds: parameters.Cooldown = None,
    nice: parameters.Nice = None,
    background: parameters.Background = None,
    pair_timeout_s: parameters.PairTimeout = None,
    worker_memory_mb: parameters.WorkerMemory = None,
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
        session.outcome().raise_failures()
        return session.run_id
