"""``necrozma runs``, ``verify`` and ``retry``: what was computed, whether it is whole, and going on with it."""

from typing import Annotated

import typer

from flows.cli import options

runs_app = typer.Typer(
    rich_markup_mode=None, no_args_is_help=True, help="See, compare and clean the runs of a results folder."
)

_Run = Annotated[str, typer.Argument(metavar="RUN", help="A run's id, the beginning of one, its label, or 'latest'.")]


@runs_app.command("list")
def list_(results: options.Results = None) -> None:
    """Show all runs, the newest first: how each went and what it was asked for."""
    from flows.cli.starting import results_folder  # noqa: PLC0415
    from flows.terminal.run_lists import run_lines  # noqa: PLC0415
    from flows.terminal.tables import open_console  # noqa: PLC0415
    from necrozma_core.storage.runs.listing import list_runs, no_runs_error  # noqa: PLC0415

    if not (runs := list_runs(results_folder(results))):
        raise no_runs_error(results_folder(results))
    for line in run_lines(runs, open_console().width):
        typer.echo(line)


@runs_app.command()
def show(
    run: _Run,
    results: options.Results = None,
    governor: Annotated[bool, typer.Option("--governor", help="Draw CPU and allowance over time.")] = False,
) -> None:
    """Show one run: its pairs, its ranking, where its files are."""
    from flows.cli.starting import results_folder  # noqa: PLC0415
    from flows.terminal.stored_runs import show_governor, show_run  # noqa: PLC0415
    from necrozma_core.storage.runs.listing import find_run  # noqa: PLC0415

    folder = results_folder(results)
    manifest = find_run(folder, run)
    (show_governor if governor else show_run)(folder, manifest)


@runs_app.command()
def diff(before: _Run, after: _Run, results: options.Results = None) -> None:
    """Show what differs between two runs: settings, inputs, versions, results, ranks."""
    from flows.cli.starting import results_folder  # noqa: PLC0415
    from flows.terminal.stored_runs import show_diff  # noqa: PLC0415
    from necrozma_core.storage.runs.listing import find_run  # noqa: PLC0415

    folder = results_folder(results)
    show_diff(folder, find_run(folder, before), find_run(folder, after))


@runs_app.command()
def clean(
    runs: Annotated[
        list[str] | None, typer.Argument(metavar="[RUN]...", help="Runs that go in any case, with their results.")
    ] = None,
    keep: Annotated[
        int | None, typer.Option(metavar="N", help="How many of the newest runs that computed something stay.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would go, and remove nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    results: options.Results = None,
) -> None:
    """Remove old runs, and results that no remaining run names: shows what goes, and asks.

    Runs that computed nothing or repaired another do not count for N. The last result of a pair, timeframe and source
    of strategies stays, with its run, unless that run is named.
    """
    from flows.cli.cleaning import clean as clean_folder  # noqa: PLC0415
    from flows.cli.starting import results_folder  # noqa: PLC0415

    raise typer.Exit(clean_folder(results_folder(results), runs or (), keep, yes=yes, dry_run=dry_run))


def verify(
    results: options.Results = None,
    repair: Annotated[bool, typer.Option("--repair", help="Remove what is damaged and compute it anew.")] = False,
) -> None:
    """Read all results against their hashes."""
    from flows.cli.repair import repair_results, report_damages  # noqa: PLC0415
    from flows.cli.starting import results_folder  # noqa: PLC0415

    folder = results_folder(results)
    raise typer.Exit(repair_results(folder) if repair else report_damages(folder))


def retry(
    run: _Run,
    results: options.Results = None,
    quiet: options.Quiet = False,
    plain: options.Plain = False,
) -> None:
    """Go on with a run that ended early or failed in part."""
    from flows.cli.starting import go_on, results_folder  # noqa: PLC0415

    raise typer.Exit(go_on(results_folder(results), run, quiet=quiet, plain=plain))
