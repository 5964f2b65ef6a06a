"""Runs that computed nothing, and so started no Prefect, told to a server afterwards: once, whatever is killed between.

The server keeps one flow run for an idempotency key, and the run's id is the key. So a run that was told and whose
note is still there is told again without a trace.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from flows.sweep_request import recorded_parameters
from necrozma_core.storage.runs.folder import REPORT_FILE
from necrozma_core.storage.runs.manifest import Manifest, PairState, RunStatus
from necrozma_core.storage.runs.untold import Untold, forget_untold, untold_runs

Ask = Callable[[str, Mapping[str, Any]], Any]
"""Posts a JSON body to a path of Prefect's API and returns the answer."""

FLOW_NAME: Final = "backtest-pairs"
TERMINAL: Final = ("COMPLETED", "FAILED", "CANCELLED", "CRASHED")
_UNFINISHED: Final = ("SCHEDULED", "PENDING", "RUNNING", "PAUSED", "CANCELLING")
_STATES: Final = {
    RunStatus.COMPLETED: "COMPLETED",
    RunStatus.FAILED: "FAILED",
    RunStatus.CANCELLED: "CANCELLED",
    RunStatus.CRASHED: "CRASHED",
}


def tell_untold(results: Path, ask: Ask, within_s: float) -> None:
    """Tell a server of the runs that left a note in a results folder, and remove the notes.

    What is left when the time is over is told by a later run.

    Parameters
    ----------
    results : Path
        The results folder, of which the caller holds the lock.
    ask : callable
    within_s : float
        Nobody waits longer; a run takes some 0.1 s.

    Raises
    ------
    StorageError
        A note cannot be read or removed.
    Exception
        What `ask` raises; the notes of runs that were not told stay.
    """
    deadline = time.monotonic() + within_s
    for untold in untold_runs(results):
        if time.monotonic() > deadline:
            return
        mark_crashed(ask, untold.crashed)
        if untold.is_wanted:
            _tell_run(ask, untold)
        forget_untold(untold.folder)


def mark_crashed(ask: Ask, run_ids: Sequence[str], but: str = "") -> None:
    """Mark the flow runs of runs that were found dead, and their tasks, as crashed.

    Parameters
    ----------
    ask : callable
    run_ids : sequence of str
        Flow runs have the same names, or a tag with it where they were retried under another.
    but : str
        The id of a flow run that stays as it is: the one that asks, retried under the name of a dead run.
    """
    if not run_ids:
        return
    unfinished = {"state": {"type": {"any_": list(_UNFINISHED)}}}
    crashed = {
        "state": {"type": "CRASHED", "message": "The process that ran it ended without a word; found by a later run."},
        "force": True,
    }
    named, tagged = {"name": {"any_": list(run_ids)}}, {"tags": {"any_": [f"run:{run_id}" for run_id in run_ids]}}
    found = [run["id"] for how in (named, tagged) for run in ask("/flow_runs/filter", {"flow_runs": how | unfinished})]
    for flow_run_id in dict.fromkeys(found):
        if flow_run_id == but:
            continue
        tasks = {"task_runs": {"flow_run_id": {"any_": [flow_run_id]}, **unfinished}}
        for task_run in ask("/task_runs/filter", tasks):
            ask(f"/task_runs/{task_run['id']}/set_state", crashed)
        ask(f"/flow_runs/{flow_run_id}/set_state", crashed)


def _tell_run(ask: Ask, untold: Untold) -> None:
    run = untold.run
    asked = {
        "flow_id": ask("/flows/", {"name": FLOW_NAME})["id"],
        "name": run.run_id,
        "idempotency_key": f"necrozma {run.run_id}",
        "tags": ["necrozma", *run.pairs],
        "parameters": recorded_parameters(run.settings),
        # Also what began is told: a flow run without a beginning has no duration in Prefect's UI.
        "state": {"type": "RUNNING"},
    }
    flow_run = ask("/flow_runs/", asked)
    if flow_run["state_type"] in TERMINAL:
        return
    there = ask("/artifacts/filter", {"artifacts": {"flow_run_id": {"any_": [flow_run["id"]]}}})
    for artifact in _artifacts(untold):
        if artifact["key"] not in {each["key"] for each in there}:
            ask("/artifacts/", {**artifact, "flow_run_id": flow_run["id"]})
    state = {"type": _STATES[run.status], "message": _message(run)}
    ask(f"/flow_runs/{flow_run['id']}/set_state", {"state": state, "force": True})


def _artifacts(untold: Untold) -> list[dict[str, str]]:
    run, report = untold.run, untold.folder.absolute() / REPORT_FILE
    pairs = "\n".join(f"- {pair}: {record.state}" for pair, record in run.pairs.items())
    text = f"## Run {run.run_id}\n\n{_message(run)}\n\n{pairs}\n\nFiles: `{report.parent}`"
    artifacts = [{"key": "run", "type": "markdown", "data": text, "description": f"Run {run.run_id}"}]
    if REPORT_FILE in run.files:
        link = f"[report.html]({report.as_uri()})"
        artifacts.append({"key": "report", "type": "markdown", "data": link, "description": str(report)})
    return artifacts


def _message(run: Manifest) -> str:
    stored, total = len(run.pairs_in(PairState.REUSED, PairState.COMPUTED)), len(run.pairs)
    times = f"ran from {run.started_at} to {run.ended_at or 'its end'}, without Prefect, and was told afterwards"
    computed = len(run.pairs_in(PairState.COMPUTED)) or "none"
    return f"{stored} of {total} pairs stored, {computed} of them computed by this run; {times}"
