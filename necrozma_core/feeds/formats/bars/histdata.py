"""HistData's minutes: ``20120201 000000;1.3066;1.3066;1.30656;1.30656;0``, no header, EST without daylight saving, bid.

The same minutes also come "for MetaTrader", ``DAT_MT_EURUSD_M1_2012.csv``, which only the name tells from a broker's.
"""

import re
from dataclasses import replace
from typing import Final

from necrozma_core.feeds.formats.bars.layout import BarLayout
from necrozma_core.feeds.formats.bars.metatrader import without_header
from necrozma_core.feeds.formats.histdata import ZONE
from necrozma_core.feeds.formats.layout import Head
from necrozma_core.feeds.reading.times import TimeStyle

_BAR_TIME: Final = re.compile(r"\d{8} \d{6}", re.ASCII)
_NAME: Final = re.compile(r"DAT_MT_[A-Z]{6}_M1_", re.ASCII | re.IGNORECASE)
_HEADER: Final = ("timestamp", "open", "high", "low", "close", "volume")


def recognise(head: Head) -> BarLayout | None:
    """Tell HistData's minutes by their first time, date, a blank and six digits; or those "for MetaTrader" by name."""
    if head.has_header:
        return None
    if _NAME.match(head.name) or _NAME.match(head.path.name):
        layout = without_header(head)
        reason = f"the name {head.path.name}; read as UTC-5 all year"
        return layout and replace(layout, format="HistData minutes", reason=reason, zone=ZONE, counts_ticks=False)
    if len(head.header) != len(_HEADER) or not _BAR_TIME.fullmatch(head.header[0]):
        return None
    return BarLayout(
        format="HistData minutes",
        reason=f"no header, times such as {head.header[0]}; read as UTC-5 all year",
        header=_HEADER,
        has_header=False,
        time=(0,),
        prices=(1, 2, 3, 4),
        style=TimeStyle.COMPACT,
        delimiter=head.delimiter,
        zone=ZONE,
    )
