"""Spans of one pair's ticks put in order of time, piece by piece."""

from collections import deque
from collections.abc import Iterator, Sequence

import numpy as np

from necrozma_core.market.ticks import Ticks
from necrozma_core.storage.ticks.spans import joined, part_of
from necrozma_core.storage.ticks.spooling import TickSpan


def merge_pieces(spans: Sequence[TickSpan], digits: int) -> Iterator[Ticks]:
    """Go through several spans as through one.

    Parameters
    ----------
    spans : sequence of TickSpan
    digits : int
        At least those of every span.

    Yields
    ------
    Ticks
        In order of time, none empty, gone with the next one. Of one millisecond, the ticks of the span that begins
        earlier come first.
    """
    waiting = deque(sorted(spans, key=lambda span: (span.first_ms, span.last_ms)))
    heads: list[_Head] = []
    while waiting or heads:
        while waiting and (not heads or waiting[0].first_ms <= min(head.last_ms for head in heads)):
            head = _Head(waiting.popleft(), digits)
            heads += [head] if head.advance() else []
        if not heads:
            return
        if len(heads) == 1:
            yield heads[0].piece
            heads = heads if heads[0].advance() else []
        else:
            # What follows in each span is later than this: up to here every tick is known.
            upto_ms = min(head.last_ms for head in heads)
            for head in heads:
                head.read_beyond(upto_ms)
            yield _in_order([head.take(upto_ms) for head in heads])
            heads = [head for head in heads if len(head.piece) or head.advance()]


class _Head:
    """The ticks of a span that come next."""

    def __init__(self, span: TickSpan, digits: int) -> None:
        self._pieces = span.pieces()
        self._digits = digits
        self.piece: Ticks

    @property
    def last_ms(self) -> int:
        return int(self.piece.time_ms[-1])

    def advance(self) -> bool:
        """Go on to the next piece, and tell whether there was one."""
        following = next(self._pieces, None)
        if following is not None:
            self.piece = self._raised(following)
        return following is not None

    def read_beyond(self, time_ms: int) -> None:
        """Read on while the last tick is not after a time."""
        while self.last_ms <= time_ms:
            held = joined([self.piece])  # a copy: the piece is gone with the next one
            following = next(self._pieces, None)
            if following is None:
                self.piece = held
                return
            self.piece = joined([held, self._raised(following)])

    def take(self, upto_ms: int) -> Ticks:
        """Take the ticks up to a time, and leave the rest, perhaps none."""
        end = int(np.searchsorted(self.piece.time_ms, upto_ms, side="right"))
        taken = joined([part_of(self.piece, slice(0, end), self._digits)])
        self.piece = part_of(self.piece, slice(end, None), self._digits)
        return taken

    def _raised(self, ticks: Ticks) -> Ticks:
        if ticks.digits == self._digits:
            return ticks
        finer = np.int32(10 ** (self._digits - ticks.digits))
        return Ticks(ticks.pair, self._digits, ticks.time_ms, ticks.bid * finer, ticks.ask * finer)


def _in_order(parts: Sequence[Ticks]) -> Ticks:
    ticks = joined(parts)
    if not (np.diff(ticks.time_ms) < 0).any():
        return ticks
    order = np.argsort(ticks.time_ms, kind="stable")
    return Ticks(ticks.pair, ticks.digits, ticks.time_ms[order], ticks.bid[order], ticks.ask[order])
