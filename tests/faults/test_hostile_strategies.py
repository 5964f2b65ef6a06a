"""Hostile strategies: each fails alone, by name, and the others' figures are those of a run without it."""

import re
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import psutil
import pyarrow.parquet as pq
import pytest

from necrozma_core.backtest.key import result_key, with_key
from necrozma_core.backtest.request import PairRequest, Receipt
from necrozma_core.backtest.river import evaluate_pair
from necrozma_core.errors import WorkerDiedError, WorkerTimeoutError
from necrozma_core.feeds.samples.quotes import write_samples
from necrozma_core.storage.results_folder import ResultsFolder
from necrozma_core.strategies.source import StrategySource
from necrozma_core.sweep.retries import RETRY_DELAYS_S
from necrozma_core.workers.cache import KernelCache
from necrozma_core.workers.limits import WorkerLimits
from necrozma_core.workers.pool import WorkerPool
from necrozma_core.workers.progress import ProgressBoard

from .hostile import ARRAYS, DISTANCES, ENDINGS, HOSTILE, LEFTOVERS, LIBRARIES, Hostile, hostile_file

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a user's file runs in the worker itself"),
]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    write_samples(folder, ["EURUSD"], 4_000, 7)
    return folder


@pytest.fixture(scope="module")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> KernelCache:
    return KernelCache(tmp_path_factory.mktemp("kernels"))


def run(data: Path, folder: Path, rows: list[Hostile], are_run: bool = True) -> tuple[Receipt, Path]:
    """Backtest as a worker does, and return the receipt and the folder of the stored result."""
    folder.mkdir(exist_ok=True)
    file = folder / "strategies.py"
    file.write_text(hostile_file(rows, are_run), encoding="utf-8")
    request = PairRequest("EURUSD", 300_000, StrategySource.from_file(file), data, folder / "results", keep_trades=None)
    request = replace(request, key=result_key(request))
    pids: list[int] = []
    receipt = evaluate_pair(request, lambda *_: None, pids.append)
    assert pids[-1] == 0
    return receipt, ResultsFolder(request.results_dir).store.folder("EURUSD", request.key)


def check(data: Path, folder: Path, rows: list[Hostile]) -> None:
    expected, undisturbed = run(data, folder / "undisturbed", rows, are_run=False)
    assert expected.failures == ()
    receipt, found = run(data, folder / "disturbed", rows)

    reasons = dict(receipt.failures)
    assert list(reasons) == [row.name for row in rows if row.failure], reasons
    for row in rows:
        if row.failure:
            assert re.match(f"strategy {re.escape(repr(row.name))}(: \\w+\\(\\))? {row.failure}", reasons[row.name])
    names = [row.name for row in rows]
    for table in ("metrics.parquet", "moments.parquet", "returns.parquet", "trades.parquet"):
        others = [entry for entry in pq.read_table(found / table).to_pylist() if entry["strategy"] not in names]
        # As text, which tells NaN from null and any two floats apart.
        assert repr(others) == repr(pq.read_table(undisturbed / table).to_pylist())
        if all(row.failure for row in rows):
            assert (found / table).read_bytes() == (undisturbed / table).read_bytes()


@pytest.mark.parametrize(
    "rows",
    [ENDINGS, LEFTOVERS, LIBRARIES, ARRAYS, DISTANCES],
    ids=["endings", "leftovers", "libraries", "arrays", "distances"],
)
def test_hostile_strategies_fail_by_name_and_the_others_have_the_bytes_of_a_run_without_them(
    tmp_path: Path, data: Path, rows: list[Hostile]
) -> None:
    check(data, tmp_path, rows)


@pytest.mark.slow
@pytest.mark.parametrize("row", HOSTILE, ids=[row.name for row in HOSTILE])
def test_hostile_strategy_fails_alone(tmp_path: Path, data: Path, row: Hostile) -> None:
    check(data, tmp_path, [row])


KILLERS = """
import os, time
from pathlib import Path
import numpy as np

class Fixed:
    params = {}
    stop_loss_pips = take_profit_pips = None
    def __init__(self, name, act): self.name, self.act = name, act
    def signals(self, bars):
        self.act()
        signals = np.zeros(len(bars), np.int8)
        signals[::10] = 1
        return signals

def kill_worker():
    note()
    status = Path(f"/proc/{os.getppid()}/stat").read_text()
    os.kill(int(status.rpartition(")")[2].split()[1]), 9)
    time.sleep(60)

def hang():
    note()
    while True: pass

def note():
    with open(%r, "a") as file:
        file.write(f"{os.getpid()}\\n")

def strategies():
    return [Fixed("first", int), Fixed("hostile", %s), Fixed("second", int), Fixed("third", int)]
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("act", "reason"),
    [
        ("kill_worker", "whenever it ran, its worker was killed by signal 9"),
        ("hang", "it did not return within 10 s"),
        ("int", None),
    ],
)
def test_strategy_that_takes_its_worker_with_it_is_set_aside_and_the_others_get_their_results(
    tmp_path: Path, data: Path, kernels: KernelCache, act: str, reason: str | None
) -> None:
    file = tmp_path / "strategies.py"
    pids = tmp_path / "pids"
    file.write_text(KILLERS % (str(pids), act))
    request = with_key(PairRequest("EURUSD", 300_000, StrategySource.from_file(file), data, tmp_path / "results"))
    board = ProgressBoard.create(tmp_path / "board", 1)
    pool = WorkerPool(1, board, kernels, limits=WorkerLimits(pair_timeout_s=10.0))
    try:
        receipt = patiently(pool, request)
    finally:
        pool.stop(10.0)
    if reason:
        # The system ends them with the process that watched them, and they are gone once it has collected them.
        left = []
        for pid in pids.read_text().split():
            with suppress(psutil.NoSuchProcess):
                left.append(psutil.Process(int(pid)))
        assert psutil.wait_procs(left, timeout=30)[1] == []

    failures = [("hostile", f"strategy 'hostile': set aside, because {reason}")] if reason else []
    assert [
        (name, why[: len(text)]) for (name, why), (_, text) in zip(receipt.failures, failures, strict=True)
    ] == failures
    # What was set aside is tried again by the next run.
    assert (receipt.key == request.key) == (not failures)
    store = ResultsFolder(request.results_dir).store
    stored = store.read_metrics("EURUSD", receipt.key)["strategy"].to_pylist()
    assert stored == ["first", *([] if failures else ["hostile"]), "second", "third"]


def patiently(pool: WorkerPool, request: PairRequest) -> Receipt:
    """Try as often as a run does."""
    for _ in RETRY_DELAYS_S:
        try:
            return pool.run(request)
        except (WorkerDiedError, WorkerTimeoutError):
            pass
    return pool.run(request)
