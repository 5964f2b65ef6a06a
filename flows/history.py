"""What is told to Prefect beside the flow itself: names, dead runs, and that all of it has arrived.

None of it decides over results, so a server that does not answer costs a line in the log.
"""

import logging
import re
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    TaskRunFilter,
    TaskRunFilterFlowRunId,
    TaskRunFilterState,
    TaskRunFilterStateType,
)
from prefect.client.schemas.objects import TERMINAL_STATES, FlowRun, StateType
from prefect.events.worker import EventsWorker
from prefect.exceptions import PrefectHTTPStatusError
from prefect.logging.handlers import APILogWorker

from flows.untold import Ask, mark_crashed, tell_untold
from necrozma_core.errors import NecrozmaError
from tasks.best_effort import once_tried

_FLUSH_S: Final = 5.0
_ARRIVAL_S: Final = 10.0
_POLL_S: Final = 0.1
_ABSENCE_S: Final = 20.0
_LOOK_S: Final = 0.5
_TELLING_S: Final = 5.0

_RUN_ID: Final = re.compile(r"\d{8}-\d{6}-[0-9a-f]{4}")

_log = logging.getLogger(__name__)


def wait_for_server(
    tell: Callable[[str], None], is_worth_waiting: Callable[[], bool], is_wanted: Callable[[], bool]
) -> None:
    """Return when the server that the user named answers, or when it is no longer worth waiting.

    It may be starting anew, and a flow run can only be made while it answers. Pairs are computed meanwhile, so it is
    waited for while they are, and for `_ABSENCE_S` in any case. What else is wrong with it is for Prefect to say.

    Parameters
    ----------
    tell : callable
        Takes a line for the user.
    is_worth_waiting : callable
        Tells whether pairs are being computed.
    is_wanted : callable
        Tells whether the run still wants the server.
    """
    deadline = time.monotonic() + _ABSENCE_S
    is_told = False
    with get_client(sync_client=True) as client:
        # Something that answers is there, whatever it answers.
        while (error := client.api_healthcheck()) and not isinstance(error, PrefectHTTPStatusError):
            if not is_told:
                tell(f"the Prefect server does not answer ({error}); the backtests go on, and it is waited for")
                is_told = True
            if not is_wanted() or (time.monotonic() > deadline and not is_worth_waiting()):
                return
            time.sleep(_LOOK_S)


@once_tried
def name_flow_run(flow_run: FlowRun, run_id: str, pairs: Sequence[str]) -> None:
    """Give a flow run the name of its run folder, and its pairs as tags beside those that it has.

    A flow run that is retried gets another folder and keeps the name under which it is known; the new folder's name is
    added as a tag.
    """
    is_retried = bool(_RUN_ID.fullmatch(flow_run.name))
    tags = [*flow_run.tags, "necrozma", *pairs, *([_folder_tag(run_id)] if is_retried else [])]
    with get_client(sync_client=True) as client:
        name = flow_run.name if is_retried else run_id
        client.update_flow_run(flow_run.id, name=name, tags=list(dict.fromkeys(tags)))


def _folder_tag(run_id: str) -> str:
    return f"run:{run_id}"


@once_tried
def mark_crashed_flow_runs(run_ids: Sequence[str], but: UUID | None = None) -> None:
    """Mark the flow runs of runs that were found dead, and their tasks, as crashed.

    Parameters
    ----------
    run_ids : sequence of str
        As `necrozma_core.storage.runs.listing.mark_crashed` returned them; flow runs have the same names, or retried
        ones a tag.
    but : UUID, optional
        The flow run that asks: retried, it may have the name of a dead run that it continues.
    """
    if not run_ids:
        return
    with get_client(sync_client=True) as client:
        mark_crashed(_ask(client), run_ids, "" if but is None else str(but))


@once_tried
def tell_untold_runs(results: Path) -> None:
    """Tell the server of runs of a results folder that started no Prefect; the caller holds the folder's lock."""
    with get_client(sync_client=True) as client:
        tell_untold(results, _ask(client), _TELLING_S)


def _ask(client: SyncPrefectClient) -> Ask:
    def ask(path: str, body: Mapping[str, Any]) -> Any:
        response = client.request("POST", path, json=body)  # type: ignore[arg-type]  # typed for paths without ids
        response.raise_for_status()
        return response.json()

    return ask


@once_tried
def drain_history(flow_run_id: UUID | None, task_runs: int) -> None:
    """Return when everything that this process told the server is in its database.

    Task states travel as events and are written a moment after they arrive, so the server is asked until it knows
    the end of every task run.

    Parameters
    ----------
    flow_run_id : UUID or None
        None where no flow run came to be.
    task_runs : int
        Task runs that ended.
    """
    APILogWorker.drain_all(timeout=_FLUSH_S)
    EventsWorker.drain_all(timeout=_FLUSH_S)
    if flow_run_id is None:
        return
    with get_client(sync_client=True) as client:
        deadline = time.monotonic() + _ARRIVAL_S
        while count_task_runs(client, flow_run_id) < task_runs:
            if time.monotonic() > deadline:
                _log.warning("Prefect's history of this run lacks the end of some tasks")
                return
            time.sleep(_POLL_S)


def count_task_runs(client: SyncPrefectClient, flow_run_id: UUID) -> int:
    """Return how many task runs of a flow run have ended, as the server knows it."""
    ended = _tasks_of(flow_run_id, list(TERMINAL_STATES)).model_dump(mode="json", exclude_unset=True)
    response = client.request("POST", "/task_runs/count", json={"task_runs": ended})
    response.raise_for_status()
    return int(response.json())


def _tasks_of(flow_run_id: UUID, kinds: list[StateType]) -> TaskRunFilter:
    return TaskRunFilter(
        flow_run_id=TaskRunFilterFlowRunId(any_=[flow_run_id]),
        state=TaskRunFilterState(type=TaskRunFilterStateType(any_=kinds)),
    )


def quiet_expected_errors() -> None:
    """Log errors of ours as a line, without the place in the code where they were raised; others keep it."""
    for name in ("prefect.task_runs", "prefect.flow_runs", "prefect.engine"):
        logging.getLogger(name).addFilter(_without_traceback)


def _without_traceback(record: logging.LogRecord) -> bool:
    if record.exc_info and isinstance(record.exc_info[1], NecrozmaError):
        record.exc_info = None
    return True
