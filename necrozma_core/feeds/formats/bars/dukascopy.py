"""Dukascopy's candles from its site and from JForex: ``Gmt time,Open,High,Low,Close,Volume``, one side a file.

Weekends and quiet minutes may stand there as flat bars without volume; they are no bars and are left out when read.
"""

from dataclasses import replace
from typing import Final

from necrozma_core.feeds.formats.bars import named
from necrozma_core.feeds.formats.bars.layout import BarLayout
from necrozma_core.feeds.formats.layout import Head

_ZONES: Final = {"gmt time": "UTC", "time (utc)": "UTC", "time (gmt)": "UTC", "time (eet)": "EET", "local time": None}


def recognise(head: Head) -> BarLayout | None:
    """Tell candles of Dukascopy by what the column of times is called, which says their zone too."""
    clock = next((name for name in head.names if name in _ZONES), None) if head.has_header else None
    if clock is None:
        return None
    # JForex's clock in Eastern European time has no synonym: no other feed's column is called so.
    names = tuple("time" if name == clock else name for name in head.names)
    if not named.names_bars(names):
        return None
    found = named.find_columns(names, head.source, head.header)
    layout = named.lay_out(head, found, "Dukascopy candles", f"a column called {head.header[head.names.index(clock)]}")
    return replace(layout, zone=_ZONES[clock])
