"""What Prefect's UI shows of a run: tables and short texts, each readable at a glance.

The results are on disk before any of these is made, so a server that does not answer costs a warning and nothing else.
"""

import functools
import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, ParamSpec

import pyarrow as pa
import pyarrow.compute as pc
from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact

from necrozma_core.errors import StorageError
from necrozma_core.jobs import Receipt
from necrozma_core.ranking import rank_metrics
from necrozma_core.storage.manifest import Manifest
from necrozma_core.storage.results import ResultStore

P = ParamSpec("P")

_TOP: Final = 100
_TOP_OF_PAIR: Final = 5
_RATIOS: Final = ("sharpe", "sortino", "calmar", "profit_factor")
_RANKING_COLUMNS: Final = (
    "rank", "pair", "strategy", "trades", "sharpe", "net_profit", "total_return", "max_drawdown", "profit_factor",
    "win_rate", "expectancy",
)  # fmt: skip

_log = logging.getLogger(__name__)


def _best_effort(show: Callable[P, None]) -> Callable[P, None]:
    @functools.wraps(show)
    def shown(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            show(*args, **kwargs)
        except StorageError:
            raise
        except Exception as error:  # noqa: BLE001 -- whatever an HTTP client may raise
            _log.warning("Prefect was not told (%s): %s", show.__name__, error)

    return shown


@_best_effort
def show_pair(store: ResultStore, receipt: Receipt) -> None:
    """Show one pair's summary with its best strategies."""
    best = rank_metrics([store.read_metrics(receipt.pair, receipt.key)]).slice(0, _TOP_OF_PAIR)
    origin = "computed now" if receipt.computed else "stored before, not computed again"
    lines = [
        f"## {receipt.pair}",
        f"{receipt.strategies:,} strategies, {receipt.trades:,} trades on {receipt.ticks:,} ticks; {origin}.",
        _markdown_table(best, [name for name in _RANKING_COLUMNS if name != "pair"]),
        *(f"- **{_plain(name)}** failed: {_plain(reason)}" for name, reason in receipt.failures[:_TOP]),
        f"`{store.folder(receipt.pair, receipt.key)}`",
    ]
    create_markdown_artifact("\n\n".join(lines), key=f"pair-{receipt.pair.lower()}", description=receipt.pair)


@_best_effort
def show_ranking(ranking: pa.Table, path: Path) -> None:
    """Show the top of the ranking as a table that can be searched."""
    top = ranking.slice(0, _TOP)
    enough = pc.sum(pc.invert(ranking["few_trades"])).as_py() or 0
    create_table_artifact(
        [{name: _shown(name, row[name]) for name in _RANKING_COLUMNS} for row in top.to_pylist()],
        key="ranking",
        description=(
            f"The first {len(top)} of {len(ranking):,} settings ({enough:,} with 30 trades or more). "
            f"Among so many, the top is also the luckiest. The whole table: {path}"
        ),
    )


@_best_effort
def show_run(manifest: Manifest, report: Path) -> None:
    """Show a run's settings, inputs and files, and a link to its report."""
    states = [f"- {pair}: {record.state}" + (f", {_plain(record.failure)}" if record.failure else "")
              for pair, record in manifest.pairs.items()]  # fmt: skip
    lines = [
        f"## Run {manifest.run_id}",
        "\n".join(states),
        "### Settings",
        _facts(manifest.settings),
        "### Inputs",
        _facts(manifest.inputs),
        f"Files: `{report.parent}`",
    ]
    create_markdown_artifact("\n\n".join(lines), key="run", description=f"Run {manifest.run_id}")
    create_link_artifact(report.absolute().as_uri(), link_text="report.html", key="report", description=str(report))


def _markdown_table(table: pa.Table, names: Sequence[str]) -> str:
    head = f"| {' | '.join(names)} |\n|{' --- |' * len(names)}"
    rows = [f"| {' | '.join(_plain(_shown(name, row[name])) for name in names)} |" for row in table.to_pylist()]
    return "\n".join([head, *rows])


def _facts(facts: Mapping[str, Any]) -> str:
    return "\n".join(f"- {_plain(name)}: `{_plain(value)}`" for name, value in facts.items()) or "none"


def _shown(name: str, value: Any) -> Any:
    if not isinstance(value, float):
        return value
    return round(value, 3 if name in _RATIOS else 4 if abs(value) < 1 else 2)


def _plain(value: object) -> str:
    """Return text that cannot change the markdown around it."""
    text = "–" if value is None else str(value)
    for sign in "\\`*_|<>[]":
        text = text.replace(sign, f"\\{sign}" if sign not in "<>" else {"<": "&lt;", ">": "&gt;"}[sign])
    return " ".join(text.split())
