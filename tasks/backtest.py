"""One pair: its key, what is stored under it already, or a worker that computes it, and a receipt."""

from typing import Any, Protocol

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import TaskRun
from prefect.states import Cancelled, State
from prefect.tasks import Task

from necrozma_core.backtest.key import with_key
from necrozma_core.backtest.request import PairRequest, Receipt, stored_receipt
from necrozma_core.errors import DamagedError, PoisonousPairError, StoppedError, StorageError, WorkerError
from necrozma_core.storage.results_folder import ResultsFolder
from tasks.artifacts import show_pair

RETRY_DELAYS_S = (0.5, 2.0)
"""Short enough for Ctrl-C: Prefect sleeps through them, whatever happens meanwhile."""


class Workers(Protocol):
    """Whoever computes a pair: a pool of processes, or a test."""

    def run(self, request: PairRequest) -> Receipt:
        """Backtest a pair and store its results."""
        ...


def is_worth_retrying(task: "Task[Any, Any]", task_run: TaskRun, state: "State[Any]") -> bool:
    """Tell whether another try may end better: after a died worker or trouble with the disk, nothing else.

    Bad data stays bad, a strategy that raises will raise again, and a run that ends wants no retries.
    """
    error = state.data
    if isinstance(error, PoisonousPairError | DamagedError):
        return False
    return isinstance(error, WorkerError | StorageError | OSError)


@task(
    name="backtest-pair",
    task_run_name="{request.pair}",
    retries=len(RETRY_DELAYS_S),
    retry_delay_seconds=list(RETRY_DELAYS_S),
    retry_condition_fn=is_worth_retrying,
    # The store knows what is computed already, by content; Prefect's cache would only know by name.
    cache_policy=NO_CACHE,
    persist_result=False,
)
def backtest_pair(request: PairRequest, workers: Workers) -> "Receipt | State[None]":
    """Backtest every strategy on one pair, unless the store holds the result already.

    Returns
    -------
    Receipt, or a cancelled state if the run is ending.
    """
    request = with_key(request)
    store = ResultsFolder(request.results_dir).store
    try:
        stored = store.has(request.pair, request.key)
        receipt = stored_receipt(store, request) if stored else workers.run(request)
    except StoppedError as error:
        return Cancelled(message=str(error))
    show_pair(store, receipt, request.account.initial_balance)
    return receipt
