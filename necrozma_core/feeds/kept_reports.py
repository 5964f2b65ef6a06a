"""Data reports made once for every year's file and kept beside the ticks; an import has only its years looked at."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress

from necrozma_core.errors import DamagedError, StorageError
from necrozma_core.feeds.data_report import DataReport, day_of, record_of, report_of
from necrozma_core.feeds.days import DayReport, report_days
from necrozma_core.feeds.quarantine import count_set_aside
from necrozma_core.market.instruments import get_pair
from necrozma_core.market.ticks import Ticks
from necrozma_core.storage.ticks.manifest import TickManifest, YearFile
from necrozma_core.storage.ticks.quality import Days, Quality, publish_quality, read_days, read_quality
from necrozma_core.storage.ticks.store import TickStore

YearSpan = tuple[int, int, int]
"""What tells whether a year's file holds just the ticks that were looked at: their number, first and last time."""


def report_stored(
    store: TickStore, pair_name: str, seen: Mapping[YearSpan, list[DayReport]] | None = None
) -> DataReport:
    """Return the report of a pair's stored ticks; days that were looked at before are not read again.

    It is kept beside the ticks, where the folder can be written.

    Parameters
    ----------
    store : TickStore
    pair_name : str
    seen : mapping of YearSpan to list of DayReport, optional
        The days of years that an import has in its hands.

    Raises
    ------
    DataError
        The pair has no ticks here.
    DamagedError
        A file is not what was stored.
    StorageError
        A file cannot be read.
    """
    folder = store.data_dir / store.manifest(pair_name).pair
    kept = _days_of_years(read_days(folder))

    def look(
        manifest: TickManifest, read: Callable[[YearFile], Iterator[Ticks]]
    ) -> tuple[TickManifest, dict[str, list[DayReport]]]:
        return manifest, {
            year.sha256: kept.get(year.sha256)
            or (seen or {}).get((year.ticks, year.first_ms, year.last_ms))
            or list(report_days(read(year)))
            for year in manifest.years
        }

    manifest, years = store.scan_years(pair_name, look)
    pair = get_pair(manifest.pair)
    days = [day for of_year in years.values() for day in of_year]
    report = report_of(pair, manifest.digits, days, count_set_aside(folder))
    fingerprint = manifest.fingerprint()
    if years.keys() - kept.keys() or read_quality(folder, fingerprint) is None:
        records = {sha256: [record_of(day) for day in found] for sha256, found in years.items()}
        # It can be made again: a data folder that is only read is no error.
        with suppress(StorageError):
            publish_quality(folder, _short(report, fingerprint), records)
    return report


def quality_of(store: TickStore, pair_name: str) -> Quality | None:
    """Make and keep a pair's report, and return it in short; None where its ticks cannot be read."""
    try:
        report, fingerprint = report_stored(store, pair_name), store.manifest(pair_name).fingerprint()
    except (DamagedError, StorageError):
        return None
    return _short(report, fingerprint)


def _short(report: DataReport, fingerprint: str) -> Quality:
    return Quality(fingerprint, report.digest(), tuple(finding.text for finding in report.findings))


def _days_of_years(years: Mapping[str, Days]) -> dict[str, list[DayReport]]:
    try:
        return {sha256: [day_of(record) for record in records] for sha256, records in years.items()}
    except (TypeError, ValueError, KeyError, AttributeError):
        return {}
