"""What is in a file of ticks, read by plain Python one row at a time: slow, and independent of the importer.

A reader is told the layout of the clean sample and is never asked to recognise one. It gives every row of the mutated
file as it stands there, with a price or time of None where the cell has none, and `judge` says which rows an import
may keep.
"""

import csv
import gzip
import io
import lzma
import re
import struct
import zipfile
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import feather

Quote = tuple[int, Decimal, Decimal]
"""Milliseconds since 1970 UTC, bid, ask."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class UnreadableError(Exception):
    """No honest reader makes ticks of the file as a whole: an import must refuse it."""


@dataclass(frozen=True)
class Row:
    """One row: its number as the user counts, and its cells' values; None where a cell has none."""

    number: int
    time: datetime | None
    bid: Decimal | None
    ask: Decimal | None


@dataclass
class Expected:
    """What an import may store, and what it has to set aside."""

    quotes: list[Quote] = field(default_factory=list)
    bad: set[int] = field(default_factory=set)


def judge(rows: Iterable[Row], now: datetime) -> Expected:
    """Keep the rows that are quotes and are in order; the others are bad."""
    expected = Expected()
    kept: list[tuple[int, Quote]] = []
    for row in rows:
        if row.time is not None and row.bid is not None and row.ask is not None and _is_sound(row, row.time, now):
            kept.append((row.number, ((row.time - EPOCH) // timedelta(milliseconds=1), row.bid, row.ask)))
        else:
            expected.bad.add(row.number)
    rising = _longest_rising([quote[0] for _, quote in kept])
    for position, (number, quote) in enumerate(kept):
        if position in rising:
            expected.quotes.append(quote)
        else:
            expected.bad.add(number)
    return expected


def _is_sound(row: Row, time: datetime, now: datetime) -> bool:
    assert row.bid is not None
    assert row.ask is not None
    return 0 < row.bid <= row.ask and datetime(1990, 1, 1, tzinfo=UTC) <= time <= now + timedelta(days=1)


def _longest_rising(times: list[int]) -> set[int]:
    """Positions of a longest subsequence that never falls; of several, the one whose members come latest."""
    least_end: list[int] = []
    at_length: dict[int, list[int]] = {}
    for position, time in enumerate(times):
        length = bisect_right(least_end, time)
        least_end[length : length + 1] = [time]
        at_length.setdefault(length, []).append(position)
    members: list[int] = []
    after, latest = len(times), max(times, default=0)
    for length in range(len(least_end) - 1, -1, -1):
        after = max(p for p in at_length[length] if p < after and times[p] <= latest)
        latest = times[after]
        members.append(after)
    return set(members)


def price(text: str) -> Decimal | None:
    """Read a price; dust of less than a billionth goes, more digits than nine are none."""
    text = text.strip()
    if not text.isascii() or "_" in text:
        return None
    try:
        exact = Decimal(text)
    except InvalidOperation:
        return None
    if not exact.is_finite() or abs(exact.adjusted()) > 20:
        return None
    nearest = exact.quantize(Decimal(1).scaleb(max(exact.adjusted() - 8, -9))) if exact else exact
    if abs(nearest - exact) < Decimal("1e-9"):
        exact = nearest
    too_fine = bool(exact) and (exact.adjusted() >= 9 or int(exact.normalize().as_tuple().exponent) < -9)
    return None if too_fine else exact


@dataclass(frozen=True)
class TextLayout:
    """Where the cells of a text stand, as the clean sample has them.

    Attributes
    ----------
    names : tuple of str
        The header's; a header in the file moves them. Without one, the roles of the columns in their order.
    time : callable
        Reads the cells of `times`, joined by a blank.
    """

    names: tuple[str, ...]
    has_header: bool
    times: tuple[str, ...]
    bid: str
    ask: str
    time: Callable[[str], datetime | None]
    delimiter: str = ","
    symbol: str | None = None
    carries: bool = False

    def rows(self, content: bytes) -> Iterator[Row]:
        """Read an unpacked text."""
        lines, first = _lines(content), 1
        if self.has_header:
            first = 1 + next((number for number, line in enumerate(lines) if line), 0)
            lines = lines[first - 1 :]
        # A file that keeps to another delimiter in its first line is one of that delimiter.
        delimiter = max((self.delimiter, ",", ";", "\t"), key=lines[0].count) if lines else self.delimiter
        at, fields = self._columns(lines, delimiter)
        header = [] if not self.has_header or not lines else [n.strip().lower() for n in _cells(lines[0], delimiter)]
        is_named = not self.has_header or self.symbol in header
        carries = self.carries and {*self.times, self.bid, self.ask} <= set(header)
        last: dict[str, Decimal | None] = {}
        for number, line in enumerate(lines, first):
            if number == first and self.has_header:
                continue
            cells = _cells(line, delimiter)
            if len(cells) != fields:
                yield Row(number, None, None, None)
                continue
            if is_named:
                self._check_symbol(cells, at)
            time = self.time(" ".join(cells[at[name]].strip() for name in self.times))
            sides = [self._side(name, cells[at[name]], last if carries else None) for name in (self.bid, self.ask)]
            if carries and time is not None and len(last) < 2:
                continue  # one side had no price yet, and the row is counted as such
            yield Row(number, time, *sides)

    def _columns(self, lines: list[str], delimiter: str) -> tuple[dict[str, int], int]:
        if not self.has_header:
            # Behind the columns that are read there may be others, or none.
            at = {name: column for column, name in enumerate(self.names)}
            fields = len(_cells(lines[0], delimiter)) if lines else 0
            return at, fields if fields > max(at[name] for name in (*self.times, self.bid, self.ask)) else len(at)
        header = [name.strip().lower() for name in _cells(lines[0], delimiter)] if lines else []
        at = {name: header.index(name) for name in self.names if name in header}
        lost = [name for name in self.names if name not in at]
        if len(header) != len(self.names) and set(lost) & {*self.times, self.bid, self.ask}:
            raise UnreadableError(f"the columns {lost} are gone")
        # A name that another one stands for is left where the clean sample has it.
        return at | {name: self.names.index(name) for name in lost}, len(header)

    def _check_symbol(self, cells: list[str], at: dict[str, int]) -> None:
        if self.symbol is None or not cells[at[self.times[0]]]:
            return
        letters = re.sub(r"[^A-Z]", "", cells[at[self.symbol]].upper())
        if not letters.startswith("EURUSD"):
            raise UnreadableError(f"a row of {letters}")

    def _side(self, name: str, text: str, last: dict[str, Decimal | None] | None) -> Decimal | None:
        if last is not None and re.fullmatch(r"\s*0*\.?0*\s*", text):
            return last.get(name)  # what is carried may be a cell that was no price, and is none then
        found = price(text)
        if last is not None:
            last[name] = found
        return found


def _lines(content: bytes) -> list[str]:
    encoding = "utf-16" if content[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        raise UnreadableError(str(error)) from error
    lines = re.split("\r\n|\r|\n", text)
    while lines and not lines[-1]:
        lines.pop()
    return lines


def _cells(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter, strict=True), [])
    except csv.Error as error:
        if "unexpected end" in str(error):
            raise UnreadableError("a quote that is not closed on its line") from error
        return []


def unpack(kind: str, content: bytes) -> bytes:
    """Unpack a text with the standard library, zstd with pyarrow's; damage is `UnreadableError`."""
    try:
        match kind:
            case "gz":
                return gzip.decompress(content)
            case "xz":
                return lzma.decompress(content.rstrip(b"\0"), lzma.FORMAT_XZ)
            case "zip":
                with zipfile.ZipFile(io.BytesIO(content)) as archive:
                    return archive.read(next(n for n in archive.namelist() if not n.lower().endswith(".txt")))
            case "zst":
                return pa.CompressedInputStream(io.BytesIO(content), "zstd").read()
            case _:
                return content
    except Exception as error:
        raise UnreadableError(str(error)) from error


def bi5_rows(content: bytes, hour: datetime, digits: int) -> Iterator[Row]:
    """Read the records of an hour of Dukascopy's."""
    try:
        unpacked = lzma.decompress(content, lzma.FORMAT_ALONE) if content else b""
        records = list(struct.iter_unpack(">IIIff", unpacked))
    except (lzma.LZMAError, struct.error, EOFError) as error:
        raise UnreadableError(str(error)) from error
    for number, (ms, ask, bid, _, _) in enumerate(records, 1):
        time = hour + timedelta(milliseconds=ms) if ms < 3_600_000 else None
        yield Row(number, time, *(Decimal(p).scaleb(-digits) if p < 2**31 else None for p in (bid, ask)))


def table_rows(content: bytes, kind: str) -> Iterator[Row]:
    """Read a Parquet or Feather file whole, as its library reads it: nobody else is at hand to say what is in it."""
    try:
        if kind == "parquet":
            table = pq.read_table(io.BytesIO(content), page_checksum_verification=True)
        else:
            table = feather.read_table(io.BytesIO(content))
    except Exception as error:
        raise UnreadableError(str(error)) from error
    names = {name.lower(): name for name in table.column_names}
    columns = [table[names.get(name, name)] for name in ("timestamp" if "timestamp" in names else "time", "bid", "ask")]
    cells = [_moments(columns[0]), *(column.to_pylist() for column in columns[1:])]
    for number, (time, *sides) in enumerate(zip(*cells, strict=True), 1):
        yield Row(number, time, *(None if side is None else price(str(side)) for side in sides))


def _moments(column: pa.ChunkedArray) -> list[datetime | None]:
    if not pa.types.is_timestamp(column.type):
        return [None if text is None else iso_time(str(text)) for text in column.to_pylist()]
    per_second = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[column.type.unit]
    counts = column.cast(pa.int64()).to_pylist()
    return [None if count is None else _moment(count, per_second) for count in counts]


def _moment(count: int, per_second: int) -> datetime | None:
    try:
        return EPOCH + timedelta(microseconds=count * 10**6 // per_second)
    except OverflowError:
        return None


def iso_time(text: str) -> datetime | None:
    """Read an ISO time with its zone."""
    if not re.fullmatch(
        r"\d{4}-\d\d-\d\d[ T]\d\d(:?\d\d(:?\d\d(\.\d{1,9})?)?)?(Z|[+-]\d\d(:?[0-5]\d)?)", text, re.ASCII
    ):
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return time if time.tzinfo else None


def clock_time(pattern: str, form: str, hours: int = 0) -> Callable[[str], datetime | None]:
    """Return a reader of local times of one form, with a clock so many hours ahead of UTC.

    Parameters
    ----------
    pattern : str
        What the text must look like, with the fraction of the second as its only group.
    form : str
        For `datetime.strptime`, without the fraction; a time may end with the minute.
    """

    def read(text: str) -> datetime | None:
        match = re.fullmatch(pattern, text, re.ASCII)
        if match is None:
            return None
        fraction = (match[1] or "").ljust(6, "0")[:6]
        whole = text[: match.start(1)].rstrip(".") + text[match.end(1) :] if match[1] else text
        whole = re.sub(r" ?(GMT|UTC)", " GMT", whole)
        whole = re.sub(r"^(\d{8})(?=\d)|(?<=\d)T(?=\d)", r"\1 ", whole)
        try:
            time = datetime.strptime(whole, form if whole.count(":") != 1 else form.replace(":%S", ""))
        except ValueError:
            return None
        time = time if time.tzinfo else time.replace(tzinfo=UTC)
        return time + timedelta(microseconds=int(fraction)) - timedelta(hours=hours)

    return read


def milliseconds_after(midnight: datetime, most: int = 10**18) -> Callable[[str], datetime | None]:
    """Return a reader of counts of milliseconds since a moment, below `most`."""

    def read(text: str) -> datetime | None:
        if not re.fullmatch(r"\d{1,18}", text, re.ASCII) or int(text) >= most:
            return None
        return _moment(int(text) + round((midnight - EPOCH).total_seconds()) * 1000, 1000)

    return read
