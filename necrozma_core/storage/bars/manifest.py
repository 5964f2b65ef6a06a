"""What is known of a pair's stored bars of one timeframe: their file with its hash, and where they came from."""

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from necrozma_core.errors import DamagedError, StorageError, shown
from necrozma_core.storage.disk.layer import DISK, FileLayer
from necrozma_core.storage.disk.sealed import JSON, content_key, publish_sealed, read_sealed

MANIFEST_FILE: Final = "manifest.json"

PART: Final = "part"
"""Stands for the hash of a source of which only a part is stored."""

_SCHEMA: Final = "bars-manifest/1"
_BAR_FILE: Final = re.compile(r"[0-9a-f]{12}\.parquet", re.ASCII)


@dataclass(frozen=True, slots=True)
class BarSource:
    """Where bars come from.

    Attributes
    ----------
    name : str
        The file's name, or those of the two files of bid and ask; for people.
    sha256 : str
        Of its content, 64 hex digits. Together with zone and side it decides whether the source is stored already.
    zone : str or None
        The zone its times were taken to be in, where they carry none.
    side : str
        ``bid``, ``ask`` or ``mid``: what its one side was taken for; ``bid and ask`` where it has both.
    swapped : int
        Bars whose ask lay below the bid, and whose sides were exchanged.
    """

    name: str
    sha256: str
    zone: str | None = None
    side: str = "bid and ask"
    swapped: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class StoredBarSource:
    """A source, how many bars it added, and the opening times of its first and last bar (UTC milliseconds).

    Of ``swapped`` bars of it the sides were exchanged; a source without such bars does not say it in the file.
    """

    name: str
    sha256: str
    zone: str | None
    side: str
    bars: int
    first_ms: int
    last_ms: int
    swapped: int = 0


@dataclass(frozen=True, slots=True)
class BarManifest:
    """A pair's bars of one timeframe.

    Attributes
    ----------
    pair : str
    timeframe_ms : int
    spread : str
        Where the spread is from, for people; of all sources the same.
    file : str
        The name of the one file that counts, which holds the start of its hash.
    size : int
        Bytes.
    sha256 : str
    bars, digits : int
    first_ms, last_ms : int
        Opening times, milliseconds since 1970 UTC.
    sources : tuple of StoredBarSource
        In order of time.
    """

    pair: str
    timeframe_ms: int
    spread: str
    file: str
    size: int
    sha256: str
    bars: int
    digits: int
    first_ms: int
    last_ms: int
    sources: tuple[StoredBarSource, ...] = ()

    def holds(self, source: BarSource) -> bool:
        """Tell whether a source of the same content, read in the same way, is stored."""
        wanted = (source.sha256, source.zone, source.side)
        return any((stored.sha256, stored.zone, stored.side) == wanted for stored in self.sources)

    def fingerprint(self) -> str:
        """Name the bars by their content: sha256, 64 hex digits, over the hash of their file."""
        return content_key({"pair": self.pair, "timeframe_ms": self.timeframe_ms, "bars": self.sha256})

    def publish(self, folder: Path, *, files: FileLayer = DISK) -> None:
        """Make this the manifest of a timeframe's folder, in one step.

        Raises
        ------
        StorageError
            The disk does not take it; the older one is untouched.
        """
        bars = asdict(self)
        sources: list[JSON] = [
            {name: value for name, value in source.items() if value or name != "swapped"}
            for source in bars.pop("sources")
        ]
        # Apart, because the record's own seal is called sha256 too.
        publish_sealed(folder / MANIFEST_FILE, {"schema": _SCHEMA, "bars": bars, "sources": sources}, files=files)

    @classmethod
    def read(cls, folder: Path, pair_name: str, timeframe_ms: int) -> "BarManifest":
        """Read the manifest of a timeframe's folder.

        Raises
        ------
        DamagedError
            It is not what was published, or another pair's or timeframe's.
        StorageError
            It cannot be read, or a later version of the program wrote it.
        """
        path = folder / MANIFEST_FILE
        again = f"restore it, or remove {folder} and import its files again"
        try:
            record = read_sealed(path)
        except DamagedError as error:
            raise DamagedError(f"{path}: does not match its own hash; {again}") from error
        try:
            found = record.pop("schema")
            if found != _SCHEMA:
                raise StorageError(f"{path}: expected {_SCHEMA}, found {shown(found)}; use the version that wrote it")
            sources = tuple(StoredBarSource(**source) for source in record.pop("sources"))
            manifest = cls(**record.pop("bars"), sources=sources)
        except (KeyError, TypeError, ValueError) as error:
            raise DamagedError(f"{path}: expected {_SCHEMA}, found something else; {again}") from error
        if (manifest.pair, manifest.timeframe_ms) != (pair_name, timeframe_ms) or not is_bar_file(manifest.file):
            raise DamagedError(f"{path}: does not describe the bars of {folder}; {again}")
        return manifest


def is_bar_file(name: str) -> bool:
    """Tell whether a name is one that a file of bars may have."""
    return _BAR_FILE.fullmatch(name) is not None


def in_order(stored: Sequence[StoredBarSource], added: Sequence[StoredBarSource]) -> tuple[StoredBarSource, ...]:
    """Sort sources by their spans."""
    return tuple(sorted([*stored, *added], key=lambda source: (source.first_ms, source.last_ms, source.sha256)))


def cut_sources(sources: Sequence[StoredBarSource], from_ms: int, to_ms: int) -> tuple[StoredBarSource, ...]:
    """Record that the bars in ``[from_ms, to_ms)`` are gone.

    A source that has lost some is no longer known by its content, so that it can be imported again. What is left of it
    still covers its span.
    """
    left = []
    for source in sources:
        if source.last_ms < from_ms or source.first_ms >= to_ms:
            left.append(source)
            continue
        for first_ms, last_ms in ((source.first_ms, from_ms - 1), (to_ms, source.last_ms)):
            if source.first_ms <= first_ms <= last_ms <= source.last_ms:
                left.append(StoredBarSource(source.name, PART, source.zone, source.side, 0, first_ms, last_ms))
    return tuple(left)
