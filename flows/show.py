"""Stored runs on the terminal: the best of a ranking, a run at a glance, what its governor did."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pyarrow.compute as pc

from flows.chart import draw_columns
from flows.tables import DEFAULT_WIDTH, RANKING_COLUMNS, RANKING_ROWS, duration, open_console, ranking_table, run_table
from necrozma_core.storage.runs import RANKING_FILE, RUNS_FOLDER, read_governor, read_ranking

if TYPE_CHECKING:
    from necrozma_core.storage.manifest import Manifest

_CHART_WIDTH: Final = 72
_CHART_HEIGHT: Final = 6


def show_ranking(folder: Path, run: "Manifest") -> None:
    """Show the best of a run's ranking, and what to think of it.

    Raises
    ------
    DamagedError
        The ranking is not what was published.
    """
    ranking = read_ranking(folder, run)
    console = open_console()
    best = ranking.select(list(RANKING_COLUMNS)).slice(0, RANKING_ROWS)
    currency = str(run.settings.get("account_currency", ""))
    console.print()
    width = console.width if console.is_terminal else DEFAULT_WIDTH
    console.print(ranking_table(best.to_pylist(), currency, width))
    console.print()
    if pc.any(best["few_trades"]).as_py():
        console.print("† fewer than 30 trades: the figures say little.")
    console.print(f"The best {len(best)} of {len(ranking):,} settings. A list sorted by result has the luckiest")
    console.print("on top: try them on years that played no part here.")


def show_run(results: Path, run: "Manifest") -> None:
    """Show one run: how it went, its pairs, its ranking, where its files are."""
    console = open_console()
    folder = results / RUNS_FOLDER / run.run_id
    console.print(f"run {run.run_id}: {run.status}, started {run.started_at}, ended {run.ended_at or 'not yet'}")
    console.print(run_table(run))
    for pair, record in sorted(run.pairs.items()):
        for name, reason in record.strategy_failures:
            console.print(f"{pair}: {name}: {reason}", markup=False)
    if RANKING_FILE in run.files:
        show_ranking(folder, run)
    console.print(f"Files: {folder}", markup=False)


def show_governor(results: Path, run: "Manifest") -> None:
    """Draw what the governor of a run saw and decided, and repeat what it said.

    Raises
    ------
    UsageError
        The run left no such record.
    DamagedError
        The record is not what was published.
    """
    console = open_console()
    looks = read_governor(results / RUNS_FOLDER / run.run_id, run).to_pylist()
    for line in governor_lines(looks, run.settings):
        console.print(line, markup=False)


def governor_lines(looks: Sequence[Mapping[str, Any]], settings: Mapping[str, Any]) -> Iterator[str]:
    """Write looks at the machine as two charts and the messages.

    Parameters
    ----------
    looks : sequence of mapping
        Rows of GOVERNOR_SCHEMA, at least one.
    settings : mapping
        The run's, for the limit and the number of workers.
    """
    workers = int(settings.get("workers", 1))
    seconds = [(look["time"] - looks[0]["time"]).total_seconds() for look in looks]
    cpu = [100 * look["total"] / look["capacity"] if look["total"] is not None and look["capacity"] else None
           for look in looks]  # fmt: skip
    charts = (
        (f"CPU, percent of the capacity; the limit was {settings.get('cpu_limit', 0):g}", cpu, 100.0),
        (
            f"allowance, of {workers} workers",
            [0.0 if look["resting"] else look["allowance"] for look in looks],
            workers,
        ),
    )
    span = duration(seconds[-1])
    for title, values, top in charts:
        yield title
        spread = spread_evenly(seconds, values, _CHART_WIDTH)
        for row, line in enumerate(draw_columns(spread, top, _CHART_HEIGHT)):
            edge = f"{top:g}" if row == 0 else "0" if row == _CHART_HEIGHT - 1 else ""
            yield f"{edge:>5} │{line}"
        yield f"{'':5} └0s{span:>{_CHART_WIDTH - 2}}"
        yield ""
    for look in looks:
        if look["message"]:
            yield f"{look['time']:%H:%M:%S}  {look['message']}"


def spread_evenly(seconds: Sequence[float], values: Sequence[float | None], count: int) -> list[float | None]:
    """Return ``count`` values at even distances in time, each the last one known by then.

    Parameters
    ----------
    seconds : sequence of float
        When each value was taken, rising from 0.
    values : sequence of float or None
    """
    span = seconds[-1]
    return [values[bisect_right(seconds, span * (step / max(count - 1, 1))) - 1] for step in range(count)]
