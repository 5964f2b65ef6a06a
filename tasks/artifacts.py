"""What Prefect's UI shows of a run: tables and short texts, each readable at a glance.

The results are on disk before any artifact is made, so a server that does not answer costs a warning and nothing else.
"""

import base64
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from prefect.artifacts import (
    create_link_artifact,
    create_markdown_artifact,
    create_table_artifact,
)

from necrozma_core.backtest.request import Receipt
from necrozma_core.printing import printable
from necrozma_core.reporting.curves import read_curve
from necrozma_core.reporting.luck import luck_lines
from necrozma_core.reporting.marks import has_holdout, mark_lines, origin_lines
from necrozma_core.reporting.ranking import rank_metrics
from necrozma_core.storage.disk.columns import array_of
from necrozma_core.storage.results.store import ResultStore
from necrozma_core.storage.runs.folder import GOVERNOR_FILE, read_governor
from necrozma_core.storage.runs.manifest import Manifest
from tasks.best_effort import best_effort
from tasks.figures import readable
from tasks.markdown import code, facts_list, markdown_table, plain

_TOP: Final = 100
_TOP_OF_PAIR: Final = 5
_TABLE_COLUMNS: Final[tuple[str, ...]] = (
    "rank",
    "pair",
    "strategy",
    "trades",
    "sharpe",
    "total_return",
    "max_drawdown",
)
"""Prefect gives all columns of a table the same width, and cuts off what a page has no room for."""
_JUDGED_COLUMNS: Final[tuple[str, ...]] = ("rank", "pair", "strategy", "trades", "sharpe", "max_drawdown", "verdict")
_MOST_MESSAGES: Final = 50
_INK: Final = "#4b8bd6"
"""Readable on the UI's dark and light pages: an image does not take the page's colour."""

_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})

_log = logging.getLogger(__name__)


@best_effort
def pair_artifact(store: ResultStore, receipt: Receipt, initial_balance: float) -> None:
    """Show one pair's summary with its best strategies, and the account's balance under the best one."""
    ranking = rank_metrics([store.read_metrics(receipt.pair, receipt.key)])
    # What is luck is told by all pairs together, at the run's end.
    best = ranking.drop_columns("verdict").slice(0, _TOP_OF_PAIR)
    origin = "computed now" if receipt.computed else "stored before, not computed again"
    lines = [
        f"## {receipt.pair}",
        f"{receipt.strategies:,} strategies, {receipt.trades:,} trades on {receipt.ticks:,} {receipt.made_from}; "
        f"{origin}.",
        markdown_table([readable(row) for row in best.drop_columns("pair").to_pylist()]),
        " ".join(mark_lines(best.to_pylist())),
        _picture(store, receipt, best["strategy"][0].as_py(), initial_balance) if len(best) else "",
        *(f"- **{plain(name)}** failed: {plain(reason)}" for name, reason in receipt.failures[:_TOP]),
        code(store.folder(receipt.pair, receipt.key)),
    ]
    create_markdown_artifact("\n\n".join(lines), key=f"pair-{receipt.pair.lower()}", description=receipt.pair)


@best_effort
def ranking_artifact(
    ranking: pa.Table, path: Path, settings: Mapping[str, Any] = _NOTHING, findings: Mapping[str, Any] = _NOTHING
) -> None:
    """Show the top of the ranking as a table that can be searched; settings and findings are the run's manifest's."""
    top = ranking.slice(0, _TOP).to_pylist()
    remarks = [*luck_lines(ranking, findings, settings), *mark_lines(top), *origin_lines(top, settings), ""]
    names = _JUDGED_COLUMNS if any(row["verdict"] for row in top) else _TABLE_COLUMNS
    if has_holdout(top):
        names = (*names, "holdout_sharpe")
    enough = pc.sum(pc.invert(ranking["few_trades"])).as_py() or 0
    create_table_artifact(
        [readable(row, names) for row in top],
        key="ranking",
        description=(
            f"The first {len(top)} of {len(ranking):,} settings ({enough:,} with 30 trades or more). "
            f"{' '.join(remarks)}"
            f"The whole table: {printable(path)}"
        ),
    )


@best_effort
def run_artifact(manifest: Manifest, report: Path) -> None:
    """Show a run's settings, inputs and files, and a link to its report."""
    states = [f"- {pair}: {record.state}" + (f", {plain(record.failure)}" if record.failure else "")
              for pair, record in manifest.pairs.items()]  # fmt: skip
    lines = [
        f"## Run {manifest.run_id}",
        "\n".join(states),
        "### How much is luck",
        facts_list(manifest.findings),
        "### Settings",
        facts_list(manifest.settings),
        "### Inputs",
        facts_list(manifest.inputs),
        f"Files: {code(report.parent)}",
    ]
    create_markdown_artifact("\n\n".join(lines), key="run", description=f"Run {manifest.run_id}")
    create_link_artifact(
        report.absolute().as_uri(), link_text="report.html", key="report", description=printable(report)
    )


@best_effort
def governor_artifact(run: Path, manifest: Manifest) -> None:
    """Show the machine's load during a run and how the throttle answered; nothing where nothing was computed."""
    if GOVERNOR_FILE not in manifest.files:
        return
    looks = read_governor(run, manifest)
    rows = looks.select(["total", "capacity", "resting", "allowance"]).to_pylist()
    cpu = np.array(
        [100 * row["total"] / row["capacity"] for row in rows if row["total"] is not None and row["capacity"]]
    )
    allowance = np.array([0.0 if row["resting"] else row["allowance"] for row in rows])
    limit = float(manifest.settings.get("cpu_limit", 100.0))
    busy = f"{np.median(cpu):.0f} % in the middle, {cpu.max():.0f} % at most" if len(cpu) else "unavailable"
    times_ms = array_of(looks["time"].combine_chunks(), np.int64).tolist()
    said = [
        f"- {datetime.fromtimestamp(ms // 1000, UTC):%H:%M:%S} {plain(message)}"
        for ms, message in zip(times_ms, looks["message"].to_pylist(), strict=True)
        if message
    ]
    lines = [
        "## Governor",
        f"- CPU: {busy}; the limit was {limit:g} %, exceeded at {np.mean(cpu > limit) if len(cpu) else 0:.0%} of "
        f"{len(looks)} looks",
        f"- allowance: {allowance.min():g} to {allowance.max():g} of {manifest.settings.get('workers')} workers",
        "\n".join(said[:_MOST_MESSAGES]),
        f"{len(said) - _MOST_MESSAGES} more" if len(said) > _MOST_MESSAGES else "",
        f"Every look: {code(run / GOVERNOR_FILE)}",
    ]
    create_markdown_artifact("\n\n".join(filter(None, lines)), key="governor", description="CPU, and what was allowed")


def _picture(store: ResultStore, receipt: Receipt, strategy: str, initial_balance: float) -> str:
    """Return the balance under one strategy as markdown, or why it is not drawn; empty where no trade is stored."""
    curve = read_curve(store, receipt.pair, receipt.key, strategy, initial_balance)
    if curve is None:
        return ""
    if curve.balance is None:
        return f"Balance {plain(curve.note)}."
    svg = base64.b64encode(curve.svg().replace("currentColor", _INK).encode()).decode()
    return f"![{plain(curve.title)}](data:image/svg+xml;base64,{svg})"
