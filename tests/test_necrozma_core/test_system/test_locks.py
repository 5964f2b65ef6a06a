"""Locks on files: those of this system, and the lines for Windows over a stand-in for its kernel."""

import ctypes
import errno
import fcntl
import importlib.util
import os
import subprocess
import sys
from functools import partial
from types import SimpleNamespace

import pytest

from necrozma_core.system import locks

_SHARED, _EXCLUSIVE, _AT_ONCE = 0, 2, 1


class StandInKernel:
    """LockFileEx as Microsoft documents it, over flock: both lock by open file, shared or not, waiting or not."""

    def __init__(self):
        self.last_error = 0
        self.refusal = 0
        self.places = []
        self.LockFileEx = partial(self._lock)  # takes attributes, as those of ctypes do

    def _lock(self, handle, flags, reserved, low, high, place):
        place = place._obj
        self.places.append(place.Offset + (place.OffsetHigh << 32))
        assert (reserved, low, high) == (0, 1, 0)
        if self.refusal:
            self.last_error = self.refusal
            return 0
        kind = fcntl.LOCK_EX if flags & _EXCLUSIVE else fcntl.LOCK_SH
        try:
            fcntl.flock(handle - 1000, kind | (fcntl.LOCK_NB if flags & _AT_ONCE else 0))
        except BlockingIOError:
            self.last_error = 33
            return 0
        return 1


@pytest.fixture
def kernel():
    return StandInKernel()


@pytest.fixture
def windows(kernel, monkeypatch):
    """Load the module as Windows does."""
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setitem(sys.modules, "msvcrt", SimpleNamespace(get_osfhandle=lambda descriptor: descriptor + 1000))
    monkeypatch.setattr(ctypes, "WinDLL", lambda name, use_last_error: kernel, raising=False)
    monkeypatch.setattr(ctypes, "get_last_error", lambda: kernel.last_error, raising=False)
    monkeypatch.setattr(ctypes, "WinError", lambda code: OSError(errno.EINVAL, f"code {code}"), raising=False)
    spec = importlib.util.spec_from_file_location("windows_locks", locks.__file__)
    module = importlib.util.module_from_spec(spec)
    # A callable with attributes: the module states the types of the arguments.
    kernel.LockFileEx.argtypes = ()
    spec.loader.exec_module(module)
    return module


@pytest.fixture(params=["ours", "windows"])
def lock_file(request):
    return (locks if request.param == "ours" else request.getfixturevalue("windows")).lock_file


@pytest.fixture
def open_twice(tmp_path):
    opened = [os.open(tmp_path / "lock", os.O_RDWR | os.O_CREAT) for _ in range(2)]
    yield opened
    for descriptor in opened:
        os.close(descriptor)


@pytest.mark.parametrize(
    ("first", "second", "free"), [(False, False, False), (False, True, False), (True, False, False), (True, True, True)]
)
def test_lock_is_shared_only_by_those_who_share_it(lock_file, open_twice, first, second, free):
    assert lock_file(open_twice[0], shared=first)
    assert lock_file(open_twice[1], shared=second) is free


def test_lock_ends_with_its_descriptor(lock_file, tmp_path):
    first, second = (os.open(tmp_path / "lock", os.O_RDWR | os.O_CREAT) for _ in range(2))
    assert lock_file(first)
    os.close(first)
    assert lock_file(second, wait=True)
    os.close(second)


def test_lock_ends_with_a_killed_process(tmp_path):
    script = (
        "import os, sys; from necrozma_core.system.locks import lock_file\n"
        "lock_file(os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)); print('held', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", script, tmp_path / "lock"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        holder.stdout.readline()
        descriptor = os.open(tmp_path / "lock", os.O_RDWR)
        assert not locks.lock_file(descriptor)
        holder.kill()
        holder.wait()
        assert locks.lock_file(descriptor, wait=True)
        os.close(descriptor)


def test_lock_of_windows_leaves_the_bytes_of_the_file_to_readers(windows, kernel, open_twice):
    windows.lock_file(open_twice[0])

    assert kernel.places == [1 << 62]


def test_lock_that_windows_refuses_for_another_reason_is_an_error(windows, kernel, open_twice):
    kernel.refusal = 50

    with pytest.raises(OSError, match="code 50"):
        windows.lock_file(open_twice[0])
