"""The folder of compiled kernels: private, named by what the code depends on, and wiped where it is damaged.

Compiling takes seconds and loading a fraction of one, so numba keeps machine code between runs. That cache is pickle
and machine code: anyone who can write it runs code as the user, and a flipped bit in it is at best a crash. So the
folder belongs to the user alone, and the kernels are sealed (listed with their hashes) once they have worked. All runs
of the user load them, so only damage wipes them: a hash that does not match, or kernels that were seen not to load.
"""

import json
import os
import shutil
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum
from functools import cached_property
from hashlib import file_digest, sha256
from importlib.metadata import version
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

from necrozma_core.errors import StorageError
from necrozma_core.storage.disk.errors import disk_errors
from necrozma_core.storage.disk.publish import publish_bytes
from necrozma_core.system.chosen import SYSTEM
from necrozma_core.system.locks import lock_file

_SEAL: Final = "sealed.json"
_KEPT_S: Final = 30 * 24 * 3600
_REMEDY: Final = "choose a folder of yours that can be written, with XDG_CACHE_HOME"


class Seal(StrEnum):
    """What the hashes say of the kernels."""

    WHOLE = "whole"
    MISSING = "missing"
    BROKEN = "broken"


class KernelCache:
    """Where numba keeps this version's kernels for this user.

    Parameters
    ----------
    root : Path
        The product's cache folder; made if missing.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    @cached_property
    def folder(self) -> Path:
        """The folder of this version, made for the user alone.

        Raises
        ------
        StorageError
            It cannot be made, or belongs to or can be written by somebody else.
        """
        folder = self._root / "kernels" / _version_key()
        try:
            self._root.mkdir(parents=True, exist_ok=True)
            for part in (folder.parent, folder):
                part.mkdir(mode=0o700, exist_ok=True)
                _refuse_foreign(part)
            # Touched, so that `sweep` does not take it for unused.
            os.utime(folder)
        except OSError as error:
            cause = error.strerror or error
            raise StorageError(f"{folder}: cannot keep compiled kernels there: {cause}; {_REMEDY}") from error
        return folder

    def environment(self) -> dict[str, str]:
        """Return the variable that numba reads."""
        return {"NUMBA_CACHE_DIR": str(self.folder)}

    def check(self) -> Seal:
        """Compare the sealed kernels with their hashes.

        Raises
        ------
        StorageError
            The system does not let them be read, which says nothing of them.
        """
        with disk_errors("read the compiled kernels in", self.folder):
            try:
                sealed = json.loads((self.folder / _SEAL).read_bytes())
            except FileNotFoundError:
                return Seal.MISSING
            except ValueError:
                return Seal.BROKEN
            if not isinstance(sealed, dict) or not sealed:
                return Seal.BROKEN if sealed else Seal.MISSING
            try:
                whole = all(_sha256(self.folder / name) == digest for name, digest in sealed.items())
            except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
                return Seal.BROKEN
            return Seal.WHOLE if whole else Seal.BROKEN

    def is_sealed(self) -> bool:
        """Tell whether the sealed kernels are all there with their hashes; raises what `check` does."""
        return self.check() is Seal.WHOLE

    def seal(self) -> None:
        """List the kernels, which have worked, with their hashes. Without the list the next start compiles anew."""
        with suppress(OSError, StorageError):
            names = sorted(path for path in self.folder.rglob("*.nb?") if path.is_file())
            sealed = {str(path.relative_to(self.folder)): _sha256(path) for path in names}
            publish_bytes(self.folder / _SEAL, json.dumps(sealed).encode())

    @contextmanager
    def compiling(self) -> Iterator[None]:
        """Compile while no other run of the user does; this waits for one that does."""
        beside = self.folder.with_suffix(".lock")
        with disk_errors("lock", beside):
            descriptor = os.open(beside, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            # A file system without locks has two runs compile the same, which costs seconds and nothing else.
            with suppress(OSError):
                lock_file(descriptor, wait=True)
            yield
        finally:
            os.close(descriptor)

    def wipe(self) -> None:
        """Remove this version's kernels, so that this run, and others that load them, compile them anew."""
        with disk_errors("remove compiled kernels in", self.folder):
            paths = list(self.folder.iterdir())
        for path in paths:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                with suppress(OSError):
                    path.unlink()

    def sweep(self) -> None:
        """Remove the kernels of other versions that nobody used for a month."""
        with suppress(OSError):
            for folder in self.folder.parent.iterdir():
                if folder != self.folder and time.time() - folder.stat().st_mtime > _KEPT_S:
                    shutil.rmtree(folder, ignore_errors=True)


def _version_key() -> str:
    """Hash what compiled code depends on and numba may not notice: Python, numba, our kernels and their folder."""
    digest = sha256(f"{sys.version} numba {version('numba')} llvmlite {version('llvmlite')}".encode())
    kernels = files("necrozma_core").joinpath("kernels")
    digest.update(str(kernels).encode())
    for name, source in sorted(_sources(kernels)):
        digest.update(name.encode() + source)
    return digest.hexdigest()[:32]


def _sources(folder: Traversable, above: str = "") -> Iterator[tuple[str, bytes]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _sources(entry, f"{above}{entry.name}/")
        elif entry.name.endswith(".py"):
            yield f"{above}{entry.name}", entry.read_bytes()


def _refuse_foreign(folder: Path) -> None:
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or not SYSTEM.is_of_user(status) or not SYSTEM.is_private(status):
        raise StorageError(
            f"{folder}: expected a folder that only you can read and write (mode 0700), found mode "
            f"{stat.S_IMODE(status.st_mode):04o} of user {status.st_uid}; remove it and try again"
        )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
