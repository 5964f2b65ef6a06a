"""A worker process's first lines, run by path before it imports anything of ours.

Libraries read their thread counts when they are imported, so the environment is set first. A worker whose parent died
during the start must end. Standard library only, and the seam to the system, which imports nothing else.
"""

import json
import os
import sys
from typing import Any

from necrozma_core.system.chosen import SYSTEM


def prepare(parent: int, environment: dict[str, str]) -> None:
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
    SYSTEM.deafen()
    SYSTEM.keep_freed_memory()
    SYSTEM.end_with_parent(parent)


# multiprocessing runs the child's main module under this name.
if __name__ == "__mp_main__":
    _orders: dict[str, Any] = json.loads(sys.argv[1])
    prepare(_orders["parent"], _orders["environment"])
