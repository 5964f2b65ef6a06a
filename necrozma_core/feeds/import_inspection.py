"""What an import says of its ticks: what does not fit the stored crosses is refused, what is doubtful is named."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from itertools import pairwise
from typing import Final

from necrozma_core.errors import DamagedError, StorageError
from necrozma_core.feeds.days import DayReport, report_days
from necrozma_core.feeds.inspection import Doubt, Finding, find_doubts
from necrozma_core.feeds.kept_reports import YearSpan, report_stored
from necrozma_core.feeds.plausibility import check_crosses, check_doubles
from necrozma_core.market.instruments import Pair
from necrozma_core.market.ticks import Ticks
from necrozma_core.storage.ticks.manifest import Source
from necrozma_core.storage.ticks.spans import by_year
from necrozma_core.storage.ticks.store import TickStore

_NAMED_FILES: Final = 20
"""Of more files, such as a year of hours, a finding names its time and not its file: to look at each alone would take
longer than to read it."""


class ImportInspection:
    """Looks at what an import brings, and then at all that is stored of the pair.

    Parameters
    ----------
    pair : Pair
    store : TickStore
        That the ticks go to.

    Attributes
    ----------
    lacks : tuple of str
        What all that is stored lacks, a sentence each.
    """

    def __init__(self, pair: Pair, store: TickStore) -> None:
        self.lacks: tuple[str, ...] = ()
        self._pair = pair
        self._store = store
        self._findings: list[tuple[Finding, str]] = []
        self._seen: dict[YearSpan, list[DayReport]] = {}
        self._stored: dict[str, Sequence[DayReport]] = {}

    @property
    def findings(self) -> tuple[str, ...]:
        """What is doubtful and where, a line each, the worst first."""
        kinds = list(Doubt)
        ordered = sorted(self._findings, key=lambda found: (kinds.index(found[0].doubt), -found[0].count))
        return tuple(f"{where}: {finding.text}" for finding, where in ordered)

    def look(self, segments: Sequence[tuple[Source, Ticks]]) -> None:
        """Look at what is to be stored, file by file where they are few.

        Raises
        ------
        DataError
            It does not fit what is stored of two other pairs, or is what is stored of another.
        """
        ordered = sorted(segments, key=lambda segment: int(segment[1].time_ms[0]))
        if len(ordered) > _NAMED_FILES and _follow_each_other(ticks for _, ticks in ordered):
            self._look([ticks for _, ticks in ordered], f"{len(ordered):,} files")
            return
        for source, ticks in segments:
            self._look([ticks], source.name)

    def look_at_whole(self) -> None:
        """Make the report of all that is stored of the pair by now, and note what only all of it shows."""
        # What cannot be looked at will be said when it is read: it is stored.
        with suppress(DamagedError, StorageError):
            report = report_stored(self._store, self._pair.name, self._seen)
            named = {finding.doubt for finding, _ in self._findings}
            where = f"{self._pair.name}, all that is stored"
            self._findings += [(finding, where) for finding in report.findings if finding.doubt not in named]
            self.lacks = tuple(report.lacks())

    def _look(self, pieces: Sequence[Ticks], name: str) -> None:
        by_years: dict[int, list[Ticks]] = {}
        for ticks in pieces:
            for year, part in by_year(ticks):
                by_years.setdefault(year, []).append(part)
        days: list[DayReport] = []
        for parts in by_years.values():
            span = sum(map(len, parts)), int(parts[0].time_ms[0]), int(parts[-1].time_ms[-1])
            self._seen[span] = list(report_days(parts))
            days += self._seen[span]
        check_doubles(self._pair, days, self._days_of, name)
        check_crosses(self._pair, days, self._days_of, name)
        digits = max(ticks.digits for ticks in pieces)
        self._findings += [(finding, name) for finding in find_doubts(days, self._pair, digits)]

    def _days_of(self, pair_name: str) -> Sequence[DayReport]:
        """Return the stored days of another pair; what is damaged has none, and is told when it is read."""
        if not self._stored:
            self._stored = dict.fromkeys(self._store.pairs(), ())
        if pair_name in self._stored and not self._stored[pair_name]:
            with suppress(DamagedError, StorageError):
                self._stored[pair_name] = report_stored(self._store, pair_name).days
        return self._stored.get(pair_name, ())


def _follow_each_other(parts: Iterable[Ticks]) -> bool:
    ends = [(int(ticks.time_ms[0]), int(ticks.time_ms[-1])) for ticks in parts]
    return all(last <= first for (_, last), (first, _) in pairwise(ends))
