"""Files of bars told from files of ticks by their content, and opened by whatever of the known formats they have."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from necrozma_core.errors import DataError, shown
from necrozma_core.feeds.formats.bars.layout import BarBatch, BarLayout, read_bar_layout
from necrozma_core.feeds.formats.bars.named import names_bars
from necrozma_core.feeds.formats.bars.recognition import maps_bars, recognise_bars
from necrozma_core.feeds.formats.bars.tables import read_bar_tables, table_names
from necrozma_core.feeds.formats.layout import read_head
from necrozma_core.feeds.formats.registry import ReadOptions
from necrozma_core.feeds.reading.files import Container, OpenedFile, open_file
from necrozma_core.market.instruments import Pair
from necrozma_core.storage.disk.errors import disk_errors


@dataclass(frozen=True, slots=True, eq=False)
class OpenedBars:
    """A file of bars whose format is known.

    Attributes
    ----------
    layout : BarLayout
    batches : iterator of BarBatch
    """

    layout: BarLayout
    batches: Iterator[BarBatch]


def split_files(files: Sequence[Path], options: ReadOptions) -> tuple[list[Path], list[Path]]:
    """Tell which files are bars; what is neither counts as ticks, whose import says what is wrong with it.

    Parameters
    ----------
    files : sequence of Path
    options : ReadOptions
        Checked.

    Returns
    -------
    tuple of (list of Path, list of Path)
        Bars, and the others.
    """
    bars = [path for path in files if holds_bars(path, options)]
    return bars, [path for path in files if path not in bars]


def holds_bars(path: Path, options: ReadOptions) -> bool:
    """Tell whether a file is one of bars; one that cannot be read at all is none."""
    try:
        with disk_errors("read", path), open_file(path) as file:
            if file.container is Container.BI5:
                return False
            if options.columns:
                return maps_bars(options.columns)
            if file.container is not Container.TEXT:
                return names_bars([name.lower() for name in table_names(file.stream, file.container)])
            head = read_head(file.stream, str(path), path, file.name)
    except DataError:
        return False
    try:
        return recognise_bars(head, options.format, options.columns, options.style) is not None
    except DataError:  # bars of which something is not clear: their import will say it
        return True


@contextmanager
def open_bars(path: Path, pair: Pair, options: ReadOptions) -> Iterator[OpenedBars]:
    """Open a file of bars by whatever of the known formats it has.

    Parameters
    ----------
    path : Path
        Text, plain or packed as gz, zip, xz or zst; Parquet or Feather.
    pair : Pair
    options : ReadOptions
        Checked.

    Yields
    ------
    OpenedBars
        To be read within the block.

    Raises
    ------
    DataError
        It has none of the formats, or changed while it was read.
    StorageError
        It cannot be read.
    """
    with disk_errors("read", path):
        before = _state(path)
        with open_file(path) as file:
            yield _open(file, path, pair, options)
        if _state(path) != before:
            raise DataError(f"{path}: the file changed while it was read; import it once it is complete")


def _open(file: OpenedFile, path: Path, pair: Pair, options: ReadOptions) -> OpenedBars:
    source = str(path)
    if file.container is Container.BI5:
        raise DataError(f"{source}: expected bars, found an hour of Dukascopy's ticks; import it without --spread")
    if file.container is not Container.TEXT:
        size = path.stat().st_size
        layout, batches = read_bar_tables(
            file.stream, file.container, size, source, pair, options.zone, options.style, options.columns
        )
        return OpenedBars(layout, batches)
    head = read_head(file.stream, source, path, file.name)
    found = recognise_bars(head, options.format, options.columns, options.style)
    if found is None:
        line = shown(head.delimiter.join(head.header), 80)
        raise DataError(
            f"{source}: expected bars with the columns time, open, high, low, close, found {line}; say which columns "
            "they are: --columns time=1,open=2,high=3,low=4,close=5"
        )
    return OpenedBars(found, read_bar_layout(file.stream, found, source, pair, options.zone))


def _state(path: Path) -> tuple[int, int, int]:
    status = path.stat()
    return status.st_ino, status.st_size, status.st_mtime_ns
