"""One worker process: what it finds, how it ends, and what comes after it."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from multiprocessing import resource_tracker
from pathlib import Path

import psutil
import pytest
import worker_chores as chores

from necrozma_core.errors import (
    DataError,
    StoppedError,
    WorkerDiedError,
    WorkerError,
    WorkerMemoryError,
    WorkerTimeoutError,
)
from necrozma_core.throttle.priority import Priority
from necrozma_core.workers import job, prelude
from necrozma_core.workers import slot as module
from necrozma_core.workers.job import WorkerSetup, step_back

from .conftest import ends_within, is_running, wait_until


def test_worker_is_one_process_for_many_calls(slot):
    first = slot.call(chores.pid, None)

    assert first == slot.pid == slot.call(chores.pid, None) != os.getpid()


def test_worker_found_its_main_module_and_threads_before_any_import(slot):
    found = slot.call(chores.surroundings, None)

    assert found["main"] == prelude.__file__
    assert found["environment"]["NUMBA_NUM_THREADS"] == "1"
    assert found["environment"]["ARROW_IO_THREADS"] == "1"
    # Not the test's own main module, and no library that reads the environment.
    assert not found["modules"] & {"pytest", "numpy", "numba", "pyarrow"}


def test_worker_computes_with_one_thread(slot):
    numba_threads, arrow_io_threads, all_threads = slot.call(chores.thread_counts, None)

    assert (numba_threads, arrow_io_threads) == (1, 1)
    assert all_threads <= 3


@pytest.mark.posix
def test_worker_does_not_hear_ctrl_c(slot):
    found = slot.call(chores.surroundings, None)
    os.kill(slot.pid, signal.SIGINT)

    assert found["sigint_blocked"]
    assert slot.call(chores.pid, None) == slot.pid


@pytest.mark.posix
def test_worker_priority_is_lowered_only_where_asked(open_slot):
    assert open_slot().call(chores.surroundings, None)["niceness"] == os.nice(0)
    assert open_slot(priority=Priority.NICE).call(chores.surroundings, None)["niceness"] == min(19, os.nice(0) + 10)


@pytest.mark.posix
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can run a process when nothing else wants to")
def test_worker_in_the_background_runs_when_idle(open_slot):
    assert open_slot(priority=Priority.BACKGROUND).call(chores.surroundings, None)["policy"] == os.SCHED_IDLE


@pytest.mark.posix
def test_worker_priority_that_is_refused_is_said_by_one_for_all(monkeypatch, caplog, tmp_path):
    def refuse(_step):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "nice", refuse)
    for slot in range(3):
        step_back(WorkerSetup(slot, tmp_path / "board", priority=Priority.NICE))
    assert [record.getMessage() for record in caplog.records] == [
        "a lower priority was refused (Operation not permitted): the workers run at normal priority"
    ]


@pytest.mark.faults
@pytest.mark.parametrize(
    ("deed", "args", "manner"),
    [
        (chores.die, (), r"was killed by signal 9 \(SIGKILL\); the system may be short of memory"),
        (chores.die, (signal.SIGSEGV,), r"was killed by signal 11 \(SIGSEGV\)"),
        (chores.die, (signal.SIGTERM,), r"was killed by signal 15 \(SIGTERM\)"),
        (chores.exit_with, (3,), "ended by itself with status 3"),
        # Pebble takes that for an end in good order, and goes on waiting for the result.
        (chores.exit_with, (0,), "ended by itself with status 0"),
    ],
)
def test_worker_death_is_told_and_the_next_call_finds_another(slot, deed, args, manner):
    first = slot.call(chores.pid, None)
    with pytest.raises(WorkerDiedError, match=rf"its worker \(process {first}\) {manner}"):
        slot.call(deed, None, *args)

    assert slot.call(chores.pid, None) not in (first, os.getpid())


@pytest.mark.faults
def test_worker_killed_while_idle_costs_nobody_anything(slot):
    for _ in range(3):
        os.kill(slot.call(chores.pid, None), signal.SIGKILL)
        wait_until(lambda: not is_running(slot.pid))

    assert slot.call(chores.pid, None) == slot.pid


@pytest.mark.faults
def test_worker_that_the_system_refuses_at_first_is_started_anew(slot, monkeypatch):
    register, refusals = resource_tracker.register, [BrokenPipeError(32, "Broken pipe")] * 2

    def refuse(name, kind):
        if refusals:
            raise refusals.pop()
        register(name, kind)

    monkeypatch.setattr(resource_tracker, "register", refuse)

    assert slot.call(chores.pid, None) == slot.pid
    assert refusals == []


@pytest.mark.faults
def test_worker_that_the_system_always_refuses_says_why(slot, monkeypatch):
    def refuse(name, kind):
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(resource_tracker, "register", refuse)

    with pytest.raises(WorkerError, match="Too many open files"):
        slot.call(chores.pid, None)


@pytest.mark.faults
@pytest.mark.parametrize("status", [0, 1])
def test_worker_that_ends_while_idle_is_not_what_the_next_call_dies_of(slot, monkeypatch, status):
    monkeypatch.setattr(module, "_LAST_WORDS_S", 0.1)
    ended = slot.call(chores.exit_soon, None, status)
    wait_until(lambda: not is_running(ended))

    # Long enough for the end of that worker to be noticed.
    slot.call(time.sleep, None, 0.7)
    assert slot.call(chores.pid, None) != ended


@pytest.mark.faults
@pytest.mark.parametrize("deed", [chores.spin, chores.spin_compiled])
def test_worker_that_hangs_is_ended_in_time(slot, deed):
    pid = slot.call(chores.pid, None)
    with ends_within([pid]), pytest.raises(WorkerTimeoutError, match=r"was ended after 0\.3 s.*--pair-timeout"):
        slot.call(deed, 0.3)

    assert slot.call(chores.pid, None) != pid


def test_worker_time_held_by_the_gate_does_not_count(slot, tmp_path):
    folder = tmp_path / "x"
    errand = chores.Errand("EURUSD", deed="be_held", args=(str(folder), 2))
    result = []
    thread = threading.Thread(target=lambda: result.append(slot.call(chores.obey, 0.3, errand)))
    thread.start()
    thread.join(2.0)
    still_held = thread.is_alive()
    (folder / "open").touch()
    thread.join(10)

    assert still_held
    assert result == [None]


def test_worker_time_of_loading_the_engine_does_not_count(slot, tmp_path):
    folder = tmp_path / "x"
    result = []
    thread = threading.Thread(target=lambda: result.append(slot.call(chores.load_slowly, 0.3, str(folder), 2)))
    thread.start()
    thread.join(2.0)
    still_loading = thread.is_alive()
    folder.mkdir(exist_ok=True)
    (folder / "open").touch()
    thread.join(10)

    assert still_loading
    assert result == [None]


def test_worker_that_hangs_in_a_strategy_is_ended_by_its_name(slot):
    errand = chores.Errand("EURUSD", deed="hang_in_strategy", args=("my own",))
    with pytest.raises(WorkerTimeoutError, match=r"after 0\.3 s in strategy 'my own' \(3 of 5\); allow more"):
        slot.call(chores.obey, 0.3, errand)


@pytest.mark.parametrize("run", [job.run_pair, job.run_part])
def test_worker_loads_the_engine_before_the_time_of_its_first_pair_begins(monkeypatch, run):
    done = []
    monkeypatch.setattr(job, "_rehearsed", False)
    monkeypatch.setattr(job, "rehearse_here", lambda: done.append("loaded"))
    monkeypatch.setattr(job, "in_slot", lambda pair, work: done.append(pair))

    run(*[chores.Errand("EURUSD"), None][: run.__code__.co_argcount])
    monkeypatch.setattr(job, "_rehearsed", True)
    run(*[chores.Errand("GBPUSD"), None][: run.__code__.co_argcount])

    assert done == ["loaded", "EURUSD", "GBPUSD"]


@pytest.mark.faults
@pytest.mark.parametrize("deed", [chores.allocate, pytest.param(chores.allocate_arrow, marks=pytest.mark.posix)])
def test_worker_out_of_memory_is_told_and_goes_on(open_slot, deed):
    slot = open_slot(memory_mb=400)
    errand = chores.Errand("EURUSD", deed=deed.__name__, args=(800,))
    with pytest.raises(WorkerMemoryError, match=r"out of memory .*--worker-memory"):
        slot.call(chores.obey, None, errand)

    assert slot.call(chores.obey, None, chores.Errand("EURUSD", deed=deed.__name__, args=(50,)))


def test_worker_error_arrives_as_it_was_raised(slot):
    with pytest.raises(DataError, match=r"^data/EURUSD: bad$"):
        slot.call(chores.refuse, None, "data/EURUSD: bad")

    assert slot.call(chores.pid, None) == slot.pid


def test_worker_error_that_cannot_travel_arrives_as_text(slot):
    with pytest.raises(Exception, match="StrangeError: strange"):
        slot.call(chores.obey, None, chores.Errand("EURUSD", deed="be_strange"))


@pytest.mark.faults
@pytest.mark.parametrize("deed", [chores.spin, chores.spin_compiled])
def test_slot_stopped_in_mid_call_kills_the_worker_and_raises(slot, deed):
    pid = slot.call(chores.pid, None)
    raised = []

    def call():
        try:
            slot.call(deed, None)
        except StoppedError as error:
            raised.append(error)

    thread = threading.Thread(target=call)
    thread.start()
    with ends_within([pid], 2.0):
        slot.stop()
    thread.join(2.0)
    assert raised
    with pytest.raises(StoppedError):
        slot.call(chores.pid, None)


_PARENT = textwrap.dedent(
    """
    import sys, threading
    from pathlib import Path
    sys.path[:0] = {paths}
    import worker_chores as chores
    from necrozma_core.workers.job import WorkerSetup
    from necrozma_core.workers.progress import ProgressBoard
    from necrozma_core.workers.slot import Slot

    board = ProgressBoard.create(Path({folder!r}, "board"), 1)
    setup = WorkerSetup(0, board.path)
    slot = Slot(setup, setup.environment(), board)

    # From a thread that ends: the worker must not mind.
    first = []
    thread = threading.Thread(target=lambda: first.append(slot.call(chores.pid, None)))
    thread.start()
    thread.join()
    assert slot.call(chores.pid, None) == first[0]
    print(first[0], flush=True)
    slot.call(getattr(chores, {deed!r}), None)
    """
)


@pytest.mark.faults
@pytest.mark.skipif(sys.platform != "linux", reason="a worker that holds the interpreter's lock dies only on Linux")
@pytest.mark.parametrize("deed", ["spin", "spin_compiled"])
def test_parent_killed_takes_its_workers_along(tmp_path, deed):
    root = Path(__file__).parents[3]
    paths = [str(root), str(root / "tests" / "test_necrozma_core")]
    script = _PARENT.format(paths=paths, folder=str(tmp_path), deed=deed)
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as parent:
        worker = int(parent.stdout.readline())
        children = [child.pid for child in psutil.Process(parent.pid).children(recursive=True)]
        assert worker in children
        with ends_within(children):
            parent.kill()
            parent.wait()
