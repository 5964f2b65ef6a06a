"""Ticks on their way into the store: kept in a temporary file, so that an import's memory does not grow with its rows.

A span is gone through piece by piece. What was put down is found again by its rows or by its times.
"""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import BinaryIO, Final, Protocol

import numpy as np

from necrozma_core.market.arrays import Int32Array, Int64Array
from necrozma_core.market.instruments import Pair
from necrozma_core.market.ticks import Ticks
from necrozma_core.storage.disk.errors import disk_errors
from necrozma_core.storage.disk.layer import DISK, FileLayer
from necrozma_core.storage.ticks.spans import part_of

TICK_BYTES: Final = 16
"""What a tick takes in a spool: 8 bytes for its time, and 4 for each price."""

_PIECE_ROWS: Final = 2**16


class TickSpan(Protocol):
    """Ticks of one pair in order of time, at least one, gone through piece by piece."""

    @property
    def digits(self) -> int:
        """Decimals of the prices."""
        ...

    @property
    def first_ms(self) -> int:
        """The first tick's time, or an earlier one."""
        ...

    @property
    def last_ms(self) -> int:
        """The last tick's time, or a later one."""
        ...

    def pieces(self) -> Iterator[Ticks]:
        """Yield the ticks in order, none of the pieces empty; a piece may be gone with the next one."""
        ...


class AddedSpan(TickSpan, Protocol):
    """A span that is to be stored: the times of its ends are exact, and it can be cut."""

    @property
    def pair(self) -> Pair:
        """Whose ticks they are."""
        ...

    @property
    def highest(self) -> int:
        """The largest price, points."""
        ...

    def __len__(self) -> int: ...

    def position(self, time_ms: int) -> int:
        """Count the ticks before a time."""
        ...

    def rows(self, start: int, end: int) -> "AddedSpan":
        """Return the span of the ticks in ``[start, end)``, at least one."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class HeldSpan:
    """Ticks that are in memory anyway."""

    ticks: Ticks

    @property
    def pair(self) -> Pair:
        """Whose ticks they are."""
        return self.ticks.pair

    @property
    def digits(self) -> int:
        """Decimals of the prices."""
        return self.ticks.digits

    @property
    def first_ms(self) -> int:
        """The first tick's time."""
        return int(self.ticks.time_ms[0])

    @property
    def last_ms(self) -> int:
        """The last tick's time."""
        return int(self.ticks.time_ms[-1])

    @property
    def highest(self) -> int:
        """The largest price, points."""
        return int(self.ticks.ask.max())

    def __len__(self) -> int:
        return len(self.ticks)

    def position(self, time_ms: int) -> int:
        """Count the ticks before a time."""
        return int(np.searchsorted(self.ticks.time_ms, time_ms))

    def rows(self, start: int, end: int) -> "HeldSpan":
        """Return the span of the ticks in ``[start, end)``."""
        return HeldSpan(part_of(self.ticks, slice(start, end), self.digits))

    def pieces(self) -> Iterator[Ticks]:
        """Yield views of the ticks."""
        for start in range(0, len(self.ticks), _PIECE_ROWS):
            yield part_of(self.ticks, slice(start, start + _PIECE_ROWS), self.digits)


@dataclass(frozen=True, slots=True)
class SpooledChunk:
    """Ticks put down at once: where, how many, in which digits, from when to when, and their largest price."""

    offset: int
    rows: int
    digits: int
    first_ms: int
    last_ms: int
    highest: int


@dataclass(frozen=True)
class SpooledSpan:
    """Ticks in a spool.

    Attributes
    ----------
    path : Path
        The spool's file.
    pair : Pair
    digits : int
        At least those of every chunk; coarser ones are raised as they are read.
    chunks : tuple of SpooledChunk
        In order of time.
    start, end : int
        Which of the chunks' rows belong to the span.
    """

    path: Path
    pair: Pair
    digits: int
    chunks: tuple[SpooledChunk, ...]
    start: int
    end: int

    @cached_property
    def _ends(self) -> list[int]:
        return list(accumulate(chunk.rows for chunk in self.chunks))

    @cached_property
    def _lasts(self) -> list[int]:
        return [chunk.last_ms for chunk in self.chunks]

    def __len__(self) -> int:
        return self.end - self.start

    @property
    def first_ms(self) -> int:
        """The first tick's time."""
        return self._time_at(self.start)

    @property
    def last_ms(self) -> int:
        """The last tick's time."""
        return self._time_at(self.end - 1)

    @property
    def highest(self) -> int:
        """The largest price of the chunks, points."""
        return max(chunk.highest * int(10 ** (self.digits - chunk.digits)) for chunk in self.chunks)

    def position(self, time_ms: int) -> int:
        """Count the ticks before a time."""
        number = bisect_left(self._lasts, time_ms)
        if number == len(self.chunks):
            return len(self)
        row = self._ends[number] - self.chunks[number].rows
        if self.chunks[number].first_ms < time_ms:
            with disk_errors("read", self.path), self.path.open("rb") as file:
                row += int(np.searchsorted(self._read(file, number).time_ms, time_ms))
        return min(max(row, self.start), self.end) - self.start

    def rows(self, start: int, end: int) -> "SpooledSpan":
        """Return the span of the ticks in ``[start, end)``."""
        return replace(self, start=self.start + start, end=self.start + end)

    def pieces(self) -> Iterator[Ticks]:
        """Read the ticks, a chunk at a time.

        Raises
        ------
        StorageError
            The spool cannot be read.
        """
        with disk_errors("read", self.path):
            file = self.path.open("rb")
        with file:
            for number in range(bisect_left(self._ends, self.start + 1), len(self.chunks)):
                end = self._ends[number]
                start = end - self.chunks[number].rows
                if start >= self.end:
                    return
                with disk_errors("read", self.path):
                    piece = self._read(file, number)
                yield part_of(piece, slice(max(0, self.start - start), self.end - start), self.digits)

    def _time_at(self, row: int) -> int:
        number = bisect_left(self._ends, row + 1)
        chunk, start = self.chunks[number], self._ends[number] - self.chunks[number].rows
        if row == start:
            return chunk.first_ms
        if row == start + chunk.rows - 1:
            return chunk.last_ms
        with disk_errors("read", self.path), self.path.open("rb") as file:
            return int(self._read(file, number).time_ms[row - start])

    def _read(self, file: BinaryIO, number: int) -> Ticks:
        chunk = self.chunks[number]
        file.seek(chunk.offset)
        content = file.read(chunk.rows * TICK_BYTES)
        if len(content) != chunk.rows * TICK_BYTES:
            raise OSError("a temporary file is shorter than what was written into it")
        time_ms = np.frombuffer(content, np.int64, chunk.rows)
        prices = np.frombuffer(content, np.int32, 2 * chunk.rows, 8 * chunk.rows)
        if chunk.digits < self.digits:
            prices = prices * np.int32(10 ** (self.digits - chunk.digits))
        return Ticks(self.pair, self.digits, time_ms, prices[: chunk.rows], prices[chunk.rows :])


class TickSpool:
    """A temporary file that ticks are put down in; whoever owns its folder removes it.

    Parameters
    ----------
    path : Path
        Its folder exists; the file is made with the first ticks.
    files : FileLayer
    """

    def __init__(self, path: Path, *, files: FileLayer = DISK) -> None:
        self.path = path
        self._files = files
        self._file: BinaryIO | None = None
        self._size = 0

    def append(self, time_ms: Int64Array, bid: Int32Array, ask: Int32Array, digits: int) -> SpooledChunk:
        """Put ticks down, at least one.

        Parameters
        ----------
        time_ms : int64 array, shape (n_ticks,)
            Never falling, or to be put down anew in order later.
        bid, ask : int32 array, shape (n_ticks,)
        digits : int

        Raises
        ------
        StorageError
            The disk does not take them.
        """
        with disk_errors("write", self.path):
            if self._file is None:
                self._file = self._files.create(self.path)
            for array in (time_ms, bid, ask):
                self._file.write(np.ascontiguousarray(array).data)
        offset, self._size = self._size, self._size + TICK_BYTES * len(time_ms)
        return SpooledChunk(offset, len(time_ms), digits, int(time_ms[0]), int(time_ms[-1]), int(ask.max()))

    def span(self, pair: Pair, digits: int, chunks: tuple[SpooledChunk, ...]) -> SpooledSpan:
        """Return the span of some chunks of this spool, at least one; errors as `append`."""
        with disk_errors("write", self.path):
            if self._file is not None:
                self._file.flush()
        return SpooledSpan(self.path, pair, digits, chunks, 0, sum(chunk.rows for chunk in chunks))

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()
