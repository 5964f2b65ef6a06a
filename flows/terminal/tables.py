"""Tables for people: readable in 80 columns, on a terminal or in a pipe."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from flows.terminal.plain_text import MIN_NAME, Name, PlainTextConsole
from necrozma_core.market.timeframes import format_timeframe
from necrozma_core.printing import printable
from necrozma_core.reporting.marks import FEW_TRADES_SIGN, has_holdout, sharpe_marks

if TYPE_CHECKING:
    from necrozma_core.storage.bars.store import BarsSummary
    from necrozma_core.storage.runs.comparison import RankChange
    from necrozma_core.storage.runs.manifest import Manifest
    from necrozma_core.storage.ticks.manifest import PairSummary
    from necrozma_core.strategies.protocol import Strategy

RANKING_ROWS: Final = 15
RANKING_COLUMNS: Final = (
    "rank", "pair", "strategy", "trades", "few_trades", "win_rate", "profit_factor", "sharpe", "few_days",
    "constant_returns", "net_profit", "max_drawdown", "made_from", "holdout_trades", "holdout_sharpe",
    "verdict",
)  # fmt: skip
"""The columns that :func:`ranking_table` needs of each row."""

DEFAULT_WIDTH: Final = 80
"""Columns that every terminal has."""

_WIDE: Final = 112
"""Columns from which the ranking shows two more figures."""
_PIPE: Final = 200
"""Columns where there is no terminal: wide enough that no line is cut."""
NONE: Final = "–"
"""Stands for a figure that there is not."""


def open_console(narrowest: int = DEFAULT_WIDTH) -> PlainTextConsole:
    """Return a console on stdout for tables; wide enough for whole lines in a pipe.

    Parameters
    ----------
    narrowest : int
        Columns below which a narrower terminal breaks the lines itself: figures are never left out.
    """
    console = PlainTextConsole()
    if not console.is_terminal:
        return PlainTextConsole(_PIPE)
    return console if console.width >= narrowest else PlainTextConsole(narrowest)


def ranking_table(rows: Sequence[Mapping[str, Any]], currency: str, width: int = DEFAULT_WIDTH) -> Table:
    """Lay out the best of a ranking.

    Parameters
    ----------
    rows : sequence of mapping
        With :data:`RANKING_COLUMNS`, best first.
    currency : str
        Of the profits.
    width : int
        Columns of the terminal; more of them show more figures.
    """
    columns: list[tuple[str, str, Callable[[Mapping[str, Any]], str]]] = [
        ("#", "right", lambda row: str(row["rank"])),
        ("pair", "left", lambda row: row["pair"]),
        ("strategy", "name", lambda row: row["strategy"]),
        ("trades", "right", lambda row: f"{row['trades']:,}{FEW_TRADES_SIGN if row['few_trades'] else ''}"),
        ("Sharpe", "right", lambda row: _number(row["sharpe"], ".2f") + sharpe_marks(row)),
        (f"net {currency}", "right", lambda row: _number(row["net_profit"], ",.2f")),
        ("drawdown", "right", lambda row: _number(row["max_drawdown"], ".1%")),
    ]
    if width >= _WIDE:
        columns[4:4] = [
            ("win", "right", lambda row: _number(row["win_rate"], ".1%")),
            ("factor", "right", lambda row: _number(row["profit_factor"], ".2f")),
        ]
    if any(row.get("verdict") for row in rows):
        columns.append(("verdict", "left", lambda row: row["verdict"] or NONE))
    if has_holdout(rows):
        columns.append(("held", "right", lambda row: _number(row["holdout_sharpe"], ".2f")))
    table = plain_table(*((head, side) for head, side, _ in columns), gap=1)
    for row in rows:
        table.add_row(*(_cell(show(row), side) for _, side, show in columns))
    return table


def run_table(run: "Manifest") -> Table:
    """Lay out the pairs of one run."""
    table = plain_table(
        ("pair", "left"), ("state", "left"), ("trades", "right"), ("ticks", "right"), ("seconds", "right"),
        ("failed", "fold"),
    )  # fmt: skip
    for pair, record in sorted(run.pairs.items()):
        failed = record.failure or "; ".join(name for name, _ in record.strategy_failures)
        seconds = sum(record.seconds.values())
        table.add_row(
            pair,
            record.state,
            _count(record.counts.get("trades")),
            _count(record.counts.get("ticks")),
            f"{seconds:.2f}" if seconds else NONE,
            _cell(failed),
        )
    return table


def ranks_table(changes: Sequence["RankChange"]) -> Table:
    """Lay out changes of rank between two runs, one strategy a line."""
    table = plain_table(
        ("pair", "left"), ("strategy", "name"), ("before", "right"), ("after", "right"), ("net before", "right"),
        ("net after", "right"),
    )  # fmt: skip
    for change in changes:
        table.add_row(
            change.pair,
            Name(change.strategy),
            f"{change.rank_before:,}",
            f"{change.rank_after:,}",
            _number(change.net_profit_before, ",.2f"),
            _number(change.net_profit_after, ",.2f"),
        )
    return table


def pairs_table(summaries: Iterable["PairSummary"]) -> Table:
    """Lay out stored ticks, one pair a line."""
    table = plain_table(
        ("pair", "left"), ("from", "left"), ("to", "left"), ("ticks", "right"), ("gaps", "right"),
        ("longest", "right"), ("spread", "right"), ("MB", "right"),
    )  # fmt: skip
    for pair in summaries:
        table.add_row(
            pair.pair,
            _day(pair.first_ms),
            _day(pair.last_ms),
            f"{pair.ticks:,}",
            str(pair.gaps),
            duration(pair.longest_gap_ms / 1000) if pair.gaps else NONE,
            f"{pair.median_spread_pips:.2g} pips",
            f"{pair.size / 1e6:.1f}",
        )
    return table


def bars_table(summaries: Iterable["BarsSummary"]) -> Table:
    """Lay out stored bars, one pair and timeframe a line."""
    table = plain_table(
        ("pair", "left"), ("bars of", "left"), ("from", "left"), ("to", "left"), ("bars", "right"),
        ("spread", "left"), ("MB", "right"),
    )  # fmt: skip
    for bars in summaries:
        table.add_row(
            bars.pair,
            format_timeframe(bars.timeframe_ms),
            _day(bars.first_ms),
            _day(bars.last_ms),
            f"{bars.bars:,}",
            bars.spread,
            f"{bars.size_bytes / 1e6:.1f}",
        )
    return table


def strategies_table(strategies: Iterable["Strategy"]) -> Table:
    """Lay out strategies, one a line."""
    table = plain_table(("strategy", "name"), ("stop", "right"), ("target", "right"), ("settings", "fold"))
    for strategy in strategies:
        params = " ".join(f"{name}={value}" for name, value in strategy.params.items())
        levels = (_number(level, "g") for level in (strategy.stop_loss_pips, strategy.take_profit_pips))
        table.add_row(Name(strategy.name), *levels, _cell(params))
    return table


def run_duration(run: "Manifest") -> str:
    """Say how long a run took; a dash while it has no end."""
    if run.ended_at is None:
        return NONE
    return duration((datetime.fromisoformat(run.ended_at) - datetime.fromisoformat(run.started_at)).total_seconds())


def duration(seconds: float) -> str:
    """Write a span of time as people say it: ``8s``, ``3m 05s``, ``2h 07m``, ``1d 02h``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3_600:
        return f"{whole // 60}m {whole % 60:02}s"
    if whole < 86_400:
        return f"{whole // 3_600}h {whole % 3_600 // 60:02}m"
    return f"{whole // 86_400}d {whole % 86_400 // 3_600:02}h"


def plain_table(*columns: tuple[str, str], gap: int = 2) -> Table:
    """Make a table of columns that are "left" or "right", or give way: a "name" is cut, what may "fold" is folded."""
    table = Table(box=None, pad_edge=False, padding=(0, gap, 0, 0), header_style="bold")
    for head, side in columns:
        table.add_column(
            head,
            justify="right" if side == "right" else "left",
            no_wrap=side not in ("name", "fold"),
            overflow="fold",
            min_width=MIN_NAME if side == "name" else None,
        )
    return table


def _cell(text: str, side: str = "") -> RenderableType:
    return Name(text) if side == "name" else Text(printable(text))


def _number(value: float | None, form: str) -> str:
    return NONE if value is None else format(value, form)


def _count(value: int | None) -> str:
    return NONE if value is None else f"{value:,}"


def _day(time_ms: int) -> str:
    return f"{datetime.fromtimestamp(time_ms / 1000, UTC):%Y-%m-%d}"
