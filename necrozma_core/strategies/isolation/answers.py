"""What a user's strategies answer, and that nobody else pays for what they do on the way."""

from collections.abc import Sequence
from os import _exit, getpid
from typing import NamedTuple, Protocol

from necrozma_core.errors import StrategyError, shown
from necrozma_core.market.arrays import Int8Array
from necrozma_core.market.bars import Bars
from necrozma_core.market.lending import LentBars
from necrozma_core.strategies.checking import checked_signals, explain_silence, one_line, place_of
from necrozma_core.strategies.isolation.surroundings import Left, Surroundings
from necrozma_core.strategies.protocol import Strategy


class Answer(NamedTuple):
    """A strategy's checked signals, and why they may lead to no trade."""

    signals: Int8Array
    silence: str


class Answers(Protocol):
    """The user's strategies of one pair, wherever they run."""

    def answer(self, position: int) -> Answer:
        """Compute the signals of the strategy at a position of the list; StrategyError, by name, if it fails."""
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
            return Answer(signals, _silence(strategy, self._lent.bars, signals))
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
