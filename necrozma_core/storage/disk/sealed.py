"""Small JSON records that carry the hash of their own content, so that a changed byte is seen and never believed."""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from necrozma_core.errors import DamagedError, not_a_file
from necrozma_core.storage.disk.errors import disk_errors
from necrozma_core.storage.disk.layer import DISK, FileLayer
from necrozma_core.storage.disk.publish import publish_bytes

JSON = str | int | float | bool | None | Mapping[str, "JSON"] | list["JSON"] | tuple["JSON", ...]

_SEAL: Final = "sha256"
_MAX_BYTES: Final = 64 * 2**20


def canonical_json(value: JSON) -> bytes:
    """Write a value as the only JSON text it has: sorted keys, no spaces, ASCII, shortest floats.

    Raises
    ------
    ValueError, TypeError
        For NaN, infinity, and what JSON does not have.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def content_key(parts: Mapping[str, JSON]) -> str:
    """Name a result by everything it depends on: the sha256, 64 hex digits, of the parts' canonical JSON.

    Raises
    ------
    ValueError, TypeError
        For NaN, infinity, and what JSON does not have.
    """
    return hashlib.sha256(canonical_json(parts)).hexdigest()


def publish_sealed(path: Path, record: Mapping[str, JSON], *, files: FileLayer = DISK) -> None:
    """Publish a record as indented JSON with its seal, for people to read and `read_sealed` to trust.

    Raises
    ------
    StorageError
        It cannot be written; the older record is untouched.
    """
    sealed = {**record, _SEAL: content_key(record)}
    publish_bytes(path, json.dumps(sealed, sort_keys=True, indent=2, allow_nan=False).encode() + b"\n", files=files)


def read_sealed(path: Path) -> dict[str, Any]:
    """Read a record that `publish_sealed` wrote, without its seal.

    Raises
    ------
    DamagedError
        The file is not what was published.
    StorageError
        It cannot be read.
    """
    with disk_errors("read", path):
        if found := not_a_file(path, absent=""):
            raise DamagedError(f"{path}: {found} where a record was published; run `necrozma verify --repair`")
        with path.open("rb") as handle:
            # Python sets aside as much memory as it is asked to read.
            content = handle.read(min(_MAX_BYTES, os.fstat(handle.fileno()).st_size))
    try:
        record = json.loads(content)
        seal = record.pop(_SEAL)
        whole = seal == content_key(record)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        whole = False
    if not whole:
        raise DamagedError(f"{path}: the record does not match its own hash; run `necrozma verify --repair`")
    return dict(record)
