"""What the system says of a disk, as one line that says what to do."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from necrozma_core.errors import StorageError

# What to do about it, where the errno alone does not tell a user.
_REMEDIES: Final = {
    errno.ENOSPC: "free some space and run the same command again",
    errno.EDQUOT: "free some space within the quota and run the same command again",
    errno.EROFS: "choose a folder that can be written",
    errno.EACCES: "check who owns the folder and its permissions",
    errno.EPERM: "check who owns the folder and its permissions",
    errno.EIO: "the disk reports a fault: check its health before trusting it again",
    errno.ENOTDIR: "a file stands where a folder is needed: move it or choose another folder",
    errno.EISDIR: "a folder stands where a file is needed: move it away",
    errno.ENAMETOOLONG: "choose a shorter path",
    errno.EMFILE: "raise the limit of open files (ulimit -n)",
}


@contextmanager
def disk_errors(action: str, path: Path) -> Iterator[None]:
    """Turn an OSError into a StorageError of one line that names the path, the cause and what to do."""
    try:
        yield
    except OSError as error:
        cause = error.strerror or str(error).partition("\n")[0]
        if error.errno is not None:
            cause = os.strerror(error.errno)
        remedy = _REMEDIES.get(error.errno or 0, "check the disk and run the same command again")
        raise StorageError(f"{path}: could not {action}: {cause}; {remedy}") from error
