"""The settings of a process that a strategy may change for good reasons, and that the next must not find changed."""

import _thread
import decimal
import gc
import locale
import os
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

import numpy as np

if sys.platform == "linux":
    import resource

QUIET_HOOKS: Final = frozenset(
    {
        "sys.excepthook", "sys.unraisablehook", "sys.displayhook", "sys.breakpointhook", "threading.excepthook",
        "warnings.showwarning", "warnings.formatwarning",
    }
)  # fmt: skip
"""Functions that are there to be replaced; no figure depends on them."""

_UNREADABLE: Final = object()
_PANDAS_OPTIONS: Final = ("compute.use_bottleneck", "compute.use_numexpr")


class Setting:
    """One setting: how it is read, and how an older value is set again."""

    def __init__(self, read: Callable[[], Any], write: Callable[[Any], object]) -> None:
        self._read, self._write = read, write

    def read(self) -> object:
        """Return the value now; a mark of its own where it cannot be read."""
        try:
            return self._read()
        except Exception:  # noqa: BLE001 -- a working folder may be gone, an option unknown to this version
            return _UNREADABLE

    def put_back(self, before: object) -> bool:
        """Set an older value again if there is another now; tell whether the setting is as it was."""
        if before is _UNREADABLE or self.read() == before:
            return True
        try:
            self._write(before)
        except Exception:  # noqa: BLE001 -- then it stays changed
            return False
        return self.read() == before


def settings() -> Iterator[Setting]:
    """Return what can be put back in this process; a module that is not loaded has nothing to put back."""
    yield from _numeric_settings()
    yield from _python_settings()
    yield from _system_settings()
    yield from _random_settings()


def read_fixed() -> tuple[object, ...]:
    """Return what cannot be put back: threads and child processes, and limits that only ever get tighter."""
    fixed: tuple[object, ...] = (_thread._count(), has_children())
    if sys.platform == "linux":
        names = [name for name in dir(resource) if name.startswith("RLIMIT_")]
        limits = [resource.getrlimit(getattr(resource, name)) for name in names]
        fixed += (limits, os.sched_getaffinity(0), os.getpriority(os.PRIO_PROCESS, 0))
    return fixed


def has_children() -> bool:
    """Tell whether this process has child processes that live, or have ended and were not waited for."""
    if sys.platform != "linux":
        return False
    try:
        # What has ended is left to whoever started it.
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def _numeric_settings() -> Iterator[Setting]:
    yield Setting(np.geterr, lambda old: np.seterr(**old))
    yield Setting(np.geterrcall, np.seterrcall)
    yield Setting(np.getbufsize, np.setbufsize)
    # As text, because a context compares by identity.
    yield Setting(lambda: str(decimal.getcontext()), partial(_write_decimal, decimal.getcontext().copy()))
    if "pandas" in sys.modules:
        pandas = sys.modules["pandas"]
        for option in _PANDAS_OPTIONS:
            yield Setting(partial(pandas.get_option, option), partial(pandas.set_option, option))


def _python_settings() -> Iterator[Setting]:
    yield Setting(sys.getrecursionlimit, sys.setrecursionlimit)
    yield Setting(sys.getswitchinterval, sys.setswitchinterval)
    yield Setting(sys.gettrace, sys.settrace)
    yield Setting(sys.getprofile, sys.setprofile)
    yield Setting(gc.isenabled, lambda old: gc.enable() if old else gc.disable())
    yield Setting(gc.get_threshold, lambda old: gc.set_threshold(*old))
    for owner, name in ((sys, "path"), (sys, "meta_path"), (sys, "path_hooks"), (warnings, "filters")):
        yield Setting(partial(_read_list, owner, name), partial(_write_list, getattr(owner, name), owner, name))
    for name in ("stdin", "stdout", "stderr", "excepthook", "unraisablehook"):
        yield Setting(partial(getattr, sys, name), partial(setattr, sys, name))
    for name in ("showwarning", "formatwarning"):
        yield Setting(partial(getattr, warnings, name), partial(setattr, warnings, name))


def _system_settings() -> Iterator[Setting]:
    yield Setting(lambda: dict(os.environ), _write_environment)
    yield Setting(os.getcwd, os.chdir)
    yield Setting(_read_umask, os.umask)
    yield Setting(lambda: locale.setlocale(locale.LC_ALL), lambda old: locale.setlocale(locale.LC_ALL, old))
    if threading.current_thread() is threading.main_thread():
        for number in signal.Signals:
            yield Setting(partial(signal.getsignal, number), partial(signal.signal, number))
    if sys.platform != "win32":
        for timer in (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF):
            yield Setting(partial(signal.getitimer, timer), partial(_set_timer, timer))
        yield Setting(
            lambda: signal.pthread_sigmask(signal.SIG_BLOCK, ()), partial(signal.pthread_sigmask, signal.SIG_SETMASK)
        )


def _random_settings() -> Iterator[Setting]:
    # Each strategy draws the same numbers, whichever strategies were before it.
    if "random" in sys.modules:
        random = sys.modules["random"]
        yield Setting(random.getstate, random.setstate)
    if "numpy.random" in sys.modules:
        yield Setting(_read_numpy_random, _write_numpy_random)


def _write_decimal(old: decimal.Context, _: object) -> None:
    decimal.setcontext(old.copy())


def _read_list(owner: Any, name: str) -> list[object]:
    return list(getattr(owner, name))


def _write_list(held: list[object], owner: Any, name: str, old: list[object]) -> None:
    # The list itself stays the one that everybody holds.
    held[:] = old
    setattr(owner, name, held)
    if owner is warnings and hasattr(warnings, "_filters_mutated"):
        warnings._filters_mutated()


def _write_environment(old: dict[str, str]) -> None:
    for name in os.environ.keys() - old.keys():
        del os.environ[name]
    os.environ.update(old)
    if sys.platform != "win32":
        time.tzset()


def _read_umask() -> int:
    # There is no way to read it but to set it.
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _set_timer(timer: Any, old: tuple[float, float]) -> None:
    if sys.platform != "win32":
        signal.setitimer(timer, *old)


def _read_numpy_random() -> tuple[Any, ...]:
    state: Any = np.random.get_state()  # noqa: NPY002 -- the numbers that users' code draws
    # As bytes, because arrays cannot simply be compared.
    return (*state[:1], state[1].tobytes(), *state[2:])


def _write_numpy_random(old: tuple[Any, ...]) -> None:
    state: Any = (*old[:1], np.frombuffer(old[1], np.uint32), *old[2:])
    np.random.set_state(state)  # noqa: NPY002 -- as above
