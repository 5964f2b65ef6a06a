"""What the data reports say of a sweep's pairs: recorded with the run, and told where the data is doubtful."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from necrozma_core.backtest.request import PairRequest
from necrozma_core.errors import DamagedError, StorageError
from necrozma_core.storage.ticks.quality import Quality, read_quality
from necrozma_core.storage.ticks.store import TickStore

_MOST_TICKS: Final = 2_000_000
"""How many ticks a run's start looks at where their report is missing, a third of a second's worth; an import makes it,
and 0.3.0 did not."""


def find_reports(requests: Sequence[PairRequest]) -> dict[str, Quality | None]:
    """Return the data report of each pair in short; None where it is missing and would take long to make."""
    reports: dict[str, Quality | None] = {}
    left = _MOST_TICKS
    for request in sorted(requests, key=lambda request: request.pair):
        if request.bars_ms is not None:
            continue  # bars were checked as they were imported
        store = TickStore(request.data_dir)
        try:
            manifest = store.manifest(request.pair)
            quality = read_quality(store.data_dir / manifest.pair, manifest.fingerprint())
        except (DamagedError, StorageError):
            continue  # it will fail by itself when its turn comes
        if quality is None and manifest.ticks <= left:
            left -= manifest.ticks
            from necrozma_core.feeds.kept_reports import quality_of  # noqa: PLC0415 -- hardly a run needs it

            quality = quality_of(store, request.pair)
        reports[request.pair] = quality
    return reports


def recorded_reports(reports: Mapping[str, Quality | None]) -> dict[str, str]:
    """Return what a run's manifest says of the reports: their digests, by ``EURUSD report``."""
    return {f"{pair} report": quality.digest for pair, quality in reports.items() if quality is not None}


def doubt_lines(reports: Mapping[str, Quality | None], requests: Sequence[PairRequest]) -> Iterator[str]:
    """Warn of doubtful data, a line a pair, and of data that nobody has looked at, in one line."""
    if not requests:
        return
    folder = shlex.quote(str(requests[0].data_dir))
    for pair, quality in reports.items():
        if quality is not None and quality.doubts:
            more = f" (and {len(quality.doubts) - 1} more)" if len(quality.doubts) > 1 else ""
            yield (
                f"{pair}: the data is doubtful: {quality.doubts[0]}{more}; "
                f"`necrozma data check {pair} --data {folder}` shows all"
            )
    if unknown := [pair for pair, quality in reports.items() if quality is None]:
        whose = unknown[0] if len(unknown) == 1 else f"{len(unknown)} pairs"
        yield f"the data of {whose} was not checked yet: `necrozma data check --data {folder}` does, once"
