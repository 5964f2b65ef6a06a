"""Bars at rest: ``<data>/<PAIR>/bars/<timeframe>/``, apart from the pair's ticks."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from necrozma_core.market.quote_bars import QuoteBars
from necrozma_core.storage.disk.layer import DISK, FileLayer


@dataclass(frozen=True, slots=True)
class BarsSummary:
    """What is stored of one pair at one timeframe, from its record alone.

    Attributes
    ----------
    pair : str
    timeframe_ms : int
    bars : int
    digits : int
    first_ms, last_ms : int
        Opening times of the first and the last bar, milliseconds since 1970 UTC.
    spread : str
        Where the spread is from, for people: ``bid and ask``, ``fixed 1 pip``, ``the file's own``.
    size_bytes : int
    """

    pair: str
    timeframe_ms: int
    bars: int
    digits: int
    first_ms: int
    last_ms: int
    spread: str
    size_bytes: int


class BarStore:
    """The bars of a data folder.

    Parameters
    ----------
    data_dir : Path
        One folder a pair; need not exist yet.
    files : FileLayer
        How the disk is written; tests put a failing one in its place.
    """

    def __init__(self, data_dir: Path, *, files: FileLayer = DISK) -> None:
        self.data_dir = data_dir
        self._files = files

    def pairs(self) -> list[str]:
        """Return the names of the pairs that have bars, sorted; none where the folder is missing."""
        return []

    def timeframes(self, pair_name: str) -> list[int]:
        """Return the timeframes that a pair has bars of, in milliseconds, the finest first; possibly none."""
        return []

    def summary(self, pair_name: str, timeframe_ms: int) -> BarsSummary:
        """Describe a pair's bars of one timeframe, from their record alone.

        Raises
        ------
        DataError
            There are none.
        DamagedError
            The record is not what was published.
        """
        raise NotImplementedError

    def fingerprint(self, pair_name: str, timeframe_ms: int) -> str:
        """Name a pair's bars by their content, without reading them; errors as `summary`."""
        raise NotImplementedError

    def read(self, pair_name: str, timeframe_ms: int, on_chunk: Callable[[int], None] | None = None) -> QuoteBars:
        """Read a pair's bars of one timeframe, compared with their hash before they are parsed.

        Raises
        ------
        DataError
            There are none.
        DamagedError
            A file is gone or is not what was stored.
        StorageError
            A file cannot be read.
        """
        raise NotImplementedError
