"""Real worker processes, without the engine unless a test asks for it."""

import time
from contextlib import contextmanager

import psutil
import pytest
import worker_chores as chores

from necrozma_core.workers.cache import KernelCache
from necrozma_core.workers.job import WorkerSetup
from necrozma_core.workers.limits import WorkerLimits
from necrozma_core.workers.pool import WorkerPool
from necrozma_core.workers.progress import ProgressBoard
from necrozma_core.workers.slot import Slot


def wait_until(condition, timeout_s=30.0):
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.005)


def is_running(pid):
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture
def open_slot(tmp_path):
    slots = []

    def open_one(**settings):
        board = ProgressBoard.create(tmp_path / f"board-{len(slots)}", 1)
        setup = WorkerSetup(0, board.path, **settings)
        slot = Slot(setup, setup.environment(), board)
        slots.append(slot)
        return slot

    yield open_one
    for slot in slots:
        slot.stop()
    for slot in slots:
        assert slot.join(5.0)


@pytest.fixture
def slot(open_slot):
    return open_slot()


@pytest.fixture
def open_pool(tmp_path):
    pools = []

    def open_one(
        size=1,
        run=chores.obey,
        warm=chores.nothing,
        build=None,
        cache=None,
        sharing=None,
        loaded=chores.nothing,
        **limits,
    ):
        board = ProgressBoard.create(tmp_path / f"pool-{len(pools)}", size)
        cache = cache or KernelCache(tmp_path / "cache")
        pool = WorkerPool(
            size,
            board,
            cache,
            limits=WorkerLimits(**limits),
            sharing=sharing,
            loaded=loaded,
            run=run,
            warm=warm,
            build=build or warm,
        )
        pools.append(pool)
        return pool

    yield open_one
    for pool in pools:
        assert pool.stop(5.0)


@contextmanager
def ends_within(pids, timeout_s=10.0):
    """Check that processes that ran before the block are gone soon after it."""
    assert all(is_running(pid) for pid in pids)
    yield
    wait_until(lambda: not any(is_running(pid) for pid in pids), timeout_s)
