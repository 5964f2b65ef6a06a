"""``necrozma data`` and ``necrozma strategies``: what can be backtested, and with what."""

import sys
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from typer.core import TyperCommand

from flows.cli import options
from flows.cli.data_checks import check, compare

data_app = typer.Typer(
    rich_markup_mode=None, no_args_is_help=True, help="Bring ticks and bars in, make samples, see what is there."
)
strategies_app = typer.Typer(rich_markup_mode=None, no_args_is_help=True, help="See the strategies of a run.")

_QUARANTINE: Final = "--quarantine-rows"
_USUAL_SHARE: Final = "1%"

_To = Annotated[Path | None, typer.Option("--to", metavar="FOLDER", help="The data folder; that of config.py.")]


class _ImportCommand(TyperCommand):
    """Takes ``--quarantine-rows`` with a share behind it, and without one."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the usual share behind a bare flag."""
        for position in range(len(args) - 1, -1, -1):
            if args[position] == _QUARANTINE and not "".join(args[position + 1 : position + 2]).endswith("%"):
                args[position] = f"{_QUARANTINE}={_USUAL_SHARE}"
        return super().parse_args(ctx, args)


@data_app.command("import", cls=_ImportCommand)
def import_(
    files: Annotated[list[Path], typer.Argument(metavar="PATHS", help="Files of ticks or bars, or folders of them.")],
    pair: Annotated[
        str | None, typer.Option(metavar="NAME", help="What the files hold: EURUSD. Else told by their rows or names.")
    ] = None,
    to: _To = None,
    quarantine_rows: Annotated[
        str | None,
        typer.Option(
            _QUARANTINE,
            metavar="[SHARE]",
            help="Set bad rows aside, up to 1% of a file or the share that is given, such as 5%.",
        ),
    ] = None,
    zone: Annotated[
        str | None, typer.Option(metavar="ZONE", help="Of times without one: UTC, America/New_York+7, -05:00.")
    ] = None,
    format: Annotated[  # noqa: A002 -- the flag's name
        str,
        typer.Option(
            metavar="NAME",
            help="auto (by content), exness, histdata, dukascopy, metatrader, truefx, fxcm, lean, or columns.",
        ),
    ] = "auto",
    columns: Annotated[
        str | None, typer.Option(metavar="MAP", help="Which columns to take: time=Date,bid=Bid px,ask=Ask px.")
    ] = None,
    unit: Annotated[str | None, typer.Option(metavar="UNIT", help="What numeric times count: s, ms, us or ns.")] = None,
    crossed: Annotated[
        str,
        typer.Option(metavar="HOW", help="Quotes with the ask below the bid: swap (exchanges the two), aside, refuse."),
    ] = "refuse",
    spread: Annotated[
        str | None,
        typer.Option(metavar="PIPS", help="Of bars that have one side: 1.2, or file for the file's own column."),
    ] = None,
    side: Annotated[
        str | None,
        typer.Option(metavar="SIDE", help="What that side is: bid, ask or mid; else told by the name, or bid."),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Processes that read large files; one a core.")
    ] = None,
) -> None:
    """Check files of ticks or bars, row by row, and store them; all of a pair or nothing."""
    from flows.cli.bar_commands import BarFlags  # noqa: PLC0415
    from flows.cli.starting import data_folder  # noqa: PLC0415
    from flows.terminal.importing import import_and_tell  # noqa: PLC0415
    from flows.terminal.wording import left_line  # noqa: PLC0415
    from necrozma_core.feeds.formats.registry import ReadOptions  # noqa: PLC0415
    from necrozma_core.feeds.sorting import sort_files  # noqa: PLC0415

    share = _share(quarantine_rows)
    given = dict(part.partition("=")[::2] for part in columns.split(",")) if columns else None
    read = ReadOptions(zone, format, given, unit, crossed)
    read.check()
    found = sort_files(files, pair, read)
    if found.left:
        typer.echo(left_line(found.left))
    bars = BarFlags(spread, side, share).take_bars(found.by_pair, read)
    ticks = {name: paths for name, paths in found.by_pair.items() if paths}
    if ticks:
        import_and_tell(ticks, data_folder(to), share, read, workers)
    for name in bars.files:
        bars.import_pair(name, data_folder(to))


def _share(text: str | None) -> float:
    from necrozma_core.errors import UsageError  # noqa: PLC0415

    if text is None:
        return 0.0
    number = text.removesuffix("%")
    if not text.endswith("%") or not number.replace(".", "", 1).isdigit() or not 0 < float(number) < 100:
        raise UsageError(f"{_QUARANTINE} {text[:40]}: expected a share between 0% and 100%, such as 5%")
    return float(number) / 100


@data_app.command("list")
def list_(data: options.Data = None) -> None:
    """Show the stored pairs: span, ticks, gaps of the open market, spread; and bars by their timeframe."""
    from flows.cli.starting import data_folder  # noqa: PLC0415
    from flows.terminal.tables import bars_table, open_console, pairs_table  # noqa: PLC0415
    from necrozma_core.storage.bars.store import BarStore  # noqa: PLC0415
    from necrozma_core.storage.ticks.store import TickStore, no_ticks_error  # noqa: PLC0415

    ticks, bars = TickStore(data_folder(data)).summaries(), BarStore(data_folder(data)).summaries()
    if not ticks and not bars:
        raise no_ticks_error(data_folder(data))
    if ticks:
        open_console().print(pairs_table(ticks))
    if bars:
        open_console().print(bars_table(bars))


data_app.command()(check)
data_app.command()(compare)


_From = Annotated[str | None, typer.Option("--from", metavar="TIME", help="2024-01-15 (UTC), or with a time and zone.")]
_Until = Annotated[str | None, typer.Option("--until", metavar="TIME", help="The first time that is not meant.")]
_Timeframe = Annotated[
    str | None, typer.Option(metavar="BAR", help="The pair's stored bars of this length, 1h, in place of its ticks.")
]
_Pair = Annotated[str, typer.Argument(metavar="PAIR", help="One that is stored: EURUSD.")]


@data_app.command()
def remove(
    pair: _Pair,
    from_: _From = None,
    to: Annotated[str | None, typer.Option("--to", metavar="TIME", help="The first time that stays again.")] = None,
    timeframe: _Timeframe = None,
    data: options.Data = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Remove a pair's stored ticks, or with --timeframe its bars, or those of a range."""
    from flows.cli.bar_commands import StoredBars  # noqa: PLC0415
    from flows.cli.starting import data_folder  # noqa: PLC0415
    from necrozma_core.errors import UsageError  # noqa: PLC0415
    from necrozma_core.market.moments import parse_moment  # noqa: PLC0415
    from necrozma_core.storage.ticks.store import TickStore  # noqa: PLC0415

    first = parse_moment(from_, "--from") if from_ else None
    last = parse_moment(to, "--to") if to else None
    bars = StoredBars.chosen(data_folder(data), pair, timeframe)
    store = TickStore(data_folder(data))
    what, stored = (f"bars of {timeframe}", bars.count()) if bars else ("ticks", store.summary(pair).ticks)
    meant = f"{what} from {from_ or 'the first'} to {to or 'the last'}" if from_ or to else f"all {what}"
    if not yes:
        if not sys.stdin.isatty():
            raise UsageError(f"this removes {meant} of {pair} ({stored:,} stored); say --yes to do it")
        typer.confirm(f"Remove {meant} of {pair} ({stored:,} stored)?", abort=True)
    removed = bars.remove(first, last) if bars else store.remove(pair, first, last)
    typer.echo(f"{pair}: {removed:,} {what} removed")


@data_app.command()
def export(
    pair: _Pair,
    to: Annotated[Path, typer.Option("--to", metavar="FILE", help="Ends in .csv or .parquet.")],
    from_: _From = None,
    until: _Until = None,
    timeframe: _Timeframe = None,
    data: options.Data = None,
) -> None:
    """Write a pair's ticks to a CSV or Parquet file: timestamp (UTC), bid, ask; or with --timeframe its bars."""
    from flows.cli.bar_commands import StoredBars  # noqa: PLC0415
    from flows.cli.starting import data_folder  # noqa: PLC0415
    from necrozma_core.feeds.export import export_ticks  # noqa: PLC0415
    from necrozma_core.market.moments import parse_moment  # noqa: PLC0415
    from necrozma_core.storage.ticks.store import TickStore  # noqa: PLC0415

    first = parse_moment(from_, "--from") if from_ else None
    last = parse_moment(until, "--until") if until else None
    if bars := StoredBars.chosen(data_folder(data), pair, timeframe):
        written = bars.export(to, first, last)
        typer.echo(f"{pair}: {written:,} bars of {timeframe} in {to}")
        return
    written = export_ticks(TickStore(data_folder(data)), pair, to, first, last)
    typer.echo(f"{pair}: {written:,} ticks in {to}")


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
    from necrozma_core.feeds.kept_reports import report_stored  # noqa: PLC0415
    from necrozma_core.feeds.samples.quotes import write_samples  # noqa: PLC0415
    from necrozma_core.storage.ticks.store import TickStore  # noqa: PLC0415

    summaries = write_samples(data_folder(to), pairs, ticks, seed)
    for summary in summaries:
        report_stored(TickStore(data_folder(to)), summary.pair)
    open_console().print(pairs_table(summaries))


@strategies_app.command("list")
def list_strategies(
    strategies: options.Strategies = None,
    settings_file: options.SettingsFile = None,
    grid: options.Grid = None,
    catalog: options.Catalog = None,
) -> None:
    """Show the strategies that a run with the same flags would try, and how many; without flags the default fifty."""
    from flows.cli.starting import read_settings, source_of  # noqa: PLC0415
    from flows.terminal.tables import open_console, strategies_table  # noqa: PLC0415
    from flows.terminal.wording import strategies_line  # noqa: PLC0415

    sources = {"strategies": strategies, "settings_file": settings_file, "grid": grid, "catalog": catalog}
    settings, _ = read_settings(sources)
    source = source_of(settings)
    # First where it can end no process but its own.
    source.try_file()
    found = source.load()
    open_console().print(strategies_table(found))
    typer.echo(strategies_line(source, len(found)))
