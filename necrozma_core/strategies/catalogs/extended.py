"""Some two hundred built-in strategies, which use every order and every natural exit."""

from necrozma_core.strategies.catalogs.breakouts import breakouts
from necrozma_core.strategies.catalogs.reversions import reversions
from necrozma_core.strategies.catalogs.trends import trends
from necrozma_core.strategies.rule import Rule


def extended_strategies() -> tuple[Rule, ...]:
    """Return the strategies of the extended catalog, trends before reversions before breakouts."""
    return (*trends(), *reversions(), *breakouts())
