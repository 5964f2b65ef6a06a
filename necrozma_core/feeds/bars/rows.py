"""Rows of bars judged: good ones are taken, and of bad ones the first is named, or all are set aside."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from operator import attrgetter
from typing import Final

import numpy as np

from necrozma_core.errors import DataError, shown
from necrozma_core.feeds.formats.bars.layout import PARTS, BarBatch, BarLayout
from necrozma_core.feeds.reading.cells import NO_FAULT, Cells, Fault
from necrozma_core.feeds.sieve import FIRST_NS, USUAL_SHARE
from necrozma_core.market.arrays import BoolArray, FloatArray, Int64Array

_NS_PER_MS: Final = 1_000_000
_DAY_NS: Final = 86_400 * 10**9
_MOST_TICKS: Final = 2**31 - 1
_MANY_BAD: Final = 10_000
_MANY_ASIDE: Final = 200_000

_EXPECTED: Final = {
    Fault.EMPTY: "a value",
    Fault.NOT_A_TIME: "a time such as 2024-01-15T00:00:00Z",
    Fault.OUT_OF_RANGE: "a time from 1990 to tomorrow",
    Fault.NOT_A_NUMBER: "a number",
    Fault.INFINITE: "a finite number",
    Fault.TOO_PRECISE: "a price of at most nine digits",
    Fault.NOT_POSITIVE: "a price above zero",
}


@dataclass(frozen=True, slots=True, eq=False)
class FeedBars:
    """The rows of one source, all good by themselves.

    Attributes
    ----------
    row : int64 array, shape (n_rows,)
        Numbers as the user counts them.
    time_ms : int64 array, shape (n_rows,)
        Opening times, milliseconds since 1970 UTC, in the source's order.
    prices : int64 array, shape (4, n_rows) or (8, n_rows)
        Billionths: open, high, low, close of one side, or of bid and ask.
    ticks : int64 array, shape (n_rows,)
        0 where the source counts none.
    spread : int64 array, shape (n_rows,), or None
        Billionths of what the column counts.
    decimals : int
        The most that a price is written with.
    rounded : int
        Prices rounded by less than a billionth, to rid them of the dust of binary fractions.
    flat : int
        Rows left out: nothing was traded in them, in a source that has volumes.
    """

    row: Int64Array
    time_ms: Int64Array
    prices: Int64Array
    ticks: Int64Array | FloatArray
    spread: Int64Array | None
    decimals: int
    rounded: int
    flat: int

    def __len__(self) -> int:
        return len(self.row)


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that is set aside: its number as the user counts, why, and its fields as they were."""

    row: int
    reason: str
    fields: tuple[str, ...]


@dataclass(slots=True)
class BarSieve:
    """Judges the rows of one source.

    Parameters
    ----------
    source : str
        The file's name, for messages.
    layout : BarLayout
    now_ns : int
        Nanoseconds since 1970; times a day after it are bad.
    most_bad : float
        The share of bad rows that may be set aside; 0 refuses any.

    Attributes
    ----------
    aside : list of BadRow
        What was set aside; in no order.
    """

    source: str
    layout: BarLayout
    now_ns: int
    most_bad: float = 0.0
    aside: list[BadRow] = field(default_factory=list)
    _rows: int = 0
    _bad: Counter[str] = field(default_factory=Counter)
    _first: str = ""
    _kept: list[FeedBars] = field(default_factory=list)

    def sift(self, batches: Iterator[BarBatch]) -> FeedBars:
        """Read the whole source.

        Raises
        ------
        DataError
            More rows are bad than may be: the first, with its column, and how many there are.
        """
        many = _MANY_ASIDE if self.most_bad else _MANY_BAD
        for batch in batches:
            good = self._judge(batch)
            if self._bad.total() > many or self._bad.total() == self._rows > 0:
                raise DataError(f"{self._bad_rows()} so far: check that this is the right kind of file")
            if not self._bad or self.most_bad:
                self._kept.append(_condensed(batch, good))
        self._refuse_too_many()
        return self._gather()

    def _refuse_too_many(self) -> None:
        bad = self._bad.total()
        if not bad or bad <= self.most_bad * self._rows:
            return
        share = 100.0 * bad / self._rows
        if not self.most_bad:
            usual = f", or set {'it' if bad == 1 else 'them'} aside with --quarantine-rows"
            raise DataError(f"{self._bad_rows()}; mend the file{usual if share <= 100 * USUAL_SHARE else ''}")
        limit = f"at most {100 * self.most_bad:g} % may be set aside"
        raise DataError(f"{self._bad_rows()}, {share:.3g} % of all, and {limit}; mend the file")

    def _judge(self, batch: BarBatch) -> BoolArray:
        """Count what is bad in a batch, remember the first of all, and mark the good rows."""
        self._rows += len(batch.row) + len(batch.torn)
        self._bad.update(torn.fault.value for torn in batch.torn)
        unseen = np.ones(len(batch.row), dtype=np.bool_)
        first: tuple[int, int, str] | None = None
        for column, bad, reason, expected in self._checks(batch):
            new = bad & unseen
            if new.any():
                self._bad[reason] += int(new.sum())
                self._set_aside(batch, new, reason)
                position = int(new.argmax())
                if first is None or position < first[0]:
                    first = (position, column, expected)
            unseen &= ~bad
        if self.most_bad:
            self.aside += [BadRow(row.row, row.fault.value, tuple(row.fields())) for row in batch.torn]
        self._remember_first(batch, first)
        return unseen

    def _set_aside(self, batch: BarBatch, bad: BoolArray, reason: str) -> None:
        if self.most_bad and self._bad.total() <= _MANY_ASIDE:
            self.aside += [
                BadRow(int(batch.row[row]), reason, tuple(batch.original(row))) for row in np.flatnonzero(bad).tolist()
            ]

    def _remember_first(self, batch: BarBatch, first: tuple[int, int, str] | None) -> None:
        """Describe the first row of all that is bad, which the message will name."""
        if self._first:
            return
        torn = min(batch.torn, key=attrgetter("row"), default=None)
        if torn is not None and (first is None or torn.row < batch.row[first[0]]):
            found = "nothing in them" if torn.fault is Fault.EMPTY else f"{len(torn.fields())}"
            self._first = f"row {torn.row}: expected {len(self.layout.header)} fields, found {found}"
        elif first is not None:
            position, column, expected = first
            found = batch.original(position)[column]
            self._first = (
                f"row {batch.row[position]}, column {self.layout.header[column]}: expected {expected}, "
                f"found {shown(found)}"
            )

    def _checks(self, batch: BarBatch) -> Iterator[tuple[int, BoolArray, str, str]]:
        """Say what a row is judged by, in order: the column, where it is bad, why, and what was expected."""
        time, layout = layout_time(self.layout), self.layout
        yield from _cell_checks(time, batch.time)
        outside = (batch.time.values < FIRST_NS) | (batch.time.values > self.now_ns + _DAY_NS)
        yield time, outside, Fault.OUT_OF_RANGE.value, _EXPECTED[Fault.OUT_OF_RANGE]
        uneven = batch.time.values % _NS_PER_MS != 0
        yield time, uneven, "not a whole millisecond", "a whole millisecond"
        for column, cells in zip(layout.prices, batch.prices, strict=True):
            yield from _cell_checks(column, cells)
            yield column, cells.values <= 0, Fault.NOT_POSITIVE.value, _EXPECTED[Fault.NOT_POSITIVE]
        yield from self._shape_checks([cells.values for cells in batch.prices])
        if layout.volume is not None and batch.volume is not None:
            bad = ~(batch.volume >= 0.0) | np.isinf(batch.volume)
            yield layout.volume, bad, "not a volume", "a number from zero"
            if layout.counts_ticks:
                odd = (batch.volume != np.floor(batch.volume)) | (batch.volume > _MOST_TICKS)
                yield layout.volume, odd, "not a number of ticks", "a whole number of ticks"
        if layout.spread is not None and batch.spread is not None:
            yield from _cell_checks(layout.spread, batch.spread)
            yield layout.spread, batch.spread.values < 0, "negative spread", "a spread from zero"

    def _shape_checks(self, prices: Sequence[Int64Array]) -> Iterator[tuple[int, BoolArray, str, str]]:
        for start in range(0, len(prices), len(PARTS)):
            opened, high, low, closed = prices[start : start + len(PARTS)]
            at = self.layout.prices[start : start + len(PARTS)]
            yield at[1], high < low, "high below low", "a high at or above the low"
            for column, price in ((at[0], opened), (at[3], closed)):
                outside = (price > high) | (price < low)
                yield column, outside, "open or close outside of low and high", "a price between low and high"

    def _gather(self) -> FeedBars:
        rows = sum(map(len, self._kept))
        last = self._kept[-1] if self._kept else None
        whole = FeedBars(
            row=np.empty(rows, np.int64),
            time_ms=np.empty(rows, np.int64),
            prices=np.empty((len(self.layout.prices), rows), np.int64),
            ticks=np.empty(rows, np.float64),
            spread=None if last is None or last.spread is None else np.empty(rows, np.int64),
            decimals=max((part.decimals for part in self._kept), default=0),
            rounded=sum(part.rounded for part in self._kept),
            flat=0,
        )
        end = 0
        for position, part in enumerate(self._kept):
            start, end = end, end + len(part)
            whole.row[start:end], whole.time_ms[start:end] = part.row, part.time_ms
            whole.prices[:, start:end], whole.ticks[start:end] = part.prices, part.ticks
            if whole.spread is not None and part.spread is not None:
                whole.spread[start:end] = part.spread
            self._kept[position] = _NOTHING
        return _finished(whole, self.layout)

    def _bad_rows(self) -> str:
        count = self._bad.total()
        reasons = ", ".join(f"{number} {reason}" for reason, number in sorted(self._bad.items()))
        return f"{self.source}: {self._first}; {count} bad {'row' if count == 1 else 'rows'} ({reasons})"


def layout_time(layout: BarLayout) -> int:
    """Return the column that stands for the time in messages."""
    return layout.time[0]


def _cell_checks(column: int, cells: Cells) -> Iterator[tuple[int, BoolArray, str, str]]:
    for code in np.unique(cells.faults).tolist():
        if code != NO_FAULT:
            fault = Fault.of_code(code)
            yield column, cells.faults == code, fault.value, _EXPECTED.get(fault, "a value")


def _condensed(batch: BarBatch, good: BoolArray) -> FeedBars:
    """Return the good rows of a batch; their volumes stand for ticks until all of them are known."""
    rows = slice(None) if good.all() else good
    return FeedBars(
        row=batch.row[rows],
        time_ms=batch.time.values[rows] // _NS_PER_MS,
        prices=np.stack([cells.values[rows] for cells in batch.prices]),
        ticks=(np.zeros(len(batch.row)) if batch.volume is None else batch.volume)[rows],
        spread=None if batch.spread is None else batch.spread.values[rows],
        decimals=batch.decimals,
        rounded=sum(cells.rounded for cells in batch.prices),
        flat=0,
    )


_NOTHING: Final = FeedBars(*(np.empty(0, np.int64),) * 4, None, 0, 0, 0)


def _finished(bars: FeedBars, layout: BarLayout) -> FeedBars:
    """Leave out rows in which nothing was traded, and count ticks where the volume counts them."""
    volume = bars.ticks
    ticks = volume.astype(np.int64) if layout.counts_ticks else np.zeros(len(bars), np.int64)
    flat = _flat(bars.prices, volume)
    if not flat.any():
        return replace(bars, ticks=ticks)
    traded = ~flat
    return FeedBars(
        row=bars.row[traded],
        time_ms=bars.time_ms[traded],
        prices=bars.prices[:, traded],
        ticks=ticks[traded],
        spread=None if bars.spread is None else bars.spread[traded],
        decimals=bars.decimals,
        rounded=bars.rounded,
        flat=int(flat.sum()),
    )


def _flat(prices: Int64Array, volume: Int64Array | FloatArray) -> BoolArray:
    """Mark the rows in which nothing was traded: where there are volumes, those that have none and one price alone."""
    flat: BoolArray = np.full(len(volume), bool(volume.any()), dtype=np.bool_)
    flat &= volume == 0
    for start in range(0, len(prices), len(PARTS)):
        for price in prices[start + 1 : start + len(PARTS)]:
            flat &= price == prices[start]
    return flat
