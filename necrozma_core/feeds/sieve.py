"""Rows judged: kept, or counted, named and set aside; none is silently dropped or changed.

A source is read once. Only where rows are bad and are to be set aside is it read again, to take them over as they are.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from operator import attrgetter, itemgetter
from typing import Final

import numpy as np
from numpy.typing import NDArray

from necrozma_core.errors import DataError, shown
from necrozma_core.feeds.quarantine import Quarantine
from necrozma_core.feeds.reading.cells import NO_FAULT, Fault
from necrozma_core.feeds.reading.crossed import CROSSED_ADVICE, Crossed, uncross
from necrozma_core.feeds.reading.prices import PRICE_DECIMALS
from necrozma_core.feeds.reading.rows import BID, TIME_FORM, TIMESTAMP, RowBatch, RowStream, TornRow, find_faults
from necrozma_core.market.arrays import BoolArray, Int64Array
from necrozma_core.market.instruments import Pair
from necrozma_core.storage.ticks.encoding import MAX_STORED_POINTS
from necrozma_core.storage.ticks.spooling import SpooledChunk, SpooledSpan, TickSpool

_NS_PER_MS: Final = 1_000_000
FIRST_NS: Final = 631_152_000 * 10**9
"""1990, UTC: no quotes of these pairs are older."""

USUAL_SHARE: Final = 0.01
"""The share of rows that is set aside without a number: more bad rows are another kind of file, not a slip in it."""

_HOPELESS_ROWS: Final = 10_000
_HOPELESS_SHARE: Final = 0.5
_SHOWN_ROW: Final = 60
_DAY_NS: Final = 86_400 * 10**9
_FEW: Final = 64
_EXPECTED: Final = {
    Fault.EMPTY: "a value",
    Fault.OUT_OF_RANGE: "a time from 1990 to tomorrow",
    Fault.NOT_A_NUMBER: "a number",
    Fault.INFINITE: "a finite number",
    Fault.TOO_PRECISE: "a price of at most nine digits",
    Fault.NOT_POSITIVE: "a price above zero",
}


@dataclass(slots=True)
class Tally:
    """What was counted in one source.

    Attributes
    ----------
    rows, kept : int
    bad : Counter of Fault
    sub_millisecond : int
        Kept rows whose time was finer than a millisecond and was rounded down to one.
    rounded : int
        Prices rounded by less than a billionth.
    skipped : int
        First rows left out because one side had no price yet, where a blank stands for the price before.
    swapped : int
        Kept rows whose ask lay below the bid, and whose bid and ask were exchanged.
    """

    rows: int = 0
    kept: int = 0
    bad: Counter[Fault] = field(default_factory=Counter)
    sub_millisecond: int = 0
    rounded: int = 0
    skipped: int = 0
    swapped: int = 0


@dataclass(frozen=True, slots=True)
class _Break:
    """The first row that is earlier than the row before it."""

    row: int
    found: str
    before_row: int
    before_ns: int


@dataclass(slots=True, eq=False)
class Judge:
    """Says of rows whether they are bad, a second time as the first.

    Attributes
    ----------
    last_ns : int
        Nanoseconds since 1970; later times are bad.
    crossed : Crossed
        What becomes of quotes whose ask lies below their bid.
    in_order : bool array or None
        Which of the rows that are good by themselves are kept; None for all.
    """

    last_ns: int
    crossed: Crossed = Crossed.REFUSE
    in_order: BoolArray | None = None

    def faults(self, batch: RowBatch) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Name the fault that each row has by itself, and its column, as `find_faults` does."""
        faults, columns = find_faults(batch)
        times = batch.time.values
        outside = (faults == NO_FAULT) & ((times < FIRST_NS) | (times > self.last_ns))
        faults[outside], columns[outside] = Fault.OUT_OF_RANGE.code, TIMESTAMP
        return faults, columns

    def set_aside(self, stream: RowStream, quarantine: Quarantine) -> None:
        """Take the bad rows over as they are, from the source read a second time.

        Raises
        ------
        StorageError
            The disk does not take them.
        """
        quarantine.start(stream.header)
        seen = 0
        for read in stream.batches:
            batch = uncross(read)[0] if self.crossed is Crossed.SWAP else read
            faults, _ = self.faults(batch)
            good = np.flatnonzero(faults == NO_FAULT)
            if self.in_order is not None:
                late = ~self.in_order[seen : seen + len(good)]
                faults[good[late]] = Fault.OUT_OF_ORDER.code
            seen += len(good)
            for row, fault, fields in _bad_fields(batch, faults):
                quarantine.add(row, fault, fields)


class Sieve:
    """Judges the rows of one source and puts the good ones down in a spool.

    A row is bad by itself, or out of order: not of the longest part of the rows, good by themselves, whose times never
    fall. Only where the order breaks are the times of all rows in memory at once, with 25 bytes a row.

    Parameters
    ----------
    source : str
        The file's name, for messages.
    now_ns : int
        Nanoseconds since 1970; times a day after it are bad.
    spool : TickSpool
    crossed : Crossed
        What becomes of quotes whose ask lies below their bid.
    """

    def __init__(self, source: str, now_ns: int, spool: TickSpool, crossed: Crossed = Crossed.REFUSE) -> None:
        self.tally = Tally()
        self.judge = Judge(now_ns + _DAY_NS, crossed)
        self._source = source
        self._spool = spool
        self._first_bad = ""
        self._first_bad_row: int | None = None
        self._break: _Break | None = None
        self._latest = (0, FIRST_NS)
        self._digits = 0
        self._chunks: list[SpooledChunk] = []
        self._dearest_rows: list[int] = []

    def sift(self, stream: RowStream, pair: Pair, most_bad: float) -> SpooledSpan | None:
        """Read the whole stream.

        Parameters
        ----------
        stream : RowStream
        pair : Pair
        most_bad : float
            The share of bad rows that may be set aside; 0 refuses any.

        Returns
        -------
        SpooledSpan or None
            The rows kept, in the digits of the finest price among them; None where the source has no rows.

        Raises
        ------
        DataError
            More rows are bad than may be, or none is left; with row, column and how many there are.
        StorageError
            The disk does not take them.
        """
        for batch in stream.batches:
            self._take(batch, stream)
            if self.tally.rows and not self.tally.kept and not self.tally.skipped:
                raise DataError(f"{self._bad_rows()}, every row so far: {self._advice()}")
            if self.tally.bad.total() > max(_HOPELESS_ROWS, _HOPELESS_SHARE * self.tally.rows):
                raise DataError(
                    f"{self._bad_rows()} of {self.tally.rows:,} so far: check that this is the right kind of file"
                )
        for chunk, row in zip(self._chunks, self._dearest_rows, strict=True):
            self._check_size(chunk.highest * 10 ** (self._digits - chunk.digits), row)
        if self._break is not None:
            self._put_in_order(pair)
        self._refuse_too_many(most_bad)
        if self.tally.rows and not self.tally.kept:
            raise DataError(f"{self._source}: expected rows of {pair.name}, found none")
        return self._spool.span(pair, self._digits, tuple(self._chunks)) if self._chunks else None

    def _take(self, batch: RowBatch, stream: RowStream) -> None:
        swapped = None
        if self.judge.crossed is Crossed.SWAP:
            batch, swapped = uncross(batch)
        faults, columns = self.judge.faults(batch)
        good = faults == NO_FAULT
        if swapped is not None:
            self.tally.swapped += int(np.count_nonzero(swapped & good))
        bad = np.flatnonzero(~good)
        self._count(batch, faults)
        self._remember_first(batch, bad, faults, columns, stream)
        self.tally.rows += len(batch.row) + len(batch.torn) + batch.skipped
        self.tally.kept += len(batch.row) - len(bad)
        self.tally.skipped += batch.skipped
        self.tally.rounded += batch.bid.rounded + batch.ask.rounded
        self._keep(batch, good, stream)

    def _count(self, batch: RowBatch, faults: NDArray[np.uint8]) -> None:
        self.tally.bad.update(torn.fault for torn in batch.torn)
        if not faults.any():
            return
        for code, count in enumerate(np.bincount(faults, minlength=1).tolist()):
            if code != NO_FAULT and count:
                self.tally.bad[Fault.of_code(code)] += count

    def _remember_first(
        self,
        batch: RowBatch,
        bad: NDArray[np.intp],
        faults: NDArray[np.uint8],
        columns: NDArray[np.uint8],
        stream: RowStream,
    ) -> None:
        """Describe the first row of all that is bad by itself, which the message will name."""
        if self._first_bad:
            return
        torn = min(batch.torn, key=attrgetter("row"), default=None)
        if torn is not None and (not len(bad) or torn.row < batch.row[bad[0]]):
            self._first_bad_row = torn.row
            self._first_bad = f"row {torn.row}: expected {len(stream.header)} fields, found {_describe_torn(torn)}"
        elif len(bad):
            first = int(bad[0])
            fault, column = Fault.of_code(int(faults[first])), int(columns[first])
            fields = [batch.original(first)[column_of] for column_of in stream.columns]
            name = stream.header[stream.columns[column]]
            self._first_bad_row = int(batch.row[first])
            expected = _expected(fault, fields, column, stream.time_form)
            self._first_bad = (
                f"row {batch.row[first]}, column {name}: expected {expected}, found {shown(fields[column])}"
            )

    def _keep(self, batch: RowBatch, good: BoolArray, stream: RowStream) -> None:
        row, time_ns = batch.row, batch.time.values
        prices = batch.bid.values, batch.ask.values
        if not good.all():
            row, time_ns = row[good], time_ns[good]
            prices = prices[0][good], prices[1][good]
        if not len(row):
            return
        self._look_for_a_break(batch, row, time_ns, stream)
        time_ms = time_ns // _NS_PER_MS
        self.tally.sub_millisecond += int(np.count_nonzero(time_ms * _NS_PER_MS != time_ns))
        self._digits = max(_digits_of(price, self._digits) for price in prices)
        unit = 10 ** (PRICE_DECIMALS - self._digits)
        bid, ask = prices[0] // unit, prices[1] // unit
        dearest = int(ask.argmax())
        self._check_size(int(ask[dearest]), int(row[dearest]))
        points = bid.astype(np.int32), ask.astype(np.int32)
        self._chunks.append(self._spool.append(time_ms, *points, self._digits))
        self._dearest_rows.append(int(row[dearest]))

    def _look_for_a_break(self, batch: RowBatch, row: Int64Array, time_ns: Int64Array, stream: RowStream) -> None:
        before_row, before_ns = self._latest
        self._latest = int(row[-1]), int(time_ns[-1])
        if self._break is not None:
            return
        if time_ns[0] < before_ns or (time_ns[1:] < time_ns[:-1]).any():
            falls = np.flatnonzero(np.diff(time_ns, prepend=before_ns) < 0)
            first = int(falls[0])
            position = int(np.searchsorted(batch.row, row[first]))
            if first:
                before_row, before_ns = int(row[first - 1]), int(time_ns[first - 1])
            text = batch.original(position)[stream.columns[TIMESTAMP]]
            self._break = _Break(int(row[first]), text, before_row, before_ns)

    def _check_size(self, ask: int, row: int) -> None:
        # The ask is the larger of the two prices.
        if ask > MAX_STORED_POINTS:
            raise DataError(
                f"{self._source}: row {row}, column ask: expected at most nine digits, found "
                f"{Decimal(ask).scaleb(-self._digits)} in a file whose prices have {self._digits} decimals; round the "
                "prices, or mend this row"
            )

    def _put_in_order(self, pair: Pair) -> None:
        from necrozma_core.kernels.rising import longest_rising  # noqa: PLC0415 -- the compiler, for broken files only

        whole = self._spool.span(pair, self._digits, tuple(self._chunks))
        keep = self.judge.in_order = longest_rising(np.concatenate([piece.time_ms for piece in whole.pieces()]))
        late = len(keep) - int(keep.sum())
        self.tally.kept -= late
        if late:
            self.tally.bad[Fault.OUT_OF_ORDER] += late
        self._chunks, end = [], 0
        for piece in whole.pieces():
            start, end = end, end + len(piece)
            chosen = keep[start:end]
            if chosen.any():
                time_ms, bid, ask = piece.time_ms[chosen], piece.bid[chosen], piece.ask[chosen]
                self._chunks.append(self._spool.append(time_ms, bid, ask, self._digits))

    def _refuse_too_many(self, most_bad: float) -> None:
        bad = self.tally.bad.total()
        if self.judge.crossed is Crossed.ASIDE:
            bad -= self.tally.bad[Fault.CROSSED]
        if not bad or bad <= most_bad * self.tally.rows:
            return
        if self.tally.bad[Fault.OUT_OF_ORDER] == bad:
            raise DataError(f"{self._bad_rows()}; sort the file by time")
        if most_bad == 0.0 and bad <= USUAL_SHARE * self.tally.rows and not self.tally.bad[Fault.OUT_OF_ORDER]:
            raise DataError(f"{self._bad_rows()}; mend the file, or set them aside with --quarantine-rows")
        share = 100.0 * bad / self.tally.rows
        share = round(share, 1 if share >= 1.0 else 3)
        limit = f", and at most {100 * most_bad:g} % may be set aside" if most_bad else ""
        is_crossed = self.judge.crossed is Crossed.REFUSE and 2 * self.tally.bad[Fault.CROSSED] >= bad
        otherwise = f"; {CROSSED_ADVICE}" if is_crossed else ""
        raise DataError(f"{self._bad_rows()}, {share:g} % of all{limit}; mend the file{otherwise}")

    def _advice(self) -> str:
        if self.tally.bad.keys() == {Fault.CROSSED}:
            return "if bid and ask are exchanged, say which is which: --columns time=...,bid=...,ask=..."
        return "check that this is the right kind of file"

    def _bad_rows(self) -> str:
        count = self.tally.bad.total()
        reasons = ", ".join(f"{count} {fault.value}" for fault, count in sorted(self.tally.bad.items()))
        first = self._first_bad
        if self._break is not None and (self._first_bad_row is None or self._break.row < self._first_bad_row):
            first = (
                f"row {self._break.row}: expected a time at or after the {np.datetime64(self._break.before_ns, 'ns')}Z "
                f"of row {self._break.before_row}, found {shown(self._break.found)}"
            )
        return f"{self._source}: {first}; {count} bad {'row' if count == 1 else 'rows'} ({reasons})"


def _digits_of(price: Int64Array, least: int) -> int:
    """Count the decimals of the finest of some prices in billionths, from a number on that is known to be needed."""
    for digits in range(least, PRICE_DECIMALS):
        unit = 10 ** (PRICE_DECIMALS - digits)
        # Division by one number is quick, a remainder is not; and mostly a few prices show what is too coarse.
        if all((part // unit * unit == part).all() for part in (price[:_FEW], price)):
            return digits
    return PRICE_DECIMALS


def _bad_fields(batch: RowBatch, faults: NDArray[np.uint8]) -> Iterator[tuple[int, Fault, Sequence[str]]]:
    rows = [(torn.row, torn.fault, torn.fields()) for torn in batch.torn]
    rows += [
        (int(batch.row[position]), Fault.of_code(int(faults[position])), list(batch.original(position)))
        for position in np.flatnonzero(faults != NO_FAULT).tolist()
    ]
    yield from sorted(rows, key=itemgetter(0))


def _describe_torn(torn: TornRow) -> str:
    if torn.fault is Fault.EMPTY:
        return "nothing in them"
    parted = "" if torn.delimiter == "," else f" parted by {shown(torn.delimiter)}"
    return f"{len(torn.fields())}{parted}: {shown(torn.text, _SHOWN_ROW)}"


def _expected(fault: Fault, fields: Sequence[str], column: int, time_form: str) -> str:
    if fault is Fault.CROSSED:
        return f"a price at or above the bid of {shown(fields[BID])}"
    if fault is Fault.NOT_A_NUMBER and "," in fields[column] and "." not in fields[column]:
        return "a number with a decimal point"
    if fault is Fault.NOT_A_TIME and fields[TIMESTAMP].isdigit() and time_form == TIME_FORM:
        return f"{time_form} (what a number counts, say with --unit s, ms, us or ns)"
    return time_form if fault is Fault.NOT_A_TIME else _EXPECTED[fault]
