"""What ``prefect.yaml`` says, brought to a server: the work pool and the deployments, without a question asked."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

from flows.server.address import configured_api_url
from flows.server.environment import QUIET
from flows.server.standing import find_standing
from necrozma_core.errors import NecrozmaError, UsageError, shown

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.client.schemas.responses import DeploymentResponse

POOL: Final = "necrozma"
"""The work pool that prefect.yaml names."""
CHECKOUT: Final = Path(__file__).resolve().parents[2]
FLOW: Final = "backtest-pairs"

_HOME: Final = "NECROZMA_HOME"


@dataclass(frozen=True, slots=True)
class Deployed:
    """A deployment as the server has it.

    Attributes
    ----------
    name : str
        As ``prefect deployment run`` takes it.
    schedules : tuple of (str, bool)
        What the schedule is, and whether it is switched on.
    url : str
        Its page in the UI.
    """

    name: str
    schedules: tuple[tuple[str, bool], ...]
    url: str


def client_environment(standing_home: Path) -> dict[str, str]:
    """Return the environment of a client of the user's own Prefect server, or else of ours.

    Raises
    ------
    UsageError
        There is neither.
    """
    if url := configured_api_url():
        return {**QUIET, "PREFECT_API_URL": url}
    if server := find_standing(standing_home):
        return server.client_environment()
    raise UsageError("no Prefect server to deploy to: start ours with `necrozma server start`, or set PREFECT_API_URL")


def deploy(environment: Mapping[str, str]) -> list[Deployed]:
    """Make the work pool if it is missing, and bring every deployment of prefect.yaml up to date.

    A schedule that somebody switched on or off in the UI stays so.

    Parameters
    ----------
    environment : mapping of str to str
        Of a client, as `client_environment` returns it.

    Returns
    -------
    list of Deployed
        By name.

    Raises
    ------
    UsageError
        The server does not answer or wants a password, or its pool of that name does not run processes.
    NecrozmaError
        The server refuses, or `prefect deploy` fails; the message gives the reason.
    """
    with _client(environment) as client:
        _ensure_pool(client)
        switched = {
            (deployment.name, schedule.slug): schedule.active
            for deployment in _deployments(client)
            for schedule in deployment.schedules
        }
        _run_prefect_deploy(environment)
        deployments = _deployments(client)
        for deployment in deployments:
            for schedule in deployment.schedules:
                active = switched.get((deployment.name, schedule.slug), schedule.active)
                if active != schedule.active and schedule.id:
                    client.update_deployment_schedule(deployment.id, schedule.id, active=active)
                    schedule.active = active
        return [_describe(deployment) for deployment in deployments]


def become_worker(environment: Mapping[str, str]) -> NoReturn:
    """Turn this process into a Prefect worker that runs one backtest at a time from this checkout."""
    checkout = os.environ.get(_HOME, str(CHECKOUT))
    start = ["worker", "start", "--pool", POOL, "--type", "process", "--limit", "1"]
    command = [sys.executable, "-m", "prefect", "--no-prompt", *start]
    os.chdir(checkout)
    os.execve(sys.executable, command, {**os.environ, _HOME: checkout, **environment})  # noqa: S606 -- no shell


@contextmanager
def _client(environment: Mapping[str, str]) -> "Iterator[SyncPrefectClient]":
    # Read when Prefect is imported.
    os.environ |= QUIET
    import httpx  # noqa: PLC0415
    from prefect.client.orchestration import get_client  # noqa: PLC0415
    from prefect.exceptions import PrefectHTTPStatusError  # noqa: PLC0415
    from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, temporary_settings  # noqa: PLC0415

    address = environment["PREFECT_API_URL"]
    known = (PREFECT_API_URL, PREFECT_API_AUTH_STRING)
    settings = {setting: environment[setting.name] for setting in known if setting.name in environment}
    try:
        with temporary_settings(settings), get_client(sync_client=True) as client:
            yield client
    except PrefectHTTPStatusError as error:
        if error.response.status_code == httpx.codes.UNAUTHORIZED:
            raise UsageError(f"{address} wants its password: set PREFECT_API_AUTH_STRING") from error
        raise NecrozmaError(f"{address} refused: {error.response.status_code} {error.response.text[:300]}") from error
    except httpx.HTTPError as error:
        raise UsageError(f"{address} does not answer ({error or type(error).__name__}): is it running?") from error


def _ensure_pool(client: "SyncPrefectClient") -> None:
    from prefect.client.schemas.actions import WorkPoolCreate  # noqa: PLC0415 -- Prefect takes a second to import
    from prefect.exceptions import ObjectNotFound  # noqa: PLC0415
    from prefect.workers.process import ProcessWorker  # noqa: PLC0415

    try:
        pool = client.read_work_pool(POOL)
    except ObjectNotFound:
        template = ProcessWorker.get_default_base_job_template()
        pool = client.create_work_pool(WorkPoolCreate(name=POOL, type=ProcessWorker.type, base_job_template=template))
    if pool.type != ProcessWorker.type:
        raise UsageError(
            f"the work pool {shown(POOL)} is there, but its type is {shown(pool.type)}, not {shown(ProcessWorker.type)}"
        )


def _run_prefect_deploy(environment: Mapping[str, str]) -> None:
    # Without the variable its place in prefect.yaml is filled by each worker: their checkouts need not lie alike.
    inherited = {name: value for name, value in os.environ.items() if name != _HOME}
    command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"]
    done = subprocess.run(
        command, cwd=CHECKOUT, env=inherited | dict(environment), capture_output=True, text=True, check=False
    )
    if done.returncode:
        lines = [line.strip() for line in (done.stderr + done.stdout).splitlines() if line.strip(" │╭╰─╮╯")]
        raise NecrozmaError(f"`prefect deploy --all` failed in {CHECKOUT}: {' '.join(lines[-3:])}")


def _deployments(client: "SyncPrefectClient") -> "list[DeploymentResponse]":
    from prefect.client.schemas.filters import FlowFilter, FlowFilterName  # noqa: PLC0415

    ours = client.read_deployments(flow_filter=FlowFilter(name=FlowFilterName(any_=[FLOW])))
    return sorted(ours, key=lambda deployment: deployment.name)


def _describe(deployment: Any) -> Deployed:
    from prefect.utilities.urls import url_for  # noqa: PLC0415

    schedules = tuple((_in_words(entry.schedule), entry.active) for entry in deployment.schedules)
    return Deployed(f"{FLOW}/{deployment.name}", schedules, url_for("deployment", obj_id=deployment.id) or "")


def _in_words(schedule: Any) -> str:
    # Somebody may have added one of another kind in the UI.
    kind = next((kind for kind in ("cron", "interval", "rrule") if hasattr(schedule, kind)), None)
    return f"{kind} {getattr(schedule, kind)}, {schedule.timezone}" if kind else type(schedule).__name__
