"""What the system refused, as a line that says what to do. A refusal is nobody's bug, and says nothing of our files."""

import errno
import os
from typing import Final

_SHARED_MEMORY: Final = "/dev/shm"  # noqa: S108 -- named in a message
_MAKE_ROOM: Final = "make it writable, with room (a container has --shm-size), then run the same command again"
_OF_A_FOLDER: Final = (
    errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOSPC, errno.EDQUOT, errno.ENOENT, errno.ENOSYS,
)  # fmt: skip

_REMEDIES: Final = {
    errno.EMFILE: "too many files are open: raise the limit (ulimit -n), or take fewer --workers",
    errno.ENFILE: "too many files are open in the whole system: end other programs",
    errno.EAGAIN: "no more processes or threads may be started: raise the limit (ulimit -u), or take fewer --workers",
    errno.ENOMEM: "the system has no more memory for us: raise the limit (ulimit -v), or take fewer --workers",
}

_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)

_TEXTS: Final = (
    # Python, the loader and the threads of other libraries say these without an errno.
    ("can't start new thread", errno.EAGAIN),
    ("cannot allocate memory", errno.ENOMEM),
    ("failed to map segment", errno.ENOMEM),
    ("std::bad_alloc", errno.ENOMEM),
)


def explain_refusal(error: BaseException) -> str | None:
    """Return what the system refused and what to do, or None where the error is of another kind.

    A missing or broken file is no refusal: limits, memory, and a place for temporary files are.
    """
    if isinstance(error, MemoryError):
        return _REMEDIES[errno.ENOMEM]
    if isinstance(error, FileNotFoundError) and "temporary directory" in str(error):
        return "there is no folder for temporary files that can be written: make room, or name one with TMPDIR"
    if isinstance(error, OSError) and error.errno in _FULL:
        folder = error.filename or "the folder for temporary files (TMPDIR) or for compiled kernels (XDG_CACHE_HOME)"
        return f"{folder}: {os.strerror(error.errno)}: make room there, or choose another place"
    if isinstance(error, OSError) and error.errno in _REMEDIES:
        file = f" ({error.filename})" if error.filename else ""
        return f"{_REMEDIES[error.errno]}{file}"
    if isinstance(error, RuntimeError | ImportError | OSError):
        text = str(error).lower()
        return next((_REMEDIES[number] for said, number in _TEXTS if said in text), None)
    return None


def explain_no_worker(error: OSError | RuntimeError) -> str:
    """Return why no worker process could be started, and what to do.

    The locks between a command and its workers are semaphores, which Linux keeps in /dev/shm. The system names no
    path where it refuses one.
    """
    cause = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
    if isinstance(error, OSError) and not error.filename and error.errno in _OF_A_FOLDER:
        return f"{_SHARED_MEMORY}, where the locks between processes lie, refused one ({cause}): {_MAKE_ROOM}"
    if remedy := explain_refusal(error):
        return f"{cause}: {remedy}"
    file = f"{error.filename}: " if isinstance(error, OSError) and error.filename else ""
    return f"{file}{cause}"
