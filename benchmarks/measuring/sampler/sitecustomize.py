"""A sampler that every Python process of a profiled run starts by itself; see `benchmarks.measuring.cpu_profile`.

Python imports a module of this name at its start, if one is on its path. A thread wakes every ten milliseconds, reads
how much processor time each thread has used since (by that thread's clock), and adds it to the function that the thread
is in. So the seconds are processor seconds, waiting threads cost nothing, and the process is never stopped. Standard
library only, and as little of it as possible, because its imports add to those that are measured.
"""

import json
import os
import sys
import threading
import time
from types import FrameType
from typing import Final

FOLDER: Final = "BENCH_PROFILE_FOLDER"
_EVERY_S: Final = 0.01
_FLUSH_S: Final = 0.2
_OURS: Final = ("necrozma_core/", "flows/", "tasks/", "config.py")

Place = tuple[str, str]
"""A frame's file and function."""


def label(places: list[Place]) -> str:
    """Say in a few words what a stack is doing.

    Parameters
    ----------
    places : list of (file, function)
        The outermost first.

    Returns
    -------
    str
        The import that is under way, or numba's work on kernels; else our innermost function, else the library.
    """
    files = [file for file, _ in places]
    if (at := _first(files, "<frozen importlib")) is not None:
        packages = [found for file in files[at:] if (found := _package(file))]
        return f"importing {packages[0] if packages else 'our own modules and the standard library'}"
    if _first(files, "numba/core/caching") is not None:
        return "numba: loading and storing compiled kernels"
    if _first(files, "numba/core/compiler") is not None or _first(files, "numba/core/dispatcher") is not None:
        return "numba: compiling and choosing kernels"
    if _first(files, "workers/rehearsal.py") is not None:
        return "running every kernel once, before the first pair"
    for file, function in reversed(places):
        if where := _own(file):
            return f"{where}: {function}"
    packages = [found for file in reversed(files) if (found := _package(file))]
    return f"library {packages[0]}" if packages else "the standard library"


def _first(files: list[str], part: str) -> int | None:
    return next((at for at, file in enumerate(files) if part in file), None)


def _package(file: str) -> str | None:
    _, found, rest = file.rpartition("site-packages/")
    return rest.split("/")[0].removesuffix(".py") if found else None


def _own(file: str) -> str | None:
    # The server's start-up file is at the bottom of every stack of the server, so it says nothing: look further in.
    if "site-packages/" in file or file.endswith("flows/server/embedded_process.py"):
        return None
    for root in _OURS:
        _, found, rest = file.rpartition(f"/{root}")
        if found:
            return root + rest if root.endswith("/") else root
    return None


class Sampler:
    """Processor seconds of this process by what they were spent on.

    Parameters
    ----------
    path : str
        Written anew several times a second: a worker is killed without warning.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._before_s = time.process_time()
        self._seconds: dict[str, float] = {}
        self._labels: dict[tuple[object, ...], str] = {}
        self._clocks: dict[int, float] = {}

    def run(self) -> None:
        """Sample until the process ends."""
        flushed = time.monotonic()
        while True:
            time.sleep(_EVERY_S)
            self._look()
            if time.monotonic() - flushed > _FLUSH_S:
                self.flush()
                flushed = time.monotonic()

    def flush(self) -> None:
        """Write the sums so far to the file."""
        found = {
            "command": " ".join(sys.orig_argv),
            "before": self._before_s,
            "total": time.process_time(),
            "sampler": time.thread_time() if threading.current_thread().name == "sampler" else 0.0,
            "seconds": self._seconds,
        }
        temporary = f"{self._path}.new"
        with open(temporary, "w") as file:  # noqa: PTH123 -- pathlib is one import more
            json.dump(found, file)
        os.replace(temporary, self._path)  # noqa: PTH105

    def _look(self) -> None:
        if sys.platform != "linux":
            return
        own = threading.get_ident()
        natives = {thread.ident: thread.native_id for thread in threading.enumerate()}
        for ident, frame in sys._current_frames().items():
            native = natives.get(ident)
            if native is None or ident == own:
                continue
            try:
                # The id of one thread's clock, as Linux composes it; a thread that has ended has no clock.
                now = time.clock_gettime((~native << 3) | 6)
            except OSError:
                continue
            spent = now - self._clocks.get(native, 0.0)
            self._clocks[native] = now
            if spent > 0:
                what = self._label(frame)
                self._seconds[what] = self._seconds.get(what, 0.0) + spent

    def _label(self, frame: FrameType | None) -> str:
        codes = []
        while frame is not None:
            codes.append(frame.f_code)
            frame = frame.f_back
        key = tuple(codes)
        if key not in self._labels:
            self._labels[key] = label([(code.co_filename, code.co_name) for code in reversed(codes)])
        return self._labels[key]


if (_folder := os.environ.get(FOLDER)) and sys.platform == "linux":
    _sampler = Sampler(f"{_folder}/{os.getpid()}.json")
    threading.Thread(target=_sampler.run, name="sampler", daemon=True).start()
