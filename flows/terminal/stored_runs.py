"""Stored runs on the terminal: the best of a ranking, a run at a glance, its governor, two runs compared."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from flows.terminal.block_chart import governor_lines
from flows.terminal.run_lists import count_strategies, diff_lines
from flows.terminal.run_settings import describe_run
from flows.terminal.tables import (
    DEFAULT_WIDTH,
    RANKING_COLUMNS,
    RANKING_ROWS,
    open_console,
    ranking_table,
    ranks_table,
    run_table,
)
from necrozma_core.market.conversion_paths import long_path_lines
from necrozma_core.reporting.luck import luck_lines
from necrozma_core.reporting.marks import has_holdout, mark_lines, origin_lines
from necrozma_core.storage.results_folder import ResultsFolder
from necrozma_core.storage.runs.comparison import diff_runs
from necrozma_core.storage.runs.folder import RANKING_FILE, read_governor, read_ranking

if TYPE_CHECKING:
    from necrozma_core.storage.runs.manifest import Manifest

_RANKS_SHOWN: Final = 20
_ORDERS: Final = {"deflated_sharpe": "deflated Sharpe ratio", "sharpe": "Sharpe ratio", "net_profit": "net profit"}


def show_ranking(folder: Path, run: "Manifest") -> None:
    """Show the best of a run's ranking, and how much of it is likely to be luck.

    Raises
    ------
    DamagedError
        The ranking is not what was published.
    """
    ranking = read_ranking(folder, run)
    console = open_console()
    rows = ranking.select(list(RANKING_COLUMNS)).slice(0, RANKING_ROWS).to_pylist()
    currency = str(run.settings.get("account_currency", ""))
    console.print()
    width = console.width if console.is_terminal else DEFAULT_WIDTH
    console.print(ranking_table(rows, currency, width))
    console.print()
    for line in mark_lines(rows):
        console.print(line, markup=False)
    console.print(f"The best {len(rows)} of {len(ranking):,} settings{_order(run.settings)}.")
    for line in luck_lines(ranking, run.findings, run.settings):
        console.print(line, markup=False)
    for line in origin_lines(rows, run.settings):
        console.print(line, markup=False)
    if has_holdout(rows):
        console.print("held: the Sharpe ratio in the hold-out, which ranks for nothing.")


def _order(settings: Mapping[str, Any]) -> str:
    by = settings.get("rank_by")
    return f" by {_ORDERS[by]}" if by in _ORDERS else ""


def show_run(results: Path, run: "Manifest") -> None:
    """Show one run: how it went, its pairs, its ranking, where its files are."""
    console = open_console()
    folder = ResultsFolder(results).run(run.run_id)
    console.print(f"run {run.run_id}: {run.status}, started {run.started_at}, ended {run.ended_at or 'not yet'}")
    console.print(describe_run(run.settings, count_strategies(run), whole=True), markup=False)
    for line in long_path_lines(run.inputs.get("conversion", {})):
        console.print(line, markup=False)
    console.print(run_table(run))
    if failed := run.counts.get("failed_strategies"):
        console.print(f"{failed:,} of {run.counts['strategies']:,} strategies failed:")
    for pair, record in sorted(run.pairs.items()):
        for name, reason in record.strategy_failures:
            console.print(f"{pair}: {name}: {reason}", soft_wrap=True)
    if RANKING_FILE in run.files:
        show_ranking(folder, run)
    console.print(f"Files: {folder}", soft_wrap=True)


def show_diff(results: Path, before: "Manifest", after: "Manifest") -> None:
    """Show what differs between two runs: settings, inputs, versions, results, ranks.

    Raises
    ------
    DamagedError
        A ranking or a result is not what was published.
    """
    console = open_console()
    diff = diff_runs(results, before, after)
    for line in diff_lines(diff):
        console.print(line, markup=False)
    if not diff.ranking:
        console.print(f"ranks: {'the same' if diff.ranked else 'nothing to compare'}")
        return
    console.print(f"ranks, among the {diff.ranked:,} that both runs ranked:")
    console.print(ranks_table(diff.ranking[:_RANKS_SHOWN]))
    if (more := len(diff.ranking) - _RANKS_SHOWN) > 0:
        console.print(f"and {more:,} more")


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
    looks = read_governor(ResultsFolder(results).run(run.run_id), run).to_pylist()
    for line in governor_lines(looks, run.settings):
        console.print(line, markup=False)
