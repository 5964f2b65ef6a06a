"""Many workers: side by side, apart from each other, and set aside what kills them."""

import errno
import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor, wait
from functools import partial

import pytest
import worker_chores as chores

from necrozma_core.errors import (
    DataError,
    NecrozmaError,
    PoisonousPairError,
    StoppedError,
    WorkerDiedError,
    WorkerMemoryError,
    WorkerTimeoutError,
)
from necrozma_core.workers.cache import KernelCache
from necrozma_core.workers.job import compile_here, rehearse_here
from necrozma_core.workers.progress import SlotState

from .conftest import ends_within, is_running, wait_until


def _meeting(pair, folder, count):
    return chores.Errand(pair, deed="meet", args=(str(folder), count))


def _shown(pool):
    return {row.pair for row in pool.progress()} - {""}


def test_pool_runs_as_many_at_once_as_it_has_workers(open_pool, tmp_path):
    pool = open_pool(2)
    with ThreadPoolExecutor(2) as threads:
        pids = set(threads.map(pool.run, [_meeting(pair, tmp_path / "x", 2) for pair in ("EURUSD", "GBPUSD")]))

    assert len(pids) == 2
    assert pids == set(pool.pids)


def test_pool_board_shows_the_pair_while_it_runs_and_idle_after(open_pool, tmp_path):
    pool = open_pool()
    thread = threading.Thread(target=pool.run, args=(_meeting("EURUSD", tmp_path / "x", 2),))
    thread.start()
    wait_until(lambda: pool.progress()[0].pair == "EURUSD")
    row = pool.progress()[0]
    (tmp_path / "x" / "second").touch()
    thread.join()

    assert (row.state, [row.pid]) == (SlotState.RUNNING, pool.pids)
    assert (pool.progress()[0].state, pool.progress()[0].pair) == (SlotState.IDLE, "")


def test_pool_worker_counts_as_loading_until_it_takes_pairs(open_pool, tmp_path):
    told = []
    warm = partial(chores.load_slowly, str(tmp_path / "x"), 2)
    pool = open_pool(warm=warm, loaded=lambda: told.append(pool.loading_pids))
    assert pool.loading_pids == pool.pids == []
    pool.warm_up()
    wait_until(lambda: pool.progress()[0].state is SlotState.WARMING)
    assert pool.loading_pids == pool.pids != []
    assert not told
    (tmp_path / "x" / "second").touch()
    wait_until(lambda: told)
    assert told == [[]]


@pytest.mark.faults
def test_pool_worker_killed_once_fails_its_own_pair_alone(open_pool, tmp_path):
    deaths, meeting = tmp_path / "deaths", tmp_path / "x"
    deaths.mkdir()
    pool = open_pool(2)
    victim = chores.Errand("EURUSD", deed="die_until", args=(str(deaths), 1))
    with ThreadPoolExecutor(1) as threads:
        bystander = threads.submit(pool.run, _meeting("GBPUSD", meeting, 2))
        wait_until(lambda: list(meeting.glob("*")))
        try:
            with pytest.raises(WorkerDiedError, match=r"^EURUSD: its worker .*SIGKILL"):
                pool.run(victim)
            assert pool.run(victim) in pool.pids
        finally:
            (meeting / "released").touch()
        assert bystander.result() in pool.pids


@pytest.mark.faults
def test_pool_pair_that_kills_its_worker_three_times_is_set_aside_by_name(open_pool):
    pool = open_pool()
    killer = chores.Errand("EURUSD", deed="die")
    for _ in range(2):
        with pytest.raises(WorkerDiedError):
            pool.run(killer)
    with pytest.raises(PoisonousPairError, match="EURUSD: set aside, its worker died 3 times"):
        pool.run(killer)

    assert pool.run(chores.Errand("GBPUSD")) in pool.pids


@pytest.mark.faults
@pytest.mark.parametrize(
    ("limits", "deed", "args", "error"),
    [
        ({"pair_timeout_s": 0.3}, "spin", (), WorkerTimeoutError),
        ({"memory_mb": 400}, "allocate", (800,), WorkerMemoryError),
    ],
)
def test_pool_pair_over_its_limit_is_tried_once_more_alone(open_pool, tmp_path, limits, deed, args, error):
    pool = open_pool(2, **limits)
    greedy = chores.Errand("EURUSD", deed=deed, args=args)
    with pytest.raises(error, match=r"^EURUSD: "):
        pool.run(greedy)

    meeting = (str(tmp_path / "x"), 2)
    with ThreadPoolExecutor(3) as threads:
        # Held at the gate, so that no time limit ends it.
        neighbour = threads.submit(pool.run, chores.Errand("GBPUSD", deed="be_held", args=meeting))
        wait_until(lambda: "GBPUSD" in _shown(pool))
        second = threads.submit(pool.run, greedy)
        wait_until(lambda: pool._alone)
        latecomer = threads.submit(pool.run, chores.Errand("USDJPY"))
        try:
            # The second try waits for the neighbour, and the latecomer for the second try.
            assert not wait([second, latecomer], timeout=0.3).done
            assert _shown(pool) == {"GBPUSD"}
        finally:
            (tmp_path / "x" / "released").touch()
        neighbour.result()
        with pytest.raises(PoisonousPairError, match="EURUSD: set aside, also when it ran alone"):
            second.result()
        assert latecomer.result() in pool.pids


def test_pool_error_of_a_pair_is_passed_on_and_the_worker_stays(open_pool):
    pool = open_pool()
    with pytest.raises(DataError, match="bad"):
        pool.run(chores.Errand("EURUSD", deed="refuse", args=("bad",)))
    before = pool.pids

    assert [pool.run(chores.Errand("EURUSD"))] == before


@pytest.mark.faults
def test_pool_stopped_ends_everything_in_two_seconds(open_pool):
    pool = open_pool(2)
    raised = []

    def run(pair):
        try:
            pool.run(chores.Errand(pair, deed="spin_compiled"))
        except StoppedError as error:
            raised.append(error)

    # The third never gets a worker.
    threads = [threading.Thread(target=run, args=(pair,)) for pair in ("EURUSD", "GBPUSD", "USDJPY")]
    for thread in threads:
        thread.start()
    wait_until(lambda: all(row.pair for row in pool.progress()))
    with ends_within(pool.pids, 2.0):
        assert pool.stop(2.0)
    for thread in threads:
        thread.join(2.0)

    assert len(raised) == 3
    with pytest.raises(StoppedError):
        pool.run(chores.Errand("EURUSD"))


def test_pool_stopped_while_it_warms_up_ends_in_two_seconds(open_pool):
    pool = open_pool(2, warm=chores.spin)
    pool.warm_up()
    wait_until(lambda: pool.pids)

    assert pool.stop(2.0)
    assert not any(is_running(pid) for pid in pool.pids)


def test_pool_whose_workers_cannot_load_the_engine_says_so(open_pool):
    pool = open_pool(2, warm=chores.be_strange)

    with pytest.raises(NecrozmaError, match="no worker could load the engine"):
        pool.run(chores.Errand("EURUSD"))


@pytest.mark.posix
def test_pool_whose_workers_cannot_load_the_engine_within_their_memory_names_the_flag(open_pool, tmp_path):
    cache = KernelCache(tmp_path / "cache")
    pool = open_pool(2, cache=cache, warm=chores.load_and_bound, memory_mb=64)

    with pytest.raises(NecrozmaError, match=r"the engine alone takes \d+ MB, .* 64 MB; allow more with --worker-mem"):
        pool.run(chores.Errand("EURUSD"))

    assert not cache.is_sealed()


@pytest.mark.faults
def test_pool_cache_that_kills_on_loading_is_wiped_and_rebuilt_once(open_pool, tmp_path):
    cache = KernelCache(tmp_path / "cache")
    damaged = cache.folder / "kernels" / "kernel.nbi"
    damaged.parent.mkdir()
    damaged.write_text("poison")
    cache.seal()
    pool = open_pool(2, cache=cache, warm=chores.load_kernels)

    assert pool.run(chores.Errand("EURUSD")) in pool.pids
    assert damaged.read_text() == "good"
    wait_until(cache.is_sealed)


def _sealed_kernel(tmp_path):
    cache = KernelCache(tmp_path / "cache")
    kernel = cache.folder / "kernels" / "kernel.nbi"
    kernel.parent.mkdir()
    kernel.write_text("of all runs")
    cache.seal()
    return cache, kernel


def test_pool_kernels_are_compiled_by_one_worker_which_takes_no_pair(open_pool, tmp_path):
    cache, note = KernelCache(tmp_path / "cache"), tmp_path / "compiled-by"
    for _ in range(2):
        pool = open_pool(2, cache=cache, warm=chores.load_kernels, build=partial(chores.build_kernels, note))
        assert pool.run(chores.Errand("EURUSD")) in pool.pids
        pool.wait_open()
        (compiled_by,) = note.read_text().split()
        assert int(compiled_by) not in pool.pids


@pytest.mark.faults
def test_pool_kernels_of_a_run_killed_while_it_compiled_are_compiled_anew(open_pool, tmp_path):
    cache, kernel = _sealed_kernel(tmp_path)
    (cache.folder / "sealed.json").unlink()
    kernel.write_text("poison")  # half of what it was to be
    pool = open_pool(2, cache=cache, warm=chores.load_kernels)

    assert pool.run(chores.Errand("EURUSD")) in pool.pids
    assert kernel.read_text() == "good"
    assert cache.is_sealed()


@pytest.mark.faults
def test_pool_worker_killed_while_it_loads_leaves_the_kernels_of_all_runs(open_pool, tmp_path):
    cache, kernel = _sealed_kernel(tmp_path)
    warm = partial(chores.load_kernels_killed_once, tmp_path / "killed")
    pool = open_pool(2, cache=cache, warm=warm)

    assert pool.run(chores.Errand("EURUSD")) in pool.pids
    assert (tmp_path / "killed").exists()
    assert kernel.read_text() == "of all runs"
    assert cache.is_sealed()


@pytest.mark.faults
@pytest.mark.parametrize(
    ("warm", "said"),
    [
        (chores.load_kernels_killed, "SIGKILL"),
        (partial(chores.exit_with, 7), "ended by itself with status 7"),
        (partial(chores.be_refused, errno.ENOMEM), "ulimit -v"),
        (partial(chores.be_refused, errno.ENOSPC), "No space left on device: make room"),
    ],
)
def test_pool_failure_that_empty_kernels_do_not_cure_leaves_those_of_all_runs(open_pool, tmp_path, warm, said):
    cache, kernel = _sealed_kernel(tmp_path)
    pool = open_pool(2, cache=cache, warm=warm)

    with pytest.raises(NecrozmaError, match=said):
        pool.run(chores.Errand("EURUSD"))
    assert kernel.read_text() == "of all runs"
    assert cache.is_sealed()


@pytest.mark.faults
@pytest.mark.parametrize(("number", "said"), [(errno.EROFS, "/dev/shm"), (errno.ENOSPC, "/dev/shm")])
def test_pool_without_shared_memory_names_it_and_leaves_the_kernels(open_pool, tmp_path, monkeypatch, number, said):
    def refuse(*args, **kwargs):
        raise OSError(number, os.strerror(number))

    cache, kernel = _sealed_kernel(tmp_path)
    monkeypatch.setattr("multiprocessing.synchronize.SemLock.__init__", refuse)
    pool = open_pool(2, cache=cache, warm=chores.load_kernels)

    with pytest.raises(NecrozmaError, match=said):
        pool.run(chores.Errand("EURUSD"))
    assert kernel.read_text() == "of all runs"
    assert cache.is_sealed()


@pytest.mark.faults
def test_pool_kernels_changed_at_rest_are_compiled_anew(open_pool, tmp_path):
    cache, kernel = _sealed_kernel(tmp_path)
    kernel.write_text("changed")
    pool = open_pool(2, cache=cache, warm=chores.load_kernels)

    assert pool.run(chores.Errand("EURUSD")) in pool.pids
    assert kernel.read_text() == "good"


@pytest.mark.slow
def test_pool_first_warm_up_leaves_nothing_to_compile(open_pool, tmp_path):
    cache = KernelCache(tmp_path / "cache")
    first = open_pool(cache=cache, run=chores.count_compiled, warm=rehearse_here, build=compile_here)
    assert first.run(chores.Errand("EURUSD")) == 0  # by a worker after the one that compiled
    first.stop()
    kernels = sorted(cache.folder.rglob("*.nb?"))
    assert cache.is_sealed()
    names = " ".join(json.loads((cache.folder / "sealed.json").read_bytes()))
    assert all(f".{kernel}-" in names for kernel in ("walk_orders", "walk_bar_orders", "size_positions"))

    second = open_pool(cache=cache, run=chores.count_compiled, warm=rehearse_here, build=compile_here)
    assert second.run(chores.Errand("EURUSD")) == 0
    assert sorted(cache.folder.rglob("*.nb?")) == kernels
