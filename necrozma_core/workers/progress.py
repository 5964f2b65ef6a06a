"""A small shared file that shows what every worker is doing, without messages.

It has one row a slot, written by the worker and read by the parent. A sequence number guards the row: it is odd while
the row is being written, and a reader that finds it odd or changed tries again. A write takes some 2 us, so a worker
can afford one between two strategies.
"""

import mmap
import os
import struct
import time
from dataclasses import dataclass, replace
from enum import IntEnum
from pathlib import Path
from typing import Final

_SEQUENCE: Final = struct.Struct("<Q")
_ROW: Final = struct.Struct("<qqqqqqqqq16s24s96s")
_ROW_BYTES: Final = 256
_READ_ATTEMPTS: Final = 64
"""Tries after which a row counts as left half written by a worker that was killed."""


class SlotState(IntEnum):
    """What a slot's worker is doing."""

    IDLE = 0
    WARMING = 1
    RUNNING = 2
    HELD = 3


@dataclass(frozen=True, slots=True)
class SlotProgress:
    """A slot as last written by its worker.

    Attributes
    ----------
    pid : int
        The worker's process id; 0 before the first one began.
    state : SlotState
    since : float
        When the state began, seconds of the monotonic clock.
    started : float
        When the pair was begun, seconds of the monotonic clock; 0.0 while idle.
    done, total : int
        Units of the stage, such as strategies.
    ticks : int
        Ticks that one unit goes over.
    helper_pid : int
        The process that computes a user's strategies for the worker; 0 where there is none.
    held_s : float
        Seconds for which the gate has held the worker since the pair was begun, without a hold that still lasts.
    pair, stage, label : str
        Empty while idle; ``label`` is the strategy, its middle cut out beyond 96 bytes.
    """

    pid: int = 0
    state: SlotState = SlotState.IDLE
    since: float = 0.0
    started: float = 0.0
    done: int = 0
    total: int = 0
    ticks: int = 0
    helper_pid: int = 0
    held_s: float = 0.0
    pair: str = ""
    stage: str = ""
    label: str = ""

    def held_until(self, now: float) -> float:
        """Return the seconds held since the pair was begun, including a hold that still lasts."""
        return self.held_s + (max(0.0, now - self.since) if self.state is SlotState.HELD else 0.0)

    def ticks_per_second(self, now: float) -> float | None:
        """Return the ticks gone over a second, or None before there is anything to divide."""
        elapsed = now - self.started
        return self.done * self.ticks / elapsed if self.started and elapsed > 0 and self.done else None


class ProgressBoard:
    """Rows of a memory-mapped file, one a slot.

    Parameters
    ----------
    path : Path
        The file, as made by `create`.

    Raises
    ------
    OSError
        If it cannot be opened or mapped.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), 0)
        self.slots = len(self._map) // _ROW_BYTES
        self._blank = SlotProgress()

    @classmethod
    def create(cls, path: Path, slots: int) -> "ProgressBoard":
        """Make the file, every slot idle, and open it."""
        path.write_bytes(bytes(slots * _ROW_BYTES))
        return cls(path)

    def write(self, slot: int, row: SlotProgress) -> None:
        """Publish a slot's row; a slot has one writer at a time."""
        offset = slot * _ROW_BYTES
        (sequence,) = _SEQUENCE.unpack_from(self._map, offset)
        # A writer that was killed left an odd number: go on from there as if it had finished.
        sequence |= 1
        _SEQUENCE.pack_into(self._map, offset, sequence)
        _ROW.pack_into(
            self._map,
            offset + _SEQUENCE.size,
            row.pid,
            row.state,
            _nanoseconds(row.since),
            _nanoseconds(row.started),
            row.done,
            row.total,
            row.ticks,
            row.helper_pid,
            _nanoseconds(row.held_s),
            row.pair.encode()[:16],
            row.stage.encode()[:24],
            _short(row.label),
        )
        _SEQUENCE.pack_into(self._map, offset, sequence + 1)

    def read(self, slot: int) -> SlotProgress:
        """Return a slot's row as last published; an idle one if its writer was killed half way."""
        offset = slot * _ROW_BYTES
        for _ in range(_READ_ATTEMPTS):
            (before,) = _SEQUENCE.unpack_from(self._map, offset)
            if before % 2 == 0:
                fields = _ROW.unpack_from(self._map, offset + _SEQUENCE.size)
                (after,) = _SEQUENCE.unpack_from(self._map, offset)
                if before == after:
                    return _row(fields)
            time.sleep(0)
        return self._blank

    def read_all(self) -> list[SlotProgress]:
        """Return every slot's row, in order."""
        return [self.read(slot) for slot in range(self.slots)]

    def clear(self, slot: int, pid: int = 0, state: SlotState = SlotState.IDLE) -> None:
        """Show a slot as having no pair."""
        self.write(slot, SlotProgress(pid=pid, state=state, since=time.monotonic()))

    def close(self) -> None:
        """Unmap the file; it stays where it is."""
        self._map.close()


class SlotWriter:
    """A worker's own row.

    Parameters
    ----------
    board : ProgressBoard
    slot : int
    """

    def __init__(self, board: ProgressBoard, slot: int) -> None:
        self._board = board
        self._slot = slot
        self._pid = os.getpid()
        self._row = SlotProgress()

    def begin(self, pair: str) -> None:
        """Show that a pair is being worked on."""
        now = time.monotonic()
        self._publish(SlotProgress(self._pid, SlotState.RUNNING, now, now, pair=pair))

    def advance(self, stage: str, done: int, total: int, label: str, ticks: int) -> None:
        """Show how far the pair is."""
        self._publish(replace(self._row, stage=stage, done=done, total=total, label=label, ticks=ticks))

    def show_helper(self, pid: int) -> None:
        """Show which process computes a user's strategies for this worker; 0 once there is none."""
        self._publish(replace(self._row, helper_pid=pid))

    def hold(self, held: bool) -> None:
        """Show that the gate holds the worker, or that it goes on."""
        now = time.monotonic()
        state = SlotState.HELD if held else SlotState.RUNNING
        self._publish(replace(self._row, state=state, since=now, held_s=self._row.held_until(now)))

    def rest(self, state: SlotState = SlotState.IDLE) -> None:
        """Show that there is no pair."""
        self._publish(SlotProgress(self._pid, state, time.monotonic()))

    def _publish(self, row: SlotProgress) -> None:
        self._row = row
        self._board.write(self._slot, row)


def _row(fields: tuple[int, int, int, int, int, int, int, int, int, bytes, bytes, bytes]) -> SlotProgress:
    pid, state, since, started, done, total, ticks, helper_pid, held, pair, stage, label = fields
    return SlotProgress(
        pid,
        SlotState(state),
        since / 1e9,
        started / 1e9,
        done,
        total,
        ticks,
        helper_pid,
        held / 1e9,
        _text(pair),
        _text(stage),
        _text(label),
    )


def _nanoseconds(seconds: float) -> int:
    return round(seconds * 1e9)


def _short(label: str) -> bytes:
    """Return a name in the bytes that the board has for it; of a long one its beginning and its end."""
    content = label.encode(errors="replace")
    return content if len(content) <= 96 else content[:46] + "…".encode() + content[-47:]


def _text(field: bytes) -> str:
    # Cut at bytes, so characters at the cut may be half.
    return field.rstrip(b"\0").decode(errors="ignore")
