"""A line to a webhook when a run ends; off unless NECROZMA_NOTIFY_URL is set.

Prefect calls the hook in the process that ran the flow. A run whose process died has nobody to call it; the server's
automations can tell of those, see docs/deployment.md.
"""

import http.client
import json
import logging
import urllib.request
from typing import TYPE_CHECKING, Any, Final

from flows.settings import load_host_settings
from necrozma_core.errors import UsageError
from necrozma_core.printing import keep_logs_printable, keep_secret, printable

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
    try:
        url = load_host_settings().notify_url
    except UsageError:
        # Its message shows the value, which is a secret.
        _log.warning("nobody was notified: a NECROZMA_ variable of the server or of notifications has a bad value")
        return
    if url is not None:
        keep_secret(url.get_secret_value())
        _post(url.get_secret_value(), describe_end(flow, flow_run, state))


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
