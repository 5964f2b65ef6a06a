"""What a pair's stored ticks are like, day by day, and a verdict in words."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Final

import numpy as np

from necrozma_core.feeds.days import DayReport, join_days, report_days
from necrozma_core.feeds.inspection import Doubt, Finding, find_doubts
from necrozma_core.market.holidays import holidays, is_closed, open_between
from necrozma_core.market.instruments import Pair
from necrozma_core.market.ticks import Ticks
from necrozma_core.storage.disk.sealed import JSON, content_key
from necrozma_core.storage.ticks.manifest import format_span
from necrozma_core.storage.ticks.summary import GAP_MS

_RAW_SHARE: Final = 0.5
_MANY_GAPS: Final = 1.0
"""Gaps a day beyond which a feed is thin, or has holes."""
_MANY_MISSING: Final = 0.02
"""The share of trading days without a tick beyond which what is measured on the others says little of the whole."""
_THIN_DAY: Final = 0.1
"""A day with fewer than this share of the usual ticks lacks hours of them."""
_DAYS_NAMED: Final = 3


@dataclass(frozen=True, slots=True)
class DataReport:
    """A pair's ticks.

    Attributes
    ----------
    pair : str
    digits : int
        Decimals of the prices.
    days : tuple of DayReport
        In order, at least one.
    missing : tuple of numpy.datetime64
        Trading days between the first and the last that have no ticks and are no holidays.
    thin : tuple of numpy.datetime64
        Trading days with fewer than a tenth of the usual ticks; holidays and the two ends are none.
    findings : tuple of Finding
        What is doubtful, the worst first.
    set_aside : mapping of str to int
        Bad rows that the imports kept apart, by reason: crossed quotes among them, which are never stored.
    """

    pair: str
    digits: int
    days: tuple[DayReport, ...]
    missing: tuple[np.datetime64, ...]
    thin: tuple[np.datetime64, ...]
    findings: tuple[Finding, ...]
    set_aside: Mapping[str, int] = field(default_factory=dict)

    @property
    def ticks(self) -> int:
        """Ticks of all days."""
        return sum(day.ticks for day in self.days)

    @property
    def span(self) -> str:
        """The first and the last time, for people."""
        return format_span(self.days[0].first_ms, self.days[-1].last_ms)

    @property
    def spread_pips(self) -> tuple[float, float, float]:
        """Medians of the days' median and 95 % spread, and the widest of all."""
        median, most, widest = np.array([day.spread_pips for day in self.days]).T
        return float(np.median(median)), float(np.median(most)), float(widest.max())

    @property
    def zero_share(self) -> float:
        """The share of ticks whose bid is their ask."""
        return sum(day.zero_spreads for day in self.days) / self.ticks

    @property
    def weekend_ticks(self) -> int:
        """Ticks of trading days that end on a Saturday or Sunday, when the market is closed."""
        return sum(day.ticks for day in self.days if day.is_weekend)

    @property
    def is_doubtful(self) -> bool:
        """Tell whether something should be looked at before these ticks are traded on."""
        return bool(self.findings)

    def digest(self) -> str:
        """Name the report by its content: sha256, 64 hex digits. Rows set aside are not of the ticks."""
        return content_key(
            {
                "pair": self.pair,
                "days": [record_of(day) for day in self.days],
                "findings": [[finding.doubt, finding.count, finding.text] for finding in self.findings],
            }
        )

    def verdict(self) -> Iterator[str]:
        """Say what the ticks are like, the worst first, a sentence each."""
        yield from (f"Doubtful: {finding.text}." for finding in self.findings)
        yield from self.lacks()
        if repeated := sum(day.repeated for day in self.days):
            repeat = "tick repeats" if repeated == 1 else "ticks repeat"
            yield f"{repeated:,} {repeat} the one before in time and prices."
        for reason, count in self.set_aside.items():
            were = "row was" if count == 1 else "rows were"
            yield f"{count:,} {were} set aside when imported: {reason}."
        if self.zero_share > _RAW_SHARE:
            share = 100 * self.zero_share
            yield f"{share:.0f} % of the ticks have no spread: a raw feed, whose costs are the commission."
        if not self.is_doubtful:
            yield "Nothing doubtful."

    def lacks(self) -> Iterator[str]:
        """Say where ticks are missing, a sentence each."""
        gaps, days = sum(day.gaps for day in self.days), len(self.days)
        if gaps > _MANY_GAPS * days:
            longest = max(day.longest_gap_ms for day in self.days) / 3_600_000
            yield f"Thin: {gaps:,} gaps of more than ten minutes in {days:,} days, the longest {longest:.1f} hours."
        if self.missing and not any(finding.doubt is Doubt.MISSING for finding in self.findings):
            yield f"Missing: {_named(self.missing)} without a tick."
        if self.thin:
            yield f"Thin: {_named(self.thin)} with fewer than a tenth of the usual ticks."


def report_data(ticks: Ticks) -> DataReport:
    """Look at ticks, at least one, day by day."""
    return report_of(ticks.pair, ticks.digits, report_days([ticks]))


def report_of(
    pair: Pair, digits: int, days: Iterable[DayReport], set_aside: Mapping[str, int] | None = None
) -> DataReport:
    """Put days together to a report.

    Parameters
    ----------
    pair : Pair
    digits : int
        Decimals of the prices.
    days : iterable of DayReport
        In order, at least one; two parts of one day follow each other.
    set_aside : mapping of str to int, optional
        Rows that the imports kept apart, by reason.
    """
    joined = _with_gaps_before(_joined(days), pair)
    missing = _missing(joined, pair)
    findings = [*find_doubts(joined, pair, digits)]
    if len(missing) > _MANY_MISSING * (len(joined) + len(missing)):
        findings.append(Finding(Doubt.MISSING, len(missing), f"{_named(missing)} without a tick"))
    return DataReport(pair.name, digits, joined, missing, _thin(joined, pair), tuple(findings), set_aside or {})


def _joined(days: Iterable[DayReport]) -> list[DayReport]:
    joined: list[DayReport] = []
    for day in days:
        if joined and joined[-1].day == day.day:
            joined[-1] = join_days(joined[-1], day)
        else:
            joined.append(day)
    return joined


def _with_gaps_before(days: Sequence[DayReport], pair: Pair) -> tuple[DayReport, ...]:
    """Add to each day the gap between the day before and its first tick."""
    lasts = np.array([day.last_ms for day in days[:-1]], dtype=np.int64)
    firsts = np.array([day.first_ms for day in days[1:]], dtype=np.int64)
    opened = open_between(lasts, firsts, is_metal=pair.is_metal).tolist()
    return (
        days[0],
        *(
            replace(day, gaps=day.gaps + 1, longest_gap_ms=max(day.longest_gap_ms, gap)) if gap > GAP_MS else day
            for day, gap in zip(days[1:], opened, strict=True)
        ),
    )


def _missing(days: Sequence[DayReport], pair: Pair) -> tuple[np.datetime64, ...]:
    there = {day.day for day in days}
    every = np.arange(days[0].day, days[-1].day)
    return tuple(day for day in every if day not in there and not is_closed(day.astype(object), is_metal=pair.is_metal))


def _thin(days: Sequence[DayReport], pair: Pair) -> tuple[np.datetime64, ...]:
    usual = [day for day in days[1:-1] if not day.is_weekend and not _is_holiday(day, pair)]
    if not usual:
        return ()
    least = _THIN_DAY * float(np.median([day.ticks for day in usual]))
    return tuple(day.day for day in usual if day.ticks < least)


def _is_holiday(day: DayReport, pair: Pair) -> bool:
    date = day.day.astype(object)
    return date in holidays(date.year, is_metal=pair.is_metal)


def _named(days: Sequence[np.datetime64]) -> str:
    more = len(days) - _DAYS_NAMED
    names = ", ".join(str(day) for day in days[:_DAYS_NAMED]) + (f" and {more:,} more" if more > 0 else "")
    return f"{len(days):,} trading {'day' if len(days) == 1 else 'days'} ({names})"


def record_of(day: DayReport) -> dict[str, JSON]:
    """Write a day as JSON has it."""
    return {**asdict(day), "day": str(day.day)}


def day_of(record: Mapping[str, JSON]) -> DayReport:
    """Read a day that `record_of` wrote.

    Raises
    ------
    TypeError, ValueError
        It is none.
    """
    values = {name: tuple(value) if isinstance(value, list) else value for name, value in record.items()}
    return DayReport(**{**values, "day": np.datetime64(str(record["day"]), "D")})  # type: ignore[arg-type]
