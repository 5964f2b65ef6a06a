"""Rows on their way from a source's cells to ticks: what every reader of a format gives."""

import csv
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from necrozma_core.feeds.reading.cells import NO_FAULT, Cells, Fault
from necrozma_core.market.arrays import Int64Array

TIMESTAMP: Final = 0
BID: Final = 1
ASK: Final = 2
COLUMN_NAMES: Final = ("timestamp", "bid", "ask")
TIME_FORM: Final = "a time such as 2024-01-15T00:00:00.032Z"


@dataclass(frozen=True, slots=True)
class TornRow:
    """A row that does not have the header's fields: its number as the user counts, its text, and what parts them."""

    row: int
    text: str
    delimiter: str = ","

    @property
    def fault(self) -> Fault:
        """What is wrong with it."""
        return Fault.FIELDS if any(self.fields()) else Fault.EMPTY

    def fields(self) -> list[str]:
        """Return its fields, as far as they can be told apart; none for an empty line."""
        try:
            return next(csv.reader([self.text], delimiter=self.delimiter), [])
        except csv.Error:
            return [self.text]


@dataclass(frozen=True, slots=True, eq=False)
class RowBatch:
    """Some rows of a source, in its order.

    Attributes
    ----------
    row : int64 array, shape (n_rows,)
        Numbers as the user counts them, from 1: lines of a text file with its header, rows of a table.
    time, bid, ask : Cells
    original : callable
        Gives the fields of the row at a position of this batch, in the header's order, as the source has them.
    torn : tuple of TornRow
        Rows whose cells could not be told apart.
    skipped : int
        Rows left out because one side had no price yet, where a blank stands for the price before.
    """

    row: Int64Array
    time: Cells
    bid: Cells
    ask: Cells
    original: Callable[[int], Sequence[str]]
    torn: tuple[TornRow, ...] = ()
    skipped: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class RowStream:
    """A source that is being read.

    Attributes
    ----------
    header : tuple of str
        The names of its columns, as they are.
    columns : tuple of int
        Where among them timestamp, bid and ask stand.
    batches : iterator of RowBatch
    time_form : str
        What a time is like here, for messages.
    """

    header: tuple[str, ...]
    columns: tuple[int, int, int]
    batches: Iterator[RowBatch]
    time_form: str = TIME_FORM

    def close(self) -> None:
        """Let go of the source, whether it was read to its end or not."""
        if isinstance(self.batches, Generator):
            self.batches.close()


def find_faults(batch: RowBatch) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Name the first fault that each row has by itself, whatever the rows around it.

    Returns
    -------
    faults : uint8 array, shape (n_rows,)
        `Fault.code`, or `NO_FAULT`.
    columns : uint8 array, shape (n_rows,)
        `TIMESTAMP`, `BID` or `ASK`: where the fault is.
    """
    faults = batch.time.faults.copy()
    columns = np.full(len(faults), TIMESTAMP, dtype=np.uint8)
    for column, cells in ((BID, batch.bid), (ASK, batch.ask)):
        fault = np.where(cells.values > 0, np.uint8(NO_FAULT), np.uint8(Fault.NOT_POSITIVE.code))
        fault = np.where(cells.faults == NO_FAULT, fault, cells.faults)
        first = (faults == NO_FAULT) & (fault != NO_FAULT)
        faults[first], columns[first] = fault[first], column
    crossed = (faults == NO_FAULT) & (batch.ask.values < batch.bid.values)
    faults[crossed], columns[crossed] = Fault.CROSSED.code, ASK
    return faults, columns
