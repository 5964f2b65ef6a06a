"""``necrozma runs``, ``verify`` and ``retry``: what was computed, whether it is whole, and going on with it."""

from typing import Annotated

import typer

from flows.cli import options

runs_app = typer.Typer(
    rich_markup_mode=None, no_args_is_help=True, help="See, compare and clean the runs of a results folder."
)

_Run = Annotated[str, typer.Argument(metavar="RUN", help="A run's id, the beginning of one, or 'latest'.")]


@runs_app.command("list")
def list_(results: options.Results = None) -> None:
    """Show all runs, the newest first."""
    from flows.cli.refusals import no_runs  # noqa: PLC0415
    from flows.cli.starting import results_folder  # noqa: PLC0415
    from flows.terminal.tables import open_console, runs_table  # noqa: PLC0415
    from necrozma_core.storage.runs.listing import list_runs  # noqa: PLC0415

    if not (runs := list_runs(results_folder(results))):
        raise no_runs(results_folder(results))
    open_console().print(runs_table(runs))


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
    from flows.terminal.tables import diff_tables, open_console  # noqa: PLC0415
    from necrozma_core.storage.runs.comparison import diff_runs  # noqa: PLC0415
    from necrozma_core.storage.runs.listing import find_run  # noqa: PLC0415

    folder = results_folder(results)
    console = open_console()
    for part in diff_tables(diff_runs(folder, find_run(folder, before), find_run(folder, after))):
        console.print(part)


@runs_app.command()
def clean(
    keep: Annotated[int, typer.Option(metavar="N", help="The newest runs, which stay.")],
    results: options.Results = None,
) -> None:
    """Remove all but the newest runs, and the results that no remaining run names."""
    from flows.cli.repair import refuse_without_results  # noqa: PLC0415
    from flows.cli.starting import results_folder  # noqa: PLC0415
    from flows.terminal.tables import cleaned_line  # noqa: PLC0415
    from necrozma_core.storage.disk.lock import lock_results  # noqa: PLC0415
    from necrozma_core.storage.runs.cleaning import clean_runs  # noqa: PLC0415

    folder = results_folder(results)
    refuse_without_results(folder)
    with lock_results(folder) as lock:
        typer.echo(cleaned_line(clean_runs(lock, keep)))


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
    from flows.cli.starting import results_folder, settings_of_run, start  # noqa: PLC0415

    raise typer.Exit(start(settings_of_run(results_folder(results), run), (), quiet=quiet, plain=plain))
