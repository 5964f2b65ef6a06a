"""``necrozma data`` and ``necrozma strategies``: what can be backtested, and with what."""

from pathlib import Path
from typing import Annotated

import typer

from flows.cli import options

data_app = typer.Typer(
    rich_markup_mode=None, no_args_is_help=True, help="Bring ticks in, make samples, see what is there."
)
strategies_app = typer.Typer(rich_markup_mode=None, no_args_is_help=True, help="See the strategies of a run.")

_To = Annotated[Path | None, typer.Option("--to", metavar="FOLDER", help="The data folder; that of config.py.")]


@data_app.command("import")
def import_(
    files: Annotated[list[Path], typer.Argument(metavar="FILES", help="Exness CSV or zip, generic CSV or Parquet.")],
    pair: Annotated[str, typer.Option(metavar="NAME", help="What the files hold: EURUSD.")],
    to: _To = None,
    quarantine_rows: Annotated[
        bool, typer.Option("--quarantine-rows", help="Set bad rows aside instead of refusing the files.")
    ] = False,
    zone: Annotated[
        str | None, typer.Option(metavar="ZONE", help="Of times without one: UTC, America/New_York, -05:00.")
    ] = None,
) -> None:
    """Check files of ticks, row by row, and store them; all or nothing."""
    from flows.cli.starting import data_folder  # noqa: PLC0415
    from flows.terminal.wording import import_lines  # noqa: PLC0415
    from necrozma_core.feeds.intake import import_files  # noqa: PLC0415

    report = import_files(files, pair, data_folder(to), quarantine_rows=quarantine_rows, zone=zone)
    typer.echo("\n".join(import_lines(report)))


@data_app.command("list")
def list_(data: options.Data = None) -> None:
    """Show the stored pairs: span, ticks, gaps of the open market, spread."""
    from flows.cli.starting import data_folder  # noqa: PLC0415
    from flows.terminal.tables import open_console, pairs_table  # noqa: PLC0415
    from necrozma_core.storage.ticks.store import TickStore, no_ticks_error  # noqa: PLC0415

    if not (summaries := TickStore(data_folder(data)).summaries()):
        raise no_ticks_error(data_folder(data))
    open_console().print(pairs_table(summaries))


@data_app.command()
def sample(
    pairs: Annotated[int, typer.Option(metavar="N", help="How many pairs.")] = 10,
    ticks: Annotated[int, typer.Option(metavar="M", help="Quotes a pair.")] = 200_000,
    seed: Annotated[int, typer.Option(metavar="S", help="The same seed makes the same ticks.")] = 1,
    to: _To = None,
) -> None:
    """Make realistic ticks: weekends, busy hours, wide spreads at the roll, crosses that fit their legs."""
    from flows.cli.starting import data_folder  # noqa: PLC0415
    from flows.terminal.tables import open_console, pairs_table  # noqa: PLC0415
    from necrozma_core.feeds.samples.quotes import write_samples  # noqa: PLC0415

    summaries = write_samples(data_folder(to), pairs, ticks, seed)
    open_console().print(pairs_table(summaries))


@strategies_app.command("list")
def list_strategies(
    strategies: options.Strategies = None, settings_file: options.SettingsFile = None, grid: options.Grid = None
) -> None:
    """Show the strategies that a run with the same flags would try, and how many; without flags the default fifty."""
    from flows.cli.starting import read_settings, source_of  # noqa: PLC0415
    from flows.terminal.tables import open_console, strategies_table  # noqa: PLC0415
    from flows.terminal.wording import strategies_line  # noqa: PLC0415

    settings, _ = read_settings({"strategies": strategies, "settings_file": settings_file, "grid": grid})
    source = source_of(settings)
    # First where it can end no process but its own.
    source.try_file()
    found = source.load()
    open_console().print(strategies_table(found))
    typer.echo(strategies_line(source, len(found)))
