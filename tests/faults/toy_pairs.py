"""What stands in for the engine where only the safety of its results is tested; workers look it up by name.

A pair costs a tenth of a second instead of minutes, and its result follows from its key alone.
"""

import shutil
import tempfile
import time
from pathlib import Path

from storage_samples import METADATA, NO_TRIALS, random_table, without_returns

from necrozma_core.backtest.request import PairRequest, Receipt, stored_receipt
from necrozma_core.storage.results.schemas import METRICS_SCHEMA, TRADES_SCHEMA
from necrozma_core.storage.results.store import ResultStore
from necrozma_core.storage.results_folder import ResultsFolder
from necrozma_core.workers.job import WorkerSlot, in_slot

BATCHES, ROWS = 4, 60
PAUSE_S = 0.02


def nothing() -> None:
    """Stand in for loading the kernels."""


def compute(request: PairRequest) -> Receipt:
    """Stand in for the backtest of a pair: the store and the way to it are the real ones."""
    return in_slot(request.pair, lambda slot: _compute(request, slot))


def compute_naively(request: PairRequest) -> Receipt:
    """Do the same as a careless program would: in place, and taking what is there for finished."""
    return in_slot(request.pair, lambda slot: _compute_naively(request, slot))


def _compute(request: PairRequest, slot: WorkerSlot) -> Receipt:
    store = ResultsFolder(request.results_dir).store
    if not store.has(request.pair, request.key):
        _write(store, request, slot)
        return stored_receipt(store, request, {"strategies": BATCHES * PAUSE_S})
    return stored_receipt(store, request)


def _compute_naively(request: PairRequest, slot: WorkerSlot) -> Receipt:
    store = ResultsFolder(request.results_dir).store
    folder = store.folder(request.pair, request.key)
    if folder.exists():
        return stored_receipt(store, request)
    with tempfile.TemporaryDirectory() as scratch:
        elsewhere = ResultStore(Path(scratch))
        _write(elsewhere, request, slot)
        folder.mkdir(parents=True)
        for path in sorted(elsewhere.folder(request.pair, request.key).iterdir()):
            time.sleep(PAUSE_S)
            shutil.copy(path, folder)
    return stored_receipt(store, request, {"strategies": BATCHES * PAUSE_S})


def _write(store: ResultStore, request: PairRequest, slot: WorkerSlot) -> None:
    seed = int(request.key[:8], 16)
    with store.open_writer(request.pair, request.key, METADATA) as writer:
        for batch in range(BATCHES):
            slot("strategies", batch, BATCHES, "toy", ROWS)
            writer.write_trades(random_table(TRADES_SCHEMA, ROWS, seed + batch))
            time.sleep(PAUSE_S)
        metrics = random_table(METRICS_SCHEMA, ROWS, seed)
        writer.write_metrics(metrics)
        writer.write_moments(without_returns(metrics))
        counts = {"strategies": ROWS, "trades": BATCHES * ROWS, "ticks": ROWS}
        writer.describe({**counts, "failures": [], "made_from": "ticks", "trials": NO_TRIALS})
