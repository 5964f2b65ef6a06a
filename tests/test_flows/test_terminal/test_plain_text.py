"""Tables with names of any length and signs: figures never give way, and text means nothing to rich."""

import io
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table

from flows.terminal import tables
from flows.terminal.plain_text import MIN_NAME, PlainTextConsole, cut_middle
from flows.terminal.tables import open_console, ranking_table, ranks_table, strategies_table

LONG = "EMA(12)/EMA(26) cross + RSI(14)<30 filter + ATR(14)*1.5 trailing, London session only, v2 final"
NAMES = [LONG, "short", "x" * 200, "超卖" * 60, "[red]x[/red]", ":smile: \\[b]", "<script>"]


def drawn(table: Any, width: int, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    file = io.StringIO()
    monkeypatch.setattr("sys.stdout", file)
    console = PlainTextConsole(width)
    console.print(table)
    return file.getvalue().splitlines()


def row(rank: int, strategy: str) -> dict[str, Any]:
    return {
        "rank": rank, "pair": "EURUSD", "strategy": strategy, "trades": 1_234_567, "few_trades": True,
        "win_rate": 0.512, "profit_factor": 1.23, "sharpe": -12.34, "net_profit": -1_234_567.89, "max_drawdown": -0.123,
        "verdict": "likely luck",
    }  # fmt: skip


@pytest.mark.parametrize("width", [80, 112, 200])
def test_ranking_shows_every_figure_beside_names_of_any_length(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    table = ranking_table([row(rank, name) for rank, name in enumerate(NAMES, 1)], "USD", width)
    lines = drawn(table, width, monkeypatch)
    assert len(lines) == 1 + len(NAMES)
    assert all(cell_len(line) <= width for line in lines)
    figures = ("EURUSD", "1,234,567†", "-12.34", "-1,234,567.89", "-12.3%") + (
        ("51.2%", "1.23") if width >= 112 else ()
    )
    for line in lines[1:]:
        assert all(figure in line.split() for figure in figures), line
        assert line.rstrip().endswith(" likely luck")
    assert all(name in lines[0] for name in ("strategy", "trades", "Sharpe", "net USD", "drawdown"))
    assert "short" in lines[2]
    assert "[red]x[/red]" in lines[5]
    assert ":smile: \\[b]" in lines[6]
    if width == 80:
        assert "EMA(12)" in lines[1]
        assert "v2 final" in lines[1]
    if width == 200:
        assert LONG in lines[1]


def test_strategies_show_stop_and_target_beside_names_of_any_length(monkeypatch: pytest.MonkeyPatch) -> None:
    strategies = [
        SimpleNamespace(name=name, params={"a": "#" * 300}, stop_loss_pips=12.5, take_profit_pips=37.25)
        for name in NAMES
    ]
    lines = drawn(strategies_table(strategies), 80, monkeypatch)  # type: ignore[arg-type]
    assert sum("12.5" in line and "37.25" in line for line in lines) == len(NAMES)
    assert sum(line.count("#") for line in lines) == 300 * len(NAMES)


def test_changes_of_rank_show_every_figure_beside_names_of_any_length(monkeypatch: pytest.MonkeyPatch) -> None:
    change = SimpleNamespace(
        pair="EURUSD", strategy=LONG, rank_before=1, rank_after=1_000, net_profit_before=-1_234_567.89,
        net_profit_after=1.5,
    )  # fmt: skip
    text = "".join(drawn(ranks_table([change]), 80, monkeypatch))  # type: ignore[list-item]
    assert "-1,234,567.89" in text
    assert "1,000" in text


@given(st.text(max_size=60), st.integers(0, 40))
def test_cut_name_fits_and_keeps_its_ends(text: str, width: int) -> None:
    text = "".join(sign for sign in text if sign.isprintable())
    cut = cut_middle(text, width)
    assert cell_len(cut) <= max(width, 0)
    if cell_len(text) <= width:
        assert cut == text
    elif width >= 5 and text.isascii():
        assert cut[0] == text[0] or text[0] == " "
        assert cut[-1] == text[-1] or text[-1] == " "


def test_cut_name_tells_apart_what_differs_at_its_end() -> None:
    assert cut_middle("rsi(14) fast stop 20 target 40", 13) == "rsi(14…get 40"


@pytest.mark.parametrize("columns", [20, 40, 79])
def test_terminal_that_is_too_narrow_gets_the_whole_lines(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("LINES", "30")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("sys.stdout", Terminal())
    console = open_console()
    assert console.width == tables.DEFAULT_WIDTH
    assert open_console(narrowest=0).width == columns


def test_table_of_our_own_gives_names_some_columns_even_where_there_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    table: Table = ranking_table([row(1, LONG) | {"verdict": None}], "USD", 80)
    assert f"{LONG[: MIN_NAME // 2]}" in drawn(table, 62, monkeypatch)[1]


def test_console_takes_text_for_text(monkeypatch: pytest.MonkeyPatch) -> None:
    file = io.StringIO()
    monkeypatch.setattr("sys.stdout", file)
    console: Console = PlainTextConsole(80)
    console.print("[red]x[/red] :smile: [link=file:///etc/passwd]y[/link] \x1b]0;t\x07\u202e")
    assert file.getvalue() == "[red]x[/red] :smile: [link=file:///etc/passwd]y[/link] \\x1b]0;t\\x07\\u202e\n"
