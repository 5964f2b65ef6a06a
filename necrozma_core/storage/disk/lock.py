"""One run at a time in a results folder, and who it is. The kernel frees the lock when its holder dies."""

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
from necrozma_core.system.locks import lock_file

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
            os.lseek(self._descriptor, 0, os.SEEK_SET)
            os.write(self._descriptor, json.dumps(holder).encode() + b"\n")


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
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        with disk_errors("lock", path):
            if not lock_file(descriptor):
                raise LockedError(_refusal(folder, descriptor))
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
        os.lseek(descriptor, 0, os.SEEK_SET)
        holder = json.loads(os.read(descriptor, 4096))
        run = f", run {holder['run']}," if holder["run"] else ""
        who = f"process {holder['pid']} on {holder['host']}{run} since {holder['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        who = "another process"
    return f"{folder.absolute()}: locked by {who}; {advice}"
