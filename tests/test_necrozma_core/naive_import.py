"""A CSV of quotes read one row at a time with the standard library: slow, plain, and the importer's oracle."""

import csv
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass
class NaiveImport:
    """What should come of a file: quotes as exact values, bad rows as (line, reason)."""

    quotes: list[tuple[int, Decimal, Decimal]] = field(default_factory=list)
    bad: list[tuple[int, str]] = field(default_factory=list)

    @property
    def reasons(self) -> dict[str, int]:
        return dict(Counter(reason for _, reason in self.bad))


def import_naively(text: str) -> NaiveImport:
    """Read a CSV with the header timestamp,bid,ask and no quotes around its cells."""
    result = NaiveImport()
    rows: list[tuple[int, datetime, Decimal, Decimal]] = []
    lines = text.split("\n")
    while lines and not lines[-1]:
        lines.pop()
    for number, line in enumerate(lines[1:], 2):
        fields = next(csv.reader([line]), [])
        reason = _fault(fields)
        if reason:
            result.bad.append((number, reason))
        else:
            rows.append((number, _time(fields[0]), _price(fields[1]), _price(fields[2])))
    times = [(time - _EPOCH) // timedelta(milliseconds=1) for _, time, _, _ in rows]
    kept = _longest_rising(times)
    for position, (number, _, bid, ask) in enumerate(rows):
        if position in kept:
            result.quotes.append((times[position], bid, ask))
        else:
            result.bad.append((number, "out of order"))
    result.bad.sort()
    return result


def _longest_rising(times: list[int]) -> set[int]:
    """Positions of a longest subsequence that never falls; of several, the one whose members come latest."""
    lengths: list[int] = []
    for time in times:
        lengths.append(1 + max((n for n, other in zip(lengths, times, strict=False) if other <= time), default=0))
    members: list[int] = []
    end = len(times)
    for length in range(max(lengths, default=0), 0, -1):
        end = max(position for position in range(end) if lengths[position] == length)
        members.append(end)
    return set(members)


def _fault(fields: list[str]) -> str | None:
    if not fields:
        return "empty cell"
    if len(fields) != 3:
        return "wrong number of fields"
    values: list[datetime | Decimal] = []
    for text, read in zip(fields, (_time, _price, _price), strict=True):
        value = read(text)
        if isinstance(value, str):
            return value
        values.append(value)
    if values[2] < values[1]:
        return "ask below bid"
    if not datetime(1990, 1, 1, tzinfo=UTC) <= values[0] <= datetime.now(UTC) + timedelta(days=1):
        return "a time before 1990 or after tomorrow"
    return None


def _time(text: str) -> datetime | str:
    if not text.strip():
        return "empty cell"
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return "not a time"
    return time if time.tzinfo else "not a time"


def _price(text: str) -> Decimal | str:
    if not text.strip():
        return "empty cell"
    try:
        price = Decimal(text)
    except InvalidOperation:
        return "not a number"
    if price.is_nan():
        return "not a number"
    if price.is_infinite() or abs(price) >= Decimal("1e309"):
        return "infinite"
    nearest = price.quantize(Decimal(1).scaleb(max(price.adjusted() - 8, -9))) if price else price
    if abs(nearest - price) < Decimal("1e-9"):
        price = nearest
    if price and (price.adjusted() >= 9 or price.normalize().as_tuple().exponent < -9):
        return "more digits than can be stored"
    return price if price > 0 else "zero or negative"
