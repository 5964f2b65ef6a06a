"""Holidays against another library's Easter and calendars read by hand; levels against what prices have been."""

from datetime import date, timedelta

import numpy as np
import pytest
from dateutil.easter import easter as easter_of_dateutil

from necrozma_core.market.holidays import closed_spans, easter, holidays, is_closed, open_between
from necrozma_core.market.levels import LEVELS, level_of

HOUR_MS = 3_600_000


def ms(text: str) -> int:
    return int(np.datetime64(text, "ms").astype(np.int64))


@pytest.mark.parametrize("first", range(1583, 2400, 100))
def test_easter_is_that_of_another_library(first: int) -> None:
    years = range(first, first + 100)
    assert [easter(year) for year in years] == [easter_of_dateutil(year) for year in years]


def test_holidays_of_currencies_are_christmas_new_year_and_good_friday() -> None:
    assert holidays(2026) == {
        date(2026, 1, 1): None,
        date(2026, 4, 3): 12,
        date(2026, 12, 24): 13,
        date(2026, 12, 25): None,
        date(2026, 12, 31): 13,
    }


def test_holidays_of_metals_are_those_of_comex_too() -> None:
    # As its calendar of 2022 has them; Christmas was a Sunday, and so was New Year's Day of 2023.
    assert sorted(day for day, hour in holidays(2022, is_metal=True).items() if hour is None) == [
        date(2022, 1, 1), date(2022, 4, 15), date(2022, 12, 25), date(2022, 12, 26),
    ]  # fmt: skip
    early = {day for day, hour in holidays(2022, is_metal=True).items() if hour is not None}
    assert {
        date(2022, 1, 17), date(2022, 2, 21), date(2022, 5, 30), date(2022, 6, 20), date(2022, 7, 4), date(2022, 9, 5),
        date(2022, 11, 24), date(2022, 11, 25),
    } <= early  # fmt: skip
    assert holidays(2023, is_metal=True)[date(2023, 1, 2)] is None
    assert date(2021, 6, 18) not in holidays(2021, is_metal=True)


def test_trading_days_of_2024_are_261_but_for_two_holidays() -> None:
    days = [date(2024, 1, 1) + timedelta(days=number) for number in range(366)]
    assert sum(not is_closed(day) for day in days) == 262 - 2
    assert sum(not is_closed(day, is_metal=True) for day in days) == 262 - 3


@pytest.mark.parametrize(
    ("start", "end", "is_metal", "hours"),
    [
        ("2024-12-24T18:00", "2024-12-25T23:00", False, 0),
        ("2024-12-24T17:00", "2024-12-26T00:00", False, 2),
        ("2024-03-29T12:00", "2024-03-29T20:00", False, 4),  # Good Friday: 12:00 in New York is 16:00 UTC
        ("2024-03-28T23:00", "2024-03-29T20:00", True, 0),
        ("2024-07-04T16:00", "2024-07-04T20:00", True, 1),
        ("2024-07-04T16:00", "2024-07-04T20:00", False, 4),
        ("2024-01-19T21:00", "2024-01-21T23:00", False, 1),
        ("2024-01-17T12:00", "2024-01-17T12:00", False, 0),
    ],
)
def test_open_market_leaves_out_what_is_closed(start: str, end: str, is_metal: bool, hours: int) -> None:
    found = open_between(np.array([ms(start)]), np.array([ms(end)]), is_metal=is_metal)
    assert found.tolist() == [hours * HOUR_MS]


def test_closed_spans_rise_and_never_touch() -> None:
    for is_metal in (False, True):
        starts, ends = closed_spans(ms("2020-01-01"), ms("2026-12-31"), is_metal=is_metal)
        assert (starts < ends).all()
        assert (ends[:-1] < starts[1:]).all()


SEEN = [
    ("EURUSD", 2000, 0.8231), ("EURUSD", 2008, 1.6038), ("EURUSD", 2022, 0.9536), ("GBPUSD", 2007, 2.1161),
    ("GBPUSD", 2022, 1.0350), ("GBPUSD", 1992, 2.0), ("USDJPY", 1990, 160.2), ("USDJPY", 1995, 79.8),
    ("USDJPY", 2011, 75.6), ("USDJPY", 2024, 161.9), ("USDCHF", 2011, 0.7071), ("USDCHF", 2000, 1.83),
    ("AUDUSD", 2001, 0.4775), ("AUDUSD", 2011, 1.108), ("USDCAD", 2002, 1.619), ("USDCAD", 2007, 0.9056),
    ("NZDUSD", 2000, 0.389), ("NZDUSD", 2011, 0.884), ("XAUUSD", 1999, 252.0), ("XAUUSD", 2011, 1920.0),
    ("XAUUSD", 2020, 2075.0), ("XAUUSD", 2025, 4380.0), ("XAGUSD", 2011, 49.8), ("XAGUSD", 2020, 11.6),
    ("EURJPY", 2000, 88.9), ("EURJPY", 2008, 169.9), ("EURGBP", 2000, 0.5685), ("EURGBP", 2008, 0.98),
    ("GBPJPY", 2007, 251.1), ("AUDNZD", 2011, 1.38), ("EURCHF", 2011, 1.007), ("CADJPY", 2007, 125.0),
]  # fmt: skip


@pytest.mark.parametrize(("pair", "year", "price"), SEEN)
def test_prices_that_a_pair_had_are_within_its_level_of_that_year(pair: str, year: int, price: float) -> None:
    low, high = level_of(pair, year)
    assert low < price < high


@pytest.mark.parametrize(
    ("pair", "year", "price"),
    [("XAUUSD", 2003, 1_800.0), ("XAUUSD", 2024, 400.0), ("USDJPY", 2012, 150.0), ("GBPUSD", 2024, 2.0)],
)
def test_prices_of_other_years_are_outside(pair: str, year: int, price: float) -> None:
    low, high = level_of(pair, year)
    assert LEVELS[pair][0] < price < LEVELS[pair][1]
    assert not low < price < high


def test_levels_of_years_lie_within_those_of_all() -> None:
    for pair, (lowest, highest) in LEVELS.items():
        for year in range(1990, 2030):
            low, high = level_of(pair, year)
            assert lowest <= low < high <= highest
        assert level_of(pair, 2026) == (lowest, highest) or pair[:3] != "USD" != pair[3:]
