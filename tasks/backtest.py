"""One pair as a task: wait for its receipt from the sweep, then show it in Prefect."""

from typing import Any, Protocol

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.states import Cancelled
from prefect.tasks import Task

from necrozma_core.backtest.request import PairRequest, Receipt
from necrozma_core.errors import StoppedError
from necrozma_core.storage.results.store import ResultStore
from necrozma_core.storage.runs.folder import STORE_FOLDER
from necrozma_core.sweep.retries import RETRY_DELAYS_S, is_worth_retrying
from tasks.artifacts import pair_artifact


class Pairs(Protocol):
    """What has pairs computed: the dispatch of a sweep, or a fake in a test."""

    def next_try(self, request: PairRequest) -> Receipt:
        """Return the receipt of a pair once it is stored, on its first try or on a further one."""
        ...


def may_retry(task: "Task[Any, Any]", task_run: TaskRun, state: "State[Any]") -> bool:
    """Tell Prefect whether another try of a task may succeed."""
    return is_worth_retrying(state.data)


@task(
    name="backtest-pair",
    task_run_name="{request.pair}",
    retries=len(RETRY_DELAYS_S),
    retry_delay_seconds=list(RETRY_DELAYS_S),
    retry_condition_fn=may_retry,
    # The store knows by content what was computed; Prefect's cache would know only by name.
    cache_policy=NO_CACHE,
    persist_result=False,
)
def backtest_pair(request: PairRequest, pairs: Pairs) -> "Receipt | State[None]":
    """Backtest every strategy on one pair, unless the store holds the result already.

    Returns
    -------
    Receipt, or a cancelled state
        The state if the run is ending.
    """
    try:
        receipt = pairs.next_try(request)
    except StoppedError as error:
        return Cancelled(message=str(error))
    pair_artifact(ResultStore(request.results_dir / STORE_FOLDER), receipt, request.account.initial_balance)
    return receipt
