"""The password of our own server, and files that nobody but their owner reads."""

import os
import secrets
import stat
from pathlib import Path
from typing import BinaryIO, Final

from necrozma_core.errors import UsageError
from necrozma_core.printing import keep_secret
from necrozma_core.storage.disk.errors import disk_errors
from necrozma_core.system.chosen import SYSTEM

_USER: Final = "necrozma"
_ADVICE: Final = "stop the server, remove the file and start the server: a new one is made"


def make_password(path: Path) -> None:
    """Make a password of 192 random bits, once; what stands there already stays."""
    if not path.exists():
        write_private(path, f"{_USER}:{secrets.token_urlsafe(24)}\n")


def read_password(path: Path) -> str:
    """Return the password, as ``user:secret``.

    Raises
    ------
    UsageError
        Others can read the file, or nothing is in it.
    StorageError
        It cannot be read.
    """
    with disk_errors("read", path):
        status = path.stat()
        password = path.read_text(encoding="utf-8").strip()
    if not SYSTEM.is_private(status):
        mode = stat.S_IMODE(status.st_mode)
        raise UsageError(f"{path}: others can read the server's password (mode {mode:o}, should be 600); {_ADVICE}")
    if not password:
        raise UsageError(f"{path}: holds no password; {_ADVICE}")
    keep_secret(password)
    keep_secret(password.partition(":")[2])
    return password


def write_private(path: Path, text: str) -> None:
    """Put text into a file of its owner's, whole or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with disk_errors("write", path):
        with open_private(temporary, os.O_TRUNC) as file:
            file.write(text.encode())
        temporary.replace(path)


def open_private(path: Path, how: int) -> BinaryIO:
    """Open a file of its owner's for writing; `how` is O_TRUNC or O_APPEND."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | how, 0o600), "wb")
