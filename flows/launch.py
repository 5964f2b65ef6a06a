"""From flags to a finished run: what the commands call."""

import math
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from config import PROFILES, Settings, load_settings, restore_settings
from flows.console import ending_line, open_observer
from flows.interrupts import Interrupts
from necrozma_core.errors import ExitCode, UsageError
from necrozma_core.throttle.sensors.capacity import measure_capacity

if TYPE_CHECKING:
    from necrozma_core.strategies.source import StrategySource

_NOT_SETTINGS = frozenset({"profile", "quiet", "plain", "debug"})


def read_settings(params: Mapping[str, Any]) -> tuple[Settings, list[str]]:
    """Turn the flags of a command into settings.

    Parameters
    ----------
    params : mapping of str to object
        By the names of the settings, and ``profile``; None where a flag was not given.

    Returns
    -------
    settings : Settings
    remarks : list of str
        Lines that the user should see, such as that a profile wanted more workers than there are cores.
    """
    # An option that may be repeated is an empty list where it was not given.
    flags = {name: None if value in ([], ()) else value for name, value in params.items() if name not in _NOT_SETTINGS}
    profile, remarks = _capped(params.get("profile"), flags)
    return load_settings(flags, profile=profile), remarks


def start(settings: Settings, remarks: Sequence[str] = (), *, quiet: bool = False, plain: bool = False) -> int:
    """Run a backtest, show it, and return the exit code."""
    _refuse_without_ticks(settings)
    observer = open_observer(settings, remarks, quiet=quiet, plain=plain)
    with Interrupts(observer.stop):
        from flows.session import run_backtest  # noqa: PLC0415 -- late: a signal must find its handler

        outcome = run_backtest(settings, observer)
    if line := ending_line(outcome):
        observer.complain(f"error: {line}")
    return outcome.exit_code


def resettle(results: Path, name: str) -> Settings:
    """Return the settings of an earlier run, to run them again; what it stored is not computed again.

    Raises
    ------
    UsageError
        There is no such run, or its settings are of another version.
    """
    from necrozma_core.storage.history import find_run  # noqa: PLC0415 -- loads pyarrow

    run = find_run(results, name)
    return restore_settings({**run.settings, "results": results})


def data_folder(given: Path | None) -> Path:
    """Return the data folder that was given, or that of the settings."""
    return load_settings({"data": given}).data


def results_folder(given: Path | None) -> Path:
    """Return the results folder that was given, or that of the settings."""
    return load_settings({"results": given}).results


def source_of(settings: Settings) -> "StrategySource":
    """Return where the strategies of a run come from."""
    from flows.plan import source_of as source  # noqa: PLC0415 -- loads pyarrow

    return source(settings)


def serve_ui(home: Path | None) -> int:
    """Run the server that keeps the history until a signal ends it, and say where its UI is."""
    from flows.folders import history_folder  # noqa: PLC0415
    from flows.server import configured_api_url, start_server  # noqa: PLC0415

    settings = load_settings({"prefect_home": home})
    if url := configured_api_url():
        typer.echo(f"Prefect UI: {url.removesuffix('/api')}, the server that Prefect's own settings name")
        return ExitCode.OK
    ended = threading.Event()

    def end(code: ExitCode) -> bool:
        ended.set()
        return True

    with Interrupts(end):
        server = start_server(settings.prefect_home or history_folder())
        try:
            server.wait_ready(give_up=ended.is_set)
            if not ended.is_set():
                typer.echo(f"Prefect UI: {server.url}, until Ctrl-C")
            ended.wait()
        finally:
            server.stop()
    return ExitCode.OK


def _refuse_without_ticks(settings: Settings) -> None:
    # Also asked by the session, but only after a server was started that nobody needs.
    from necrozma_core.storage.tick_store import TickStore  # noqa: PLC0415 -- loads pyarrow

    if not TickStore(settings.data).pairs():
        raise no_ticks(settings.data)


def no_ticks(data: Path) -> UsageError:
    """Say that there is nothing to backtest, and how that changes."""
    return UsageError(
        f"{data}: no ticks there; import some with `necrozma data import FILES --pair EURUSD --to {data}` "
        f"or make samples with `necrozma data sample --to {data}`"
    )


def no_runs(results: Path) -> UsageError:
    """Say that there is no run to show."""
    return UsageError(f"{results}: no run there yet; start one with `necrozma backtest`")


def _capped(profile: str | None, flags: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return what a profile recommends on this machine, and a line where that is less than it says."""
    if profile is None:
        return {}, []
    recipe = dict(PROFILES[profile])
    cores = math.ceil(measure_capacity().cores)
    if flags.get("workers") is not None or recipe["workers"] <= cores:
        return recipe, []
    wanted, recipe["workers"] = recipe["workers"], cores
    return recipe, [f"Profile {profile}: {cores} workers instead of {wanted}, one for each core of this machine"]
