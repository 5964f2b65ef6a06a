"""What the store has is found before anything is computed; one entry that cannot be read is its pair's trouble."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from necrozma_core.errors import DataError, StorageError, UsageError
from necrozma_core.money.costs import Costs
from necrozma_core.money.size import Size
from necrozma_core.money.swaps import SwapRate
from necrozma_core.strategies.source import StrategySource
from necrozma_core.sweep import plan
from necrozma_core.sweep.request import SweepRequest


def test_result_that_cannot_be_read_counts_as_missing_and_stops_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    def find(request: Any) -> object | None:
        if request.pair == "EURUSD":
            raise StorageError("commit.json: could not read: Input/output error")
        return object() if request.pair == "GBPUSD" else None

    monkeypatch.setattr(plan, "find_stored", find)
    requests: Any = [SimpleNamespace(pair=pair) for pair in ("EURUSD", "GBPUSD", "USDJPY")]
    assert plan.count_missing(requests) == 2


@pytest.mark.parametrize(
    ("grid", "said"),
    [
        ("family=rsi period=7", "rsi(7,30,70) has no stop"),
        ("family=rsi period=7,14 stop_loss_pips=none,20", "rsi(7,30,70) and 1 more have no stop"),
    ],
)
def test_risk_that_no_stop_limits_is_refused_by_name_before_anything_runs(grid: str, said: str, tmp_path: Path) -> None:
    asked = SweepRequest(
        data=tmp_path, results=tmp_path, source=StrategySource.from_grid(grid), size=Size.parse("risk:1%")
    )
    with pytest.raises(UsageError) as caught:
        plan.plan_requests(asked)
    assert said in str(caught.value)


@pytest.mark.parametrize("grid", ["family=rsi stop_loss_pips=20", "family=rsi stop_loss_atr=2"])
def test_risk_that_a_stop_limits_is_taken(grid: str, tmp_path: Path) -> None:
    asked = SweepRequest(
        data=tmp_path, results=tmp_path, source=StrategySource.from_grid(grid), size=Size.parse("risk:1%")
    )
    with pytest.raises(DataError, match="no ticks there"):
        plan.plan_requests(asked)


def test_pairs_without_rates_are_named_where_others_have_them() -> None:
    def requests(**rates: Costs) -> Any:
        return [SimpleNamespace(pair=pair, costs=costs) for pair, costs in rates.items()]

    free, paid = Costs(), Costs(swap_long_pips=-0.5)
    dated = Costs(swap_rates=(SwapRate(0, -0.5, 0.1),))
    assert plan.without_swap(requests(GBPUSD=free, EURUSD=paid, AUDUSD=free, USDJPY=dated)) == ["AUDUSD", "GBPUSD"]
    assert plan.without_swap(requests(GBPUSD=free, EURUSD=free)) == []
    assert plan.without_swap(requests(GBPUSD=paid)) == []
