"""What was found out about a pair's ticks, kept beside them: a small file for every run, and the days behind it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from necrozma_core.errors import NecrozmaError
from necrozma_core.storage.disk.layer import DISK, FileLayer
from necrozma_core.storage.disk.sealed import JSON, publish_sealed, read_sealed

QUALITY_FILE: Final = "quality.json"
DAYS_FILE: Final = "quality-days.json"

SCHEMA: Final = "ticks-quality/1"
"""Raised when the report looks for something else: what an earlier rule found is then found anew."""


@dataclass(frozen=True, slots=True)
class Quality:
    """The report of a pair's ticks in short.

    Attributes
    ----------
    ticks : str
        The fingerprint of the ticks that were looked at.
    digest : str
        Of the whole report, sha256 as 64 hex digits.
    doubts : tuple of str
        What is doubtful, a line each.
    """

    ticks: str
    digest: str
    doubts: tuple[str, ...]


def read_quality(folder: Path, fingerprint: str) -> Quality | None:
    """Read a pair's report in short.

    Parameters
    ----------
    folder : Path
        The pair's.
    fingerprint : str
        Of its ticks now.

    Returns
    -------
    Quality or None
        None where there is none, where it is of other ticks, or where it cannot be read: it can be made again.
    """
    record = _read(folder / QUALITY_FILE)
    if record.get("ticks") != fingerprint:
        return None
    digest, doubts = record.get("digest"), record.get("doubts")
    if not isinstance(digest, str) or not isinstance(doubts, list):
        return None
    return Quality(fingerprint, digest, tuple(map(str, doubts)))


Days = list[dict[str, JSON]]
"""The days of a year's file, each as a record."""


def read_days(folder: Path) -> dict[str, Days]:
    """Read the days of a pair's years, by the hashes of their files; none where they cannot be read."""
    years: Any = _read(folder / DAYS_FILE).get("years")
    return years if isinstance(years, dict) else {}


def publish_quality(folder: Path, quality: Quality, years: Mapping[str, Days], *, files: FileLayer = DISK) -> None:
    """Keep a report: its days first, then what speaks of them.

    Raises
    ------
    StorageError
        The disk does not take it.
    """
    days: dict[str, JSON] = {sha256: list(of_year) for sha256, of_year in years.items()}
    publish_sealed(folder / DAYS_FILE, {"schema": SCHEMA, "years": days}, files=files)
    short: dict[str, JSON] = {
        "schema": SCHEMA,
        "ticks": quality.ticks,
        "digest": quality.digest,
        "doubts": list(quality.doubts),
    }
    publish_sealed(folder / QUALITY_FILE, short, files=files)


def _read(path: Path) -> dict[str, JSON]:
    if not path.exists():
        return {}
    try:
        record = read_sealed(path)
    except NecrozmaError:
        return {}
    return record if record.get("schema") == SCHEMA else {}
