"""Any table whose header names its columns as the field does: a time, open, high, low and close under their synonyms.

TradingView's exports are so (``time,open,high,low,close,Volume``, seconds since 1970 or ISO times), those of most
cTrader robots, dukascopy-node's candles (milliseconds since 1970), FXCM's, and our own exports, which have both sides.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from necrozma_core.errors import DataError, UsageError, shown
from necrozma_core.feeds.formats.bars.layout import PARTS, BarLayout, SpreadUnit
from necrozma_core.feeds.formats.layout import Head
from necrozma_core.feeds.formats.named import SYNONYMS as TICK_SYNONYMS
from necrozma_core.feeds.formats.named import column_called, column_given
from necrozma_core.feeds.reading.times import TimeStyle, style_of

FORMAT: Final = "columns"
MIDNIGHT: Final = " 00:00"

_SIDES: Final = ("bid", "ask")


def _both(side: str, part: str) -> tuple[str, ...]:
    return tuple(
        name.format(side=side, part=part)
        for name in ("{side}_{part}", "{side}{part}", "{side} {part}", "{part}_{side}", "{part}{side}", "{part} {side}")
    )


SYNONYMS: Final[Mapping[str, tuple[str, ...]]] = {
    "time": (
        *TICK_SYNONYMS["time"],
        "datetimeutc",
        "datetime utc",
        "open time",
        "open_time",
        "opentime",
        "time (gmt)",
        "utc time",
        "time utc",
        "date_gmt",
        "__index_level_0__",
    ),
    "date": TICK_SYNONYMS["date"],
    "open": ("open", "o", "open price", "first"),
    "high": ("high", "h", "high price", "max"),
    "low": ("low", "l", "low price", "min"),
    "close": ("close", "c", "close price"),
    "ticks": ("tick_volume", "tickvol", "tickvolume", "tick volume", "ticks", "tick_count", "tickqty"),
    "volume": ("volume", "vol", "v", "real_volume", "basevolume"),
    "spread_points": ("spread_points", "spread (points)", "spread(points)"),
    "spread_pips": ("spread_pips", "spread (pips)", "spread(pips)"),
    "spread_price": ("spread_price", "spread (price)", "spread(price)"),
    "symbol": TICK_SYNONYMS["symbol"],
    **{f"{side}_{part}": _both(side, part) for side in _SIDES for part in PARTS},
}
"""What a column may be called, in lower case; the first name of each is the one that we write."""

BOTH_SIDES: Final = tuple(f"{side}_{part}" for side in _SIDES for part in PARTS)
_UNITS: Final = {f"spread_{unit}": unit for unit in SpreadUnit}


def names_bars(names: Sequence[str]) -> bool:
    """Tell whether a header is that of bars: open, high, low and close, or those of both sides, and no quotes."""
    roles = {role for role, known in SYNONYMS.items() if set(known) & set(names)}
    is_quotes = all(set(TICK_SYNONYMS[side]) & set(names) for side in _SIDES)
    return (set(PARTS) <= roles and not is_quotes) or set(BOTH_SIDES) <= roles


def recognise(head: Head) -> BarLayout | None:
    """Tell a table of bars by its header.

    Raises
    ------
    DataError
        Two columns could be the same thing, a name stands there twice, the time is missing, or its style is not clear.
    """
    if not head.has_header or not names_bars(head.names):
        return None
    found = find_columns(head.names, head.source, head.header)
    names = ", ".join(head.header[column] for column in (*time_columns(found), *price_columns(found)))
    return lay_out(head, found, FORMAT, f"columns called {names}")


def mapped(head: Head, given: Mapping[str, str]) -> BarLayout:
    """Lay a table out as the user says.

    Parameters
    ----------
    head : Head
    given : mapping of str to str
        From roles, the keys of `SYNONYMS`, to the column's name, or its number from 1.

    Raises
    ------
    UsageError
        A column is not there, or one of time and prices is missing.
    """
    check_roles(given)
    found = {role: column_given(head, role, name) for role, name in given.items()}
    return lay_out(head, found, FORMAT, "the columns that were given")


def check_roles(given: Mapping[str, str]) -> None:
    """Refuse a map of columns that lacks some.

    Raises
    ------
    UsageError
    """
    if unknown := sorted(set(given) - set(SYNONYMS)):
        raise UsageError(f"--columns: expected {', '.join(list(SYNONYMS)[:8])} and such, found {shown(unknown[0], 40)}")
    whole = set(PARTS) <= set(given) or set(BOTH_SIDES) <= set(given)
    if not whole or not {"time", "date"} & set(given):
        raise UsageError("--columns: expected time, open, high, low and close, such as time=Date,open=O,high=H,...")


def time_columns(found: Mapping[str, int]) -> tuple[int, ...]:
    """Return the columns of date and time, of those that there are."""
    return tuple(found[role] for role in ("date", "time") if role in found)


def price_columns(found: Mapping[str, int]) -> tuple[int, ...]:
    """Return the columns of the prices: eight where both sides are there, else four."""
    return tuple(found[role] for role in (BOTH_SIDES if set(BOTH_SIDES) <= set(found) else PARTS))


def find_columns(names: Sequence[str], source: str, header: Sequence[str]) -> dict[str, int]:
    """Return where each role stands among the columns of a table of bars.

    Parameters
    ----------
    names : sequence of str
        In lower case.
    source : str
    header : sequence of str
        The names as they are, for messages.

    Raises
    ------
    DataError
        One is missing, two columns could be the same thing, or a name stands there twice.
    """
    for name in names:
        if name and list(names).count(name) > 1:
            raise DataError(f"{source}: expected every column once, found {shown(name, 40)} {names.count(name)} times")
    found = {
        role: column
        for role in SYNONYMS
        if (column := column_called(role, names, header, source, SYNONYMS)) is not None
    }
    if not time_columns(found) or not (set(PARTS) <= set(found) or set(BOTH_SIDES) <= set(found)):
        raise DataError(
            f"{source}: expected columns of time, open, high, low and close, found {shown(', '.join(header), 80)}; say "
            "which they are with --columns time=...,open=...,high=...,low=...,close=..."
        )
    return found


@dataclass(frozen=True, slots=True)
class BarTimes:
    """How the times of a table of bars are written: their style, and what is put behind a date alone."""

    style: TimeStyle
    clock: str = ""


def times_of(head: Head, time: tuple[int, ...]) -> BarTimes:
    """Tell how times are written by the first of them; those that are none are taken for ISO, and will be named.

    Raises
    ------
    DataError
        A date with slashes may be day/month or month/day.
    """
    texts = [" ".join(row[column] for column in time) for row in head.data if all(row[column] for column in time)]
    if texts and (style := style_of_day(texts[0])):
        return BarTimes(style, MIDNIGHT)
    styles = [style for style in map(style_of, texts) if style is not None]
    if not styles:
        if any("/" in text for text in texts[:1]):
            raise DataError(
                f"{head.source}: column {head.header[time[0]]}: {shown(texts[0], 40)} may be day/month or month/day; "
                "write dates as 2024-01-15"
            )
        return BarTimes(TimeStyle.ISO)
    return BarTimes(max(set(styles), key=styles.count))


def style_of_day(text: str) -> TimeStyle | None:
    """Tell the style of a date without a time of day, as daily bars have it, once midnight stands behind it."""
    if not re.fullmatch(r"\d{4}-\d\d-\d\d|\d{4}\.\d\d\.\d\d|\d\d\.\d\d\.\d{4}|\d{8}", text, re.ASCII):
        return None
    return style_of(text + MIDNIGHT)


def lay_out(head: Head, found: Mapping[str, int], name: str, reason: str) -> BarLayout:
    """Return the layout of a table whose columns are known; errors as `times_of`."""
    times = times_of(head, time_columns(found))
    header = head.header if head.has_header else tuple(f"column {column}" for column in range(1, len(head.header) + 1))
    spread = next((role for role in _UNITS if role in found), None)
    return BarLayout(
        format=name,
        reason=reason,
        header=header,
        has_header=head.has_header,
        time=time_columns(found),
        prices=price_columns(found),
        style=times.style,
        clock=times.clock,
        delimiter=head.delimiter,
        volume=found.get("ticks", found.get("volume")),
        counts_ticks="ticks" in found,
        spread=None if spread is None else found[spread],
        spread_unit=_UNITS[spread] if spread else SpreadUnit.POINTS,
        symbol=found.get("symbol"),
    )
