"""Session breakouts by the clock on the wall, through the weeks in which the clocks change."""

import numpy as np
import pandas as pd
import pytest
from bar_samples import make_bars

from necrozma_core.errors import UsageError
from necrozma_core.market.bars import Bars
from necrozma_core.strategies.families.session import Session


def bars_from(start: str, closes: list[int], timeframe: str = "30min") -> Bars:
    times = pd.date_range(start, periods=len(closes), freq=timeframe)
    milliseconds = (times.to_numpy().astype("datetime64[ms]")).astype(np.int64)
    return make_bars(
        closes, open_time_ms=milliseconds, timeframe_ms=int(pd.Timedelta(timeframe).total_seconds() * 1000)
    )


def times_of(strategy: Session, bars: Bars) -> dict[str, int]:
    signals = strategy.signals(bars)
    return {str(bars.open_time[index])[5:16]: int(signals[index]) for index in np.flatnonzero(signals)}


def breaking_at(session_hour_utc: int, day: str) -> Bars:
    """A day of half hours that is flat, wider in the hour that begins the session, and breaks out two hours later."""
    closes = [1_000] * 48
    first = 2 * session_hour_utc
    closes[first], closes[first + 1] = 1_010, 990
    closes[first + 2] = 1_010  # at the range's edge, not beyond
    closes[first + 4] = 1_011
    closes[first + 5] = 989
    closes[first + 6] = 1_020  # each side breaks once
    return bars_from(day, closes)


@pytest.mark.parametrize(
    ("session", "day", "opens_at_utc"),
    [
        ("london", "2024-03-29", 8),
        ("london", "2024-04-01", 7),  # the clocks went forward on Sunday 31 March
        ("london", "2024-10-25", 7),
        ("london", "2024-10-28", 8),  # and back on Sunday 27 October
        ("new_york", "2024-03-08", 13),
        ("new_york", "2024-03-11", 12),  # three weeks before London
        ("new_york", "2024-11-01", 12),
        ("new_york", "2024-11-04", 13),  # a week after
        ("new_york", "2024-10-28", 12),  # London has changed, New York has not
        ("london", "2024-03-31", 7),  # the very day, by the new clock
        ("new_york", "2024-03-10", 12),
        ("new_york", "2024-11-03", 13),
        ("tokyo", "2024-03-29", 0),
        ("tokyo", "2024-07-01", 0),  # no daylight saving
    ],
)
def test_session_opens_by_the_clock_of_its_city(session: str, day: str, opens_at_utc: int) -> None:
    found = times_of(Session(session, 60, 240), breaking_at(opens_at_utc, day))
    hour = f"{day[5:]}T{opens_at_utc + 2:02d}"
    assert found == {f"{hour}:00": 1, f"{hour}:30": -1}
    # An hour to either side, another range is gathered and another signal found.
    for other in (opens_at_utc - 1, opens_at_utc + 1):
        if 0 <= other < 20:
            assert times_of(Session(session, 60, 240), breaking_at(other, day)) != found


def test_session_breakout_counts_only_while_trading_lasts() -> None:
    bars = breaking_at(8, "2024-01-15")
    assert times_of(Session("london", 60, 60), bars) == {}
    assert times_of(Session("london", 60, 61), bars) == {"01-15T10:00": 1}
    assert times_of(Session("london", 60, 90), bars) == {"01-15T10:00": 1}
    assert times_of(Session("london", 60, 91), bars) == {"01-15T10:00": 1, "01-15T10:30": -1}


def test_session_range_is_made_of_the_bars_that_open_in_it() -> None:
    bars = breaking_at(8, "2024-01-15")
    # 30 minutes hold the first bar alone, whose only price is 1010: the second closes below.
    assert times_of(Session("london", 30, 300), bars) == {"01-15T08:30": -1, "01-15T10:00": 1}
    assert times_of(Session("london", 31, 300), bars) == {"01-15T10:00": 1, "01-15T10:30": -1}


def test_session_range_uses_highs_and_lows_and_breakout_the_close() -> None:
    closes = [100, 100, 100, 105, 106, 100]
    highs = [105, 104, 104, 120, 106, 100]
    times = 1_705_305_600_000 + np.arange(6) * 1_800_000  # 15 January 2024, 08:00
    bars = make_bars(closes, highs, [95] * 6, open_time_ms=times, timeframe_ms=1_800_000)
    assert Session("london", 60, 240).signals(bars).tolist() == [0, 0, 0, 0, 1, 0]


def test_session_every_day_begins_a_new_range() -> None:
    closes = [1_000] * 48 * 3
    for day in range(3):
        closes[48 * day + 20] = 1_005  # 10:00, after the flat hour from 8 to 9
    found = times_of(Session("london", 60, 240), bars_from("2024-01-15", closes))
    assert found == {"01-15T10:00": 1, "01-16T10:00": 1, "01-17T10:00": 1}


def test_session_weekend_and_holes_have_no_session() -> None:
    times = pd.to_datetime(["2024-01-19 20:00", "2024-01-19 21:30", "2024-01-22 09:30", "2024-01-22 10:00"])
    bars = make_bars([100, 100, 500, 900], open_time_ms=times.to_numpy().astype("datetime64[ms]").astype(np.int64))
    assert not Session("london", 60, 240).signals(bars).any()


def test_session_data_that_begin_within_the_range_still_have_one() -> None:
    closes = [1_000, 1_000, 1_005]
    assert times_of(Session("london", 60, 240), bars_from("2024-01-15 08:30", closes)) == {"01-15T09:30": 1}


def test_session_too_long_for_the_day_is_refused() -> None:
    with pytest.raises(UsageError, match=r"session: range_minutes \(700\) and trade_minutes \(700\)"):
        Session("london", 700, 700)


def test_session_bars_longer_than_the_range_say_why_they_are_silent() -> None:
    bars = bars_from("2024-07-01", [1_000, 1_010] * 30, "4h")
    strategy = Session("london", 60, 240)  # opens at 07:00 UTC, bars at 04:00 and 08:00
    assert not strategy.signals(bars).any()
    assert strategy.explain_silence(bars) == ("no bar of 4h opens within the first 60 minutes of a london session")
    assert Session("tokyo", 60, 240).explain_silence(bars) is None
