"""What is known of a pair's stored ticks: its files with their hashes, where they came from, what they are like."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np

from necrozma_core.errors import DamagedError, StorageError, shown
from necrozma_core.market.instruments import get_pair
from necrozma_core.storage.disk.layer import DISK, FileLayer
from necrozma_core.storage.disk.sealed import content_key, publish_sealed, read_sealed
from necrozma_core.storage.ticks.summary import find_gaps, median_of_counts

MANIFEST_FILE: Final = "manifest.json"

_SCHEMA: Final = "ticks-manifest/1"
_YEAR_FILE: Final = re.compile(r"\d{4}-[0-9a-f]{12}\.parquet", re.ASCII)


@dataclass(frozen=True, slots=True)
class Source:
    """Where ticks come from.

    Attributes
    ----------
    name : str
        The file's name, for people.
    sha256 : str
        Of its content, 64 hex digits. Together with the zone it decides whether the source is stored already.
    zone : str or None
        The zone its times were taken to be in, where they carry none.
    swapped : int
        Rows whose ask lay below the bid, and whose bid and ask were exchanged.
    """

    name: str
    sha256: str
    zone: str | None = None
    swapped: int = 0

    @property
    def identity(self) -> tuple[str, str | None]:
        """What tells whether the source is stored: the hash and the zone."""
        return self.sha256, self.zone


@dataclass(frozen=True, slots=True)
class StoredSource:
    """A source, how many ticks it added, and the first and last time of its ticks (UTC milliseconds).

    Of ``swapped`` rows of it bid and ask were exchanged; a source without such rows does not say it in the file.
    """

    name: str
    sha256: str
    zone: str | None
    ticks: int
    first_ms: int
    last_ms: int
    swapped: int = 0

    @property
    def span(self) -> str:
        """The span for people, to the second."""
        return format_span(self.first_ms, self.last_ms)


_SOURCE_FIELDS: Final = tuple(field.name for field in fields(StoredSource))


@dataclass(frozen=True, slots=True)
class YearFile:
    """One year's file.

    Attributes
    ----------
    year : int
    file : str
        Its name in the pair's folder, which holds the start of its hash.
    size : int
        Bytes.
    sha256 : str
    ticks, digits : int
    highest : int
        The largest price, points.
    first_ms, last_ms : int
        Milliseconds since 1970 UTC.
    gaps, longest_gap_ms : int
        See `find_gaps`.
    spreads : mapping of int to int
        Points to how often they occur.
    """

    year: int
    file: str
    size: int
    sha256: str
    ticks: int
    digits: int
    highest: int
    first_ms: int
    last_ms: int
    gaps: int
    longest_gap_ms: int
    spreads: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class PairSummary:
    """A pair's stored ticks at a glance.

    Attributes
    ----------
    pair : str
    ticks : int
    digits : int
        Decimals of the prices.
    first_ms, last_ms : int
        Milliseconds since 1970 UTC.
    gaps : int
        How often the open market was silent for more than ten minutes, see `find_gaps`.
    longest_gap_ms : int
        Open market in the longest of them; 0 where there is none.
    median_spread_pips : float
    size : int
        Bytes on the disk.
    sources : int
        How many files they came from.
    """

    pair: str
    ticks: int
    digits: int
    first_ms: int
    last_ms: int
    gaps: int
    longest_gap_ms: int
    median_spread_pips: float
    size: int
    sources: int


@dataclass(frozen=True, slots=True)
class TickManifest:
    """Which files make up a pair's ticks, oldest first, and which sources they hold, oldest first."""

    pair: str
    years: tuple[YearFile, ...] = ()
    sources: tuple[StoredSource, ...] = ()

    @property
    def ticks(self) -> int:
        """Ticks of all years."""
        return sum(year.ticks for year in self.years)

    @property
    def digits(self) -> int:
        """Decimals of the finest year, to which the others are raised when they are read."""
        return max(year.digits for year in self.years)

    def known(self) -> frozenset[tuple[str, str | None]]:
        """Return the hash and the zone of every source that is stored; a source of both is the same one."""
        return frozenset((stored.sha256, stored.zone) for stored in self.sources)

    def fingerprint(self) -> str:
        """Name the ticks by their content: sha256, 64 hex digits, over the hashes of the years' files."""
        return content_key({"pair": self.pair, "years": [year.sha256 for year in self.years]})

    def until(self, to_ms: int | None) -> "TickManifest":
        """Return what has to be read for the ticks before a time: years that begin before it, and at least one."""
        if to_ms is None:
            return self
        years = tuple(year for year in self.years if year.first_ms < to_ms) or self.years[:1]
        return TickManifest(self.pair, years, self.sources)

    def summary(self) -> PairSummary:
        """Put the years together."""
        first, last, pair = self.years[0], self.years[-1], get_pair(self.pair)
        between = [
            find_gaps(np.array([before.last_ms, after.first_ms], dtype=np.int64), is_metal=pair.is_metal)
            for before, after in zip(self.years, self.years[1:], strict=False)
        ]
        spreads: dict[int, int] = {}
        for year in self.years:
            for points, count in year.spreads.items():
                raised = points * 10 ** (self.digits - year.digits)
                spreads[raised] = spreads.get(raised, 0) + count
        per_pip = float(pair.points_per_pip(self.digits))
        return PairSummary(
            pair=self.pair,
            ticks=self.ticks,
            digits=self.digits,
            first_ms=first.first_ms,
            last_ms=last.last_ms,
            gaps=sum(year.gaps for year in self.years) + sum(count for count, _ in between),
            longest_gap_ms=max([year.longest_gap_ms for year in self.years] + [longest for _, longest in between]),
            median_spread_pips=median_of_counts(spreads) / per_pip,
            size=sum(year.size for year in self.years),
            sources=len(self.sources),
        )

    def publish(self, folder: Path, *, files: FileLayer = DISK) -> None:
        """Make this the manifest of a pair's folder, in one step.

        Raises
        ------
        StorageError
            The disk does not take it; the older one is untouched.
        """
        years = [
            {**asdict(year), "spreads": [[points, count] for points, count in sorted(year.spreads.items())]}
            for year in self.years
        ]
        record: dict[str, Any] = {
            "schema": _SCHEMA,
            "pair": self.pair,
            "years": years,
            # There may be tens of thousands, an hour each.
            "sources": [_written(source) for source in self.sources],
        }
        publish_sealed(folder / MANIFEST_FILE, record, files=files)

    @classmethod
    def read(cls, folder: Path) -> "TickManifest":
        """Read the manifest of a pair's folder.

        Raises
        ------
        DamagedError
            It is not what was published.
        StorageError
            It cannot be read, or a later version of the program wrote it.
        """
        path = folder / MANIFEST_FILE
        try:
            record = read_sealed(path)
        except DamagedError as error:
            raise DamagedError(
                f"{path}: does not match its own hash; restore it, or remove {folder} and import its files again"
            ) from error
        try:
            if record["schema"] != _SCHEMA:
                found = record["schema"]
                raise StorageError(f"{path}: expected {_SCHEMA}, found {shown(found)}; use the version that wrote it")
            years = tuple(YearFile(**{**year, "spreads": dict(year["spreads"])}) for year in record["years"])
            manifest = cls(record["pair"], years, tuple(StoredSource(**source) for source in record["sources"]))
        except (KeyError, TypeError, ValueError) as error:
            raise DamagedError(f"{path}: expected {_SCHEMA}, found something else; import the pair again") from error
        if manifest.pair != folder.name or not years or not all(is_year_file(year.file) for year in years):
            raise DamagedError(f"{path}: does not describe {folder.name}; import the pair again")
        return manifest


def _written(source: StoredSource) -> dict[str, Any]:
    return {name: value for name in _SOURCE_FIELDS if (value := getattr(source, name)) or name != "swapped"}


def is_year_file(name: str) -> bool:
    """Tell whether a name is one that a year's file may have."""
    return _YEAR_FILE.fullmatch(name) is not None


def format_span(first_ms: int, last_ms: int) -> str:
    """Write two UTC times for people: ``2024-01-01 22:00:00 to 2024-01-31 21:59:59``."""
    first, last = (datetime.fromtimestamp(ms // 1000, UTC).strftime("%Y-%m-%d %H:%M:%S") for ms in (first_ms, last_ms))
    return f"{first} to {last}"
