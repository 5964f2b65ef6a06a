"""A worker process's first lines, run by path before it imports anything of ours.

Libraries read their thread counts when they are imported, so the environment is set first. A worker whose parent died
during the start must end. Standard library only.
"""

import ctypes
import json
import os
import signal
import sys
from typing import Any

_PR_SET_PDEATHSIG = 1

# For glibc's mallopt: the process keeps freed memory, and large arrays come from the heap like small ones. A worker
# needs as much for the next pair as for this one, and a fresh page from the kernel costs more than filling it.
_KEEP_MEMORY = {"M_TRIM_THRESHOLD": (-1, 2**31 - 1), "M_TOP_PAD": (-2, 2**26), "M_MMAP_MAX": (-4, 0)}


def prepare_process(parent: int, environment: dict[str, str]) -> None:
    """Set the environment and tie this process's life to its parent's.

    Parameters
    ----------
    parent : int
        Process id of the parent. On Linux the kernel kills this process when the parent's thread that made it ends,
        even inside compiled code; other systems get a thread instead, see `necrozma_core.workers.job`.
    environment : dict of str to str
        Variables to set.
    """
    os.environ.update(environment)
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if hasattr(libc, "gnu_get_libc_version"):
            for parameter, value in _KEEP_MEMORY.values():
                libc.mallopt(parameter, value)
    # The kernel sends no signal for a parent that died before the call above.
    if os.getppid() != parent:
        os._exit(1)


# multiprocessing runs the child's main module under this name.
if __name__ == "__mp_main__":
    _orders: dict[str, Any] = json.loads(sys.argv[1])
    prepare_process(_orders["parent"], _orders["environment"])
