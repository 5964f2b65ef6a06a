"""From flags to a finished run: what the commands call."""

import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from flows.cli.interrupts import Interrupts
from flows.configuration import find_profile
from flows.settings import Settings, load_settings, restore_settings
from flows.terminal.console import PlainConsole, QuietConsole
from flows.terminal.streams import StandardStream
from flows.terminal.wording import ending_line
from necrozma_core.errors import ExitCode
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
    observer = open_observer(settings, [*remarks, *worker_remarks(settings)], quiet=quiet, plain=plain)
    observer.on_phase(f"looking up what is stored in {settings.results}")
    with Interrupts(observer.stop):
        from flows.launch import run_backtest  # noqa: PLC0415 -- late: a signal must find its handler

        outcome = run_backtest(settings, observer)
    if line := ending_line(outcome, settings.results):
        observer.complain(line if outcome.exit_code is ExitCode.OK else f"error: {line}")
    if isinstance(sys.stdout, StandardStream) and (lost := sys.stdout.failure) is not None and outcome.ranking_path:
        # Nobody read where the results are.
        observer.complain(
            f"standard output is gone ({lost.strerror}); the run went on, its results: {outcome.ranking_path}"
        )
    return outcome.exit_code


def go_on(results: Path, name: str, *, quiet: bool = False, plain: bool = False) -> int:
    """Do what is missing of an earlier run, by the settings it recorded; say so where nothing is.

    Raises
    ------
    UsageError
        There is no such run, or its settings are of another version.
    """
    from necrozma_core.storage.results_folder import ResultsFolder  # noqa: PLC0415 -- loads pyarrow
    from necrozma_core.storage.runs.listing import find_run  # noqa: PLC0415
    from necrozma_core.storage.runs.manifest import RunStatus  # noqa: PLC0415

    run = find_run(results, name)
    store = ResultsFolder(results).store
    if run.status is RunStatus.COMPLETED and all(store.has(*entry) for entry in run.keys.items()):
        pairs = "its pair is" if len(run.pairs) == 1 else f"all {len(run.pairs)} pairs are"
        typer.echo(f"run {run.run_id} is complete, {pairs} stored: there is nothing to do")
        return ExitCode.OK
    return start(restore_settings({**run.settings, "results": results}), quiet=quiet, plain=plain)


def data_folder(given: Path | None) -> Path:
    """Return the data folder that was given, or that of the settings."""
    return load_settings({"data": given}).data


def results_folder(given: Path | None) -> Path:
    """Return the results folder that was given, or that of the settings."""
    return load_settings({"results": given}).results


def source_of(settings: Settings) -> "StrategySource":
    """Return where the strategies of a run come from."""
    from flows.sweep_request import source_of as source  # noqa: PLC0415 -- loads pyarrow

    return source(settings)


def worker_remarks(settings: Settings) -> list[str]:
    """Return a line where more workers are asked for than the machine has cores."""
    cores = measure_capacity().cores
    if settings.workers <= math.ceil(cores):
        return []
    machine = "1 core" if cores == 1 else f"{cores:g} cores"
    return [f"{settings.workers} workers on {machine}: more workers than cores take memory and gain no time"]


def _capped(profile: str | None, flags: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return what a profile recommends on this machine, and a line where that is less than it says."""
    if profile is None:
        return {}, []
    recipe = dict(find_profile(profile))
    cores, wanted = math.ceil(measure_capacity().cores), recipe.get("workers")
    if flags.get("workers") is not None or not isinstance(wanted, int) or wanted <= cores:
        return recipe, []
    recipe["workers"] = cores
    return recipe, [f"Profile {profile}: {cores} workers instead of {wanted}, one for each core of this machine"]


def open_observer(settings: Settings, remarks: Sequence[str], *, quiet: bool, plain: bool) -> QuietConsole:
    """Choose how a run is shown: live on a terminal, in lines elsewhere."""
    if quiet:
        return QuietConsole(settings, remarks)
    from flows.terminal.tables import open_console  # noqa: PLC0415 -- loads rich

    console = open_console(narrowest=0)  # the view moves the cursor by the terminal's own width
    if plain or not console.is_terminal or console.is_dumb_terminal:
        return PlainConsole(settings, remarks)
    from flows.terminal.live import LiveConsole  # noqa: PLC0415

    return LiveConsole(settings, remarks, console)
