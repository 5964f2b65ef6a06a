"""``necrozma data check`` and ``compare``: what stored ticks are like, alone and beside another feed's."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli import options

if TYPE_CHECKING:
    from necrozma_core.storage.ticks.store import TickStore

_Page = Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write it as a page, day by day.")]


def check(
    pairs: Annotated[
        list[str] | None, typer.Argument(metavar="[PAIR]...", help="All stored ones if not given.")
    ] = None,
    data: options.Data = None,
    days: Annotated[bool, typer.Option("--days", help="Show every trading day, too.")] = False,
    html: _Page = None,
) -> None:
    """Look at stored ticks day by day: spreads, gaps, jumps, weekends, and what is doubtful; and at stored bars."""
    from flows.cli.bar_commands import check_bars  # noqa: PLC0415
    from flows.cli.starting import data_folder  # noqa: PLC0415
    from flows.terminal.data_tables import days_table, reports_table, verdict_lines  # noqa: PLC0415
    from flows.terminal.tables import open_console  # noqa: PLC0415
    from necrozma_core.feeds.kept_reports import report_stored  # noqa: PLC0415
    from necrozma_core.reporting.data_page import render_data_report  # noqa: PLC0415
    from necrozma_core.storage.ticks.store import TickStore, no_ticks_error  # noqa: PLC0415

    store = TickStore(data_folder(data))
    bar_lines = check_bars(data_folder(data), pairs)
    names = list(dict.fromkeys(pairs or store.pairs()))
    if not names and not bar_lines:
        raise no_ticks_error(data_folder(data))
    reports = []
    # A pair that has bars alone has no report of its ticks, and one that has nothing is refused by it.
    for name in (name for name in names if name not in bar_lines or name in store.pairs()):
        # A report that is kept says nothing of what the disk did since.
        store.verify(name)
        reports.append(report_stored(store, name))
    console = open_console()
    if reports:
        console.print(reports_table(reports))
    for report in reports:
        typer.echo("")
        typer.echo("\n".join(verdict_lines(report)))
        if days:
            console.print(days_table(report.days))
    for line in (line for lines in bar_lines.values() for line in lines):
        typer.echo(line)
    if html is not None:
        _publish(html, render_data_report(reports))


def compare(
    first: Annotated[str, typer.Argument(metavar="A", help="A data folder, or FOLDER:PAIR for one pair of it.")],
    second: Annotated[str, typer.Argument(metavar="B", help="Another one.")],
    pair: Annotated[
        str | None, typer.Option(metavar="NAME", help="The pair, where A and B do not say it; all that both have.")
    ] = None,
    html: _Page = None,
) -> None:
    """Put two feeds of a pair side by side: clocks, prices, spreads, and what one has that the other lacks."""
    from flows.terminal.data_tables import comparison_heading, comparison_table  # noqa: PLC0415
    from flows.terminal.tables import open_console  # noqa: PLC0415
    from necrozma_core.feeds.comparison import compare_feeds  # noqa: PLC0415
    from necrozma_core.reporting.comparison_page import render_comparisons  # noqa: PLC0415

    comparisons = [compare_feeds(*sides) for sides in _sides(first, second, pair)]
    console = open_console()
    for number, comparison in enumerate(comparisons):
        if number:
            typer.echo("")
        typer.echo("\n".join(comparison_heading(comparison)))
        console.print(comparison_table(comparison))
        typer.echo("\n".join(comparison.shared()))
        typer.echo("\n".join(f"  {sentence}" for sentence in comparison.verdict()))
    if html is not None:
        _publish(html, render_comparisons(comparisons))


def _sides(first: str, second: str, pair: str | None) -> "list[tuple[tuple[TickStore, str], tuple[TickStore, str]]]":
    """Find the pairs to compare; UsageError where nothing says which."""
    from necrozma_core.errors import UsageError  # noqa: PLC0415
    from necrozma_core.market.instruments import get_pair  # noqa: PLC0415

    (one, name), (other, other_name) = _split(first), _split(second)
    wanted = get_pair(pair).name if pair else None
    name, other_name = name or other_name or wanted, other_name or name or wanted
    if name and other_name:
        return [((one, name), (other, other_name))]
    if not (both := sorted(set(one.pairs()) & set(other.pairs()))):
        raise UsageError(
            f"{first} and {second} have no pair in common: {first} has {', '.join(one.pairs()) or 'none'}, "
            f"{second} has {', '.join(other.pairs()) or 'none'}; say FOLDER:PAIR"
        )
    return [((one, shared), (other, shared)) for shared in both]


def _split(text: str) -> "tuple[TickStore, str | None]":
    """Split ``FOLDER:PAIR``; a colon may be of the folder."""
    from necrozma_core.errors import UsageError  # noqa: PLC0415
    from necrozma_core.market.instruments import get_pair  # noqa: PLC0415
    from necrozma_core.storage.ticks.store import TickStore  # noqa: PLC0415

    folder, colon, name = text.rpartition(":")
    is_pair = bool(colon and folder) and not Path(text).is_dir() and not {"/", "\\"} & set(name)
    path = Path(folder if is_pair else text)
    if not path.is_dir():
        raise UsageError(f"{path}: no such folder; expected a data folder, or FOLDER:PAIR")
    return TickStore(path), get_pair(name).name if is_pair else None


def _publish(path: Path, page: str) -> None:
    from necrozma_core.storage.disk.publish import publish_bytes  # noqa: PLC0415

    publish_bytes(path, page.encode())
    typer.echo(f"page: {path}")
