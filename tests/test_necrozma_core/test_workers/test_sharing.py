"""Several real workers on one pair."""

import os
import signal
import threading
from dataclasses import replace

import pytest
from storage_samples import tree

from necrozma_core.backtest.key import with_key
from necrozma_core.backtest.request import PairRequest
from necrozma_core.errors import WorkerDiedError
from necrozma_core.feeds.samples.quotes import write_samples
from necrozma_core.strategies.source import StrategySource
from necrozma_core.workers.job import run_pair
from necrozma_core.workers.progress import SlotState
from necrozma_core.workers.sharing import Sharing

from .conftest import wait_until

GRID = "family=sma_cross fast=5:25:5 slow=30:120:5 stop_loss_pips=10:40:10 take_profit_pips=none,30"


@pytest.fixture(scope="module")
def request_of_760(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sharing")
    write_samples(folder / "data", ["EURUSD"], 60_000, 1)
    source = StrategySource.from_grid(GRID)
    return with_key(PairRequest("EURUSD", 60_000, source, folder / "data", folder / "results"))


def _sharing(request, folder, enlist, pairs=1):
    folder.mkdir()
    return Sharing(pairs, request.source.count(), folder, enlist, lambda: None)


def test_pool_shared_pair_has_the_bytes_of_one_worker(open_pool, request_of_760, tmp_path):
    alone = replace(request_of_760, results_dir=tmp_path / "alone")
    shared = replace(request_of_760, results_dir=tmp_path / "shared")
    open_pool(1, run=run_pair).run(alone)
    enlisted = []
    sharing = _sharing(shared, tmp_path / "scratch", lambda: enlisted.append(1) or True)
    receipt = open_pool(3, run=run_pair, sharing=sharing).run(shared)

    assert receipt.strategies == 760
    assert len(enlisted) == 2
    assert tree(tmp_path / "shared") == tree(tmp_path / "alone")
    assert list((tmp_path / "scratch").iterdir()) == []


def test_pool_pair_is_not_shared_where_the_throttle_has_no_room(open_pool, request_of_760, tmp_path):
    request = replace(request_of_760, results_dir=tmp_path / "results")
    pool = open_pool(2, run=run_pair, sharing=_sharing(request, tmp_path / "scratch", lambda: False))

    assert pool.run(request).strategies == 760


@pytest.mark.parametrize(("workers", "left", "helpers"), [(2, 10, 0), (10, 3, 2), (10, 1, 2), (2, 1, 1), (1, 1, 0)])
def test_helpers_for_is_a_fair_share_of_workers_but_no_more_than_settings_allow(tmp_path, workers, left, helpers):
    assert Sharing(10, 760, tmp_path).helpers_for(workers, left) == helpers


@pytest.mark.faults
def test_pool_helper_killed_fails_its_pair_alone_which_then_succeeds(open_pool, request_of_760, tmp_path):
    request = replace(request_of_760, results_dir=tmp_path / "results")
    pool = open_pool(2, run=run_pair, sharing=_sharing(request, tmp_path / "scratch", lambda: True))
    died = []

    def run():
        try:
            pool.run(request)
        except WorkerDiedError as error:
            died.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    wait_until(lambda: all(row.state is not SlotState.IDLE for row in pool.progress()))
    os.kill(pool.pids[0], signal.SIGKILL)
    thread.join()

    assert len(died) == 1
    assert pool.run(request).computed
