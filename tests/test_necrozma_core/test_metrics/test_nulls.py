"""The guide to the Parquet files says which figures are null, and they are, in markets whose facts one can see."""

import math
import re
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from money_samples import Row, figures_of, make_ticks, make_trades

from necrozma_core.metrics.figures import Metrics
from necrozma_core.metrics.notes import explain_nulls
from necrozma_core.money.conversion import Conversion
from necrozma_core.money.costs import Account, Costs

GUIDE = Path(__file__).parents[3] / "docs" / "parquet.md"
FIGURE = re.compile(r"^\| `(\w+)` \| double \| ([^|]+) \|", re.MULTILINE)

NO_RETURNS = {"no daily returns", "no annual return"}
NO_TRADES = {"no trades", "nothing lost", "no win", "no loss", "never fell"} | NO_RETURNS
MONDAY, TUESDAY, WEDNESDAY = (f"2024-01-{day:02d}" for day in (8, 9, 10))
STILL: list[Row] = [(f"{day} {hour}:00", 100_000, 100_000) for day in (MONDAY, TUESDAY) for hour in (10, 11)]


def at(*prices: tuple[str, int]) -> list[Row]:
    return [(time, price, price) for time, price in prices]


# One lot, so that a point is a dollar of 10,000: ticks, trades, and what is true of them.
CASES: dict[str, tuple[list[Row], list[tuple[int, int, int]], set[str]]] = {
    "no ticks": ([], [], NO_TRADES | {"no time passed"}),
    "one tick": (STILL[:1], [], NO_TRADES | {"no time passed"}),
    "no trades": (STILL, [], NO_TRADES),
    "trades that make nothing": (
        STILL,
        [(1, 0, 1), (1, 2, 3)],
        {"nothing lost", "no win", "no loss", "never fell", "none that vary", "no losing day"},
    ),
    "a win within one day": (
        at((f"{MONDAY} 10:00", 100_000), (f"{MONDAY} 11:00", 100_050)),
        [(1, 0, 1)],
        {"nothing lost", "no loss", "never fell"} | NO_RETURNS,
    ),
    "a loss within one day": (
        at((f"{MONDAY} 10:00", 100_000), (f"{MONDAY} 11:00", 99_950)),
        [(1, 0, 1)],
        {"no win"} | NO_RETURNS,
    ),
    "a win, then a still day": (
        at((f"{MONDAY} 10:00", 100_000), (f"{MONDAY} 11:00", 100_050), (f"{TUESDAY} 10:00", 100_050)),
        [(1, 0, 1)],
        {"nothing lost", "no loss", "never fell", "no losing day"},
    ),
    "a win and a loss": (
        at((f"{MONDAY} 10:00", 100_000), (f"{MONDAY} 11:00", 100_050), (f"{TUESDAY} 10:00", 100_010)),
        [(1, 0, 1), (1, 1, 2)],
        set(),
    ),
    "a day under water before a win": (
        at((f"{MONDAY} 10:00", 100_000), (f"{MONDAY} 11:00", 99_000), (f"{TUESDAY} 10:00", 100_010)),
        [(1, 0, 2)],
        {"nothing lost", "no loss"},
    ),
    "nothing left on one day, and won back": (
        at(
            (f"{MONDAY} 10:00", 100_000),
            (f"{TUESDAY} 10:00", 89_000),
            (f"{WEDNESDAY} 10:00", 110_000),
        ),
        [(1, 0, 2)],
        {"nothing lost", "no loss"} | NO_RETURNS,
    ),
    "all lost": (
        at((f"{MONDAY} 10:00", 100_000), (f"{TUESDAY} 10:00", 90_000)),
        [(1, 0, 1)],
        {"no win"} | NO_RETURNS,
    ),
    "four hundred times the account in two days": (
        at((f"{MONDAY} 10:00", 100_000), (f"{MONDAY} 11:00", 4_100_000), (f"{TUESDAY} 10:00", 4_099_000)),
        [(1, 0, 1), (1, 1, 2)],
        {"beyond any number", "no annual return"},
    ),
}


def measured(case: str) -> Metrics:
    rows, spans, _ = CASES[case]
    ticks = make_ticks(rows)
    trades, conversion = make_trades(ticks, spans), Conversion.identity()
    return figures_of(ticks, trades, conversion, 1.0, Account(initial_balance=10_000.0), Costs())


def nulls(metrics: Metrics) -> set[str]:
    return {name for name, value in asdict(metrics).items() if value is None}


def documented() -> dict[str, set[str]]:
    """Every figure of the guide that may be null, and what makes it so."""
    (section,) = (part for part in GUIDE.read_text().split("\n## ") if part.startswith("`metrics/1`"))
    found = {name: set(null.strip().split(", or ")) for name, null in FIGURE.findall(section)}
    return {name: reasons for name, reasons in found.items() if name in Metrics.__annotations__}


def test_guide_names_a_fact_for_every_figure_that_may_be_null() -> None:
    known = {"not finite"}.union(*(facts for _, _, facts in CASES.values()))
    assert set().union(*documented().values()) <= known


@pytest.mark.parametrize("case", CASES)
def test_figures_are_null_exactly_where_the_guide_says_so(case: str) -> None:
    expected = {name for name, reasons in documented().items() if reasons & CASES[case][2]}
    assert nulls(measured(case)) == expected


@pytest.mark.parametrize("case", [case for case, (_, spans, _) in CASES.items() if spans])
def test_note_names_every_null_figure_of_trades_with_its_reason(case: str) -> None:
    metrics = measured(case)
    note = explain_nulls(metrics, None) or ""
    named = [name for part in filter(None, note.split("; ")) for name in part.partition(": ")[0].split(", ")]
    assert sorted(named) == sorted(nulls(metrics))
    assert (note == "") == (case == "a win and a loss")


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        (
            "trades that make nothing",
            "profit_factor: nothing lost; sharpe: daily returns that do not vary; sortino: no losing day; "
            "calmar, recovery_factor: the account never fell; average_win, largest_win: no trade won; "
            "average_loss, largest_loss: no trade lost",
        ),
        (
            "a win within one day",
            "profit_factor: nothing lost; annual_return, annual_volatility, sharpe, sortino, calmar: fewer than two "
            "trading days; recovery_factor: the account never fell; average_loss, largest_loss: no trade lost",
        ),
        (
            "all lost",
            "annual_return, annual_volatility, sharpe, sortino, calmar: a day ended with nothing left in the account; "
            "average_win, largest_win: no trade won",
        ),
        ("four hundred times the account in two days", "annual_return, calmar: too large for a number"),
    ],
)
def test_note_says_why(case: str, expected: str) -> None:
    assert explain_nulls(measured(case), None) == expected


def test_note_without_trades_is_why_there_is_none() -> None:
    assert explain_nulls(measured("no trades"), "no signal") == "no signal"
    assert explain_nulls(measured("one tick"), "no signal") == "no signal; exposure: no time passed"


def test_note_names_figures_that_are_too_large() -> None:
    metrics = replace(measured("a win and a loss"), net_profit=math.inf, sharpe=math.nan, swap=-math.inf)
    assert explain_nulls(metrics, None) == "net_profit, sharpe, swap: too large for a number"
