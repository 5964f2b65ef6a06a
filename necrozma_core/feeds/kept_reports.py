"""Data reports made once for every year's file, and kept beside the ticks; an import has only its own years looked at."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress

from necrozma_core.errors import DamagedError, StorageError
from necrozma_core.feeds.data_report import DataReport, day_of, record_of, report_of
from necrozma_core.feeds.days import DayReport, report_days
from necrozma_core.feeds.quarantine import count_set_aside
from necrozma_core.market.instruments import get_pair
from necrozma_core.market.ticks import Ticks
from necrozma_core.storage.disk.sealed import JSON
from necrozma_core.storage.ticks.manifest import TickManifest, YearFile
from necrozma_core.storage.ticks.quality import Quality, publish_quality, read_days, read_quality
from necrozma_core.storage.ticks.store import TickStore


def report_stored(store: TickStore, pair_name: str) -> DataReport:
    """Return the report of a pair's stored ticks; days that were looked at before are not read again.

    It is kept beside the ticks, where the folder can be written.

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
        years = {year.sha256: kept.get(year.sha256) or list(report_days(read(year))) for year in manifest.years}
        return manifest, years

    manifest, years = store.scan_years(pair_name, look)
    pair = get_pair(manifest.pair)
    days = [day for of_year in years.values() for day in of_year]
    report = report_of(pair, manifest.digits, days, count_set_aside(folder))
    fingerprint = manifest.fingerprint()
    if years.keys() - kept.keys() or read_quality(folder, fingerprint) is None:
        quality = Quality(fingerprint, report.digest(), tuple(finding.text for finding in report.findings))
        records = {sha256: [record_of(day) for day in found] for sha256, found in years.items()}
        # It can be made again: a data folder that is only read is no error.
        with suppress(StorageError):
            publish_quality(folder, quality, records)
    return report


def quality_of(store: TickStore, pair_name: str, most_ticks: int) -> Quality | None:
    """Return the report in short, making it where it is missing and the pair has few ticks.

    Parameters
    ----------
    store : TickStore
    pair_name : str
    most_ticks : int
        More take seconds to read, and are left to `report_stored`.

    Returns
    -------
    Quality or None
        None where it is missing, or the ticks are damaged: who reads them will say so.
    """
    try:
        manifest = store.manifest(pair_name)
        folder, fingerprint = store.data_dir / manifest.pair, manifest.fingerprint()
        if quality := read_quality(folder, fingerprint):
            return quality
        if manifest.ticks > most_ticks:
            return None
        report = report_stored(store, pair_name)
    except (DamagedError, StorageError):
        return None
    return Quality(fingerprint, report.digest(), tuple(finding.text for finding in report.findings))


def _days_of_years(years: Mapping[str, list[Mapping[str, JSON]]]) -> dict[str, list[DayReport]]:
    try:
        return {sha256: [day_of(record) for record in records] for sha256, records in years.items()}
    except (TypeError, ValueError, KeyError, AttributeError):
        return {}
