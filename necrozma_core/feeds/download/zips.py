"""Zips of ticks looked through before they are kept: a page with an excuse is none, and neither is half a zip."""

from pathlib import Path
from typing import Final

from necrozma_core.errors import DataError, shown
from necrozma_core.feeds.reading.files import open_file
from necrozma_core.storage.disk.errors import disk_errors

MOST_BYTES: Final = 4 * 2**30
"""A month of gold at Exness takes some 200 MB."""

_CHUNK: Final = 1024 * 1024


def check_zip(path: Path, name: str) -> None:
    """Read a zip to its end, which compares what it holds with its checksums.

    Raises
    ------
    DataError
        It is no zip, or is damaged, or holds something else than one CSV.
    """
    with disk_errors("read", path):
        with path.open("rb") as file:
            start = file.read(40)
        if not start.startswith(b"PK"):
            text = " ".join(start.decode(errors="replace").split())
            raise DataError(f"{name}: expected a zip, found {shown(text, 40) if text else 'nothing'}")
        try:
            with open_file(path) as opened:
                while opened.stream.read(_CHUNK):
                    pass
        except DataError as error:
            # The file has another name while it is not whole.
            raise DataError(f"{name}: {str(error).removeprefix(f'{path}: ')}") from error
