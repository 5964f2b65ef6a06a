"""Figures of a ranking as a person reads them: columns with short titles, numbers rounded and with their unit."""

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

NONE: Final = "–"
"""Stands for a figure that is undefined."""


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


def _number(value: float) -> str:
    return f"{value:,.2f}"


COLUMNS: Final[Mapping[str, Column]] = {
    "rank": Column("#", str),
    "pair": Column("Pair", str),
    "strategy": Column("Strategy", str),
    "trades": Column("Trades", "{:,}".format),
    "sharpe": Column("Sharpe", _number),
    "net_profit": Column("Net profit", _number),
    "total_return": Column("Return", _percent),
    "max_drawdown": Column("Drawdown", _percent),
    "profit_factor": Column("Profit factor", _number),
    "win_rate": Column("Wins", _percent),
    "expectancy": Column("Per trade", _number),
}
"""By the names of the columns on disk, see docs/parquet.md."""


def readable(row: Mapping[str, Any]) -> dict[str, str]:
    """Return one strategy's figures by the titles of their columns; columns that the row lacks are left out."""
    return {
        column.title: NONE if row[name] is None else column.show(row[name])
        for name, column in COLUMNS.items()
        if name in row
    }
