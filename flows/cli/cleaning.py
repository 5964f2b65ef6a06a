"""``necrozma runs clean``: shows what goes, asks, and removes that and nothing else."""

import sys
from collections.abc import Sequence
from pathlib import Path

import typer

from flows.cli.repair import refuse_without_results
from flows.terminal.run_lists import cleaning_lines
from necrozma_core.errors import ExitCode, UsageError
from necrozma_core.storage.disk.lock import lock_results
from necrozma_core.storage.runs.cleaning import Cleaning, clean_runs, plan_cleaning
from necrozma_core.storage.runs.listing import find_run


def clean(results: Path, names: Sequence[str], keep: int | None, *, yes: bool, dry_run: bool) -> int:
    """Show what goes, ask unless told not to, remove it, and return the exit code.

    Parameters
    ----------
    results : Path
    names : sequence of str
        Runs that go in any case, as `find_run` takes them.
    keep : int or None
        How many of the newest runs stay; None: all but those that are named.
    yes : bool
        Nobody is asked.
    dry_run : bool
        Nothing is removed, and no lock is needed.

    Raises
    ------
    UsageError
        Neither runs nor a number were given, there are no results, or there is nobody to ask.
    LockedError
        A run goes on in that folder.
    """
    if keep is None and not names:
        raise UsageError("expected --keep N, how many of the newest runs stay, or the names of runs to remove")
    refuse_without_results(results)
    named = [find_run(results, name).run_id for name in names]
    if dry_run:
        _show(plan_cleaning(results, keep, named))
        return ExitCode.OK
    # Nobody is asked with the lock held: a scheduled run would fail while somebody thinks about the answer.
    with lock_results(results):
        plan = plan_cleaning(results, keep, named)
    _show(plan)
    if not plan.folders:
        return ExitCode.OK
    if not yes and not _is_wanted():
        typer.echo("nothing was removed")
        return ExitCode.OK
    with lock_results(results) as lock:
        if plan_cleaning(results, keep, named) != plan:
            raise UsageError(f"{results.absolute()}: its runs are not those shown any more; nothing was removed")
        clean_runs(lock, plan)
    typer.echo("removed")
    return ExitCode.OK


def _show(plan: Cleaning) -> None:
    for line in cleaning_lines(plan):
        typer.echo(line)


def can_ask() -> bool:
    """Tell whether there is somebody to ask."""
    return sys.stdin is not None and sys.stdin.isatty()


def _is_wanted() -> bool:
    if not can_ask():
        raise UsageError("nothing was removed: there is no terminal to ask on; say --yes to remove what is shown")
    return typer.confirm("Remove it?")
