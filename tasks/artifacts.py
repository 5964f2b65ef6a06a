"""What Prefect's UI shows of a run: tables and short texts, each readable at a glance.

The results are on disk before any of these is made, so a server that does not answer costs a warning and nothing else.
"""

import base64
import functools
import logging
import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, ParamSpec
from uuid import UUID

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from prefect.artifacts import (
    create_link_artifact,
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)

from necrozma_core.charts import balance_curve, equity_svg
from necrozma_core.errors import StorageError
from necrozma_core.jobs import Receipt
from necrozma_core.ranking import rank_metrics
from necrozma_core.storage.columns import array_of
from necrozma_core.storage.manifest import Manifest
from necrozma_core.storage.results import ResultStore
from necrozma_core.storage.runs import GOVERNOR_FILE, read_governor

P = ParamSpec("P")

_TOP: Final = 100
_QUIET_S: Final = 60.0
_TOP_OF_PAIR: Final = 5
_RATIOS: Final = ("sharpe", "sortino", "calmar", "profit_factor")
_RANKING_COLUMNS: Final = (
    "rank", "pair", "strategy", "trades", "sharpe", "net_profit", "total_return", "max_drawdown", "profit_factor",
    "win_rate", "expectancy",
)  # fmt: skip

_MOST_TRADES: Final = 500_000
"""A pair with more stored trades gets no picture: reading them would take longer than a glance is worth."""
_MOST_MESSAGES: Final = 50
_INK: Final = "#4b8bd6"
"""Seen on the UI's dark and light pages alike: an image does not take the page's colour."""
_PROGRESS_EVERY_S: Final = 1.0

_log = logging.getLogger(__name__)


class _Line:
    """Whether the server was reachable when it was last tried: nobody waits for a lost one again and again."""

    quiet_until = -math.inf


def _best_effort(show: Callable[P, None]) -> Callable[P, None]:
    @functools.wraps(show)
    def shown(*args: P.args, **kwargs: P.kwargs) -> None:
        if time.monotonic() < _Line.quiet_until:
            return
        try:
            show(*args, **kwargs)
        except StorageError:
            raise
        except Exception as error:  # noqa: BLE001 -- whatever an HTTP client may raise
            _Line.quiet_until = time.monotonic() + _QUIET_S
            _log.warning("Prefect was not told (%s): %s", show.__name__, error)

    return shown


@_best_effort
def show_pair(store: ResultStore, receipt: Receipt, initial_balance: float) -> None:
    """Show one pair's summary with its best strategies, and what the best did to the account."""
    best = rank_metrics([store.read_metrics(receipt.pair, receipt.key)]).slice(0, _TOP_OF_PAIR)
    origin = "computed now" if receipt.computed else "stored before, not computed again"
    lines = [
        f"## {receipt.pair}",
        f"{receipt.strategies:,} strategies, {receipt.trades:,} trades on {receipt.ticks:,} ticks; {origin}.",
        _markdown_table(best, [name for name in _RANKING_COLUMNS if name != "pair"]),
        _picture(store, receipt, best["strategy"][0].as_py(), initial_balance) if len(best) else "",
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


@_best_effort
def show_governor(run: Path, manifest: Manifest) -> None:
    """Show what the machine was like during a run and how the throttle answered; nothing where nothing was computed."""
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
    times_ms = _array(looks["time"], np.int64).tolist()
    said = [
        f"- {datetime.fromtimestamp(ms // 1000, UTC):%H:%M:%S} {_plain(message)}"
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
        f"Every look: `{run / GOVERNOR_FILE}`",
    ]
    create_markdown_artifact("\n\n".join(filter(None, lines)), key="governor", description="CPU, and what was allowed")


class Progress:
    """How far a run is, in Prefect's UI; made inside the flow, and told of every pair.

    Parameters
    ----------
    total : int
        Pairs of the run.
    """

    def __init__(self, total: int) -> None:
        self._total = total
        self._shown = 0
        self._shown_at = -_PROGRESS_EVERY_S
        self._lock = threading.Lock()
        self._artifact: UUID | None = None
        self._begin()

    @_best_effort
    def _begin(self) -> None:
        description = f"pairs done, of {self._total}"
        made: Any = create_progress_artifact(0.0, key="progress", description=description)
        self._artifact = made

    @_best_effort
    def show(self, settled: int) -> None:
        """Show how many pairs are stored or failed; not more often than each second, but the last one always."""
        # Told by many threads, of which the earlier may come later.
        with self._lock:
            now = time.monotonic()
            is_soon = settled < self._total and now - self._shown_at < _PROGRESS_EVERY_S
            if self._artifact is None or settled <= self._shown or is_soon:
                return
            self._shown, self._shown_at = settled, now
            update_progress_artifact(self._artifact, 100.0 * settled / self._total)


def _picture(store: ResultStore, receipt: Receipt, strategy: str, initial_balance: float) -> str:
    """Return the balance under one strategy as markdown; empty where its trades were not kept, or are too many."""
    if store.commit_of(receipt.pair, receipt.key)["files"]["trades.parquet"]["rows"] > _MOST_TRADES:
        return ""
    trades = store.read_closed(receipt.pair, receipt.key, strategy).combine_chunks()
    if not len(trades):
        return ""
    profit, commission, swap = (_array(trades[name], np.float64) for name in ("profit", "commission", "swap"))
    curve = balance_curve(_array(trades["exit_time"], np.int64), profit - commission + swap, initial_balance)
    title = f"{receipt.pair} {strategy}: balance after its closed trades"
    svg = base64.b64encode(equity_svg(curve, title).replace("currentColor", _INK).encode()).decode()
    return f"![{_plain(title)}](data:image/svg+xml;base64,{svg})"


def _array(column: pa.ChunkedArray, dtype: type[np.generic]) -> "np.typing.NDArray[Any]":
    return array_of(column.combine_chunks(), dtype)


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
