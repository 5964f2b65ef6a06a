"""The sources by the names that ``--source`` knows."""

from collections.abc import Mapping
from typing import Final

from necrozma_core.errors import UsageError, nearest, shown
from necrozma_core.feeds.download.dukascopy import Dukascopy
from necrozma_core.feeds.download.exness import Exness
from necrozma_core.feeds.download.histdata import HistData
from necrozma_core.feeds.download.order import Source

SOURCES: Final[Mapping[str, Source]] = {"dukascopy": Dukascopy(), "exness": Exness(), "histdata": HistData()}


def get_source(name: str) -> Source:
    """Return the source called ``name``.

    Raises
    ------
    UsageError
        There is none.
    """
    if name in SOURCES:
        return SOURCES[name]
    raise UsageError(f"--source {shown(name, 40)}: {nearest(name, SOURCES)}")
