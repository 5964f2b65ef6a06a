"""Trading days and local clocks against pandas, against known dates, and around every change of the clocks."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from necrozma_core.market.calendars import DAY_MS, clock_times_ms, roll_times_ms, trading_day, utc_offset_ms

HOUR_MS = 3_600_000
ZONES = [
    "America/New_York", "Europe/London", "Asia/Tokyo", "UTC", "Australia/Adelaide", "Australia/Lord_Howe",
    "Asia/Kathmandu", "America/Sao_Paulo", "Pacific/Apia", "Africa/Casablanca", "America/St_Johns", "Africa/Monrovia",
]  # fmt: skip
TIMES = st.integers(0, 2_051_222_400_000)  # 1970 to 2035, to the millisecond


def ms(text: str) -> int:
    return int(pd.Timestamp(text).timestamp() * 1000)


def day(text: str) -> int:
    return (date.fromisoformat(text) - date(1970, 1, 1)).days


def pandas_offset_ms(times: np.ndarray, zone: str) -> np.ndarray:
    utc = pd.DatetimeIndex(times.astype("datetime64[ms]"), tz="UTC")
    local = utc.tz_convert(zone).tz_localize(None)
    return ((local - utc.tz_localize(None)) / pd.Timedelta(milliseconds=1)).to_numpy().round().astype(np.int64)


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        # Winter: 17:00 in New York is 22:00 UTC; summer: 21:00.
        ("2024-01-15T21:59:59.999Z", "2024-01-15"),
        ("2024-01-15T22:00:00Z", "2024-01-16"),
        ("2024-07-15T20:59:59.999Z", "2024-07-15"),
        ("2024-07-15T21:00:00Z", "2024-07-16"),
        # The Friday before and the Monday after the clocks went forward on Sunday 10 March 2024.
        ("2024-03-08T21:59:59.999Z", "2024-03-08"),
        ("2024-03-08T22:00:00Z", "2024-03-09"),
        ("2024-03-10T20:59:59.999Z", "2024-03-10"),
        ("2024-03-10T21:00:00Z", "2024-03-11"),
        ("2024-03-11T20:59:59.999Z", "2024-03-11"),
        ("2024-03-11T21:00:00Z", "2024-03-12"),
        # Back on Sunday 3 November 2024.
        ("2024-11-01T20:59:59.999Z", "2024-11-01"),
        ("2024-11-01T21:00:00Z", "2024-11-02"),
        ("2024-11-03T21:59:59.999Z", "2024-11-03"),
        ("2024-11-03T22:00:00Z", "2024-11-04"),
        # Sunday evening's first quotes belong to Monday, Friday's last to Friday.
        ("2024-05-05T21:05:00Z", "2024-05-06"),
        ("2024-05-03T20:59:00Z", "2024-05-03"),
        # London changes three weeks later and decides nothing.
        ("2024-03-31T20:59:59Z", "2024-03-31"),
        ("1970-01-01T00:00:00Z", "1970-01-01"),
    ],
)
def test_trading_day_known_time_has_its_day(time: str, expected: str) -> None:
    assert trading_day(np.array([ms(time)])).tolist() == [day(expected)]


@given(st.lists(TIMES, max_size=40))
def test_trading_day_any_times_equal_pandas(times: list[int]) -> None:
    array = np.array(times, np.int64)
    local = pd.DatetimeIndex(array.astype("datetime64[ms]"), tz="UTC").tz_convert("America/New_York")
    closes = local.tz_localize(None).normalize() + pd.to_timedelta((local.hour >= 17).astype(int), unit="D")
    expected = (closes - pd.Timestamp(0)) // pd.Timedelta(days=1)
    found = trading_day(array)
    assert found.dtype == np.int64
    assert found.tolist() == expected.tolist()


@given(TIMES, st.integers(0, 40 * DAY_MS))
def test_roll_times_any_span_is_every_17_hundred_in_new_york(first: int, length: int) -> None:
    rolls = roll_times_ms(first, first + length)
    local = pd.DatetimeIndex(rolls.astype("datetime64[ms]"), tz="UTC").tz_convert("America/New_York")
    assert set(local.strftime("%H:%M:%S.%f")) <= {"17:00:00.000000"}
    assert ((rolls >= first) & (rolls <= first + length)).all()
    assert (np.diff(rolls) > 0).all()
    # One a calendar day, and none missing at either end.
    assert np.array_equal(np.diff(trading_day(rolls)), np.ones(max(len(rolls) - 1, 0)))
    assert len(rolls) == int(trading_day(np.array([first + length]))[0] - trading_day(np.array([first - 1]))[0])


def test_roll_times_both_ends_are_included() -> None:
    roll = ms("2024-01-15T22:00:00Z")
    assert roll_times_ms(roll, roll).tolist() == [roll]
    assert roll_times_ms(roll + 1, roll + DAY_MS - 1).tolist() == []
    assert roll_times_ms(roll + 1, roll).tolist() == []


def test_roll_times_days_of_23_and_25_hours_where_the_clocks_change() -> None:
    rolls = roll_times_ms(ms("2024-03-08T00:00:00Z"), ms("2024-03-12T23:00:00Z"))
    assert (np.diff(rolls) // HOUR_MS).tolist() == [24, 23, 24, 24]
    rolls = roll_times_ms(ms("2024-11-01T00:00:00Z"), ms("2024-11-05T23:00:00Z"))
    assert (np.diff(rolls) // HOUR_MS).tolist() == [24, 25, 24, 24]


@pytest.mark.parametrize("zone", ZONES)
def test_utc_offset_around_every_change_since_1970_equals_pandas(zone: str) -> None:
    hours = np.arange(0, ms("2035-01-01T00:00:00Z"), HOUR_MS)
    offsets = pandas_offset_ms(hours, zone)
    changes = hours[1:][np.diff(offsets) != 0]
    # Every quarter of an hour and the milliseconds around it, half a day to both sides of every change.
    quarters = (changes[:, None] + np.arange(-48, 49) * (HOUR_MS // 4)).ravel()
    times = np.unique(np.concatenate([quarters - 1, quarters, quarters + 1, hours[::97]]))
    assert np.array_equal(utc_offset_ms(times, zone), pandas_offset_ms(times, zone))


@given(st.lists(TIMES, min_size=1, max_size=10), st.sampled_from(ZONES), st.integers(0, 3 * DAY_MS))
def test_utc_offset_any_times_in_any_order_equal_pandas(times: list[int], zone: str, apart: int) -> None:
    array = np.array([times[0] + i * apart for i in range(len(times))][::-1], np.int64)
    found = utc_offset_ms(array, zone)
    assert found.dtype == np.int64
    assert np.array_equal(found, pandas_offset_ms(array, zone))


@pytest.mark.parametrize(
    ("zone", "last_before", "hours_before", "hours_after"),
    [
        ("Europe/London", "2024-03-31T00:59:59.999Z", 0, 1),
        ("Europe/London", "2024-10-27T00:59:59.999Z", 1, 0),
        ("America/New_York", "2024-03-10T06:59:59.999Z", -5, -4),
        ("America/New_York", "2024-11-03T05:59:59.999Z", -4, -5),
        ("Australia/Adelaide", "2024-04-06T16:29:59.999Z", 10.5, 9.5),  # not on a full hour of UTC
        ("Australia/Lord_Howe", "2024-04-06T14:59:59.999Z", 11, 10.5),
        ("Pacific/Apia", "2011-12-30T09:59:59.999Z", -10, 14),  # a whole day was left out
    ],
)
def test_utc_offset_changes_at_the_published_millisecond(
    zone: str, last_before: str, hours_before: float, hours_after: float
) -> None:
    times = np.array([ms(last_before), ms(last_before) + 1])
    assert (utc_offset_ms(times, zone) / HOUR_MS).tolist() == [hours_before, hours_after]
    assert [float(utc_offset_ms(times[i : i + 1], zone)[0]) / HOUR_MS for i in (0, 1)] == [hours_before, hours_after]


def test_clock_times_london_at_eight_is_seven_in_summer_to_the_day() -> None:
    opens = clock_times_ms(ms("2024-03-29T00:00:00Z"), ms("2024-04-01T23:00:00Z"), "Europe/London", 8 * HOUR_MS)
    hours = [str(np.datetime64(int(value), "ms")) for value in opens]
    assert [hour[5:16] for hour in hours] == ["03-29T08:00", "03-30T08:00", "03-31T07:00", "04-01T07:00"]


@given(TIMES, st.integers(0, 10 * DAY_MS), st.sampled_from(ZONES), st.integers(0, 1_439))
def test_clock_times_any_clock_is_every_day_s_time_on_that_clock(
    first: int, length: int, zone: str, minute: int
) -> None:
    found = clock_times_ms(first, first + length, zone, minute * 60_000)
    expected = []
    for local_day in pd.date_range(
        pd.Timestamp(first - 2 * DAY_MS, unit="ms").normalize(), periods=length // DAY_MS + 6
    ):
        wall = datetime(
            local_day.year, local_day.month, local_day.day, minute // 60, minute % 60, tzinfo=ZoneInfo(zone)
        )
        expected.append(round(wall.timestamp() * 1000))
    assert found.tolist() == [time for time in expected if first <= time <= first + length]


def test_calendars_no_times_give_empty_arrays() -> None:
    nothing = np.empty(0, np.int64)
    assert trading_day(nothing).shape == (0,)
    assert utc_offset_ms(nothing, "Asia/Tokyo").shape == (0,)
