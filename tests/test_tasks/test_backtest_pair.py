"""The task of one pair, without Prefect around it."""

from pathlib import Path

import pytest
from prefect.states import Failed, State

import tasks.backtest
from necrozma_core.backtest.key import with_key
from necrozma_core.backtest.request import PairRequest, Receipt
from necrozma_core.backtest.river import evaluate_pair as compute
from necrozma_core.errors import (
    ConversionError,
    DamagedError,
    DataError,
    PoisonousPairError,
    StoppedError,
    StorageError,
    StrategyError,
    UsageError,
    WorkerDiedError,
    WorkerError,
    WorkerMemoryError,
    WorkerTimeoutError,
)
from necrozma_core.feeds.samples.quotes import write_samples
from necrozma_core.strategies.source import StrategySource
from necrozma_core.sweep.retries import RETRY_DELAYS_S
from tasks.backtest import backtest_pair, may_retry


class Here:
    """Pairs that are computed in this process; counts how often each was asked for."""

    def __init__(self, error: Exception | None = None) -> None:
        self.asked: list[PairRequest] = []
        self._error = error

    def next_try(self, request: PairRequest) -> Receipt:
        self.asked.append(request)
        if self._error is not None:
            raise self._error
        return compute(with_key(request), lambda *_: None)


@pytest.fixture
def request_(tmp_path: Path) -> PairRequest:
    write_samples(tmp_path / "data", ["EURUSD"], 2_000, 1)
    return PairRequest(
        pair="EURUSD",
        timeframe_ms=3_600_000,
        source=StrategySource.from_grid("family=sma_cross fast=2 slow=5"),
        data_dir=tmp_path / "data",
        results_dir=tmp_path / "results",
    )


@pytest.fixture(autouse=True)
def shown(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Nothing is told to a server; the pairs that would have been shown."""
    pairs: list[str] = []
    monkeypatch.setattr(tasks.backtest, "pair_artifact", lambda store, receipt, *_: pairs.append(receipt.pair))
    return pairs


def test_pair_is_asked_for_once_and_shown(request_: PairRequest, shown: list[str]) -> None:
    pairs = Here()
    receipt = backtest_pair.fn(request_, pairs)

    assert isinstance(receipt, Receipt)
    assert (receipt.computed, receipt.key) == (True, with_key(request_).key)
    assert pairs.asked == [request_]
    assert shown == ["EURUSD"]


def test_pair_of_a_run_that_ends_is_cancelled(request_: PairRequest, shown: list[str]) -> None:
    state = backtest_pair.fn(request_, Here(StoppedError("the run is ending")))

    assert isinstance(state, State)
    assert state.is_cancelled()
    assert shown == []


def test_pair_error_of_a_worker_is_raised(request_: PairRequest) -> None:
    with pytest.raises(StrategyError, match="no good"):
        backtest_pair.fn(request_, Here(StrategyError("no good")))


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (WorkerDiedError("x"), True),
        (WorkerTimeoutError("x"), True),
        (WorkerMemoryError("x"), True),
        (WorkerError("x"), True),
        (StorageError("x"), True),
        (OSError(5, "Input/output error"), True),
        (PoisonousPairError("x"), False),
        (DamagedError("x"), False),
        (DataError("x"), False),
        (ConversionError("x"), False),
        (StrategyError("x"), False),
        (UsageError("x"), False),
        (StoppedError("x"), False),
        (ValueError("x"), False),
    ],
)
def test_retry_is_for_died_workers_and_disk_trouble_alone(error: Exception, again: bool) -> None:
    assert may_retry(backtest_pair, None, Failed(data=error)) is again  # type: ignore[arg-type]


def test_retry_delays_grow_and_are_short_enough_for_ctrl_c() -> None:
    assert backtest_pair.retries == len(RETRY_DELAYS_S) == 2
    assert list(RETRY_DELAYS_S) == sorted(set(RETRY_DELAYS_S))
    assert max(RETRY_DELAYS_S) <= 2.0


def test_task_runs_are_named_by_their_pair() -> None:
    assert backtest_pair.task_run_name == "{request.pair}"
