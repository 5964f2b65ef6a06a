"""Workers killed by the dozen while they do small errands: what was lost, done twice, or paid for by an innocent."""

import os
import random
import signal
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import worker_chores as chores

from necrozma_core.errors import WorkerDiedError, WorkerError
from necrozma_core.workers.cache import KernelCache
from necrozma_core.workers.pool import WorkerPool
from necrozma_core.workers.progress import ProgressBoard


@dataclass(frozen=True)
class Errands:
    """How many were asked for, how many kills were sent, and how many errands fared as none may.

    Attributes
    ----------
    lost : int
        Without the right result.
    doubled : int
        Begun more often than once and once for each worker that died at it.
    innocent : int
        Begun again although no worker died at it, or blamed for a kill that hit nobody's errand.
    """

    asked: int
    kills: int
    lost: int
    doubled: int
    innocent: int


_HEAD_START: Final = 1 / 20
"""So large a part of the errands is ahead of the kills; as many at the end wait for the last of them."""


class Killer(threading.Thread):
    """Kills a worker after every few errands, and one time in three its successor as well, while that starts."""

    def __init__(self, pool: WorkerPool, kills: int, every: int, seed: int) -> None:
        super().__init__(daemon=True)
        self.sent = 0
        self.victims: set[int] = set()
        self.done = 0
        self.ended = threading.Event()
        self._changed = threading.Condition()
        self._pool, self._kills, self._every, self._random = pool, kills, every, random.Random(seed)

    def run(self) -> None:
        try:
            self._kill_on()
        finally:
            # Whatever ended it: nobody waits for kills that are not to come.
            with self._changed:
                self.ended.set()
                self._changed.notify_all()

    def _kill_on(self) -> None:
        rounds = 0
        while not self.ended.wait(0.001) and self.sent < self._kills:
            if self.done < self._every * rounds:
                continue
            rounds += 1
            for _ in range(min(self._random.choice((1, 1, 2)), self._kills - self.sent)):
                self.ended.wait(self._random.random() / 10)
                self._kill()

    def wait_sent(self, kills: int) -> None:
        """Return when so many kills were sent: errands must not be over before all of them were."""
        with self._changed:
            self._changed.wait_for(lambda: self.sent >= kills or self.ended.is_set())

    def _kill(self) -> None:
        while not self.ended.wait(0.001):
            if not (pids := self._pool.pids):
                continue  # the first worker is still to be started
            pid = self._random.choice(pids)
            # Noted first: the errand's thread must not see the death before.
            self.victims.add(pid)
            # One that is dead already does not count.
            with suppress(ProcessLookupError), self._changed:
                os.kill(pid, signal.SIGKILL)
                self.sent += 1
                self._changed.notify_all()
                return


def kill_workers(folder: Path, errands: int, kills: int, seed: int) -> Errands:
    """Have two workers do errands while they are killed, and say how the errands fared."""
    log = folder / "log"
    log.mkdir()
    board = ProgressBoard.create(folder / "board", 2)
    pool = WorkerPool(
        2, board, KernelCache(folder / "cache"), run=chores.log_errand, warm=chores.nothing, build=chores.nothing
    )
    killer = Killer(pool, kills, errands // 100 or 1, seed)

    def run(number: int) -> tuple[int, object]:
        deaths = 0
        killer.wait_sent(min(kills, int(kills * (number / errands - _HEAD_START) / (1 - 2 * _HEAD_START))))
        while True:
            try:
                # A key for every try, since three deaths would set the errand aside.
                result = pool.run(chores.Errand(f"{number:06d}", key=f"{deaths}", args=(str(log),)))
                killer.done += 1
                return deaths, result
            except WorkerDiedError:
                deaths += 1
            except WorkerError:
                # Its worker did not even start: not the errand's doing.
                continue

    try:
        killer.start()
        with ThreadPoolExecutor(4) as threads:
            try:
                fared = list(threads.map(run, range(errands)))
            finally:
                # Before the threads are waited for: what is still to be done may hang.
                killer.ended.set()
                pool.stop(5.0)
    finally:
        killer.ended.set()
        killer.join()
        board.close()
    return _judge(fared, [path.name for path in log.iterdir()], killer)


def _judge(fared: list[tuple[int, object]], begun: list[str], killer: Killer) -> Errands:
    tries: dict[str, list[int]] = {}
    for name in begun:
        errand, pid, _ = name.split("-")
        tries.setdefault(errand, []).append(int(pid))
    names = [f"{number:06d}" for number in range(len(fared))]
    deaths = Counter({name: died for name, (died, _) in zip(names, fared, strict=True)})
    spared = {name: sum(pid not in killer.victims for pid in tries.get(name, [])) for name in names}
    return Errands(
        asked=len(fared),
        kills=killer.sent,
        lost=sum(result != name for name, (_, result) in zip(names, fared, strict=True)),
        doubled=sum(not 1 <= len(tries.get(name, [])) <= 1 + deaths[name] for name in names),
        # A worker that nobody killed begins an errand once, and ends it.
        innocent=sum(count > 1 for count in spared.values()) + max(0, deaths.total() - killer.sent),
    )
