"""MetaTrader's bars, in the broker's time, which the file does not say; the prices are the bid's.

============  =========================================================================
MetaTrader 4  no header, ``2012.02.01,00:00,1.3066,1.3066,1.30656,1.30656,57``
MetaTrader 5  tabs, ``<DATE> <TIME> <OPEN> <HIGH> <LOW> <CLOSE> <TICKVOL> <VOL> <SPREAD>``
============  =========================================================================

Daily bars of MetaTrader 5 have no ``<TIME>``. Its spread is in points.
"""

from typing import Final

from necrozma_core.feeds.formats.bars.layout import PARTS, BarLayout, SpreadUnit
from necrozma_core.feeds.formats.bars.named import times_of
from necrozma_core.feeds.formats.layout import Head
from necrozma_core.feeds.reading.times import TimeStyle, style_of

_HEADER: Final = ("date", "time", "open", "high", "low", "close", "volume")
_MARKED: Final = {"<date>", "<open>", "<high>", "<low>", "<close>"}


def recognise(head: Head) -> BarLayout | None:
    """Tell bars of MetaTrader 5 by their names in angle brackets, those of 4 by rows of date, time and five numbers."""
    if not head.has_header:
        from_name = head.name.upper().startswith("DAT_MT_") or head.path.name.upper().startswith("DAT_MT_")
        return None if from_name else without_header(head)
    if not {name.lower() for name in head.header} >= _MARKED:
        return None
    at = {name: column for column, name in enumerate(head.names)}
    time = tuple(at[name] for name in ("date", "time") if name in at)
    times = times_of(head, time)
    return BarLayout(
        format="MetaTrader 5 bars",
        reason="columns called <DATE>, <OPEN>, <HIGH>, <LOW>, <CLOSE>",
        header=head.header,
        has_header=True,
        time=time,
        prices=tuple(at[part] for part in PARTS),
        style=times.style,
        clock=times.clock,
        delimiter=head.delimiter,
        volume=at.get("tickvol"),
        counts_ticks="tickvol" in at,
        spread=at.get("spread"),
        spread_unit=SpreadUnit.POINTS,
    )


def without_header(head: Head) -> BarLayout | None:
    """Tell bars as MetaTrader 4 writes them."""
    if head.has_header or len(head.header) != len(_HEADER):
        return None
    if ":" not in head.header[1] or style_of(" ".join(head.header[:2])) is not TimeStyle.DOTTED:
        return None
    return BarLayout(
        format="MetaTrader 4 bars",
        reason=f"no header, rows that begin {head.header[0]}{head.delimiter}{head.header[1]}",
        header=_HEADER,
        has_header=False,
        time=(0, 1),
        prices=(2, 3, 4, 5),
        style=TimeStyle.DOTTED,
        delimiter=head.delimiter,
        volume=6,
        counts_ticks=True,
    )
