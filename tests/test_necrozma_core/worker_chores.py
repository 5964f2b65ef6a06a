"""What test workers are told to do; importable, because a worker process looks its work up by name."""

import os
import signal
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from necrozma_core.errors import DataError
from necrozma_core.strategies.source import StrategySource


@dataclass(frozen=True)
class Errand:
    """Stands for a request: a pair, a key, and what is to be done."""

    pair: str
    key: str = "0"
    deed: str = "pid"
    args: tuple = ()
    source: StrategySource = field(default_factory=StrategySource)


def obey(errand):
    """Stands for the backtest of a pair, gate and progress included."""
    from necrozma_core.workers.job import in_slot

    return in_slot(errand.pair, lambda slot: globals()[errand.deed](*errand.args))


class StrangeError(Exception):
    """Cannot be rebuilt from its args, so it does not survive pickling."""

    def __init__(self, first, second):
        super().__init__("strange")


def nothing():
    return None


def load_and_bound():
    """Take memory as loading the engine does, and then be bound."""
    from necrozma_core.workers import job

    keep.append(bytearray(64 << 20))
    job._current_slot().bound_memory()


keep = []


def pid():
    return os.getpid()


def surroundings():
    return {
        "environment": dict(os.environ),
        "main": getattr(sys.modules["__main__"], "__file__", None),
        "sigint_blocked": signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, set()),
        "niceness": os.nice(0),
        "policy": os.sched_getscheduler(0),
        "modules": set(sys.modules),
    }


def spin():
    while True:
        pass


def spin_compiled():
    """Spin with the interpreter's lock held: no signal handler of Python's, and no thread, ever runs here."""
    import numba

    @numba.njit
    def forever(x):
        while x < 7:
            x = (x + 1) % 7
        return x

    forever(0)


def meet(folder, count):
    """Return once so many are here at the same time: proof that they run side by side."""
    Path(folder).mkdir(exist_ok=True)
    Path(folder, str(os.getpid())).touch()
    wait_for_files(folder, count)
    return os.getpid()


def wait_for_files(folder, count):
    while len(list(Path(folder).iterdir())) < count:
        time.sleep(0.005)


def be_held(folder, count):
    """Wait like a worker whose gate is closed."""
    from necrozma_core.workers import job

    job._current_slot().progress.hold(True)
    meet(folder, count)
    job._current_slot().progress.hold(False)


def load_slowly(folder, count):
    """Wait like a worker that loads the engine before its pair."""
    from necrozma_core.workers import job
    from necrozma_core.workers.progress import SlotState

    job._current_slot().progress.rest(SlotState.WARMING)
    meet(folder, count)
    job._current_slot().progress.rest()


def hang_in_strategy(name):
    from necrozma_core.workers import job

    job._current_slot()("strategies", 2, 5, name, 100)
    spin()


def leave_note(path):
    Path(path).touch()
    threading.Event().wait()


def die(number=signal.SIGKILL):
    os.kill(os.getpid(), number)
    threading.Event().wait()


def die_until(folder, times):
    """Die so many times, then live."""
    deaths = len(list(Path(folder).iterdir()))
    if deaths < times:
        Path(folder, str(deaths)).touch()
        die()
    return os.getpid()


def exit_with(status):
    os._exit(status)


def exit_soon(status):
    """End by itself while nobody has asked anything of it."""
    threading.Timer(0.2, os._exit, (status,)).start()
    return os.getpid()


def refuse(text):
    raise DataError(text)


def be_strange():
    raise StrangeError(1, 2)


def allocate(megabytes):
    import numpy as np

    return float(np.ones(megabytes << 17).sum())


def allocate_arrow(megabytes):
    import pyarrow as pa

    return len(pa.allocate_buffer(megabytes << 20))


def thread_counts():
    import numba
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet

    np.ones((300, 300)) @ np.ones((300, 300))
    return numba.get_num_threads(), pa.io_thread_count(), len(list(Path("/proc/self/task").iterdir()))


def log_errand(errand):
    """Note that an errand was begun, then work for a moment."""
    Path(*errand.args, f"{errand.pair}-{os.getpid()}-{time.monotonic_ns()}").touch()
    time.sleep(0.02)
    return errand.pair


def load_kernels():
    """Stand for kernels that crash when loaded damaged, and are compiled where they are missing."""
    kernel = Path(os.environ["NUMBA_CACHE_DIR"], "kernels", "kernel.nbi")
    if not kernel.exists():
        kernel.parent.mkdir(exist_ok=True)
        kernel.write_text("good")
    elif kernel.read_text() == "poison":
        die(signal.SIGSEGV)


def build_kernels(note):
    """Compile them, and note who did."""
    load_kernels()
    with note.open("a") as file:
        file.write(f"{os.getpid()}\n")


def load_kernels_killed_once(note):
    """Load good kernels, but be killed from outside the first time."""
    if not note.exists():
        note.touch()
        die()
    load_kernels()


def load_kernels_killed():
    die()


def be_refused(number):
    raise OSError(number, os.strerror(number))


def count_compiled(errand):
    """Return how many functions of the engine this process compiled rather than loaded."""
    from numba.core.dispatcher import Dispatcher

    dispatchers = {
        value
        for name, module in list(sys.modules.items())
        if name.startswith("necrozma_core")
        for value in vars(module).values()
        if isinstance(value, Dispatcher)
    }
    return sum(sum(dispatcher.stats.cache_misses.values()) for dispatcher in dispatchers)


class DeadlySet(frozenset[object]):
    """Ends the process that asks what is in it."""

    def __contains__(self, member: object) -> bool:
        os._exit(9)
