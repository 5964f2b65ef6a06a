"""Which format a file has, told by its content."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from necrozma_core.errors import DataError
from necrozma_core.feeds.formats.exness import is_exness, read_exness
from necrozma_core.feeds.formats.generic import read_csv, read_parquet
from necrozma_core.feeds.reading.delimited import read_header
from necrozma_core.feeds.reading.files import Container, open_file
from necrozma_core.feeds.reading.rows import RowStream
from necrozma_core.market.instruments import Pair
from necrozma_core.storage.disk.errors import disk_errors


@contextmanager
def open_source(path: Path, pair: Pair, zone: str | None) -> Iterator[RowStream]:
    """Open a file of ticks by whatever of the known formats it has.

    Parameters
    ----------
    path : Path
        CSV, a zip with one CSV, or Parquet.
    pair : Pair
    zone : str or None
        Of times that carry none.

    Yields
    ------
    RowStream
        To be read within the block.

    Raises
    ------
    DataError
        It has none of the formats, or changed while it was read.
    StorageError
        It cannot be read.
    """
    source = str(path)
    with disk_errors("read", path):
        before = _state(path)
        with open_file(path) as (container, stream):
            if container is Container.PARQUET:
                yield read_parquet(stream, path.stat().st_size, source, zone)
            else:
                header = read_header(stream, source)
                if is_exness(header):
                    yield read_exness(stream, header, source, pair, zone)
                else:
                    yield read_csv(stream, source, zone)
        if _state(path) != before:
            raise DataError(f"{source}: the file changed while it was read; import it once it is complete")


def _state(path: Path) -> tuple[int, int, int]:
    status = path.stat()
    return status.st_ino, status.st_size, status.st_mtime_ns
