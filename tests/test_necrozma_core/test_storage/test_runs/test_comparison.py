"""What differs between two runs."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from run_samples import put_run
from storage_samples import KEY, METADATA, OTHER_KEY, random_ranking, random_table, write_entry

from necrozma_core.storage.results.schemas import METRICS_SCHEMA, RANKING_SCHEMA, TRADES_SCHEMA
from necrozma_core.storage.results_folder import ResultsFolder
from necrozma_core.storage.runs.comparison import PairChange, PairDiff, RankChange, RunDiff, diff_runs
from necrozma_core.storage.runs.folder import RunFolder
from necrozma_core.storage.runs.manifest import Manifest, PairState

THIRD_KEY = "ef" * 32


def ranking_of(pairs: str, strategies: str) -> pa.Table:
    """A ranking whose n-th row is the n-th letter of each, with a profit that the letters alone decide."""
    table = random_ranking(len(pairs))
    names = {"pair": [f"PAIR{letter}" for letter in pairs], "strategy": list(strategies), "params": ["{}"] * len(pairs)}
    for name, values in names.items():
        place = RANKING_SCHEMA.get_field_index(name)
        table = table.set_column(place, RANKING_SCHEMA.field(name), pa.array(values))
    for name in ("stop_loss_pips", "take_profit_pips", "net_profit", "timeframe"):
        place, field = RANKING_SCHEMA.get_field_index(name), RANKING_SCHEMA.field(name)
        value: Any = "5min" if name == "timeframe" else 1.5
        table = table.set_column(place, field, pa.array([value] * len(pairs), field.type))
    return table


def test_diff_runs_of_a_run_with_itself_is_empty(tmp_path: Path) -> None:
    run = put_run(tmp_path, "a", keys={"EURUSD": KEY})
    run.publish_ranking(random_ranking(5))

    diff = diff_runs(tmp_path, run.manifest, run.manifest)

    same = {"EURUSD": PairDiff(PairChange.SAME)}
    assert diff == RunDiff(settings={}, inputs={}, versions={}, pairs=same, ranked=5, ranking=())


def test_diff_runs_names_what_differs_of_what_was_asked(tmp_path: Path) -> None:
    def changed(run: RunFolder, **changes: object) -> Manifest:
        return replace(run.manifest, **changes)  # type: ignore[arg-type]

    before, after = (put_run(tmp_path, name) for name in "ab")
    diff = diff_runs(
        tmp_path,
        changed(before, settings={"lots": 0.1, "old": 1}, inputs={"EURUSD": "1"}, versions={"numpy": "1"}),
        changed(after, settings={"lots": 0.2}, inputs={"EURUSD": "1"}, versions={"numpy": "2"}),
    )

    assert diff.settings == {"lots": (0.1, 0.2), "old": (1, None)}
    assert diff.inputs == {}
    assert diff.versions == {"numpy": ("1", "2")}


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        (PairState.COMPUTED, PairState.REUSED, PairChange.SAME),
        (PairState.COMPUTED, PairState.FAILED, PairChange.NONE_AFTER),
        (PairState.PENDING, PairState.REUSED, PairChange.NONE_BEFORE),
        (PairState.FAILED, PairState.PENDING, PairChange.NONE),
    ],
)
def test_diff_runs_calls_nothing_the_same_of_which_a_run_has_no_result(
    tmp_path: Path, before: PairState, after: PairState, change: PairChange
) -> None:
    # The key is there from the start of a run, whatever comes of the pair.
    runs = [
        put_run(tmp_path, name, keys={"EURUSD": KEY}, state=state)
        for name, state in zip("ab", (before, after), strict=True)
    ]
    assert diff_runs(tmp_path, *(run.manifest for run in runs)).pairs == {"EURUSD": PairDiff(change)}


def test_diff_runs_names_pairs_of_one_run_alone(tmp_path: Path) -> None:
    before = put_run(tmp_path, "a", keys={"EURUSD": KEY, "GBPUSD": KEY})
    after = put_run(tmp_path, "b", keys={"GBPUSD": KEY, "USDJPY": KEY})

    assert {pair: diff.change for pair, diff in diff_runs(tmp_path, before.manifest, after.manifest).pairs.items()} == {
        "EURUSD": PairChange.ONLY_BEFORE,
        "GBPUSD": PairChange.SAME,
        "USDJPY": PairChange.ONLY_AFTER,
    }


def write(results: Path, key: str, metrics: pa.Table, trades: pa.Table) -> None:
    with ResultsFolder(results).store.open_writer("EURUSD", key, METADATA) as writer:
        writer.write_trades(trades)
        writer.write_metrics(metrics)


def with_names(table: pa.Table) -> pa.Table:
    place = METRICS_SCHEMA.get_field_index("strategy")
    names = pa.array([f"strategy {row}" for row in range(len(table))])
    return table.set_column(place, METRICS_SCHEMA.field("strategy"), names)


@pytest.fixture
def diff_of(tmp_path: Path) -> Any:
    """Compare two entries of EURUSD, each given by its figures and its trades."""

    def diff(old: tuple[pa.Table, pa.Table], new: tuple[pa.Table, pa.Table]) -> PairDiff:
        write(tmp_path, KEY, *old)
        write(tmp_path, OTHER_KEY, *new)
        before, after = (put_run(tmp_path, name, keys={"EURUSD": key}) for name, key in (("a", KEY), ("b", OTHER_KEY)))
        return diff_runs(tmp_path, before.manifest, after.manifest).pairs["EURUSD"]

    return diff


def test_diff_runs_tells_other_stored_trades_from_other_figures(diff_of: Any) -> None:
    figures, trades = with_names(random_table(METRICS_SCHEMA, 10)), random_table(TRADES_SCHEMA, 30)
    assert diff_of((figures, trades.slice(0, 20)), (figures, trades)) == PairDiff(
        PairChange.SAME_FIGURES, trades_before=20, trades_after=30
    )


def test_diff_runs_calls_results_of_another_version_with_the_same_rows_the_same(diff_of: Any) -> None:
    figures, trades = with_names(random_table(METRICS_SCHEMA, 10)), random_table(TRADES_SCHEMA, 30)
    assert diff_of((figures, trades), (figures, trades)).change is PairChange.SAME


def test_diff_runs_counts_strategies_of_other_figures_and_of_one_run_alone(diff_of: Any) -> None:
    figures, trades = with_names(random_table(METRICS_SCHEMA, 10)), random_table(TRADES_SCHEMA, 30)
    place = METRICS_SCHEMA.get_field_index("trades")
    more = pa.array([0, 0, *figures["trades"].to_pylist()[2:]], pa.int64())
    changed = figures.set_column(place, METRICS_SCHEMA.field("trades"), more)
    found = diff_of((figures.slice(0, 9), trades), (changed.slice(1), trades))
    assert found == PairDiff(PairChange.OTHER_FIGURES, 8, 1, 1, 1, 30, 30)


def test_diff_runs_says_of_a_result_that_was_removed_that_it_was_not_compared(tmp_path: Path) -> None:
    write_entry(ResultsFolder(tmp_path).store, key=KEY)
    before, after = (put_run(tmp_path, name, keys={"EURUSD": key}) for name, key in (("a", KEY), ("b", THIRD_KEY)))
    assert diff_runs(tmp_path, before.manifest, after.manifest).pairs["EURUSD"] == PairDiff(PairChange.REMOVED)


@pytest.mark.parametrize(
    ("before", "after", "ranked", "changes"),
    [
        # Pairs and strategies that one run lacks move no rank.
        (("AABB", "xyxy"), ("BB", "xy"), 2, []),
        (("AA", "xy"), ("ABABA", "xxyyz"), 2, []),
        (("AA", "xy"), ("AB", "xx"), 1, []),
        (("AAA", "xyz"), ("BAAA", "xxzy"), 3, [("z", 3, 2), ("y", 2, 3)]),
        (("AA", "xy"), ("BB", "xy"), 0, []),
    ],
)
def test_diff_runs_compares_ranks_among_what_both_runs_ranked(
    tmp_path: Path,
    before: tuple[str, str],
    after: tuple[str, str],
    ranked: int,
    changes: list[tuple[str, int, int]],
) -> None:
    runs = [put_run(tmp_path, name) for name in "ab"]
    for run, given in zip(runs, (before, after), strict=True):
        run.publish_ranking(ranking_of(*given))

    diff = diff_runs(tmp_path, *(run.manifest for run in runs))

    assert diff.ranked == ranked
    assert diff.ranking == tuple(RankChange("PAIRA", "5min", *change, 1.5, 1.5) for change in changes)
