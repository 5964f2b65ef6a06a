"""Gaps, spreads and what a pair's years come to, by hand and by counting."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from necrozma_core.market.instruments import get_pair
from necrozma_core.market.ticks import Ticks
from necrozma_core.storage.ticks.store import TickStore
from necrozma_core.storage.ticks.summary import count_spreads, find_gaps, median_of_counts

MINUTE_MS = 60_000


def times_of(*texts: str) -> np.ndarray:
    return np.array(texts, dtype="datetime64[ms]").astype(np.int64)


@pytest.mark.parametrize(
    ("before", "after", "open_minutes"),
    [
        ("2024-01-17T12:00", "2024-01-17T12:10", 0),  # ten minutes are none yet
        ("2024-01-17T12:00", "2024-01-17T12:11", 11),
        ("2024-01-19T21:59", "2024-01-21T22:05", 0),  # a weekend in winter: New York is UTC-5
        ("2024-07-19T20:59", "2024-07-21T21:05", 0),  # and in summer
        ("2024-03-08T21:59", "2024-03-10T21:05", 0),  # over the weekend on which the clocks change
        ("2024-11-01T20:59", "2024-11-03T22:05", 0),
        ("2024-01-19T21:30", "2024-01-22T00:00", 30 + 60),  # half an hour before it; Sunday's roll hour is closed too
        ("2024-01-17T21:59", "2024-01-17T23:00", 0),  # the roll
        ("2024-01-17T21:30", "2024-01-17T23:30", 30 + 30),
        ("2024-01-17T12:00", "2024-01-24T12:00", 5 * 23 * 60),  # a week: five days without their roll hours
        ("2024-12-24T21:00", "2024-12-26T00:00", 60),  # Christmas, from the eve's 18:00 UTC on
        ("2024-12-24T17:00", "2024-12-26T00:00", 60 + 60),
        ("2024-12-31T12:00", "2025-01-02T12:00", 6 * 60 + 13 * 60),  # New Year
        ("2024-03-29T15:00", "2024-03-31T22:00", 60),  # Good Friday ends at 16:00 UTC
    ],
)
def test_gap_is_open_market_without_a_quote(before: str, after: str, open_minutes: int) -> None:
    expected = (1, open_minutes * MINUTE_MS) if open_minutes else (0, 0)

    assert find_gaps(times_of(before, after)) == expected
    assert find_gaps(times_of("2024-01-01T12:00", before, after, "2025-12-31T12:00"))[0] == bool(open_minutes) + 2


def test_gaps_are_counted_and_the_longest_measured() -> None:
    series = times_of(
        "2024-01-17T10:00", "2024-01-17T10:30", "2024-01-17T10:35", "2024-01-17T11:35", "2024-01-17T11:45"
    )

    assert find_gaps(series) == (2, 60 * MINUTE_MS)
    assert find_gaps(series[:1]) == find_gaps(series[:0]) == (0, 0)


CLOSED = {"2023-01-01", "2023-12-25", "2024-01-01", "2024-12-25", "2025-01-01"}
EARLY = {"12-24": 13, "12-31": 13, "2023-04-07": 12, "2024-03-29": 12}


def closed(moment: datetime) -> bool:
    """Tell whether the market is closed in the minute that starts then; by the clock of New York."""
    local = moment.astimezone(ZoneInfo("America/New_York"))
    weekday, hour, today = local.weekday(), local.hour, local.date().isoformat()
    tomorrow = (local.date() + timedelta(days=1)).isoformat()
    if (tomorrow if hour >= 17 else today) in CLOSED:
        return True
    if EARLY.get(today, EARLY.get(today[5:], 17)) <= hour < 17:
        return True
    return weekday == 5 or (weekday == 4 and hour >= 17) or (weekday == 6 and hour < 17) or hour == 17


@given(st.datetimes(min_value=datetime(2023, 1, 1), max_value=datetime(2025, 1, 1)), st.integers(0, 14 * 24 * 60))
def test_gap_of_any_span_agrees_with_counting_its_minutes(start: datetime, minutes: int) -> None:
    first = start.replace(second=0, microsecond=0, tzinfo=UTC)
    span = [int(moment.timestamp()) * 1000 for moment in (first, first + timedelta(minutes=minutes))]
    open_minutes = sum(not closed(first + timedelta(minutes=minute)) for minute in range(minutes))

    assert find_gaps(np.array(span, dtype=np.int64)) == ((1, open_minutes * MINUTE_MS) if open_minutes > 10 else (0, 0))


@given(st.lists(st.integers(0, 70_000), min_size=1, max_size=60))
def test_median_of_counted_spreads_is_the_median(spreads: list[int]) -> None:
    bid = np.full(len(spreads), 5, dtype=np.int32)

    counts = count_spreads(bid, bid + np.array(spreads, dtype=np.int32))

    assert sum(counts.values()) == len(spreads)
    assert median_of_counts(counts) == np.median(np.minimum(spreads, 65_535))


def test_summary_puts_years_together(tmp_path: Path) -> None:
    store = TickStore(tmp_path)
    time_ms = times_of("2024-12-31T12:00", "2024-12-31T12:30", "2025-01-02T12:00", "2025-01-02T12:01")
    bid = np.full(4, 108_500, dtype=np.int32)
    store.write(Ticks(get_pair("EURUSD"), 5, time_ms, bid, bid + np.array([5, 7, 9, 30], np.int32)))

    summary = store.summary("EURUSD")

    assert (summary.pair, summary.ticks, summary.digits, summary.sources) == ("EURUSD", 4, 5, 1)
    assert (summary.first_ms, summary.last_ms) == (time_ms[0], time_ms[-1])
    assert (summary.gaps, summary.longest_gap_ms) == (2, (5 * 60 + 30 + 13 * 60) * MINUTE_MS)  # but for New Year
    assert summary.median_spread_pips == 0.8
    assert summary.size == sum(path.stat().st_size for path in (tmp_path / "EURUSD").glob("*.parquet"))
