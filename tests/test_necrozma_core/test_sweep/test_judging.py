"""Pairs of a run judged together, from what the store keeps: the same as from all daily returns at once."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from storage_samples import METADATA, random_table

from necrozma_core.backtest.daily_returns import describe_trials
from necrozma_core.backtest.request import Receipt
from necrozma_core.errors import DamagedError
from necrozma_core.statistics.findings import judge
from necrozma_core.statistics.moments import Moments
from necrozma_core.statistics.overfitting import BlockSums, overfitting_of
from necrozma_core.statistics.reality_check import spa_test
from necrozma_core.statistics.trials import Trials
from necrozma_core.storage.results.returns_tables import moments_table, returns_table
from necrozma_core.storage.results.schemas import METRICS_SCHEMA
from necrozma_core.storage.results.store import ResultStore
from necrozma_core.sweep import judging
from necrozma_core.sweep.judging import judge_run

DATES = np.arange(19_000, 19_250)
KEYS = {"EURUSD": "ab" * 32, "GBPUSD": "cd" * 32}


@dataclass
class Stored:
    """What was stored of pairs, and what was stored there."""

    store: ResultStore
    receipts: list[Receipt]
    metrics: list[pa.Table]
    returns: list[np.ndarray]

    def judge(self) -> judging.Judgement:
        return judge_run(self.store, self.receipts, self.metrics)


def write(store: ResultStore, pair: str, returns: np.ndarray, dates: np.ndarray, kept: int | None = None) -> Receipt:
    """Store a pair whose strategies have such returns; of all, or of the first few, the days are kept."""
    names = [f"s{row:03}" for row in range(len(returns))]
    metrics = random_table(METRICS_SCHEMA, len(returns))
    index = METRICS_SCHEMA.get_field_index("trades")
    metrics = metrics.set_column(index, METRICS_SCHEMA.field("trades"), pa.array([100] * len(returns), pa.int64()))
    trials = Trials.of(returns, dates)
    with store.open_writer(pair, KEYS[pair], METADATA) as writer:
        writer.write_metrics(metrics)
        writer.write_moments(moments_table(names, Moments.of(returns), BlockSums.of(returns)))
        for name, row in zip(names[:kept], returns, strict=False):
            if not np.isnan(row).any():
                writer.write_returns(returns_table(name, dates, row))
        writer.describe({"trials": describe_trials(trials)})
    return Receipt(pair, KEYS[pair], True, len(returns), 0, 0)


def stored(folder: Path, *, kept: int | None = None, shift: int = 0) -> Stored:
    """Two pairs of noise, of which the first has one strategy that earns and one without returns."""
    rng = np.random.default_rng(5)
    returns = [rng.normal(0, 0.01, (30, len(DATES))) for _ in KEYS]
    returns[0][7] += 0.006
    returns[0][11] = np.nan
    store = ResultStore(folder)
    days = [DATES, DATES + shift]
    receipts = [write(store, pair, *each, kept=kept) for pair, *each in zip(KEYS, returns, days, strict=True)]
    metrics = [store.read_metrics(pair, key) for pair, key in KEYS.items()]
    return Stored(store, receipts, metrics, returns)


def test_columns_are_those_of_all_returns_at_once(tmp_path: Path) -> None:
    given = stored(tmp_path)
    found = given.judge()
    matrix = np.concatenate(given.returns)
    expected = judge(Moments.of(matrix), np.full(60, 100), Trials.of(matrix, DATES))
    rows = found.columns.to_pylist()

    assert [row["verdict"] for row in rows] == expected.verdict.tolist()
    assert rows[7]["verdict"] == "strong"
    assert rows[11]["verdict"] == "too little data"
    assert rows[11]["deflated_sharpe"] is rows[11]["q_value"] is None
    for name in ("probabilistic_sharpe", "deflated_sharpe", "min_track_record_days", "q_value"):
        column = np.array([np.nan if row[name] is None else row[name] for row in rows])
        assert column == pytest.approx(getattr(expected, name), rel=1e-4, nan_ok=True), name
    assert {row["effective_trials"] for row in rows} == {found.run["effective_trials"]}
    assert found.run["effective_trials"] == pytest.approx(expected.effective_trials, rel=0.02)
    assert {row["neighbours_sharpe"] for row in rows} == {None}


def test_the_run_is_tested_as_one_matrix_and_each_time_alike(tmp_path: Path) -> None:
    given = stored(tmp_path)
    found = given.judge()
    matrix = np.delete(np.concatenate(given.returns), 11, axis=0)
    sums = overfitting_of(BlockSums.of(matrix.astype(np.float32)))
    assert sums is not None
    assert found.run["pbo"] == pytest.approx(sums.pbo)
    # Another seed draws other days.
    assert found.run["spa_p_value"] == pytest.approx(spa_test(matrix), abs=0.02)
    again = given.judge()
    assert again.run == found.run
    assert again.columns.equals(found.columns)


def test_pairs_on_other_days_are_put_on_the_same_ones(tmp_path: Path) -> None:
    run = stored(tmp_path, shift=100).judge().run
    assert run["pbo"] is not None
    assert run["spa_p_value"] is not None


def test_without_all_returns_blocks_tell_of_overfitting_and_the_best_is_not_tested(tmp_path: Path) -> None:
    given = stored(tmp_path / "all")
    some = stored(tmp_path / "some", kept=5)
    assert some.judge().run["pbo"] == pytest.approx(given.judge().run["pbo"], abs=0.01)
    assert some.judge().run["spa_p_value"] is None
    assert some.judge().columns.equals(given.judge().columns)
    # Blocks of other dates do not match.
    assert stored(tmp_path / "shifted", kept=5, shift=100).judge().run["pbo"] is None


def test_of_many_settings_some_are_drawn_for_overfitting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = stored(tmp_path)
    monkeypatch.setattr(judging, "_MOST_HALVED", 20)
    monkeypatch.setattr(judging, "_MOST_NUMBERS", 10)
    first, second = given.judge().run, given.judge().run
    assert first == second
    assert first["pbo"] is not None
    assert first["spa_p_value"] is None


def test_moments_of_other_strategies_are_refused(tmp_path: Path) -> None:
    given = stored(tmp_path)
    given.metrics[0] = given.metrics[0].slice(1)
    with pytest.raises(DamagedError, match="expected the moments of 29 strategies, found 30"):
        given.judge()
