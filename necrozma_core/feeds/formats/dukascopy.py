"""Dukascopy as text: its site's CSV, and what the common downloaders make of its hourly files.

==================  ==========================================================  ==============
site                ``Local time,Ask,Bid,...``, ``04.03.2013 00:00:00.605 GMT-0000``  its own offset
JForex              no header, ``2015.01.01 22:00:01.413,bid,ask,...``          UTC
duka                no header, ``2018-07-27 00:00:00.254000,ask,bid,...``       UTC
dukascopy-node      ``timestamp,askPrice,bidPrice``, milliseconds since 1970    UTC
==================  ==========================================================  ==============
"""

from dataclasses import replace
from typing import Final

from necrozma_core.feeds.formats import named
from necrozma_core.feeds.formats.layout import Head, Layout
from necrozma_core.feeds.reading.times import TimeStyle, style_of

_FIELDS: Final = 5


def recognise(head: Head) -> Layout | None:
    """Tell a file made from Dukascopy's quotes by its header, or by the time and five fields of its first row."""
    if head.has_header:
        return _with_header(head)
    if len(head.header) != _FIELDS:
        return None
    match style_of(head.header[0]):
        case TimeStyle.DOTTED:
            return _without_header(head, "JForex ticks (Dukascopy)", bid=1, ask=2)
        case TimeStyle.ISO:
            return _without_header(head, "duka ticks (Dukascopy)", bid=2, ask=1)
        case _:
            return None


def _with_header(head: Head) -> Layout | None:
    if {"askprice", "bidprice", "timestamp"} <= set(head.names):
        layout = named.recognise(head)
        return layout and replace(
            layout, format="dukascopy-node ticks", reason="columns called askPrice and bidPrice", zone="UTC"
        )
    clock = next((name for name in head.names if name in {"gmt time", "local time"}), None)
    if clock is None:
        return None
    layout = named.recognise(head)
    zone = "UTC" if clock == "gmt time" else None
    return layout and replace(
        layout, format="Dukascopy ticks", reason=f"a column called {head.header[head.names.index(clock)]}", zone=zone
    )


def _without_header(head: Head, name: str, *, bid: int, ask: int) -> Layout:
    header = ["timestamp", "", "", "", ""]
    header[bid], header[ask], header[bid + 2], header[ask + 2] = "bid", "ask", "bid volume", "ask volume"
    style = style_of(head.header[0])
    assert style is not None, "the layout was told by it"
    return Layout(
        format=name,
        reason=f"no header, five fields, times such as {head.header[0]}; read as UTC, {header[1]} before {header[2]}",
        header=tuple(header),
        has_header=False,
        time=(0,),
        bid=bid,
        ask=ask,
        style=style,
        delimiter=head.delimiter,
        zone="UTC",
    )
