"""A pair in parts: the same bytes as from one worker, whatever the split."""

import itertools
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from storage_samples import tree

from necrozma_core.backtest.key import with_key
from necrozma_core.backtest.parts import LEAST_SETTINGS, Part, evaluate_part, join_parts, split
from necrozma_core.backtest.request import PairRequest, stored_receipt
from necrozma_core.backtest.river import evaluate_pair
from necrozma_core.errors import StrategyError
from necrozma_core.feeds.samples.quotes import write_samples
from necrozma_core.storage.results.store import ResultStore
from necrozma_core.strategies.source import StrategySource

GRID = "family=sma_cross fast=5:25:5 slow=30:90:20 stop_loss_pips=10,20 take_profit_pips=none,30"

FAILING = """
import numpy as np

class Fixed:
    params, stop_loss_pips, take_profit_pips = {}, 5.0, None
    def __init__(self, name, fails):
        self.name, self.fails = name, fails
    def signals(self, bars):
        if self.fails:
            raise KeyError(self.name)
        signals = np.zeros(len(bars), np.int8)
        signals[::10] = 1
        return signals

def strategies():
    return [Fixed(f"s{number}", %s) for number in range(9)]
"""


def ignore(stage: str, done: int, total: int, label: str, ticks: int) -> None:
    """Hold nothing."""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    write_samples(folder, ["EURUSD"], 20_000, 1)
    return folder


def entry_of_parts(request: PairRequest, edges: list[int], scratch: Path) -> dict[str, bytes]:
    """Store a pair's result by parts that end at the edges, and return its files."""
    parts = [Part(start, stop, scratch / str(start)) for start, stop in itertools.pairwise(edges)]
    seconds = [evaluate_part(request, part, ignore) for part in parts]
    receipt = join_parts(request, parts, seconds[0])
    assert receipt.computed
    return tree(request.results_dir)


@pytest.mark.parametrize("keep_trades", [None, 0, 7, 500])
def test_join_parts_any_split_gives_the_bytes_of_one_worker(
    data: Path, tmp_path: Path, keep_trades: int | None
) -> None:
    request = PairRequest(
        pair="EURUSD", timeframe_ms=60_000, source=StrategySource.from_grid(GRID), data_dir=data,
        results_dir=tmp_path / "whole", keep_trades=keep_trades,
    )  # fmt: skip
    request = with_key(request)
    whole = evaluate_pair(request, ignore)
    expected = tree(request.results_dir)
    for number, edges in enumerate(([0, 80], [0, 1, 80], [0, 27, 53, 80], [0, 10, 20, 30, 79, 80])):
        folder = tmp_path / str(number)
        found = entry_of_parts(replace(request, results_dir=folder / "results"), edges, folder / "scratch")
        assert found == expected
    assert whole.strategies == 80


def test_join_parts_failures_of_all_parts_are_named_in_order(data: Path, tmp_path: Path) -> None:
    source = tmp_path / "mine.py"
    source.write_text(FAILING % "number in (1, 7)")
    request = with_key(PairRequest("EURUSD", 60_000, StrategySource.from_file(source), data, tmp_path / "results"))
    entry_of_parts(request, [0, 4, 9], tmp_path / "scratch")

    receipt = stored_receipt(ResultStore(request.results_dir / "store"), request)
    assert [name for name, _ in receipt.failures] == ["s1", "s7"]


def test_join_parts_one_part_may_fail_whole_but_not_all(data: Path, tmp_path: Path) -> None:
    source = tmp_path / "mine.py"
    source.write_text(FAILING % "number < 4")
    request = with_key(PairRequest("EURUSD", 60_000, StrategySource.from_file(source), data, tmp_path / "results"))
    entry_of_parts(request, [0, 4, 9], tmp_path / "scratch")

    source.write_text(FAILING % "True")
    request = with_key(PairRequest("EURUSD", 60_000, StrategySource.from_file(source), data, tmp_path / "results"))
    with pytest.raises(StrategyError, match="all 9 strategies failed"):
        entry_of_parts(request, [0, 4, 9], tmp_path / "others")


@given(st.integers(0, 60_000), st.integers(1, 40))
def test_split_any_number_covers_all_strategies_once(strategies: int, workers: int) -> None:
    parts = split(strategies, workers, Path("x"))
    covered = [position for part in parts for position in range(part.start, part.stop)]
    lengths = [part.stop - part.start for part in parts]

    assert covered == (list(range(strategies)) if parts else [])
    assert len({part.folder for part in parts}) == len(parts) <= workers
    assert all(length >= LEAST_SETTINGS for length in lengths)
    assert len(parts) != 1
    assert not parts or max(lengths) - min(lengths) <= 1


def test_split_unknown_number_stays_together() -> None:
    assert split(None, 8, Path("x")) == []
