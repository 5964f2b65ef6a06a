"""Figures as a person reads them."""

from necrozma_core.storage.results.schemas import RANKING_SCHEMA
from tasks.figures import COLUMNS, readable
from tasks.markdown import markdown_table


def test_figures_are_rounded_and_have_their_unit() -> None:
    row = {"rank": 1, "pair": "EURUSD", "strategy": "rsi(7,30,70)", "trades": 12_345, "sharpe": 1.23456,
           "net_profit": 1510.004, "total_return": 0.0151, "max_drawdown": -0.05214, "profit_factor": None,
           "win_rate": 0.4512, "expectancy": 0.1223, "sortino": 2.0}  # fmt: skip
    assert readable(row) == {
        "#": "1", "Pair": "EURUSD", "Strategy": "rsi(7,30,70)", "Trades": "12,345", "Sharpe": "1.23",
        "Net profit": "1,510.00", "Return": "1.51 %", "Drawdown": "-5.21 %", "Profit factor": "–", "Wins": "45.12 %",
        "Per trade": "0.12",
    }  # fmt: skip


def test_columns_are_those_of_the_ranking() -> None:
    assert set(COLUMNS) <= set(RANKING_SCHEMA.names)


def test_name_of_a_strategy_cannot_break_the_table() -> None:
    table = markdown_table([readable({"rank": 1, "strategy": "a|b\n# c"})])
    assert table.splitlines() == ["| # | Strategy |", "| --- | --- |", r"| 1 | a\|b # c |"]
