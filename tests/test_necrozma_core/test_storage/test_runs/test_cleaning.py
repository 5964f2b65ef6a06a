"""Old runs removed: what goes, what stays whatever is asked, and that a plan changes nothing."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from run_samples import put_run
from storage_samples import KEY, OTHER_KEY, tree, write_entry

from necrozma_core.errors import DamagedError, UsageError
from necrozma_core.storage.disk.lock import lock_results
from necrozma_core.storage.results_folder import ResultsFolder
from necrozma_core.storage.runs.cleaning import Cleaning, ResultKind, clean_runs, plan_cleaning
from necrozma_core.storage.runs.listing import list_runs
from necrozma_core.storage.runs.manifest import PairState

ENTRIES = [(pair, f"{number:064x}") for pair in ("EURUSD", "GBPUSD") for number in range(3)]


def key(number: int) -> str:
    return f"{number:064x}"


@pytest.fixture
def results(tmp_path: Path) -> Path:
    return tmp_path / "results"


def put(
    results: Path,
    run_id: str,
    *pairs: str,
    number: int = 0,
    state: PairState = PairState.COMPUTED,
    **settings: Any,
) -> None:
    """A run of pairs whose results are stored under one number."""
    for pair in pairs:
        if state is not PairState.FAILED and not ResultsFolder(results).store.has(pair, key(number)):
            write_entry(ResultsFolder(results).store, pair, key(number), rows=1)
    put_run(results, run_id, keys={pair: key(number) for pair in pairs}, state=state, settings={**settings, "x": 1})


def clean(results: Path, keep: int | None, named: tuple[str, ...] = ()) -> Cleaning:
    with lock_results(results) as lock:
        plan = plan_cleaning(results, keep, named)
        clean_runs(lock, plan)
    return plan


def left(results: Path) -> tuple[list[str], list[tuple[str, int]]]:
    """What there is: ids of runs, entries as pair and number."""
    runs = sorted(run.run_id for run in list_runs(results))
    return runs, [(pair, int(found, 16)) for pair, found in ResultsFolder(results).store.entries()]


def test_clean_removes_old_runs_and_what_only_they_name(results: Path) -> None:
    put(results, "1", "EURUSD", number=1)
    put(results, "2", "EURUSD", number=2)
    (ResultsFolder(results).run("1") / "report.html").write_text("old")

    plan = clean(results, keep=1)

    assert ([run.run_id for run in plan.runs], plan.entries) == (["1"], (("EURUSD", key(1)),))
    assert plan.size > 0
    assert left(results) == (["2"], [("EURUSD", 2)])


def test_reruns_that_computed_nothing_push_out_no_run_that_did(results: Path) -> None:
    put(results, "1", "EURUSD", "GBPUSD", "USDJPY")
    for rerun in "234":
        put(results, rerun, "EURUSD", state=PairState.REUSED)

    clean(results, keep=3)

    assert left(results) == (["1", "2", "3", "4"], [("EURUSD", 0), ("GBPUSD", 0), ("USDJPY", 0)])


def test_of_reruns_that_computed_nothing_as_many_stay(results: Path) -> None:
    put(results, "1", "EURUSD")
    for rerun in "2345":
        put(results, rerun, "EURUSD", state=PairState.REUSED)
    put(results, "6", "EURUSD", number=9, state=PairState.FAILED)

    clean(results, keep=2)

    assert left(results) == (["1", "5", "6"], [("EURUSD", 0)])


def test_repair_of_one_pair_does_not_count_as_the_newest_run(results: Path) -> None:
    put(results, "1", "EURUSD", "GBPUSD")
    put(results, "2", "EURUSD", repairs="1")

    plan = clean(results, keep=1)

    assert (plan.runs, plan.entries) == ((), ())
    assert left(results) == (["1", "2"], [("EURUSD", 0), ("GBPUSD", 0)])


def test_last_result_of_a_pair_stays_with_its_run_and_is_told(results: Path) -> None:
    put(results, "1", "EURUSD", "GBPUSD", timeframe="5min")
    put(results, "2", "EURUSD", number=2, timeframe="5min")
    put(results, "3", "EURUSD", number=3, timeframe="5min")

    plan = clean(results, keep=1)

    [(spared, kinds)] = plan.spared
    assert (spared.run_id, kinds) == ("1", (ResultKind("GBPUSD", "5min", ""),))
    assert left(results) == (["1", "3"], [("EURUSD", 0), ("EURUSD", 3), ("GBPUSD", 0)])


@pytest.mark.parametrize(
    "other",
    [
        {"timeframe": "1h"},
        {"strategies": "/mine.py"},
        {"settings_file": "/a.toml"},
        {"grid": "family=rsi"},
        {"catalog": "extended"},
    ],
)
def test_results_of_another_timeframe_or_other_strategies_are_of_another_kind(
    results: Path, other: dict[str, str]
) -> None:
    put(results, "1", "EURUSD", number=1, **other)
    put(results, "2", "EURUSD", number=2)
    clean(results, keep=1)
    assert left(results)[1] == [("EURUSD", 1), ("EURUSD", 2)]


def test_results_of_other_costs_are_of_the_same_kind(results: Path) -> None:
    put(results, "1", "EURUSD", number=1, lots=0.5, commission=3.0)
    put(results, "2", "EURUSD", number=2)
    clean(results, keep=1)
    assert left(results) == (["2"], [("EURUSD", 2)])


def test_run_that_is_named_goes_with_the_last_result_of_its_kind(results: Path) -> None:
    put(results, "1", "EURUSD", "GBPUSD")
    put(results, "2", "EURUSD", number=2)

    clean(results, None, ("1",))

    assert left(results) == (["2"], [("EURUSD", 2)])


def test_run_that_is_named_leaves_what_another_run_names(results: Path) -> None:
    put(results, "1", "EURUSD")
    put(results, "2", "EURUSD", state=PairState.REUSED)
    clean(results, None, ("1",))
    assert left(results) == (["2"], [("EURUSD", 0)])


def test_no_number_of_runs_to_keep_takes_the_last_results(results: Path) -> None:
    put(results, "1", "EURUSD", number=1)
    put(results, "2", "EURUSD", number=2)
    clean(results, keep=0)
    assert left(results) == (["2"], [("EURUSD", 2)])


def test_result_without_a_run_stays_while_its_pair_has_no_other(results: Path) -> None:
    put(results, "1", "EURUSD")
    for pair in ("EURUSD", "GBPUSD"):
        write_entry(ResultsFolder(results).store, pair, key(7), rows=1)
    clean(results, keep=1)
    assert left(results)[1] == [("EURUSD", 0), ("GBPUSD", 7)]


def test_results_of_a_run_that_was_cut_short_stay_with_it(results: Path) -> None:
    put(results, "1", "EURUSD", number=1)
    put(results, "2", "EURUSD", "GBPUSD", number=2, state=PairState.PENDING)
    clean(results, keep=1)
    assert left(results) == (["1", "2"], [("EURUSD", 1), ("EURUSD", 2), ("GBPUSD", 2)])


@settings(max_examples=25)
@given(
    runs=st.lists(
        st.tuples(
            st.dictionaries(st.sampled_from(["EURUSD", "GBPUSD"]), st.integers(0, 2)),
            st.sampled_from(list(PairState)),
        ),
        max_size=5,
    ),
    stored=st.sets(st.sampled_from(ENTRIES)),
    keep=st.integers(0, 5) | st.none(),
    named=st.sets(st.sampled_from("01234")),
)
def test_clean_never_removes_what_a_kept_run_names_nor_the_last_of_a_kind(
    tmp_path_factory: pytest.TempPathFactory,
    runs: list[tuple[dict[str, int], PairState]],
    stored: set[tuple[str, str]],
    keep: int | None,
    named: set[str],
) -> None:
    results = tmp_path_factory.mktemp("results")
    store = ResultsFolder(results).store
    for pair, found in stored:
        write_entry(store, pair, found, rows=1)
    for number, (keys, state) in enumerate(runs):
        put_run(results, f"{number}", keys={pair: key(part) for pair, part in keys.items()}, state=state)

    plan = clean(results, keep, tuple(named))

    kept = list_runs(results)
    assert {run.run_id for run in kept} | {run.run_id for run in plan.runs} == {str(n) for n in range(len(runs))}
    assert not named & {run.run_id for run in kept}
    entries = set(store.entries())
    assert entries | set(plan.entries) == stored
    assert {entry for run in kept for entry in run.keys.items()} & stored <= entries
    for entry in entries:
        store.check(*entry)
    spared_from = [keys for number, (keys, _) in enumerate(runs) if str(number) not in named]
    for pair in ("EURUSD", "GBPUSD"):
        if any((pair, key(keys[pair])) in stored for keys in spared_from if pair in keys):
            assert any(each == pair for each, _ in entries)
    assert clean(results, keep).folders == () or named


def test_plan_changes_nothing(results: Path) -> None:
    put(results, "1", "EURUSD", number=1)
    put(results, "2", "EURUSD", number=2)
    before = tree(results)
    assert plan_cleaning(results, 1).folders
    assert tree(results) == before


def test_clean_with_a_manifest_that_cannot_be_trusted_removes_nothing(tmp_path: Path) -> None:
    write_entry(ResultsFolder(tmp_path).store)
    put_run(tmp_path, "1")
    (put_run(tmp_path, "2", keys={"EURUSD": OTHER_KEY}).path / "manifest.json").write_bytes(b"{}")
    before = tree(tmp_path)
    with pytest.raises(DamagedError):
        plan_cleaning(tmp_path, keep=0)
    assert tree(tmp_path) == before
    assert ResultsFolder(tmp_path).store.has("EURUSD", KEY)


def test_clean_of_a_negative_number_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="0 or more, found -1"):
        plan_cleaning(tmp_path, keep=-1)
