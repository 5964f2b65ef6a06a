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
    latest = None
    lines = text.split("\n")
    while lines and not lines[-1]:
        lines.pop()
    for number, line in enumerate(lines[1:], 2):
        fields = next(csv.reader([line]), [])
        reason = _fault(fields, latest)
        if reason:
            result.bad.append((number, reason))
        else:
            latest, bid, ask = _time(fields[0]), _price(fields[1]), _price(fields[2])
            result.quotes.append(((latest - _EPOCH) // timedelta(milliseconds=1), bid, ask))
    return result


def _fault(fields: list[str], latest: datetime | None) -> str | None:
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
    return "out of order" if latest is not None and values[0] < latest else None


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
    if price and (price.adjusted() >= 9 or price.normalize().as_tuple().exponent < -9):
        return "more digits than can be stored"
    return price if price > 0 else "zero or negative"
