"""Rows judged in their order: kept, or counted, named and set aside; none is silently dropped or changed."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from operator import attrgetter, itemgetter
from typing import Final

import numpy as np
from numpy.typing import NDArray

from necrozma_core.errors import DataError
from necrozma_core.feeds.quarantine import Quarantine
from necrozma_core.feeds.reading.cells import NO_FAULT, Fault
from necrozma_core.feeds.reading.prices import PRICE_DECIMALS
from necrozma_core.feeds.reading.rows import ASK, BID, TIMESTAMP, RowBatch, RowStream, find_faults
from necrozma_core.market.arrays import BoolArray, Int32Array, Int64Array
from necrozma_core.market.instruments import Pair
from necrozma_core.market.ticks import Ticks
from necrozma_core.storage.ticks.encoding import MAX_STORED_POINTS

Positions = NDArray[np.intp]

_NS_PER_MS: Final = 1_000_000
_LONG_AGO: Final = np.iinfo(np.int64).min
_EXPECTED: Final = {
    Fault.EMPTY: "a value",
    Fault.NOT_A_TIME: "a time such as 2024-01-15T00:00:00.032Z",
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
    """

    rows: int = 0
    kept: int = 0
    bad: Counter[Fault] = field(default_factory=Counter)
    sub_millisecond: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class _Chunk:
    digits: int
    dearest_row: int
    time_ms: Int64Array
    bid: Int32Array
    ask: Int32Array


class Sieve:
    """Judges the rows of one source and gathers the good ones, in 16 bytes each.

    A row is out of order where its time is below the latest time of the rows kept before it.

    Parameters
    ----------
    source : str
        The file's name, for messages.
    stream : RowStream
    quarantine : Quarantine or None
        Where bad rows go; None refuses them.
    """

    def __init__(self, source: str, stream: RowStream, quarantine: Quarantine | None) -> None:
        self.tally = Tally()
        self._source = source
        self._stream = stream
        self._quarantine = quarantine
        self._first_bad = ""
        self._latest_ns = int(_LONG_AGO)
        self._digits = 0
        self._chunks: list[_Chunk] = []

    def sift(self, pair: Pair) -> Ticks:
        """Read the whole stream.

        Returns
        -------
        Ticks
            The rows kept, in the digits of the finest price among them.

        Raises
        ------
        DataError
            Rows are bad and to be refused, or none is left; with row, column and how many there are.
        """
        if self._quarantine is not None:
            self._quarantine.start(self._stream.header)
        for batch in self._stream.batches:
            self._take(batch)
            if self.tally.rows and not self.tally.kept:
                raise DataError(f"{self._bad_rows()}, every row so far: check that this is the right kind of file")
        if self.tally.bad and self._quarantine is None:
            raise DataError(f"{self._bad_rows()}; mend the file, or set them aside with --quarantine-rows")
        if not self.tally.kept:
            raise DataError(f"{self._source}: expected rows of {pair.name}, found none")
        return self._gather(pair)

    def _take(self, batch: RowBatch) -> None:
        faults, columns = find_faults(batch)
        times = np.where(faults == NO_FAULT, batch.time.values, _LONG_AGO)
        latest_ns = np.maximum.accumulate(np.concatenate(([self._latest_ns], times)))
        late = (faults == NO_FAULT) & (times < latest_ns[:-1])
        faults[late] = Fault.OUT_OF_ORDER.code
        columns[late] = TIMESTAMP
        good = faults == NO_FAULT

        bad = np.flatnonzero(~good)
        self._count(batch, faults)
        self._remember_first(batch, bad, faults, columns, latest_ns)
        if self._quarantine is not None:
            self._set_aside(batch, bad, faults)
        self._latest_ns = int(latest_ns[-1])
        self.tally.rows += len(batch.row) + len(batch.torn)
        self.tally.kept += len(batch.row) - len(bad)
        # Once it is sure that the source is refused, its rows are only counted.
        if self._quarantine is not None or not self.tally.bad:
            self._keep(batch, good)

    def _count(self, batch: RowBatch, faults: NDArray[np.uint8]) -> None:
        self.tally.bad.update(torn.fault for torn in batch.torn)
        for code, count in enumerate(np.bincount(faults, minlength=1).tolist()):
            if code != NO_FAULT and count:
                self.tally.bad[Fault.of_code(code)] += count

    def _set_aside(self, batch: RowBatch, bad: Positions, faults: NDArray[np.uint8]) -> None:
        assert self._quarantine is not None, "rows are set aside where there is a place for them"
        rows = [(torn.row, torn.fault, torn.fields()) for torn in batch.torn]
        rows += [
            (int(batch.row[position]), Fault.of_code(int(faults[position])), list(batch.original(position)))
            for position in bad.tolist()
        ]
        for row, fault, fields in sorted(rows, key=itemgetter(0)):
            self._quarantine.add(row, fault, fields)

    def _remember_first(
        self,
        batch: RowBatch,
        bad: Positions,
        faults: NDArray[np.uint8],
        columns: NDArray[np.uint8],
        latest_ns: Int64Array,
    ) -> None:
        """Describe the first bad row of all, which the message will name."""
        if self._first_bad:
            return
        torn = min(batch.torn, key=attrgetter("row"), default=None)
        if torn is not None and (not len(bad) or torn.row < batch.row[bad[0]]):
            found = "nothing in them" if torn.fault is Fault.EMPTY else f"{len(torn.fields())}"
            self._first_bad = f"row {torn.row}: expected {len(self._stream.header)} fields, found {found}"
        elif len(bad):
            first = int(bad[0])
            fault, column = Fault.of_code(int(faults[first])), int(columns[first])
            fields = [batch.original(first)[place] for place in self._stream.columns]
            expected = self._expected(fault, fields, int(latest_ns[first]))
            name = self._stream.header[self._stream.columns[column]]
            found = _quoted(fields[column])
            self._first_bad = f"row {batch.row[first]}, column {name}: expected {expected}, found {found}"

    def _expected(self, fault: Fault, fields: Sequence[str], latest_ns: int) -> str:
        if fault is Fault.CROSSED:
            return f"a price at or above the bid of {_quoted(fields[BID])}"
        if fault is Fault.OUT_OF_ORDER:
            return f"a time at or after the {np.datetime64(latest_ns, 'ns')}Z before it"
        if fault is Fault.NOT_A_TIME and fields[TIMESTAMP].isdigit():
            return f"{_EXPECTED[fault]} (a number does not tell its unit)"
        return _EXPECTED[fault]

    def _bad_rows(self) -> str:
        count = self.tally.bad.total()
        reasons = ", ".join(f"{count} {fault.value}" for fault, count in sorted(self.tally.bad.items()))
        return f"{self._source}: {self._first_bad}; {count} bad {'row' if count == 1 else 'rows'} ({reasons})"

    def _keep(self, batch: RowBatch, good: BoolArray) -> None:
        row, time_ns = batch.row, batch.time.values
        prices = batch.bid.values, batch.ask.values
        if not good.all():
            row, time_ns = row[good], time_ns[good]
            prices = prices[0][good], prices[1][good]
        time_ms = time_ns // _NS_PER_MS
        self.tally.sub_millisecond += int(np.count_nonzero(time_ms * _NS_PER_MS != time_ns))
        while any((price % 10 ** (PRICE_DECIMALS - self._digits)).any() for price in prices):
            self._digits += 1
        unit = 10 ** (PRICE_DECIMALS - self._digits)
        bid, ask = prices[0] // unit, prices[1] // unit
        if len(ask):
            dearest = int(ask.argmax())
            self._check_size(int(ask[dearest]), int(row[dearest]))
            points = bid.astype(np.int32), ask.astype(np.int32)
            self._chunks.append(_Chunk(self._digits, int(row[dearest]), time_ms, *points))

    def _check_size(self, ask: int, row: int) -> None:
        # The ask is the larger of the two prices.
        if ask > MAX_STORED_POINTS:
            raise DataError(
                f"{self._source}: row {row}, column {self._stream.header[self._stream.columns[ASK]]}: expected at most "
                f"nine digits, found {Decimal(ask).scaleb(-self._digits)} in a file whose prices have {self._digits} "
                "decimals; round the prices, or mend this row"
            )

    def _gather(self, pair: Pair) -> Ticks:
        kept = self.tally.kept
        time_ms = np.empty(kept, dtype=np.int64)
        bid, ask = np.empty(kept, dtype=np.int32), np.empty(kept, dtype=np.int32)
        end = 0
        for position, chunk in enumerate(self._chunks):
            start, end = end, end + len(chunk.time_ms)
            finer = 10 ** (self._digits - chunk.digits)
            self._check_size(int(chunk.ask.max()) * finer, chunk.dearest_row)
            time_ms[start:end] = chunk.time_ms
            np.multiply(chunk.bid, finer, out=bid[start:end])
            np.multiply(chunk.ask, finer, out=ask[start:end])
            self._chunks[position] = _EMPTY
        return Ticks(pair, self._digits, time_ms, bid, ask)


_EMPTY: Final = _Chunk(0, 0, np.empty(0, np.int64), np.empty(0, np.int32), np.empty(0, np.int32))


def _quoted(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:40] + "...")
