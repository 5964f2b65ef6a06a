"""Daily returns as they are kept: of which strategies, what they say, and the same bytes however a pair is cut."""

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from storage_samples import tree

from necrozma_core.backtest import daily_returns
from necrozma_core.backtest.key import with_key
from necrozma_core.backtest.parts import Part, evaluate_part, join_parts
from necrozma_core.backtest.request import PairRequest
from necrozma_core.backtest.river import evaluate_pair
from necrozma_core.feeds.samples.quotes import write_samples
from necrozma_core.statistics.moments import Moments
from necrozma_core.statistics.overfitting import BlockSums
from necrozma_core.statistics.trials import Trials
from necrozma_core.storage.results.returns_tables import block_sums_of, kept_returns, moments_of
from necrozma_core.storage.results.store import ResultStore
from necrozma_core.strategies.source import StrategySource

GRID = "family=sma_cross fast=5:25:5 slow=30:90:20 stop_loss_pips=10,20 take_profit_pips=none,30"


def ignore(stage: str, done: int, total: int, label: str, ticks: int) -> None:
    """Hold nothing."""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    write_samples(folder, ["EURUSD"], 60_000, 1)
    return folder


@pytest.fixture
def request_(data: Path, tmp_path: Path) -> PairRequest:
    source = StrategySource.from_grid(GRID)
    return with_key(PairRequest("EURUSD", 300_000, source, data, tmp_path / "whole", keep_trades=0))


def test_all_returns_are_kept_and_the_ratios_of_the_metrics_follow_from_them(request_: PairRequest) -> None:
    evaluate_pair(request_, ignore)
    store = ResultStore(request_.results_dir / "store")
    metrics = store.read_metrics("EURUSD", request_.key).to_pandas().set_index("strategy")
    returns = store.read_returns("EURUSD", request_.key).to_pandas()
    wide = returns.pivot(index="day", columns="strategy", values="return").astype(np.float64)

    assert sorted(wide.columns) == sorted(metrics.index[metrics.days > 0])
    assert (metrics.days[wide.columns] == len(wide)).all()
    assert len(wide) > 16
    sharpe = wide.mean() / wide.std() * np.sqrt(252)
    assert sharpe.to_numpy() == pytest.approx(metrics.sharpe[wide.columns].to_numpy(), rel=1e-4)
    total = (1 + wide).prod() - 1
    assert total.to_numpy() == pytest.approx(metrics.total_return[wide.columns].to_numpy(), abs=1e-6)
    assert all(day.weekday() < 5 for day in wide.index)


def test_moments_blocks_and_trials_are_those_of_the_returns(request_: PairRequest) -> None:
    evaluate_pair(request_, ignore)
    store = ResultStore(request_.results_dir / "store")
    kept = kept_returns(store.read_returns("EURUSD", request_.key))
    table = store.read_moments("EURUSD", request_.key)
    assert table["strategy"].to_pylist() == store.read_metrics("EURUSD", request_.key)["strategy"].to_pylist()

    has = np.array(table["days"]) > 0
    moments, expected = moments_of(table), Moments.of(kept.returns)
    assert (moments.days[has] == len(kept.dates)).all()
    assert moments.sharpe[has] == pytest.approx(expected.sharpe, rel=1e-4)
    assert moments.kurtosis[has] == pytest.approx(expected.kurtosis, rel=1e-4)
    sums = block_sums_of(table)
    assert sums is not None
    assert sums.returns == pytest.approx(BlockSums.of(kept.returns).returns, abs=1e-6)
    trials = daily_returns.described_trials([store.commit_of("EURUSD", request_.key)["details"]["trials"]])
    again = Trials.of(kept.returns, kept.dates)
    assert trials.count == again.count
    assert trials.maxima == pytest.approx(again.maxima, abs=1e-4)


@pytest.mark.parametrize("most", [10, 80])
def test_any_split_keeps_the_returns_of_the_same_strategies_in_the_same_bytes(
    request_: PairRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(daily_returns, "MOST_KEPT", most)
    evaluate_pair(request_, ignore)
    expected = tree(request_.results_dir)
    for edges in ([0, 80], [0, 1, 80], [0, 27, 53, 80], [0, 9, 18, 36, 79, 80]):
        folder = tmp_path / "-".join(map(str, edges))
        request = replace(request_, results_dir=folder / "results")
        parts = [Part(start, stop, folder / f"part {start}") for start, stop in itertools.pairwise(edges)]
        seconds = [evaluate_part(request, part, ignore) for part in parts]
        join_parts(request, parts, seconds[0])
        assert tree(request.results_dir) == expected


def test_of_more_strategies_the_best_are_kept_and_others_that_the_key_draws(
    request_: PairRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(daily_returns, "MOST_KEPT", 20)
    evaluate_pair(request_, ignore)
    store = ResultStore(request_.results_dir / "store")
    metrics = store.read_metrics("EURUSD", request_.key).to_pandas()
    kept = set(kept_returns(store.read_returns("EURUSD", request_.key)).strategies)

    lacking = metrics.few_trades.astype(int) + metrics.few_days.astype(int)
    ranked = metrics.assign(lacking=lacking)[~metrics.constant_returns].sort_values(
        ["lacking", "sharpe", "net_profit"], ascending=[True, False, False], kind="stable"
    )
    best = set(ranked.strategy[:10])
    assert best < kept
    assert 10 < len(kept) <= 20
    assert len(store.read_moments("EURUSD", request_.key)) == 80
    drawn = {name: daily_returns.lot_of(request_.key, name) for name in metrics.strategy[metrics.days > 0]}
    assert kept == best | set(sorted(drawn, key=drawn.__getitem__)[:10])
    assert daily_returns.lot_of("ab", "x") != daily_returns.lot_of("cd", "x")
