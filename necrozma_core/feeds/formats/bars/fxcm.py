"""FXCM's candles: a gz a week, ``DateTime,BidOpen,...,AskClose``, times such as ``01/04/2015 22:00:00.000``, UTC.

The month comes first. Times and zone: the publisher's description of its candle repository.
"""

from necrozma_core.feeds.formats.bars import named
from necrozma_core.feeds.formats.bars.layout import BarLayout
from necrozma_core.feeds.formats.layout import Head
from necrozma_core.feeds.reading.times import TimeStyle


def recognise(head: Head) -> BarLayout | None:
    """Tell FXCM's candles by a column DateTime beside both sides' prices, and the slashes in its times."""
    if not head.has_header or "datetime" not in head.names or not all("/" in time for time in head.cells(0)):
        return None
    roles = {role for role in named.BOTH_SIDES if set(named.SYNONYMS[role]) & set(head.names)}
    if roles != set(named.BOTH_SIDES):
        return None
    found = named.find_columns(head.names, head.source, head.header)
    return BarLayout(
        format="FXCM candles",
        reason="the columns DateTime, BidOpen to AskClose and slashes in the dates; read as month/day/year, UTC",
        header=head.header,
        has_header=True,
        time=named.time_columns(found),
        prices=named.price_columns(found),
        style=TimeStyle.MONTH_FIRST,
        delimiter=head.delimiter,
        zone="UTC",
        volume=found.get("ticks"),
        counts_ticks="ticks" in found,
    )
