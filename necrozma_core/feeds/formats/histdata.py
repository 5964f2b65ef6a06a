"""HistData: no header, times such as ``20200101 170000065`` in Eastern Standard Time, all year without daylight saving.

Format and zone: the specification of "generic ASCII" data on the publisher's site.
"""

import re
from typing import Final

from necrozma_core.feeds.formats.layout import Head, Layout
from necrozma_core.feeds.reading.times import TimeStyle

ZONE: Final = "-05:00"

_TICK_TIME: Final = re.compile(r"\d{8} \d{9}", re.ASCII)
_FIELDS: Final = (3, 4)


def recognise(head: Head) -> Layout | None:
    """Tell a file of HistData ticks by its first time: date, a blank, and nine digits of clock and milliseconds."""
    if head.has_header or len(head.header) not in _FIELDS or not _TICK_TIME.fullmatch(head.header[0]):
        return None
    return Layout(
        format="HistData ticks",
        reason=f"no header, times such as {head.header[0]}; read as UTC-5 all year",
        header=("timestamp", "bid", "ask", "volume")[: len(head.header)],
        has_header=False,
        time=(0,),
        bid=1,
        ask=2,
        style=TimeStyle.COMPACT,
        delimiter=head.delimiter,
        zone=ZONE,
    )
