"""One run at a time in a results folder, and who it is. The kernel frees the lock when its holder dies."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from necrozma_core.errors import LockedError
from necrozma_core.storage.disk.errors import disk_errors
from necrozma_core.storage.disk.process import Process
from necrozma_core.storage.disk.publish import make_folder, remove_stale_temporaries

LOCK_FILE: Final = ".lock"


class ResultsLock:
    """The lock of a results folder while it is held; whoever has one may change what others rely on."""

    def __init__(self, folder: Path, descriptor: int) -> None:
        self.folder = folder
        self._descriptor = descriptor

    def announce(self, run_id: str = "") -> None:
        """Write who holds the lock, for those who are refused; a run's id as soon as it is known."""
        holder = {**asdict(Process.current()), "run": run_id, "since": datetime.now(UTC).isoformat(timespec="seconds")}
        # Only a hint for a message, so neither a torn nor a missing one matters.
        with suppress(OSError):
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, json.dumps(holder).encode() + b"\n", 0)


@contextmanager
def lock_results(folder: Path) -> Iterator[ResultsLock]:
    """Hold the lock of a results folder, and remove what killed writers left in it.

    Raises
    ------
    LockedError
        Another run holds it; the message says which process on which host, since when, with which run.
    StorageError
        The folder cannot be made or written, or its file system has no locks.
    """
    make_folder(folder)
    path = folder / LOCK_FILE
    with disk_errors("lock", path):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        with disk_errors("lock", path):
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise LockedError(_refusal(folder, descriptor)) from None
        lock = ResultsLock(folder, descriptor)
        lock.announce()
        remove_stale_temporaries(folder)
        yield lock
    finally:
        # Never removed: another process may have it open already and would lock a file without a name.
        os.close(descriptor)


def _refusal(folder: Path, descriptor: int) -> str:
    advice = "wait for it to end, or choose another --results"
    try:
        holder = json.loads(os.pread(descriptor, 4096, 0))
        run = f", run {holder['run']}," if holder["run"] else ""
        who = f"process {holder['pid']} on {holder['host']}{run} since {holder['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        who = "another process"
    return f"{folder.absolute()}: locked by {who}; {advice}"
