"""N worker processes, each with a name for the gate and the progress view; a pair goes to a free one.

A worker that is killed, hangs or runs out of memory fails its own pair alone and is replaced.
"""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from necrozma_core.backtest.key import with_key
from necrozma_core.backtest.request import PairRequest, Receipt
from necrozma_core.errors import (
    NecrozmaError,
    PoisonousPairError,
    StoppedError,
    WorkerDiedError,
    WorkerError,
    WorkerMemoryError,
    WorkerTimeoutError,
)
from necrozma_core.strategies.source import SourceKind
from necrozma_core.system.chosen import SYSTEM
from necrozma_core.workers.cache import KernelCache
from necrozma_core.workers.job import WorkerSetup, compile_here, rehearse_here, run_pair
from necrozma_core.workers.limits import WorkerLimits
from necrozma_core.workers.loading import EngineLoading
from necrozma_core.workers.progress import ProgressBoard, SlotProgress, SlotState
from necrozma_core.workers.sharing import Sharing
from necrozma_core.workers.slot import Slot

DEATHS_ALLOWED: Final = 3
"""A pair whose worker died this often is set aside."""
_SET_ASIDE: Final = 5
"""As many strategies of a user's file, each to blame for that, are set aside before their pair is."""

_log = logging.getLogger(__name__)


class WorkerPool:
    """Worker processes that backtest pairs.

    Parameters
    ----------
    size : int
        Workers, at least 1.
    board : ProgressBoard
        With a row for each.
    cache : KernelCache
        Compiled kernels, shared by the workers.
    gate_path : Path or None
        The file of the gate that holds workers back; None where nothing does.
    vacate : callable
        Told the number of a slot whose worker is gone.
    limits : WorkerLimits
    sharing : Sharing or None
        How workers that would be idle help others with their pairs; None where they do not.
    loaded : callable
        Called whenever another worker takes pairs from now on.
    run, warm, build : callable
        What a worker does for a pair, and once before its first; and what the first one does where the cache holds no
        kernels. Importable by name.

    Raises
    ------
    StorageError
        The kernels' folder cannot be used.
    """

    def __init__(
        self,
        size: int,
        board: ProgressBoard,
        cache: KernelCache,
        *,
        gate_path: Path | None = None,
        vacate: Callable[[int], object] = lambda _: None,
        limits: WorkerLimits | None = None,
        sharing: Sharing | None = None,
        loaded: Callable[[], object] = lambda: None,
        run: Callable[[PairRequest], Receipt] = run_pair,
        warm: Callable[[], None] = rehearse_here,
        build: Callable[[], None] = compile_here,
    ) -> None:
        self._limits = limits or WorkerLimits()
        self._board = board
        self._cache = cache
        self._sharing = sharing
        self._loaded = loaded
        self._ended: set[tuple[str, str]] = set()
        self._run = run
        self._loading = EngineLoading(cache, warm, build)
        self._slots = [self._make_slot(number, gate_path, vacate) for number in range(size)]
        self._free: list[Slot] = []
        self._opening = size
        self._busy = 0
        self._alone = 0
        self._changed = threading.Condition()
        self._started = False
        self._stopped = False
        self._failure: NecrozmaError | None = None
        self._deaths: Counter[tuple[str, str]] = Counter()
        self._overruns: Counter[tuple[str, str]] = Counter()
        self._suspects: dict[tuple[str, str], list[tuple[int, str] | None]] = {}
        self._aside: dict[tuple[str, str], dict[int, str]] = {}

    @property
    def pids(self) -> list[int]:
        """Process ids of the workers that were started, dead ones until they are replaced."""
        return [slot.pid for slot in self._slots if slot.pid is not None]

    @property
    def loading_pids(self) -> list[int]:
        """Process ids of the workers that take no pair yet, because they start or load the engine."""
        found = []
        for slot in self._slots:
            pid, row = slot.pid, self._board.read(slot.number)
            if pid is not None and (row.pid != pid or row.state is SlotState.WARMING):
                found.append(pid)
        return found

    @property
    def computing_pids(self) -> list[int]:
        """Process ids of the workers, and of the processes that run a user's strategies for them."""
        return self.pids + [row.helper_pid for row in self.progress() if row.helper_pid]

    def progress(self) -> list[SlotProgress]:
        """Return what every worker is doing."""
        return self._board.read_all()

    def warm_up(self) -> None:
        """Start the workers and return at once; each takes pairs once it has loaded or compiled the kernels.

        Where the cache holds no kernels, or damaged ones, one worker compiles them before the others load them.
        """
        with self._changed:
            if self._started or self._stopped:
                return
            self._started = True
        threading.Thread(target=self._start, name="necrozma-warm-up", daemon=True).start()

    def wait_open(self) -> None:
        """Return when every worker has loaded the engine or failed to, or the pool was stopped."""
        with self._changed:
            self._changed.wait_for(lambda: self._opening == 0 or self._stopped)

    def run(self, request: PairRequest) -> Receipt:
        """Backtest a pair in a free worker, waiting for one; safe to call from many threads.

        Raises
        ------
        WorkerError
            The worker died, hung or ran out of memory. Another try may succeed; after a timeout or a lack of memory it
            is made with no other pair beside it. PoisonousPairError if the pair used up its tries.
        StoppedError
            `stop` was called.
        NecrozmaError
            What the pair's backtest raised.
        """
        self.warm_up()
        key = (request.pair, request.key)
        while True:
            try:
                return self._try(request, key)
            except WorkerError as error:
                verdict = self._judged(request, key, error)
                # Once a strategy was set aside the pair is tried again here: its caller's tries may be used up.
                if key not in self._aside or isinstance(verdict, PoisonousPairError):
                    raise verdict from None

    def _try(self, request: PairRequest, key: tuple[str, str]) -> Receipt:
        alone = self._overruns[key] > 0
        if aside := self._aside.get(key):
            request = with_key(replace(request, set_aside=tuple(sorted(aside.items())), key=""))
        with self._turn(alone=alone) as slot, self._helpers(alone) as helpers:
            try:
                if helpers and self._sharing:
                    return self._sharing.backtest([slot, *helpers], self._limits.pair_timeout_s, request)
                return slot.call(self._run, self._limits.pair_timeout_s, request)
            finally:
                self._ended.add(key)

    def stop(self, within_s: float = 2.0) -> bool:
        """Kill the workers, whatever they are doing, and take no more pairs; tell whether all ended in time."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        for slot in self._slots:
            slot.stop()
        deadline = time.monotonic() + within_s
        ended = [slot.join(max(0.0, deadline - time.monotonic())) for slot in self._slots]
        return all(ended)

    def _make_slot(self, number: int, gate_path: Path | None, vacate: Callable[[int], object]) -> Slot:
        setup = WorkerSetup(number, self._board.path, gate_path, self._limits.priority, self._limits.memory_mb)
        return Slot(setup, setup.environment() | self._cache.environment(), self._board, vacate)

    def _start(self) -> None:
        SYSTEM.prepare_spawning()
        try:
            self._loading.compile_missing(self._slots[0])
        except StoppedError:
            return
        except NecrozmaError as error:
            self._fail(error)
            return
        for slot in self._slots:
            threading.Thread(target=self._open, args=(slot,), daemon=True).start()
        self._cache.sweep()

    def _open(self, slot: Slot) -> None:
        """Load the engine in a slot's worker and let it take pairs."""
        try:
            self._loading.load(slot)
        except StoppedError:
            return
        except NecrozmaError as error:
            self._fail(error)
        else:
            self._admit(slot)

    def _admit(self, slot: Slot) -> None:
        with self._changed:
            self._opening -= 1
            self._free.append(slot)
            self._changed.notify_all()
        self._loaded()

    def _fail(self, error: NecrozmaError) -> None:
        with self._changed:
            self._failure = error
            self._opening -= 1
            self._changed.notify_all()

    @contextmanager
    def _turn(self, *, alone: bool) -> Iterator[Slot]:
        """Hold a free slot; with ``alone`` no other pair runs meanwhile."""
        slot = self._take(alone)
        try:
            yield slot
        finally:
            with self._changed:
                self._free.append(slot)
                self._busy -= 1
                self._alone -= alone
                self._changed.notify_all()

    @contextmanager
    def _helpers(self, alone: bool) -> Iterator[list[Slot]]:
        """Hold idle slots, as many as are to help with a pair."""
        sharing = self._sharing
        if sharing is None or alone:
            yield []
            return
        wanted = sharing.helpers_for(len(self._slots), sharing.pairs - len(self._ended))
        taken: list[Slot] = []
        with self._changed:
            if wanted:
                # The first pair is taken as soon as one worker is ready; the helpers may need a second more.
                self.wait_open()
            while len(taken) < wanted and self._free and not self._alone and sharing.enlist():
                taken.append(self._free.pop())
            self._busy += len(taken)
        try:
            yield taken
        finally:
            with self._changed:
                self._free.extend(taken)
                self._busy -= len(taken)
                self._changed.notify_all()
            for _ in taken:
                sharing.dismiss()

    def _take(self, alone: bool) -> Slot:
        with self._changed:
            self._alone += alone
            try:
                self._changed.wait_for(lambda: self._may_go(alone))
                if self._stopped:
                    raise StoppedError("the run is ending")
                if self._failure is not None and not self._free:
                    raise self._failure
            except BaseException:
                self._alone -= alone
                self._changed.notify_all()
                raise
            self._busy += 1
            return self._free.pop()

    def _may_go(self, alone: bool) -> bool:
        if self._stopped or (self._failure is not None and not self._free):
            return True
        return bool(self._free) and (self._busy == 0 if alone else self._alone == 0)

    def _judged(self, request: PairRequest, key: tuple[str, str], error: WorkerError) -> WorkerError:
        """Return the error with the pair's name; PoisonousPairError if the pair used up its tries."""
        pair = key[0]
        suspects = self._suspects.setdefault(key, [])
        suspects.append(error.suspect)
        if isinstance(error, WorkerDiedError):
            self._deaths[key] += 1
            if self._deaths[key] >= DEATHS_ALLOWED and not self._blame(request, key, suspects[-DEATHS_ALLOWED:]):
                return PoisonousPairError(f"{pair}: set aside, its worker died {DEATHS_ALLOWED} times: {error}")
        if isinstance(error, (WorkerMemoryError, WorkerTimeoutError)):
            self._overruns[key] += 1
            if self._overruns[key] > 1 and not self._blame(request, key, suspects[-2:]):
                return PoisonousPairError(f"{pair}: set aside, also when it ran alone: {error}")
        return type(error)(f"{pair}: {error}")

    def _blame(self, request: PairRequest, key: tuple[str, str], suspects: list[tuple[int, str] | None]) -> bool:
        """Set a strategy of a user's file aside if it alone used up the pair's tries, which begin anew; tell whether.

        Ours do not end workers: what kills one at them comes from elsewhere.
        """
        suspect, *others = suspects
        aside = self._aside.get(key, {})
        if suspect is None or any(other is None or other[0] != suspect[0] for other in others):
            return False
        if request.source.kind is not SourceKind.FILE or len(aside) >= _SET_ASIDE:
            return False
        self._aside[key] = aside | {suspect[0]: f"set aside, because {suspect[1]}"}
        _log.warning("%s: strategy %d is set aside, because %s", key[0], suspect[0] + 1, suspect[1])
        del self._deaths[key], self._overruns[key]
        return True
