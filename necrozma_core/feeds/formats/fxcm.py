"""FXCM: weekly ``.csv.gz`` in UTF-16, ``DateTime,Bid,Ask``, times such as ``01/04/2015 22:00:00.123``, UTC.

The month comes first. Times and zone: the publisher's description of its tick repository.
"""

from typing import Final

from necrozma_core.feeds.formats.layout import Head, Layout
from necrozma_core.feeds.reading.times import TimeStyle

_NAMES: Final = ("datetime", "bid", "ask")


def recognise(head: Head) -> Layout | None:
    """Tell an FXCM file by its header and the slashes in its times."""
    if head.names != _NAMES or not all("/" in time for time in head.cells(0)):
        return None
    return Layout(
        format="FXCM ticks",
        reason="the columns DateTime, Bid, Ask and slashes in the dates; read as month/day/year, UTC",
        header=head.header,
        has_header=True,
        time=(0,),
        bid=1,
        ask=2,
        style=TimeStyle.MONTH_FIRST,
        delimiter=head.delimiter,
        zone="UTC",
    )
