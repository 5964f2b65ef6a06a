"""Orders and levels on their way through the river: to the engine, and into the results."""

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from necrozma_core.backtest import accounting
from necrozma_core.backtest.key import result_key
from necrozma_core.backtest.request import PairRequest
from necrozma_core.backtest.river import evaluate_pair
from necrozma_core.engine.bar_levels import BarLevels
from necrozma_core.feeds.samples.quotes import write_samples
from necrozma_core.storage.results_folder import ResultsFolder
from necrozma_core.strategies.source import StrategySource

FILE = """
import numpy as np
from necrozma_core.engine.orders import Orders
from necrozma_core.strategies.families.rsi import Rsi

class Mine:
    params, stop_loss_pips, take_profit_pips = {"n": 5}, None, None
    trailing_stop_pips, entry_order, on_opposite = 15, "stop", "close"
    def __init__(self, name, pips): self.name, self.pips = name, pips
    def signals(self, bars):
        signals = np.zeros(len(bars), np.int8)
        signals[::20], signals[10::20] = 1, -1
        return signals
    def stop_distances(self, bars): return np.full(len(bars), self.pips)
    def entry_prices(self, bars): return bars.ask_high, bars.bid_low

def strategies():
    ours = Rsi(7, exit=50.0, stop_loss_pips=20, orders=Orders(max_bars=30, close_friday="20:00"))
    return [Mine("mine", 7.5), Mine("wrong", np.nan), ours]
"""


@pytest.fixture
def request_of(tmp_path: Path) -> Callable[..., PairRequest]:
    write_samples(tmp_path / "data", ["EURUSD"], 6_000, 7)
    (tmp_path / "mine.py").write_text(FILE)

    def make(results: str) -> PairRequest:
        source = StrategySource.from_file(tmp_path / "mine.py")
        request = PairRequest("EURUSD", 300_000, source, tmp_path / "data", tmp_path / results)
        return replace(request, key=result_key(request))

    return make


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a user's file runs in the worker itself")
def test_orders_and_levels_of_a_user_s_file_are_the_same_in_a_process_of_its_own(
    request_of: Callable[..., PairRequest], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[Any, ...]] = []

    def trade(market: Any, strategy: Any, request: Any, events: Any, levels: BarLevels | None = None) -> Any:
        asked.append((strategy.name, strategy.orders, strategy.on_opposite, levels))
        return original(market, strategy, request, events, levels)

    original = accounting.trade
    monkeypatch.setattr(accounting, "trade", trade)
    here, apart = request_of("here"), request_of("apart")
    receipt = evaluate_pair(here, lambda *_: None)
    evaluate_pair(apart, lambda *_: None, lambda _: None)

    (name, reason) = receipt.failures[0]
    assert name == "wrong"
    assert reason.endswith("stop_distances() returned nan at bar 0, whose signal enters; expected a number of pips "
                           "above zero")  # fmt: skip
    first, second = asked[:2], asked[2:]
    for (*told, levels), (*told_apart, levels_apart) in zip(first, second, strict=True):
        assert told == told_apart
        assert (levels is None) == (levels_apart is None) == (told[0] != "mine")
        if levels is not None:
            assert (levels.stop_pips == 7.5).all()
            assert np.array_equal(levels.buy_price, levels_apart.buy_price)
            assert np.array_equal(levels.sell_price, levels_apart.sell_price)
    stores = [ResultsFolder(request.results_dir).store.folder("EURUSD", request.key) for request in (here, apart)]
    for file in ("metrics.parquet", "moments.parquet", "returns.parquet", "trades.parquet"):
        assert (stores[0] / file).read_bytes() == (stores[1] / file).read_bytes()


def test_params_column_holds_the_orders_that_are_given(request_of: Callable[..., PairRequest]) -> None:
    request = request_of("results")
    evaluate_pair(request, lambda *_: None)
    rows = ResultsFolder(request.results_dir).store.read_metrics("EURUSD", request.key).to_pylist()
    assert [row["strategy"] for row in rows] == [
        "mine", "rsi(7,30,70) sl20 exit=50 max_bars=30 close_friday=20:00@UTC",
    ]  # fmt: skip
    assert [json.loads(row["params"]) for row in rows] == [
        {"n": 5, "on_opposite": "close", "trailing_stop_pips": 15.0, "entry_order": "stop"},
        {"period": 7, "low": 30.0, "high": 70.0, "exit": 50.0, "max_bars": 30, "close_friday": "20:00@UTC"},
    ]


def test_extended_catalog_runs_from_ticks_to_stored_figures(tmp_path: Path) -> None:
    write_samples(tmp_path / "data", ["USDJPY"], 20_000, 7)
    source = StrategySource.from_catalog("extended")
    request = PairRequest("USDJPY", 300_000, source, tmp_path / "data", tmp_path / "results", keep_trades=None)
    request = replace(request, key=result_key(request))
    receipt = evaluate_pair(request, lambda *_: None)
    assert receipt.failures == ()
    store = ResultsFolder(request.results_dir).store
    rows = store.read_metrics("USDJPY", request.key).to_pylist()
    assert [row["strategy"] for row in rows] == [strategy.name for strategy in source.load()]
    reasons = set(store.read_trades("USDJPY", request.key)["exit_reason"].to_pylist())
    assert reasons >= {"stop_loss", "trailing_stop", "break_even", "partial_target", "session", "time", "signal"}
