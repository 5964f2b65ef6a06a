"""When the market is closed, or may be silent without a fault of the feed: weekends, the roll, holidays.

No exchange publishes a calendar of the currency market, so this is the habit of the feeds, computed for any year:

- From Friday to Sunday 17:00 New York the market is closed, and in the hour after each day's 17:00, the roll, many
  feeds rest.
- The trading days of Christmas (25 December) and New Year (1 January) are closed: from 17:00 New York on the day before
  to 17:00 on the day itself.
- On the eves, 24 and 31 December, feeds end early: from 13:00 New York. On Good Friday from 12:00.
- Gold and silver follow COMEX, which is closed on Good Friday, and on a Monday after a Christmas or New Year's Day that
  was a Sunday, and ends early, at 13:00, on the holidays of the United States.

A quote in these hours is no fault either: some feeds go on.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from necrozma_core.market.arrays import Int64Array
from necrozma_core.market.calendars import DAY_MS, roll_times_ms, trading_day

_HOUR_MS: Final = 3_600_000
_NEW_YORK: Final = ZoneInfo("America/New_York")
_ROLL_HOUR: Final = 17
_EARLY_HOUR: Final = 13
_GOOD_FRIDAY_HOUR: Final = 12
_JUNETEENTH_SINCE: Final = 2022
_MONDAY, _THURSDAY, _FRIDAY, _SATURDAY, _SUNDAY = 0, 3, 4, 5, 6
_ONE_DAY: Final = timedelta(days=1)


def easter(year: int) -> date:
    """Return Easter Sunday of a year of the Gregorian calendar.

    References
    ----------
    Anonymous, Nature 13, 20 April 1876, p. 487; as in Meeus, Astronomical Algorithms, chapter 8.
    """
    golden = year % 19
    century, of_century = divmod(year, 100)
    leap_centuries, century_rest = divmod(century, 4)
    correction = (century - (century + 8) // 25 + 1) // 3
    epact = (19 * golden + century - leap_centuries - correction + 15) % 30
    leap_years, year_rest = divmod(of_century, 4)
    to_sunday = (32 + 2 * century_rest + 2 * leap_years - epact - year_rest) % 7
    late = (golden + 11 * epact + 22 * to_sunday) // 451
    month, day = divmod(epact + to_sunday - 7 * late + 114, 31)
    return date(year, month, day + 1)


@cache
def holidays(year: int, *, is_metal: bool = False) -> dict[date, int | None]:
    """Return the holidays of a year.

    Parameters
    ----------
    year : int
    is_metal : bool
        With those that gold and silver keep besides.

    Returns
    -------
    dict of date to int or None
        The trading day, and the hour in New York at which it may end early; None where all of it is closed.
    """
    good_friday = easter(year) - 2 * _ONE_DAY
    found: dict[date, int | None] = dict(_comex(year)) if is_metal else {}
    for eve in (date(year, 12, 24), date(year, 12, 31)):
        found[eve] = _EARLY_HOUR
    found[good_friday] = None if is_metal else _GOOD_FRIDAY_HOUR
    for closed in (date(year, 1, 1), date(year, 12, 25)):
        found[closed] = None
        if is_metal and closed.weekday() == _SUNDAY:
            found[closed + _ONE_DAY] = None
    return found


def _comex(year: int) -> Iterator[tuple[date, int]]:
    """Go through the holidays on which COMEX ends early."""
    fourth_of_july, juneteenth = _observed(date(year, 7, 4)), _observed(date(year, 6, 19))
    thanksgiving = _nth(year, 11, _THURSDAY, 4)
    days = [
        _nth(year, 1, _MONDAY, 3),  # Martin Luther King
        _nth(year, 2, _MONDAY, 3),  # Presidents
        _nth(year, 6, _MONDAY, 1) - 7 * _ONE_DAY,  # Memorial: the last Monday of May
        *([juneteenth] if year >= _JUNETEENTH_SINCE else []),
        fourth_of_july,
        fourth_of_july - _ONE_DAY,
        _nth(year, 9, _MONDAY, 1),  # Labor
        thanksgiving,
        thanksgiving + _ONE_DAY,
    ]
    yield from ((day, _EARLY_HOUR) for day in days)


def _nth(year: int, month: int, weekday: int, number: int) -> date:
    first = date(year, month, 1)
    return first + ((weekday - first.weekday()) % 7 + 7 * (number - 1)) * _ONE_DAY


def _observed(day: date) -> date:
    return day + {_SATURDAY: -1, _SUNDAY: 1}.get(day.weekday(), 0) * _ONE_DAY


def is_closed(day: date, *, is_metal: bool = False) -> bool:
    """Tell whether a trading day, by the date on which it ends, has no open market at all."""
    return day.weekday() >= _SATURDAY or holidays(day.year, is_metal=is_metal).get(day, 0) is None


def closed_spans(first_ms: int, last_ms: int, *, is_metal: bool = False) -> tuple[Int64Array, Int64Array]:
    """Return the spans in which silence is no gap.

    Parameters
    ----------
    first_ms, last_ms : int
        Milliseconds since 1970 UTC; the spans that meet ``[first_ms, last_ms]`` are among what is returned.
    is_metal : bool

    Returns
    -------
    starts, ends : int64 array, shape (n_spans,)
        Milliseconds since 1970 UTC, rising; no two spans touch.
    """
    rolls = roll_times_ms(first_ms - 8 * DAY_MS, last_ms + 8 * DAY_MS)
    weekday = (trading_day(rolls) + 2) % 7  # of the day that ends at the roll: 1 January 1970 was a Thursday
    spans = [
        # A weekend ends at Sunday's roll, an hour sooner or later where the clocks change.
        (start, rolls[number + 2] if day == _FRIDAY and number + 2 < len(rolls) else start + _HOUR_MS)
        for number, (start, day) in enumerate(zip(rolls.tolist(), weekday.tolist(), strict=True))
        if day != _SATURDAY
    ]
    years = range(_year_of(int(rolls[0])), _year_of(int(rolls[-1])) + 1)
    for year in years:
        for day, early in holidays(year, is_metal=is_metal).items():
            start = _clock_ms(day - _ONE_DAY, _ROLL_HOUR) if early is None else _clock_ms(day, early)
            spans.append((start, _clock_ms(day, _ROLL_HOUR)))
    return _merged(np.array(sorted(spans), dtype=np.int64))


def open_between(starts: Int64Array, ends: Int64Array, *, is_metal: bool = False) -> Int64Array:
    """Measure the open market in spans of time.

    Parameters
    ----------
    starts, ends : int64 array, shape (n,)
        Milliseconds since 1970 UTC; no span ends before it starts.
    is_metal : bool

    Returns
    -------
    int64 array, shape (n,)
        Milliseconds of each that lie outside `closed_spans`.
    """
    if not len(starts):
        return np.empty(0, dtype=np.int64)
    closed = closed_spans(int(starts.min()), int(ends.max()), is_metal=is_metal)
    return (ends - starts) - (_closed_before(ends, *closed) - _closed_before(starts, *closed))


def _closed_before(time_ms: Int64Array, starts: Int64Array, ends: Int64Array) -> Int64Array:
    """Sum the closed time up to each time, counted from the first span on."""
    total = np.concatenate(([0], np.cumsum(ends - starts)))
    window = np.searchsorted(starts, time_ms, side="right") - 1
    within = np.minimum(time_ms, ends[window]) - starts[window]
    return np.asarray(np.where(window < 0, 0, total[window] + within), dtype=np.int64)


def _merged(spans: Int64Array) -> tuple[Int64Array, Int64Array]:
    latest = np.maximum.accumulate(spans[:, 1])
    begins = np.concatenate(([True], spans[1:, 0] > latest[:-1]))
    edges = [*np.flatnonzero(begins).tolist(), len(spans)]
    ends = np.array([int(latest[after - 1]) for _, after in pairwise(edges)], dtype=np.int64)
    return spans[begins, 0], ends


def _clock_ms(day: date, hour: int) -> int:
    return round(datetime.combine(day, time(hour), _NEW_YORK).timestamp() * 1000)


def _year_of(time_ms: int) -> int:
    return datetime.fromtimestamp(time_ms / 1000, UTC).year
