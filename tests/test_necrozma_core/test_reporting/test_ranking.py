"""The order of a ranking, whatever the order of what is ranked."""

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from money_samples import figures_of, make_ticks, make_trades

from necrozma_core.metrics.figures import Metrics
from necrozma_core.metrics.merit import merit
from necrozma_core.money.conversion import Conversion
from necrozma_core.money.costs import Account, Costs
from necrozma_core.reporting.marks import mark_lines, row_marks
from necrozma_core.reporting.ranking import RankBy, best_of_pairs, rank_metrics
from necrozma_core.storage.results.schemas import FINDINGS_COLUMNS, METRICS_SCHEMA, RANKING_SCHEMA

IDLE_TICKS = make_ticks([(0, 100, 101), (1, 100, 101)])
IDLE_TRADES = make_trades(IDLE_TICKS, [])
IDLE: Metrics = figures_of(IDLE_TICKS, IDLE_TRADES, Conversion.identity(), 1.0, Account(), Costs())


def row(
    strategy: str,
    sharpe: float | None,
    trades: int = 100,
    net_profit: float = 0.0,
    pair: str = "EURUSD",
    params: str = "{}",
    days: int = 250,
    constant: bool = False,
) -> dict[str, Any]:
    figures = {field.name: getattr(IDLE, field.name) for field in METRICS_SCHEMA if hasattr(IDLE, field.name)}
    settings = {
        "pair": pair,
        "timeframe": "5min",
        "strategy": strategy,
        "params": params,
        "lots": 0.1,
        "made_from": "ticks",
    }
    changed = {"trades": trades, "few_trades": trades < 30, "net_profit": net_profit, "sharpe": sharpe}
    marks = {"days": days, "few_days": days < 30, "constant_returns": constant}
    return figures | settings | changed | marks


def table(*rows: dict[str, Any]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema=METRICS_SCHEMA)


def order(ranking: pa.Table) -> list[str]:
    return ranking["strategy"].to_pylist()


def test_rank_two_trades_with_a_fine_sharpe_come_after_thirty() -> None:
    ranking = rank_metrics(
        [
            table(row("two trades", 9.0, trades=2), row("none", None, trades=0)),
            table(row("thirty", -1.0, trades=30), row("good", 2.0), row("twenty-nine", 1.0, trades=29)),
        ]
    )
    assert order(ranking) == ["good", "thirty", "two trades", "twenty-nine", "none"]
    assert ranking["rank"].to_pylist() == [1, 2, 3, 4, 5]
    assert ranking.schema.equals(RANKING_SCHEMA, check_metadata=True)


def test_rank_few_days_and_constant_returns_come_after_the_others_by_what_they_lack() -> None:
    ranking = rank_metrics(
        [
            table(
                row("three equal days", 158_760.95, days=3, trades=3, net_profit=3.0, constant=True),
                row("always the same", 2_000.0, net_profit=5.0, constant=True),
                row("no ratio", None, net_profit=9.0, constant=True),
                row("both", 9.0, trades=29, days=29),
                row("few days", 2.0, days=29),
                row("few trades", 3.0, trades=29),
                row("enough", -1.0, trades=30, days=30),
            )
        ]
    )
    assert order(ranking) == [
        "enough", "few trades", "few days", "both", "always the same", "three equal days", "no ratio",
    ]  # fmt: skip


def test_rank_without_ratio_goes_by_profit_whether_or_not_returns_vary() -> None:
    rows = [row("c", None, net_profit=1.0), row("a", None, net_profit=3.0, constant=True), row("b", None, net_profit=2)]
    assert order(rank_metrics([table(*rows)])) == ["a", "b", "c"]


def test_marks_of_rows_are_explained_once_and_none_where_there_are_none() -> None:
    rows = [row("a", 1.0, trades=2), row("b", 2.0, days=3, constant=True), row("c", None, days=3)]
    assert [row_marks(each) for each in rows] == ["†", "‡≈", ""]
    assert [line[0] for line in mark_lines(rows)] == ["†", "‡", "≈"]
    assert mark_lines([row("a", 1.0)]) == []


def test_marks_of_a_ranking_of_an_earlier_release_are_those_that_it_knows() -> None:
    old = row("a", 1.0, trades=2) | {"days": None, "few_days": None, "constant_returns": None}
    assert row_marks(old) == "†"


def test_rank_many_trades_without_sharpe_come_last_by_profit() -> None:
    rows = [row("ruined", None, net_profit=-9e3), row("idle", None, trades=0), row("few", -5.0, trades=3)]
    assert order(rank_metrics([table(*rows)])) == ["few", "idle", "ruined"]


def test_rank_nan_counts_as_no_sharpe() -> None:
    assert order(rank_metrics([table(row("nan", float("nan")), row("few", -5.0, trades=3))])) == ["few", "nan"]


def test_rank_ties_go_by_profit_then_pair_then_name_then_settings() -> None:
    rows = [
        row("a", 1.0, pair="GBPUSD"),
        row("b", 1.0, params='{"n": 2}'),
        row("b", 1.0, params='{"n": 1}'),
        row("a", 1.0),
        row("z", 1.0, net_profit=5.0, pair="USDJPY"),
    ]
    ranking = rank_metrics([table(*rows)])
    found = list(zip(*(ranking[name].to_pylist() for name in ("strategy", "pair", "params")), strict=True))
    assert found == [
        ("z", "USDJPY", "{}"),
        ("a", "EURUSD", "{}"),
        ("b", "EURUSD", '{"n": 1}'),
        ("b", "EURUSD", '{"n": 2}'),
        ("a", "GBPUSD", "{}"),
    ]


@pytest.mark.parametrize("tables", [[], [table()], [table(), table()]])
def test_rank_nothing_gives_an_empty_ranking(tables: list[pa.Table]) -> None:
    ranking = rank_metrics(tables)
    assert len(ranking) == 0
    assert ranking.schema.equals(RANKING_SCHEMA, check_metadata=True)


def test_rank_table_with_other_metadata_is_taken() -> None:
    stored = table(row("a", 1.0)).replace_schema_metadata({"necrozma.pair": "EURUSD"})
    assert len(rank_metrics([stored])) == 1


rows_of_any_merit = st.lists(
    st.builds(
        row,
        st.sampled_from(["a", "b", "c"]),
        st.one_of(st.none(), st.sampled_from([-1.0, 0.0, 1.0, 2.5])),
        st.sampled_from([0, 2, 29, 30, 500]),
        st.sampled_from([-10.0, 0.0, 10.0]),
        st.sampled_from(["EURUSD", "USDJPY"]),
        days=st.sampled_from([0, 29, 30]),
        constant=st.booleans(),
    ),
    max_size=25,
)


@given(rows_of_any_merit, st.randoms(use_true_random=False))
def test_rank_any_order_of_rows_and_tables_gives_one_ranking(rows: list[dict[str, Any]], random: Any) -> None:
    shuffled = list(rows)
    random.shuffle(shuffled)
    cut = random.randint(0, len(rows))
    ranking = rank_metrics([table(*rows)])
    assert rank_metrics([table(*shuffled[cut:]), table(*shuffled[:cut])]).equals(ranking)
    assert len(ranking) == len(rows)


@given(rows_of_any_merit)
def test_merit_any_rows_falls_along_the_ranking(rows: list[dict[str, Any]]) -> None:
    names = Metrics.__slots__
    merits = [
        merit(Metrics(**{name: entry[name] for name in names})) for entry in rank_metrics([table(*rows)]).to_pylist()
    ]
    assert merits == sorted(merits, reverse=True)


def test_best_of_pairs_is_the_first_of_each_by_name() -> None:
    rows = [row("a", 1.0, pair="USDJPY"), row("b", 2.0, pair="USDJPY"), row("c", 0.5), row("d", None)]
    best = best_of_pairs(rank_metrics([pa.Table.from_pylist(rows, schema=METRICS_SCHEMA)]))
    assert [(found["pair"], found["strategy"]) for found in best.to_pylist()] == [("EURUSD", "c"), ("USDJPY", "b")]
    assert len(best_of_pairs(rank_metrics([]))) == 0


def judged(*deflated: float | None) -> pa.Table:
    rows = [{"deflated_sharpe": each, "verdict": "likely luck"} for each in deflated]
    return pa.Table.from_pylist(rows, pa.schema([RANKING_SCHEMA.field(name) for name in FINDINGS_COLUMNS]))


def test_rank_by_what_was_asked_for_within_the_groups() -> None:
    rows = table(
        row("even", 1.0, net_profit=5.0),
        row("few", 9.0, net_profit=9.0, trades=3),
        row("ragged", 2.0, net_profit=1.0),
        row("none", 3.0, net_profit=2.0),
        row("constant", 99.0, net_profit=50.0, constant=True),
    )
    found = judged(0.9, 1.0, 0.5, None, 1.0)
    assert order(rank_metrics([rows], found)) == ["even", "ragged", "none", "few", "constant"]
    assert order(rank_metrics([rows], found, RankBy.SHARPE)) == ["none", "ragged", "even", "few", "constant"]
    assert order(rank_metrics([rows], found, RankBy.NET_PROFIT)) == ["even", "none", "ragged", "few", "constant"]
    ranking = rank_metrics([rows], found)
    assert ranking.schema.equals(RANKING_SCHEMA, check_metadata=True)
    assert ranking["deflated_sharpe"].to_pylist() == [0.9, 0.5, None, 1.0, 1.0]
    assert rank_metrics([rows])["verdict"].null_count == 5
