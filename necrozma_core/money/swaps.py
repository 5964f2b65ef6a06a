"""Swap: the nights that a position is held through, and what a night costs or earns by pair and date."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import lru_cache
from io import StringIO
from math import isfinite
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from necrozma_core.errors import UsageError, not_a_file, shown
from necrozma_core.market.arrays import FloatArray, Int8Array, Int64Array
from necrozma_core.market.calendars import roll_times_ms, trading_day
from necrozma_core.market.instruments import Pair, get_pair

DAYS_A_YEAR: Final = 360
"""Of interest in per cent a year: the money market's year, which trading platforms take as well."""

WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday")
"""Days whose 17:00 New York is a roll; any of them may be the one that is charged three nights."""

_EPOCH: Final = date(1970, 1, 1)
_BILLION: Final = 10**9
_COLUMNS: Final = ("pair", "date", "long", "short", "unit")
_SEPARATORS: Final = ",;\t"


class SwapUnit(StrEnum):
    """What a rate of swap counts: pips, points (the last digit that brokers quote) or per cent of notional a year."""

    PIPS = "pips"
    POINTS = "points"
    PERCENT = "percent"


MOST_SWAP: Final[Mapping[str, float]] = {SwapUnit.PIPS: 10_000.0, SwapUnit.POINTS: 100_000.0, SwapUnit.PERCENT: 1_000.0}
"""The largest rate of each unit, either way: beyond it there is a mistake."""


@dataclass(frozen=True, slots=True)
class SwapRate:
    """What a night costs or earns from one day on.

    Attributes
    ----------
    day : int
        The first trading day at whose end it is charged, days since 1970-01-01.
    long, short : float
        Of a long and of a short position, positive where the account is credited.
    unit : str
        One of `SwapUnit`.
    """

    day: int
    long: float
    short: float
    unit: str = SwapUnit.PIPS.value


@dataclass(frozen=True, slots=True)
class SwapTable:
    """Rates by pair and date, from a file; made by :meth:`from_file`.

    Attributes
    ----------
    origin : str
        The path of the file.
    rates : tuple of (str, tuple of SwapRate)
        By pair in the order of the names, each pair's in the order of their days.
    """

    origin: str
    rates: tuple[tuple[str, tuple[SwapRate, ...]], ...]

    @classmethod
    def from_file(cls, path: Path) -> "SwapTable":
        """Read a CSV file with the columns pair, date, long, short and unit, in any order.

        Raises
        ------
        UsageError
            It cannot be read, a column is missing, or a row says what cannot be.
        """
        try:
            if found := not_a_file(path):
                raise UsageError(f"{path}: {found}; expected a CSV file of swap rates")
            text = path.read_bytes().decode("utf-8-sig")
        except OSError as error:
            raise UsageError(f"{path}: cannot read the swap rates: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise UsageError(f"{path}: expected UTF-8 text, found byte {error.object[error.start]:#x}") from error
        return cls(str(path), parse_swap_rates(text, str(path)))

    def of(self, pair: str) -> tuple[SwapRate, ...]:
        """Return the rates of a pair; none where the file does not name it."""
        return dict(self.rates).get(pair, ())


def parse_swap_rates(text: str, origin: str) -> tuple[tuple[str, tuple[SwapRate, ...]], ...]:
    """Read the rows of a file of swap rates; see `SwapTable`."""
    lines = text.splitlines()
    header = lines[0] if lines else ""
    separator = max(_SEPARATORS, key=header.count)
    names = [name.strip().lower() for name in header.split(separator)]
    if missing := [name for name in _COLUMNS if names.count(name) != 1]:
        raise UsageError(
            f"{origin}: expected the columns {', '.join(_COLUMNS)}, each once; "
            f"{missing[0]} is {'missing' if missing[0] not in names else 'there twice'} in {shown(header, 80)}"
        )
    found: dict[str, dict[int, SwapRate]] = {}
    for number, cells in enumerate(_rows(lines[1:], separator, origin), start=2):
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(names):
            raise UsageError(f"{origin}, row {number}: expected {len(names)} columns; found {len(cells)}")
        pair, rate = _rate(dict(zip(names, map(str.strip, cells), strict=True)), f"{origin}, row {number}")
        if found.setdefault(pair, {}).setdefault(rate.day, rate) is not rate:
            raise UsageError(f"{origin}, row {number}: {pair} has a rate of that date already")
    if not found:
        raise UsageError(f"{origin}: expected rates of swap below the names of the columns; found none")
    return tuple((pair, tuple(rates[day] for day in sorted(rates))) for pair, rates in sorted(found.items()))


def _rows(lines: list[str], separator: str, origin: str) -> list[list[str]]:
    try:
        return list(csv.reader(StringIO("\n".join(lines)), delimiter=separator, strict=True))
    except csv.Error as error:
        raise UsageError(f"{origin}: cannot read the swap rates: {error}") from error


def _rate(cells: Mapping[str, str], where: str) -> tuple[str, SwapRate]:
    try:
        pair = get_pair(cells["pair"]).name
    except UsageError as error:
        raise UsageError(f"{where}, column pair: {error}") from error
    try:
        day = (date.fromisoformat(cells["date"]) - _EPOCH).days
    except ValueError:
        raise UsageError(
            f"{where}, column date: expected a day such as 2024-01-31; found {shown(cells['date'], 40)}"
        ) from None
    unit = cells["unit"].lower()
    if unit not in set(SwapUnit):
        raise UsageError(
            f"{where}, column unit: expected one of {', '.join(SwapUnit)}; found {shown(cells['unit'], 40)}"
        )
    long, short = (_number(cells[name], unit, f"{where}, column {name}") for name in ("long", "short"))
    return pair, SwapRate(day, long, short, unit)


def _number(text: str, unit: str, where: str) -> float:
    most = MOST_SWAP[unit]
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not (isfinite(value) and abs(value) <= most):
        raise UsageError(
            f"{where}: expected a number from {-most:,.0f} to {most:,.0f} ({unit}); found {shown(text, 40)}"
        )
    return value


class _Ladder(NamedTuple):
    """What has been charged before each roll and after the last: billionths of a pip, and of a per cent a year."""

    rolls: Int64Array
    pips: tuple[Int64Array, Int64Array]
    percent: tuple[Int64Array, Int64Array]


def count_nights(
    entry_time_ms: Int64Array, exit_time_ms: Int64Array, span_ms: tuple[int, int], triple_day: str = "wednesday"
) -> Int64Array:
    """Count the nights of swap of each trade: the rolls in ``(entry, exit]``, each by its weekday.

    A position settles two business days later. So one that is held across Wednesday's roll moves from Friday's value
    date to Monday's, and is charged three nights. Saturday and Sunday have no roll: seven nights a week. Where a pair
    settles after one business day, the weekend is charged on Thursday.

    Parameters
    ----------
    entry_time_ms, exit_time_ms : int64 array, shape (n_trades,)
        Milliseconds since 1970 UTC.
    span_ms : tuple of int
        First and last time that any of them may have; the rolls between are kept for the next call.
    triple_day : str
        The weekday whose roll is charged three nights, one of `WEEKDAYS`.

    Returns
    -------
    int64 array, shape (n_trades,)
        A trade that is entered at the roll itself does not pay it, one that is closed at it does.
    """
    rolls, nights = _nights(*span_ms, triple_day)
    before = np.concatenate((np.zeros(1, np.int64), np.cumsum(nights)))
    exited = np.searchsorted(rolls, exit_time_ms, side="right")
    entered = np.searchsorted(rolls, entry_time_ms, side="right")
    counted: Int64Array = before[exited] - before[entered]
    return counted


def swap_prices(
    pair: Pair,
    rates: tuple[SwapRate, ...],
    triple_day: str,
    side: Int8Array,
    entry_price: FloatArray,
    times_ms: tuple[Int64Array, Int64Array],
    span_ms: tuple[int, int],
) -> FloatArray:
    """Sum what each trade's nights came to, in price units: quote currency for one unit of the base.

    A rate counts from the roll at the end of its day to the one before the next rate's; before the first one nothing
    is charged. Pips and per cent are summed in whole billionths, so that the sum of many nights is exact. Per cent are
    of the notional at the entry price, a 360th of a year a night.

    Parameters
    ----------
    pair : Pair
    rates : tuple of SwapRate
        In the order of their days; at least one.
    triple_day : str
        One of `WEEKDAYS`.
    side : int8 array, shape (n_trades,)
        +1 long, -1 short.
    entry_price : float64 array, shape (n_trades,)
    times_ms : tuple of int64 array, shape (n_trades,)
        Of entry and exit.
    span_ms : tuple of int
        As `count_nights` takes it.

    Returns
    -------
    float64 array, shape (n_trades,)
    """
    ladder = _ladder(*span_ms, triple_day, rates, float(pair.point / pair.pip))
    entered, exited = (np.searchsorted(ladder.rolls, times, side="right") for times in times_ms)
    pips, percent = (
        np.where(side > 0, long[exited] - long[entered], short[exited] - short[entered]) / _BILLION
        for long, short in (ladder.pips, ladder.percent)
    )
    total: FloatArray = pips * float(pair.pip) + percent / (100 * DAYS_A_YEAR) * entry_price
    return total


@lru_cache(maxsize=16)
def _nights(first_ms: int, last_ms: int, triple_day: str) -> tuple[Int64Array, Int64Array]:
    # Every roll, and how many nights are charged at it. 1 January 1970 was a Thursday.
    rolls = roll_times_ms(first_ms, last_ms)
    charged = [3 if day == triple_day else 1 for day in WEEKDAYS] + [0, 0]
    return rolls, np.array(charged, np.int64)[(trading_day(rolls - 1) + 3) % 7]


@lru_cache(maxsize=16)
def _ladder(first_ms: int, last_ms: int, triple_day: str, rates: tuple[SwapRate, ...], pips_a_point: float) -> _Ladder:
    rolls, nights = _nights(first_ms, last_ms, triple_day)
    days = np.array([rate.day for rate in rates], np.int64)
    # Position 0 is what holds before the first rate.
    at = np.searchsorted(days, trading_day(rolls - 1), side="right")

    def charged(units: Mapping[str, float], name: str) -> Int64Array:
        each = [0, *(round(getattr(rate, name) * units.get(rate.unit, 0.0) * _BILLION) for rate in rates)]
        return np.concatenate((np.zeros(1, np.int64), np.cumsum(np.array(each, np.int64)[at] * nights)))

    pips, percent = {SwapUnit.PIPS.value: 1.0, SwapUnit.POINTS.value: pips_a_point}, {SwapUnit.PERCENT.value: 1.0}
    return _Ladder(
        rolls,
        (charged(pips, "long"), charged(pips, "short")),
        (charged(percent, "long"), charged(percent, "short")),
    )
