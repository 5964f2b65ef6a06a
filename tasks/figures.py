"""Figures of a ranking as a person reads them: columns with short titles, numbers rounded and with their unit."""

from collections.abc import Callable, Collection, Mapping
from typing import Any, Final, NamedTuple

from necrozma_core.printing import printable, shorten
from necrozma_core.reporting.marks import FEW_TRADES_SIGN, sharpe_marks

NONE: Final = "–"
"""Stands for a figure that is undefined."""

_LONGEST_NAME: Final = 60
"""Characters of a name in a table: a longer one would push the figures off the page; Parquet has the whole one."""


class Column(NamedTuple):
    """A column of a ranking.

    Attributes
    ----------
    title : str
        Short, so that a page has room for the columns.
    show : callable
        Turns a value that is not null into text.
    """

    title: str
    show: Callable[[Any], str]


def _percent(value: float) -> str:
    return f"{100 * value:,.2f} %"


def _name(value: str) -> str:
    return shorten(printable(value), _LONGEST_NAME)


def _number(value: float) -> str:
    return f"{value:,.2f}"


COLUMNS: Final[Mapping[str, Column]] = {
    "rank": Column("#", str),
    "pair": Column("Pair", str),
    "strategy": Column("Strategy", _name),
    "trades": Column("Trades", "{:,}".format),
    "sharpe": Column("Sharpe", _number),
    "net_profit": Column("Net profit", _number),
    "total_return": Column("Return", _percent),
    "max_drawdown": Column("Drawdown", _percent),
    "profit_factor": Column("Profit factor", _number),
    "win_rate": Column("Wins", _percent),
    "expectancy": Column("Per trade", _number),
    "verdict": Column("Verdict", str),
    "holdout_sharpe": Column("Hold-out Sharpe", _number),
}
"""By the names of the columns on disk, see docs/parquet.md."""


def readable(row: Mapping[str, Any], names: Collection[str] = COLUMNS) -> dict[str, str]:
    """Return one strategy's figures by the titles of their columns.

    Parameters
    ----------
    row : mapping
        Of a ranking; columns that it lacks are left out. Figures that say little bear the signs of
        `necrozma_core.reporting.marks`.
    names : collection of str
        The columns to show.
    """
    shown = {name: NONE if row[name] is None else COLUMNS[name].show(row[name]) for name in COLUMNS if name in row}
    if row.get("few_trades"):
        shown["trades"] += FEW_TRADES_SIGN
    if "sharpe" in shown:
        shown["sharpe"] += sharpe_marks(row)
    return {COLUMNS[name].title: text for name, text in shown.items() if name in names}
