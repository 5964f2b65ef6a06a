"""Days that end when a clock says so: five daily bars a week, whatever the season."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from necrozma_core.errors import UsageError
from necrozma_core.market.bar_building import bars_from_ticks
from necrozma_core.market.bar_grid import BarGrid
from necrozma_core.market.instruments import get_pair
from necrozma_core.market.ticks import Ticks

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
NEW_YORK = ZoneInfo("America/New_York")


def ticks_at(times: list[int]) -> Ticks:
    prices = np.full(len(times), 100_000, np.int32)
    return Ticks(get_pair("EURUSD"), 5, np.array(times, np.int64), prices, prices + np.int32(1))


def market_year(year: int, step_ms: int) -> list[int]:
    """Times of an open market: Sunday 17:00 to Friday 17:00 New York."""
    times, moment = [], datetime(year, 1, 1, tzinfo=UTC)
    while moment.year == year:
        local = moment.astimezone(NEW_YORK)
        since = local.weekday() * 24 + local.hour
        if since < 4 * 24 + 17 or since >= 6 * 24 + 17:
            times.append(int(moment.timestamp()) * 1000)
        moment += timedelta(milliseconds=step_ms)
    return times


@pytest.mark.parametrize("year", [2024, 2026])
def test_day_end_new_york_makes_five_daily_bars_a_week_all_year(year: int) -> None:
    grid = BarGrid.parse("17:00 America/New_York", None, DAY_MS)
    bars = bars_from_ticks(ticks_at(market_year(year, HOUR_MS)), DAY_MS, grid)
    opened = [datetime.fromtimestamp(ms / 1000, NEW_YORK) for ms in bars.open_time_ms.tolist()]
    assert {moment.hour for moment in opened} == {17}
    assert {moment.weekday() for moment in opened} == {6, 0, 1, 2, 3}
    assert 260 <= len(opened) <= 263  # weekdays, and the one that begins on the last evening
    midnight = bars_from_ticks(ticks_at(market_year(year, HOUR_MS)), DAY_MS)
    assert {datetime.fromtimestamp(ms / 1000, UTC).weekday() for ms in midnight.open_time_ms.tolist()} == {6, *range(5)}


def test_day_end_new_york_a_stray_tick_of_a_weekend_is_mondays() -> None:
    # Friday 5 January 2024 at 16:59:59, Saturday at noon, Sunday at 18:00, all New York.
    times = [1_704_491_999_000, 1_704_560_400_000, 1_704_668_400_000]
    grid = BarGrid.parse("17:00 America/New_York", None, DAY_MS)
    bars = bars_from_ticks(ticks_at(times), DAY_MS, grid)
    assert bars.tick_count.tolist() == [1, 2]
    assert bars.open_time.astype(str).tolist() == ["2024-01-04T22:00:00.000", "2024-01-07T22:00:00.000"]


def test_day_end_four_hours_begin_with_the_day_on_both_sides_of_a_clock_change() -> None:
    grid = BarGrid.parse("17:00 America/New_York", None, 4 * HOUR_MS)
    bars = bars_from_ticks(ticks_at(market_year(2026, 15 * 60_000)), 4 * HOUR_MS, grid)
    opened = [datetime.fromtimestamp(ms / 1000, NEW_YORK) for ms in bars.open_time_ms.tolist()]
    assert {moment.hour for moment in opened} == {17, 21, 1, 5, 9, 13}


def test_offset_shifts_every_bar() -> None:
    grid = BarGrid.parse("00:00 UTC", "30min", HOUR_MS)
    bars = bars_from_ticks(ticks_at([0, 29 * 60_000, 30 * 60_000, 90 * 60_000]), HOUR_MS, grid)
    assert bars.open_time_ms.tolist() == [-30 * 60_000, 30 * 60_000, 90 * 60_000]
    assert bars.first_tick.tolist() == [0, 2, 3, 4]


@given(
    st.lists(st.integers(0, 40 * DAY_MS), min_size=1, max_size=60),
    st.sampled_from([60_000, HOUR_MS, 4 * HOUR_MS, 8 * HOUR_MS, DAY_MS]),
    st.sampled_from(["00:00 UTC", "17:00 America/New_York", "22:00 UTC", "00:00 Europe/London", "09:30 Asia/Kolkata"]),
    st.booleans(),
)
def test_every_tick_is_in_the_bar_that_its_clock_says(
    offsets: list[int], timeframe_ms: int, day_end: str, shifted: bool
) -> None:
    # March 2026: New York and London change their clocks on different Sundays.
    times = sorted(1_772_323_200_000 + offset for offset in offsets)
    grid = BarGrid.parse(day_end, "30s" if shifted else None, timeframe_ms)
    bars = bars_from_ticks(ticks_at(times), timeframe_ms, grid)
    clock, zone = day_end.split()
    hour, minute = map(int, clock.split(":"))
    weekends = timeframe_ms == DAY_MS and day_end == "17:00 America/New_York" and not shifted
    expected: list[int] = []
    for time_ms in times:
        # The last time the clock showed the day's end, by stepping back through wall-clock days.
        local = datetime.fromtimestamp(time_ms / 1000, UTC).astimezone(ZoneInfo(zone))
        day = local.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
        shift = 30_000 if shifted else 0
        starts = []
        for back in range(-1, 3):
            wall = (day - timedelta(days=back)).replace(hour=hour, minute=minute, tzinfo=ZoneInfo(zone))
            starts.append(round(wall.timestamp() * 1000) + shift)
        start = max(each for each in starts if each <= time_ms)
        if weekends:
            moment = datetime.fromtimestamp(start / 1000, NEW_YORK)
            if moment.weekday() in (4, 5):
                sunday = moment.replace(tzinfo=None) + timedelta(days=6 - moment.weekday())
                start = round(sunday.replace(tzinfo=NEW_YORK).timestamp() * 1000)
            expected.append(start)
        else:
            expected.append(start + (time_ms - start) // timeframe_ms * timeframe_ms)
    assert bars.open_time_ms.tolist() == sorted(set(expected))
    assert bars.tick_count.tolist() == [expected.count(opened) for opened in sorted(set(expected))]


@pytest.mark.parametrize(
    ("day_end", "offset", "message"),
    [
        ("5pm New York", None, "--day-end '5pm New York': expected a time and a zone"),
        ("25:00 UTC", None, "expected a time and a zone"),
        ("17:00 America/Gotham", None, "unknown zone America/Gotham"),
        ("17:00 ../../etc/passwd", None, "unknown zone"),
        ("17:00 UTC", "1h", "--offset 1h: expected less than the timeframe, 1h"),
        ("17:00 UTC", "-1h", "timeframe"),
    ],
)
def test_grid_that_cannot_be_is_refused(day_end: str, offset: str | None, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        BarGrid.parse(day_end, offset, HOUR_MS)
    assert message.replace("'", "") in str(caught.value).replace("'", "")


@pytest.mark.parametrize("timeframe_ms", [HOUR_MS, 4 * HOUR_MS, DAY_MS])
@pytest.mark.parametrize("day_end", ["00:00 UTC", "17:00 America/New_York", "00:00 Europe/London"])
def test_close_time_parts_a_bars_last_tick_from_the_next_bars_first(timeframe_ms: int, day_end: str) -> None:
    times = np.array(market_year(2026, 15 * 60_000))
    bars = bars_from_ticks(ticks_at(times.tolist()), timeframe_ms, BarGrid.parse(day_end, None, timeframe_ms))
    closes = bars.close_time_ms
    assert (times[bars.first_tick[1:] - 1] < closes).all()
    assert (times[bars.first_tick[1:-1]] >= closes[:-1]).all()
    assert (closes - bars.open_time_ms <= 25 * HOUR_MS).all()
    assert ((closes - bars.open_time_ms == timeframe_ms).mean()) > 0.9
