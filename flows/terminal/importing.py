"""An import as a person sees it: a bar while files are read, the lines of each pair once it is stored."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from flows.terminal.tables import open_console
from flows.terminal.wording import import_lines
from necrozma_core.errors import PairsFailedError
from necrozma_core.feeds.formats.registry import ReadOptions
from necrozma_core.printing import one_line, printable
from necrozma_core.throttle.sensors.capacity import measure_capacity
from necrozma_core.workers.importing import ImportProgress, PairImport, import_pairs


def import_and_tell(
    by_pair: Mapping[str, Sequence[Path]],
    data_dir: Path,
    quarantine_share: float,
    options: ReadOptions,
    workers: int | None,
) -> None:
    """Import the files of some pairs and say what was done.

    Parameters
    ----------
    by_pair, data_dir, quarantine_share, options
        See `import_pairs`.
    workers : int or None
        Processes that read; None for one a core.

    Raises
    ------
    PairsFailedError
        Some pairs failed, and others did not; each error has been said.
    NecrozmaError
        The only pair failed, or the first of several that all did; or what stops the import.
    """
    failed: list[PairImport] = []
    try:
        with _progress() as (show, say):
            for outcome in import_pairs(
                by_pair,
                data_dir,
                quarantine_share=quarantine_share,
                options=options,
                workers=workers or max(1, math.floor(measure_capacity().cores)),
                on_progress=show,
            ):
                if outcome.report is not None:
                    for line in import_lines(outcome.report):
                        say(line)
                else:
                    failed.append(outcome)
    except KeyboardInterrupt:
        typer.echo(
            "stopped: what is named above is stored, of other pairs nothing; the same command goes on from there",
            err=True,
        )
        raise
    _say_failures(failed, len(by_pair))


def _say_failures(failed: Sequence[PairImport], pairs: int) -> None:
    errors = [outcome.error for outcome in failed if outcome.error is not None]
    if not errors:
        return
    if len(errors) == pairs:
        for error in errors[1:]:
            typer.echo(one_line(f"error: {error}"), err=True)
        raise errors[0]
    for error in errors:
        typer.echo(one_line(f"error: {error}"), err=True)
    names = ", ".join(outcome.pair for outcome in failed)
    raise PairsFailedError(f"{len(failed)} of {pairs} pairs were not imported: {names}; the others are stored")


@contextmanager
def _progress() -> Iterator[tuple[Callable[[ImportProgress], None] | None, Callable[[str], None]]]:
    """Hold a bar where stdout is a terminal, and a way to write lines above it; elsewhere the lines say enough."""
    console = open_console()
    if not console.is_terminal:
        yield None, typer.echo
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[files]}, {task.fields[ticks]:,} ticks", markup=False),
        TimeRemainingColumn(compact=True),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task("reading", files="", ticks=0, total=None)

        def show(state: ImportProgress) -> None:
            progress.update(
                bar,
                description=state.pair,
                total=state.size,
                completed=state.size_done,
                files=f"{state.files_done:,} of {state.files:,} files",
                ticks=state.ticks,
            )

        def say(line: str) -> None:
            console.print(printable(line), markup=False, highlight=False, soft_wrap=True)

        yield show, say
