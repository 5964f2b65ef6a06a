"""What a user's strategies answer, and that nobody else pays for what they do on the way."""

from collections.abc import Sequence
from dataclasses import fields
from os import _exit, getpid
from typing import NamedTuple, Protocol

import numpy as np

from necrozma_core.engine.bar_levels import BarLevels
from necrozma_core.errors import StrategyError, shown
from necrozma_core.market.arrays import Int8Array
from necrozma_core.market.bars import Bars
from necrozma_core.market.lending import LentBars
from necrozma_core.strategies.bar_distances import checked_levels
from necrozma_core.strategies.checking import checked_signals, explain_silence, one_line, place_of
from necrozma_core.strategies.isolation.surroundings import Left, Surroundings
from necrozma_core.strategies.protocol import Strategy


class Answer(NamedTuple):
    """A strategy's checked signals, why they may lead to no trade, and what else it says for each bar."""

    signals: Int8Array
    silence: str
    levels: BarLevels | None = None

    def packed(self) -> tuple[list[str], bytes]:
        """Return the names of the arrays of levels, and all arrays as bytes, the signals first."""
        given = {entry.name: getattr(self.levels, entry.name, None) for entry in fields(BarLevels)}
        arrays = {name: array for name, array in given.items() if array is not None}
        return list(arrays), b"".join([self.signals.tobytes(), *(array.tobytes() for array in arrays.values())])


def unpacked(names: Sequence[str], payload: bytes, n_bars: int) -> tuple[Int8Array, BarLevels | None]:
    """Return the arrays of a packed answer.

    Raises
    ------
    ValueError, TypeError
        They are no such arrays of that many bars.
    """
    if len(payload) != n_bars * (1 + 8 * len(names)):
        raise ValueError("another number of bytes")
    # Of bytearrays, because the kernels want arrays that are writable; one each, so that all are aligned.
    signals = np.frombuffer(bytearray(payload[:n_bars]), np.int8)
    arrays = {
        name: np.frombuffer(bytearray(payload[n_bars * (1 + 8 * i) : n_bars * (9 + 8 * i)]), np.float64)
        for i, name in enumerate(names)
    }
    return signals, BarLevels(**arrays) if arrays else None


class Answers(Protocol):
    """The user's strategies of one pair, wherever they run."""

    def answer(self, position: int) -> Answer:
        """Compute what the strategy at a position of the list says; StrategyError, by name, if it fails."""
        ...


class AnswersHere:
    """A user's strategies run in this process; what they change is put back where that is possible.

    Parameters
    ----------
    strategies : sequence of Strategy
    bars : Bars
        The pair's own, which the user's code never sees.

    Attributes
    ----------
    is_whole : bool
        Whether this process is as the strategies expect it.
    imported : list of str
        Modules that strategies loaded, and that a new process should load before anything can change them.
    """

    def __init__(self, strategies: Sequence[Strategy], bars: Bars) -> None:
        self.is_whole = True
        self.imported: list[str] = []
        self._strategies = strategies
        self._lent = LentBars(bars)
        self._surroundings: Surroundings | None = None

    def remember(self) -> None:
        """Remember the process as it is now: what strategies change later is held against this."""
        self._surroundings = Surroundings()

    def restore(self) -> Left:
        """Make the process what it was when it was remembered; done after every strategy, and needed after a fork."""
        if self._surroundings is None:
            self.remember()
            return Left()
        return self._surroundings.restore()

    def answer(self, position: int) -> Answer:
        """As in `Answers`; a strategy that changed the bars or a library fails, whatever it returned."""
        strategy, pid = self._strategies[position], getpid()
        if self._surroundings is None:
            self.remember()
        try:
            signals = checked_signals(strategy, self._lent.bars)
            levels = checked_levels(strategy, self._lent.bars, signals)
            return Answer(signals, _silence(strategy, self._lent.bars, signals), levels)
        finally:
            if getpid() != pid:
                # The strategy forked: its copy of this process must not go on with our work.
                _exit(0)
            self._hold_responsible(strategy.name)

    def _hold_responsible(self, name: str) -> None:
        left = self.restore()
        self.is_whole = self.is_whole and left.is_whole
        self.imported += left.imported
        # Raised over any other failure: what the other strategies would have computed with matters more.
        if not self._lent.take_back():
            self.is_whole = False
            raise StrategyError(
                f"strategy {shown(name)} changed the bars, which other strategies read too; "
                "change a copy instead, such as bars.mid_close.copy()"
            )
        if left.complaint:
            raise StrategyError(f"strategy {shown(name)} {left.complaint}; leave everything as it was found")


def _silence(strategy: Strategy, bars: Bars, signals: Int8Array) -> str:
    try:
        return explain_silence(strategy, bars, signals)
    except BaseException as error:  # a user may derive a strategy from one of ours, with reasons of its own
        raise StrategyError(f"strategy {shown(strategy.name)} raised {one_line(error)} ({place_of(error)})") from error
