"""TrueFX: no header, ``EUR/USD,20130101 21:59:59.981,1.32023,1.32054``, UTC."""

import re
from typing import Final

from necrozma_core.feeds.formats.layout import Head, Layout
from necrozma_core.feeds.reading.times import TimeStyle, style_of

_FIELDS: Final = 4
_SYMBOL: Final = re.compile(r"[A-Z]{3}/[A-Z]{3}", re.ASCII)


def recognise(head: Head) -> Layout | None:
    """Tell a TrueFX file by its first row: a pair with a slash, then a time."""
    if head.has_header or len(head.header) != _FIELDS or not _SYMBOL.fullmatch(head.header[0]):
        return None
    if style_of(head.header[1]) is not TimeStyle.COMPACT:
        return None
    return Layout(
        format="TrueFX ticks",
        reason=f"no header, rows that begin {head.header[0]},{head.header[1]}; read as UTC",
        header=("symbol", "timestamp", "bid", "ask"),
        has_header=False,
        time=(1,),
        bid=2,
        ask=3,
        style=TimeStyle.COMPACT,
        delimiter=head.delimiter,
        zone="UTC",
        symbol=0,
    )
