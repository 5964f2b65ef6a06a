"""Opens the strategies of a run for one pair: where a user's file runs depends on who asks, and on the system."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from necrozma_core.market.bars import Bars
from necrozma_core.strategies.isolation.answers import Answers, AnswersHere
from necrozma_core.strategies.protocol import Strategy
from necrozma_core.strategies.source import SourceKind, StrategySource


@contextmanager
def open_strategies(
    source: StrategySource, bars: Bars, announce: Callable[[int], object] | None = None
) -> Iterator[tuple[tuple[Strategy, ...], Answers]]:
    """Make the strategies of a source, and whatever answers for those of a user's.

    Parameters
    ----------
    source : StrategySource
    bars : Bars
        Of the pair.
    announce : callable, optional
        Asks for a process of its own for a user's file, and is told that process's id; 0 once there is none. Given by
        workers, which have a single thread: only such a process can be forked. Elsewhere than on Linux, and where
        nothing is given, a user's file runs in this process.

    Yields
    ------
    tuple of Strategy, Answers

    Raises
    ------
    UsageError
        The file or the text cannot be used.
    """
    if sys.platform == "linux" and announce is not None and source.kind is SourceKind.FILE:
        # Late: it has no meaning on other systems.
        from necrozma_core.strategies.isolation.isolated import IsolatedStrategies  # noqa: PLC0415

        with IsolatedStrategies(source, bars, announce) as isolated:
            yield isolated.strategies, isolated
    else:
        strategies = source.load()
        yield strategies, AnswersHere(strategies, bars)
