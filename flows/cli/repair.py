"""Compares results with their hashes, removes damaged ones and computes them anew."""

import shlex
from collections.abc import Iterable
from pathlib import Path

import typer

from flows.cli.starting import start
from flows.settings import restore_settings
from necrozma_core.errors import ExitCode
from necrozma_core.storage.disk.lock import lock_results
from necrozma_core.storage.migrated.verifying import migrated_folders, verify_migrated
from necrozma_core.storage.results_folder import ResultsFolder
from necrozma_core.storage.runs.listing import list_runs, no_runs_error, run_folders
from necrozma_core.storage.runs.manifest import Manifest
from necrozma_core.storage.runs.verify import Damage, remove_damaged, verify_results


def refuse_without_results(results: Path) -> None:
    """Raise UsageError if a folder holds no results: a mistyped one must not be called undamaged."""
    is_stored = next(ResultsFolder(results).store.entries(), None) is not None
    if not (run_folders(results) or is_stored or migrated_folders(results)):
        raise no_runs_error(results)


def report_damages(results: Path) -> int:
    """Print every damaged file, and return the exit code; UsageError if there are no results."""
    refuse_without_results(results)
    damages = verify_results(results)
    _name(damages)
    code = _report_migrated(results)
    if not damages:
        if code == ExitCode.OK:
            typer.echo(f"{results.absolute()}: all results are what was published")
        return code
    folder = shlex.quote(str(results.absolute()))
    typer.echo(f"{len(damages)} damaged; `necrozma verify --repair --results {folder}` computes them anew", err=True)
    return ExitCode.DISK


def repair_results(results: Path) -> int:
    """Remove damaged files, repeat the runs that they belong to, and return the exit code; UsageError as above."""
    refuse_without_results(results)
    with lock_results(results) as lock:
        damages = verify_results(results)
        _name(damages)
        remove_damaged(lock, damages)
    code = int(_report_migrated(results))
    if not damages and code == ExitCode.OK:
        typer.echo(f"{results.absolute()}: all results are what was published")
    for run, pairs in runs_to_repeat(list_runs(results), damages):
        typer.echo(f"computing {', '.join(pairs)} of run {run.run_id} anew")
        settings = restore_settings(
            {**run.settings, "results": results, "pairs": pairs, "repairs": run.run_id, "label": None}
        )
        code = max(code, start(settings, plain=True))
        for pair in pairs:
            if not ResultsFolder(results).store.has(pair, run.keys[pair]):
                typer.echo(f"{pair} of run {run.run_id} came from other data or an older version: see the new run")
    return code


def runs_to_repeat(runs: Iterable[Manifest], damages: Iterable[Damage]) -> list[tuple[Manifest, list[str]]]:
    """Find the newest run that names each damaged entry.

    Parameters
    ----------
    runs : iterable of Manifest
        Newest first.
    damages : iterable of Damage

    Returns
    -------
    list of (Manifest, list of str)
        Runs with the pairs that must be computed anew. An entry that no run names is in none of them.
    """
    wanted = {(damage.pair, damage.key) for damage in damages}
    found = []
    for run in runs:
        entries = wanted & set(run.keys.items())
        if entries:
            found.append((run, sorted(pair for pair, _ in entries if pair is not None)))
            wanted -= entries
    return found


def _report_migrated(results: Path) -> ExitCode:
    """Name what is damaged of the original's results; nothing of it is removed, because nothing can make it anew."""
    code = ExitCode.OK
    for reason in verify_migrated(results):
        typer.echo(reason, err=True)
        code = ExitCode.DISK
    return code


def _name(damages: Iterable[Damage]) -> None:
    for damage in damages:
        typer.echo(damage.reason, err=True)
