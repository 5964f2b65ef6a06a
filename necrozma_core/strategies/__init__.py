"""Strategies: bars in, signals out.

==================== ============================================================================
``protocol``         what a strategy is
``rule``             what the built-in families share: checked settings, a name, a warm-up
``parameters``       what a setting may be
``order_settings``   orders as settings: what each may be, how it is written, which contradict each other
``indicators``       averages, deviations and ranges, computed once for all strategies of a pair
``families``         one family a file, each with the source of its formula
``catalog``          the families by name, and the default fifty
``catalogs``         some two hundred strategies more, which use every order
``settings``         thousands of settings from a TOML file or a ``--grid``
``user``             strategies from the user's own Python file
``bar_distances``    what a user's strategy says for each bar beside its signals
``misspelling``      attributes of a user's strategy that are one slip from a name that is read
``isolation``        a user's strategies kept apart from the engine and from each other
``trial``            a user's file loaded once, before a run begins
``listening``        a person's Ctrl-C told from an interrupt that a user's file raises
``files``            the files that a user writes, read without loading the compiler
``source``           where a run's strategies come from, as a value that travels to workers
``checking``         signals that keep the contract, and why a strategy stayed silent
==================== ============================================================================

A signal of a built-in strategy is an event: +1 or -1 at the bar at which its condition becomes true, having been
untrue at the bar before, and 0 everywhere else. With a natural exit it closes, too, at the bar at which the exit's
condition becomes true. While a condition cannot be computed yet, the signal is 0.
"""

from necrozma_core.face import face

__all__, __getattr__, __dir__ = face(
    __name__,
    {
        "FAMILIES": "catalog",
        "Rule": "rule",
        "Strategy": "protocol",
        "StrategySource": "source",
        "default_strategies": "catalog",
    },
)
