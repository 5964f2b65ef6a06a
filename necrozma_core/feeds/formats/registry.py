"""Which format a file has, told by its content."""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Final

from necrozma_core.errors import DataError, UsageError, nearest, shown
from necrozma_core.feeds.formats import dukascopy, exness, fxcm, histdata, lean, metatrader, named, truefx
from necrozma_core.feeds.formats.bars.recognition import recognise_bars
from necrozma_core.feeds.formats.bi5 import read_bi5
from necrozma_core.feeds.formats.hour_json import MOST_BYTES, read_hour_json
from necrozma_core.feeds.formats.layout import Head, Layout, read_head, read_layout
from necrozma_core.feeds.formats.named import mapped
from necrozma_core.feeds.formats.tables import OpenReading, read_feather, read_parquet
from necrozma_core.feeds.reading.crossed import Crossed
from necrozma_core.feeds.reading.files import Container, OpenedFile, open_file
from necrozma_core.feeds.reading.rows import RowStream
from necrozma_core.feeds.reading.times import TimeStyle
from necrozma_core.market.instruments import Pair
from necrozma_core.storage.disk.errors import disk_errors

FORMATS: Final[Mapping[str, ModuleType]] = {
    "exness": exness,
    "histdata": histdata,
    "dukascopy": dukascopy,
    "metatrader": metatrader,
    "truefx": truefx,
    "fxcm": fxcm,
    "lean": lean,
    "columns": named,
}
"""The layouts of text by what ``--format`` calls them; the general one is asked last."""

AUTO: Final = "auto"

UNITS: Final[Mapping[str, TimeStyle]] = {
    "s": TimeStyle.SECONDS,
    "ms": TimeStyle.MILLISECONDS,
    "us": TimeStyle.MICROSECONDS,
    "ns": TimeStyle.NANOSECONDS,
}
"""What ``--unit`` may say of whole numbers that are times."""


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """What the user says of files that do not say it themselves.

    Attributes
    ----------
    zone : str or None
        Of times that carry none.
    format : str
        ``auto``, or a name of `FORMATS`.
    columns : mapping of str to str or None
        Which column is the time, the bid, the ask.
    unit : str or None
        A name of `UNITS`: what whole numbers that are times count.
    crossed : str
        A `Crossed`: what becomes of quotes whose ask lies below their bid.
    """

    zone: str | None = None
    format: str = AUTO
    columns: Mapping[str, str] | None = None
    unit: str | None = None
    crossed: str = Crossed.REFUSE.value

    def check(self) -> None:
        """Refuse what cannot be.

        Raises
        ------
        UsageError
        """
        if self.format not in {AUTO, *FORMATS}:
            raise UsageError(f"--format {self.format[:40]}: {nearest(self.format, [AUTO, *FORMATS])}")
        if self.unit is not None and self.unit not in UNITS:
            raise UsageError(f"--unit {self.unit[:40]}: expected one of {', '.join(UNITS)}")
        Crossed.parse(self.crossed)
        if self.columns and self.format not in {AUTO, "columns"}:
            raise UsageError(f"--columns describes a file that --format {self.format} knows: give one of them")

    @property
    def style(self) -> TimeStyle | None:
        """How whole numbers are times; None where it was not said."""
        return UNITS[self.unit] if self.unit else None


@dataclass(frozen=True, slots=True, eq=False)
class OpenedSource:
    """A file of ticks whose format is known.

    Attributes
    ----------
    rows : RowStream
    format : str
        Whose files are so, for people.
    reason : str
        What showed it.
    """

    rows: RowStream
    format: str
    reason: str


@contextmanager
def open_source(path: Path, pair: Pair, options: ReadOptions, *, compiled: bool = False) -> Iterator[OpenedSource]:
    """Open a file of ticks by whatever of the known formats it has.

    Parameters
    ----------
    path : Path
        Text, plain or packed as gz, zip, xz or zst; Parquet, Feather, or Dukascopy's bi5 or JSON.
    pair : Pair
    options : ReadOptions
        Checked.
    compiled : bool
        As for `read_layout`.

    Yields
    ------
    OpenedSource
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
            opened = _open(file, path, pair, options, compiled)
            with closing(opened.rows):
                yield opened
        if _state(path) != before:
            raise DataError(f"{path}: the file changed while it was read; import it once it is complete")


def symbol_in(path: Path, options: ReadOptions) -> str | None:
    """Return what the first row of a file calls its pair; None where rows do not say it, or the file is no ticks.

    Raises
    ------
    StorageError
        It cannot be read.
    """
    with disk_errors("read", path), open_file(path) as file:
        if file.container is not Container.TEXT:
            return None
        head = read_head(file.stream, str(path), path, file.name)
        try:
            bars = recognise_bars(head, options.format, options.columns, options.style)
            column = (bars or recognise(head, options)).symbol
        except DataError:  # what is wrong with it will be said when it is read
            return None
        return next(iter(head.cells(column)), None) if column is not None else None


def _open(file: OpenedFile, path: Path, pair: Pair, options: ReadOptions, compiled: bool) -> OpenedSource:
    source = str(path)
    if file.container is Container.BI5:
        return OpenedSource(read_bi5(file.stream.read(), path, pair), "Dukascopy hour", "the name ends in .bi5; UTC")
    if file.container is Container.JSON:
        rows = read_hour_json(file.stream.read(MOST_BYTES + 1), path)
        return OpenedSource(rows, "Dukascopy hour", "JSON with times, bids and asks as steps; UTC")
    if file.container is Container.TEXT:
        head = read_head(file.stream, source, path, file.name)
        if not any(any(row) for row in head.rows):
            return OpenedSource(RowStream((), (0, 0, 0), iter(())), "nothing", "the file is empty")
        layout = recognise(head, options)
        rows = read_layout(file.stream, layout, source, pair, options.zone, compiled=compiled)
        return OpenedSource(rows, layout.format, layout.reason)
    open_reading = OpenReading(source, pair, options.zone, options.style, options.columns)
    if file.container is Container.PARQUET:
        rows = read_parquet(file.stream, path.stat().st_size, open_reading)
    else:
        rows = read_feather(file.stream, open_reading)
    return OpenedSource(rows, file.container.value.capitalize(), f"columns called {', '.join(rows.header)}")


def recognise(head: Head, options: ReadOptions) -> Layout:
    """Tell the layout of a text.

    Raises
    ------
    DataError
        It has none that is known, or not the one that was asked for.
    UsageError
        The columns that were given are not there.
    """
    if options.columns:
        return _in_unit(mapped(head, options.columns), options)
    special = [module for name, module in FORMATS.items() if options.format in {AUTO, name} and module is not named]
    found: list[Layout] = [layout for module in special if (layout := module.recognise(head)) is not None]
    if not found and options.format in {AUTO, named.FORMAT}:
        found = [layout for layout in [named.recognise(head)] if layout is not None]
    if len(found) > 1:
        raise DataError(
            f"{head.source}: could be {' or '.join(layout.format for layout in found)}; say which with --format"
        )
    if found:
        return _in_unit(found[0], options)
    if options.format != AUTO:
        raise DataError(f"{head.source}: is not of the format {options.format}: its first line is {_first_line(head)}")
    if head.has_header or not head.rows:
        named.find_columns(head.names, head.source, head.header)
    raise DataError(
        f"{head.source}: expected a header with the columns timestamp, bid, ask, or a known format without one, found "
        f"{_first_line(head)}; say which columns they are: --columns time=1,bid=2,ask=3"
    )


def _in_unit(layout: Layout, options: ReadOptions) -> Layout:
    return replace(layout, style=options.style) if options.style else layout


def _first_line(head: Head) -> str:
    line = head.delimiter.join(head.header)
    return f"{shown(line, 80)}" if line else "nothing"


def _state(path: Path) -> tuple[int, int, int]:
    status = path.stat()
    return status.st_ino, status.st_size, status.st_mtime_ns
