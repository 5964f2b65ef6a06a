"""LEAN: one zip a day, ``20140501_eurusd_quote.zip``, whose rows are milliseconds since midnight UTC, bid, ask."""

import re
from datetime import UTC, datetime
from typing import Final

from necrozma_core.feeds.formats.layout import Head, Layout
from necrozma_core.feeds.reading.times import TimeStyle

_NAME: Final = re.compile(r"(\d{8})(?:_([a-z]{6}))?(?:_tick)?_quote\.(?:zip|csv)", re.ASCII | re.IGNORECASE)
_FIELDS: Final = 3
_MILLISECONDS: Final = re.compile(r"\d{1,8}", re.ASCII)


def recognise(head: Head) -> Layout | None:
    """Tell a LEAN day by its name, which alone has the date, and rows that begin with a small whole number."""
    name = _NAME.fullmatch(head.path.name) or _NAME.fullmatch(head.name)
    if name is None or head.has_header or len(head.header) != _FIELDS:
        return None
    if not _MILLISECONDS.fullmatch(head.header[0]):
        return None
    try:
        midnight = datetime.strptime(name[1], "%Y%m%d").replace(tzinfo=UTC)
    except ValueError:
        return None
    return Layout(
        format="LEAN ticks",
        reason=f"the name {name[0]}: milliseconds since the midnight of {midnight:%Y-%m-%d} UTC",
        header=("milliseconds", "bid", "ask"),
        has_header=False,
        time=(0,),
        bid=1,
        ask=2,
        style=TimeStyle.MILLISECONDS,
        delimiter=head.delimiter,
        midnight_ns=round(midnight.timestamp()) * 10**9,
    )
