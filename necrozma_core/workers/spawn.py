"""How a worker process comes to be: spawned bare, from a thread that outlives it, deaf to Ctrl-C.

Three things that :mod:`multiprocessing` does not do by itself:

- It runs the parent's main module again in every child. Ours may be Prefect's engine (two seconds, 80 MB), or a
  script without a guard. Here the child's main module is :mod:`necrozma_core.workers.prelude`.
- It creates the child from whatever thread asks, and a parent-death signal fires when that *thread* ends. Here
  one thread creates them all and lives as long as the process.
- A Ctrl-C reaches every process of the terminal, also a child that had no time yet to ignore it. The creating thread
  blocks SIGINT, and children inherit the block from their first instruction on; on Windows they ignore it as soon as
  their prelude runs.
"""

import json
import os
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from multiprocessing import spawn
from multiprocessing.context import SpawnContext, SpawnProcess
from typing import Any

from necrozma_core.system.chosen import SYSTEM
from necrozma_core.workers import prelude

_launch = threading.local()


class WorkerProcess(SpawnProcess):
    """A spawned process whose first lines are the prelude's."""

    environment: Mapping[str, str]

    def start(self) -> None:
        """Start the process from the long-lived thread.

        Raises
        ------
        OSError
            If no process can be made, also because the interpreter is shutting down.
        """
        try:
            _nursery().submit(self._start_bare).result()
        except RuntimeError as error:
            # OSError is what Pebble expects where a process cannot be started.
            raise OSError("no worker process can be started while the program ends") from error

    def _start_bare(self) -> None:
        _launch.orders = json.dumps({"parent": os.getpid(), "environment": dict(self.environment)})
        try:
            super().start()
        finally:
            del _launch.orders


class WorkerContext(SpawnContext):
    """The multiprocessing context given to Pebble; remembers the newest process it made.

    Parameters
    ----------
    environment : mapping of str to str
        Set in every child before it imports anything.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        super().__init__()
        self._environment = dict(environment)
        self.newest: WorkerProcess | None = None

    def Process(self, *args: Any, **kwargs: Any) -> WorkerProcess:  # type: ignore[override]  # noqa: N802
        """Make a process, not started yet; Pebble's way of asking for a worker."""
        process = WorkerProcess(*args, **kwargs)
        process.environment = self._environment
        self.newest = process
        return process


@cache
def _nursery() -> ThreadPoolExecutor:
    """Return the one thread that starts every worker."""
    return ThreadPoolExecutor(1, thread_name_prefix="necrozma-nursery", initializer=SYSTEM.deafen_children)


def _bare(original: Callable[[str], dict[str, Any]]) -> Callable[[str], dict[str, Any]]:
    def preparation_data(name: str) -> dict[str, Any]:
        data = original(name)
        orders = getattr(_launch, "orders", None)
        if orders is None:
            return data
        data.pop("init_main_from_name", None)
        return data | {"init_main_from_path": prelude.__file__, "sys_argv": ["necrozma-worker", orders]}

    return preparation_data


# Only calls from the nursery's thread see a difference; other users of multiprocessing in this process do not.
spawn.get_preparation_data = _bare(spawn.get_preparation_data)  # type: ignore[assignment]
