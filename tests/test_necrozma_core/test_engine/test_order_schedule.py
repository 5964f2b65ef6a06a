from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from necrozma_core.engine.order_schedule import clock_moments, is_inside, scheduled_closes, window_ends
from necrozma_core.engine.order_texts import Clock, Window
from necrozma_core.engine.orders import Orders
from necrozma_core.engine.trades import ExitReason
from necrozma_core.market.calendars import DAY_MS

MINUTE_MS = 60_000
ZONES = ("Europe/London", "America/New_York", "Asia/Tokyo", "Australia/Lord_Howe", "UTC")


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def shown(time_ms: int, zone: str) -> datetime:
    return datetime.fromtimestamp(time_ms / 1000, ZoneInfo(zone)).replace(tzinfo=None)


def test_close_at_follows_the_clock_through_daylight_saving() -> None:
    orders = Orders(close_at="16:30@Europe/London")
    times, reasons = scheduled_closes(orders, ms("2024-03-29"), ms("2024-04-01T23:00"))
    assert times.tolist() == [ms(f"2024-03-{day}T16:30") for day in (29, 30)] + [
        ms("2024-03-31T15:30"),
        ms("2024-04-01T15:30"),
    ]
    assert set(reasons.tolist()) == {ExitReason.TIME}


def test_time_that_clocks_skip_acts_when_they_jump_and_one_shown_twice_the_first_time() -> None:
    # London: 01:00 becomes 02:00 at 01:00 UTC on 31 March, 02:00 becomes 01:00 at 01:00 UTC on 27 October.
    half_past_one = Clock("Europe/London", 90 * MINUTE_MS)
    assert clock_moments(half_past_one, ms("2024-03-31"), ms("2024-03-31T12:00")).tolist() == [ms("2024-03-31T01:00")]
    assert clock_moments(half_past_one, ms("2024-10-27"), ms("2024-10-27T12:00")).tolist() == [ms("2024-10-27T00:30")]


def test_session_ends_on_weekdays_and_friday_close_on_fridays() -> None:
    span = ms("2024-01-12"), ms("2024-01-16T23:59")  # Friday to Tuesday
    times, _ = scheduled_closes(Orders(close_session="tokyo"), *span)
    assert times.tolist() == [ms(f"2024-01-{day}T09:00") for day in (12, 15, 16)]
    times, reasons = scheduled_closes(Orders(close_friday="21:00"), *span)
    assert (times.tolist(), reasons.tolist()) == ([ms("2024-01-12T21:00")], [ExitReason.SESSION])


def test_roll_is_every_day_so_many_minutes_before_five_in_new_york() -> None:
    times, _ = scheduled_closes(Orders(close_before_roll_minutes=15), ms("2024-01-12"), ms("2024-01-14T12:00"))
    assert times.tolist() == [ms("2024-01-12T21:45"), ms("2024-01-13T21:45")]


def test_closes_at_one_moment_are_one_with_the_reason_time() -> None:
    orders = Orders(close_at="21:45", close_before_roll_minutes=15, close_friday="20:00")
    times, reasons = scheduled_closes(orders, ms("2024-01-12"), ms("2024-01-12T23:00"))
    assert times.tolist() == [ms("2024-01-12T20:00"), ms("2024-01-12T21:45")]
    assert reasons.tolist() == [ExitReason.SESSION, ExitReason.TIME]


@given(st.sampled_from(ZONES), st.integers(0, 24 * 60 - 1), st.sampled_from(["2024-03-09", "2024-03-30", "2024-10-26"]))
def test_clock_moments_are_the_first_minutes_of_each_day_that_show_the_time_or_a_later_one(
    zone: str, minute: int, first: str
) -> None:
    start = ms(first)
    found = clock_moments(Clock(zone, minute * MINUTE_MS), start, start + 4 * DAY_MS)
    expected, days = [], set()
    for now in range(start - 2 * DAY_MS, start + 4 * DAY_MS + 1, MINUTE_MS):
        local = shown(now, zone)
        if local.hour * 60 + local.minute >= minute and local.date() not in days:
            days.add(local.date())
            expected.append(now)
    assert found.tolist() == [now for now in expected[1:] if now >= start]


@given(
    st.sampled_from(ZONES),
    st.lists(st.integers(0, 24 * 60 - 1), min_size=2, max_size=2, unique=True),
    st.sampled_from(["2024-03-30T18:00", "2024-10-26T18:00", "2024-10-05T08:00", "2024-11-02T20:00"]),
    st.integers(0, 1439),
)
def test_window_ends_at_the_first_later_minute_that_shows_a_time_outside(
    zone: str, hours: list[int], first: str, skipped: int
) -> None:
    window = Window(zone, hours[0] * MINUTE_MS, hours[1] * MINUTE_MS)

    def holds(now: int) -> bool:
        local = shown(now, zone)
        minute = local.hour * 60 + local.minute
        return hours[0] <= minute < hours[1] if hours[0] < hours[1] else minute >= hours[0] or minute < hours[1]

    now = ms(first) + skipped * MINUTE_MS
    assert is_inside(window, np.array([now])).tolist() == [holds(now)]
    if holds(now):
        later = now
        while holds(later):
            later += MINUTE_MS
        assert window_ends(window, np.array([now])).tolist() == [later]


def test_empty_windows_and_schedules_are_empty() -> None:
    none = np.empty(0, dtype=np.int64)
    window = Window("UTC", 0, MINUTE_MS)
    assert len(is_inside(window, none)) == len(window_ends(window, none)) == 0
    assert len(scheduled_closes(Orders(), 0, DAY_MS)[0]) == 0


@pytest.mark.parametrize("days", [1, 400])
def test_moments_stay_within_the_span(days: int) -> None:
    first, last = ms("2023-12-31T12:00"), ms("2023-12-31T12:00") + days * DAY_MS
    found = clock_moments(Clock("Europe/London", 0), first, last)
    assert len(found) == days
    assert (np.diff(found) >= timedelta(hours=23) / timedelta(milliseconds=1)).all()
