"""A line to a webhook when a run ends; off unless NECROZMA_NOTIFY_URL is set.

Prefect calls the hook in the process that ran the flow. A run whose process died has nobody to call it; the server's
automations can tell of those, see docs/deployment.md.
"""

import http.client
import json
import logging
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from flows.settings import load_host_settings
from flows.untold import FLOW_NAME
from necrozma_core.errors import ExitCode, PairsFailedError, UsageError
from necrozma_core.printing import keep_logs_printable, keep_secret, printable
from necrozma_core.sweep.outcome import RunOutcome

if TYPE_CHECKING:
    from prefect.client.schemas.objects import FlowRun, State
    from prefect.flows import Flow

_TIMEOUT_S: Final = 5.0
_LONGEST: Final = 2_000

_log = logging.getLogger(__name__)


def notify(flow: "Flow[Any, Any]", flow_run: "FlowRun", state: "State[Any]") -> None:
    """Post how a run ended; a hook for Prefect, which calls it with these names.

    Whatever goes wrong is a warning in the log and costs at most some seconds: a run's end does not depend on it.
    """
    keep_logs_printable()
    if (url := _address()) is not None:
        _post(url, describe_end(flow, flow_run, state))


@contextmanager
def notifying(run_id: str, outcome: Callable[[], RunOutcome]) -> Iterator[None]:
    """Hold a run that Prefect does not run, and post how it ended as `notify` does.

    Parameters
    ----------
    run_id : str
    outcome : callable
        Says how the run stands.
    """
    try:
        yield
    except Exception as error:
        _tell(run_id, "Failed", str(error))
        raise
    ended = outcome()
    if ended.exit_code in {ExitCode.INTERRUPTED, ExitCode.TERMINATED}:
        total = len(ended.receipts) + len(ended.failures) + len(ended.pending)
        _tell(run_id, "Cancelled", f"stopped with {len(ended.receipts)} of {total} pairs stored")
        return
    try:
        ended.raise_failures()
    except PairsFailedError as error:
        _tell(run_id, "Failed", str(error))
    else:
        _tell(run_id, "Completed" if ended.exit_code is ExitCode.OK else "Failed", "")


def _tell(run_id: str, state: str, message: str) -> None:
    if (url := _address()) is None:
        return
    message = printable(message)[:_LONGEST]
    body = {
        "text": "\n".join(line for line in (f"{FLOW_NAME} {run_id}: {state}", message) if line),
        "flow": FLOW_NAME,
        "run": run_id,
        "flow_run_id": None,
        "deployment_id": None,
        "state": state.upper(),
        "message": message,
        "url": None,
    }
    _post(url, body)


def _address() -> str | None:
    """Return where the line goes; None for nowhere."""
    try:
        url = load_host_settings().notify_url
    except UsageError:
        # Its message shows the value, which is a secret.
        _log.warning("nobody was notified: a NECROZMA_ variable of the server or of notifications has a bad value")
        return None
    if url is None:
        return None
    keep_secret(url.get_secret_value())
    return url.get_secret_value()


def describe_end(flow: "Flow[Any, Any]", flow_run: "FlowRun", state: "State[Any]") -> dict[str, Any]:
    """Return what is posted: JSON values, ``text`` for people (Slack and Mattermost show it)."""
    from prefect.utilities.urls import url_for  # noqa: PLC0415 -- late: importing a flow should not take longer for it

    message = printable(state.message or "")[:_LONGEST]
    link = url_for(flow_run)
    words = printable(f"{flow.name} {flow_run.name}: {state.name}")
    return {
        "text": "\n".join(line for line in (words, message, link) if line),
        "flow": flow.name,
        "run": flow_run.name,
        "flow_run_id": str(flow_run.id),
        "deployment_id": str(flow_run.deployment_id) if flow_run.deployment_id else None,
        "state": state.type.value,
        "message": message,
        "url": link,
    }


def _post(url: str, body: dict[str, Any]) -> None:
    headers = {"Content-Type": "application/json", "User-Agent": "necrozma"}
    try:
        # The settings accept http and https only.
        request = urllib.request.Request(url, json.dumps(body).encode(), headers)  # noqa: S310
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S):  # noqa: S310
            pass
    except (OSError, ValueError, http.client.HTTPException) as error:
        # Without the address: the secret of a webhook is its path.
        reason = getattr(error, "code", None) or getattr(error, "reason", None) or type(error).__name__
        _log.warning("nobody was notified: the webhook of NECROZMA_NOTIFY_URL answered or failed with %s", reason)
