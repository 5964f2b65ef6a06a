"""How a worker loads the engine, and what is done where that fails: the kernels are blamed on evidence alone.

All runs of a user load the same compiled kernels, so a run that wipes them slows all others down. The death of a
process says nothing of them: somebody may have killed it, or the system may have refused it something.
"""

import logging
import os
import threading
from collections.abc import Callable
from tempfile import TemporaryDirectory

from necrozma_core.errors import (
    NecrozmaError,
    StoppedError,
    StorageError,
    WorkerCrashedError,
    WorkerError,
    WorkerMemoryError,
    WorkerRefusedError,
)
from necrozma_core.system.refusals import explain_refusal
from necrozma_core.workers.cache import KernelCache, Seal
from necrozma_core.workers.slot import Slot

_log = logging.getLogger(__name__)


class EngineLoading:
    """Loads the engine in the workers of a pool.

    Parameters
    ----------
    cache : KernelCache
    warm, build : callable
        Loads the engine in a worker, and compiles all that any run may need; importable by name.
    """

    def __init__(self, cache: KernelCache, warm: Callable[[], None], build: Callable[[], None]) -> None:
        self._cache = cache
        self._warm = warm
        self._build = build
        self._mending = threading.Lock()
        self._rebuilds = 0

    def compile_missing(self, slot: Slot) -> None:
        """Compile and seal the kernels in a slot's worker where there are no whole ones.

        Another run may be doing that; then this waits for it. The worker ends afterwards, and the next one loads what
        was compiled as all others do: a compiler keeps a hundred megabytes and more, which would count as the pairs'.

        Raises
        ------
        StoppedError
            The run is ending.
        NecrozmaError
            The engine cannot be loaded; the message says why.
        """
        if self._cache.is_sealed():
            return
        with self._cache.compiling():
            seal = self._cache.check()
            if seal is Seal.WHOLE:
                return
            if seal is Seal.BROKEN:
                _log.warning("the compiled kernels are damaged (their hashes do not match); compiling them anew")
            self._cache.wipe()
            if self._failure_in(slot, self._build) and (error := self._failure_in(slot, self._build)):
                raise _explained(error)
            self._cache.seal()
            if self._cache.is_sealed():
                slot.restart()

    def load(self, slot: Slot) -> None:
        """Load the engine in a slot's worker; raises what `compile_missing` does."""
        rebuilds = self._rebuilds
        if self._failure_in(slot, self._warm) is None:
            return
        with self._mending:
            if self._cache.check() is Seal.BROKEN:
                self._rebuild(slot, "their hashes do not match")
                return
            error = self._failure_in(slot, self._warm)
            if error is None:
                return
            if rebuilds != self._rebuilds or not _is_of_the_code(error) or not self._loads_without_kernels(slot):
                raise _explained(error)
            self._rebuild(slot, f"they do not load: {error}")

    def _rebuild(self, slot: Slot, why: str) -> None:
        _log.warning("the compiled kernels are damaged (%s); compiling them anew", why)
        with self._cache.compiling():
            self._cache.wipe()
            self._rebuilds += 1
            slot.restart()
            if error := self._failure_in(slot, self._build):
                raise _explained(error)
            self._cache.seal()
            slot.restart()
            if error := self._failure_in(slot, self._warm):
                raise _explained(error)

    def _failure_in(self, slot: Slot, load: Callable[[], None]) -> Exception | None:
        """Load the engine once, and return what went wrong; what the system refuses is raised, as it stays refused."""
        try:
            slot.call(load, None)
        except StoppedError:
            raise
        except Exception as error:
            if isinstance(error, WorkerMemoryError | WorkerRefusedError | StorageError) or explain_refusal(error):
                raise _explained(error) from error
            return error
        return None

    def _loads_without_kernels(self, slot: Slot) -> bool:
        """Tell whether the engine loads where everything is compiled anew, in a folder that only this worker sees."""
        with TemporaryDirectory(prefix="necrozma-kernels-", ignore_cleanup_errors=True) as folder:
            slot.restart()
            try:
                slot.call(load_elsewhere, None, self._warm, folder)
            except StoppedError:
                raise
            except Exception:  # noqa: BLE001 -- whatever it is, the kernels are not to blame for it
                return False
            finally:
                slot.restart()
        return True


def load_elsewhere(warm: Callable[[], None], folder: str) -> None:
    """Load the engine in a worker that has not loaded anything, with its kernels in another folder."""
    os.environ["NUMBA_CACHE_DIR"] = folder
    warm()


def _is_of_the_code(error: Exception) -> bool:
    """Tell whether what a worker ran made it fail; a worker that was killed, or never began, says nothing of that."""
    return isinstance(error, WorkerCrashedError) or not isinstance(error, WorkerError)


def _explained(error: Exception) -> NecrozmaError:
    if isinstance(error, NecrozmaError):
        reason = str(error)
    else:
        reason = explain_refusal(error) or f"{type(error).__name__}: {error}"
    failure = NecrozmaError(f"no worker could load the engine: {reason}")
    failure.__cause__ = error
    return failure
