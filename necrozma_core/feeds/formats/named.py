"""Any table whose header names its columns as the field does: time, bid and ask under their known synonyms."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from necrozma_core.errors import DataError, UsageError, shown
from necrozma_core.feeds.formats.layout import Head, Layout
from necrozma_core.feeds.reading.times import TimeStyle, style_of

SYNONYMS: Final[Mapping[str, tuple[str, ...]]] = {
    "time": ("timestamp", "time", "datetime", "date time", "date_time", "date/time", "gmt time", "local time",
             "time (utc)", "time_utc", "utc", "timestamp_ms", "time_msc", "epoch"),
    "date": ("date", "day"),
    "bid": ("bid", "bidprice", "bid price", "bid_price", "bid px", "best_bid"),
    "ask": ("ask", "askprice", "ask price", "ask_price", "ask px", "best_ask", "offer", "ofr"),
    "symbol": ("symbol", "instrument", "pair", "ticker", "currency pair", "currency_pair"),
}  # fmt: skip
"""What a column may be called, in lower case; the first name of each is the one that we write."""

FORMAT: Final = "columns"
"""What a table told by its header alone is called."""

_BARS: Final = {"open", "high", "low", "close"}


@dataclass(frozen=True, slots=True)
class Columns:
    """Where a header's parts stand."""

    time: tuple[int, ...]
    bid: int
    ask: int
    symbol: int | None = None


def recognise(head: Head) -> Layout | None:
    """Tell a table by its header: a time, a bid and an ask under any of their names.

    Raises
    ------
    DataError
        Two columns could be the same thing, a name stands there twice, or the times' style is not clear.
    """
    if not head.has_header or not {"bid", "ask"} <= _roles(head.names):
        return None
    columns = find_columns(head.names, head.source, head.header)
    return table_layout(head, columns, FORMAT, f"columns called {_called(head.header, columns)}")


def mapped(head: Head, names: Mapping[str, str]) -> Layout:
    """Lay a table out as the user says.

    Parameters
    ----------
    head : Head
    names : mapping of str to str
        From time, date, bid, ask and symbol to the column's name, or its number from 1.

    Raises
    ------
    UsageError
        A column is not there, or one of bid, ask and time is missing.
    """
    if unknown := sorted(set(names) - set(SYNONYMS)):
        raise UsageError(f"--columns: expected time, date, bid, ask or symbol, found {shown(unknown[0], 40)}")
    if not {"bid", "ask"} <= set(names) or not {"time", "date"} & set(names):
        raise UsageError("--columns: expected time, bid and ask, such as time=Date,bid=Bid price,ask=Ask price")
    found_at = {role: column_given(head, role, name) for role, name in names.items()}
    time = tuple(found_at[role] for role in ("date", "time") if role in found_at)
    columns = Columns(time, found_at["bid"], found_at["ask"], found_at.get("symbol"))
    return table_layout(head, columns, FORMAT, "the columns that were given")


def table_layout(head: Head, columns: Columns, name: str, reason: str, style: TimeStyle | None = None) -> Layout:
    """Return the layout of a table whose columns are known; its first times tell their style.

    Raises
    ------
    DataError
        The style is not clear.
    """
    header = head.header if head.has_header else tuple(f"column {column}" for column in range(1, len(head.header) + 1))
    return Layout(
        format=name,
        reason=reason,
        header=header,
        has_header=head.has_header,
        time=columns.time,
        bid=columns.bid,
        ask=columns.ask,
        style=style or _style(head, columns.time),
        delimiter=head.delimiter,
        symbol=columns.symbol,
    )


def find_columns(names: Sequence[str], source: str, header: Sequence[str] = ()) -> Columns:
    """Return where time, bid and ask stand among the columns of a table.

    Parameters
    ----------
    names : sequence of str
        In lower case.
    source : str
    header : sequence of str
        The names as they are, for messages; `names` where empty.

    Raises
    ------
    DataError
        One is missing, two could be it, or a name stands there twice.
    """
    given = list(header or names)
    for name in names:
        if name and names.count(name) > 1:
            raise DataError(f"{source}: expected every column once, found {shown(name, 40)} {names.count(name)} times")
    if set(names) >= _BARS and not {"bid", "ask"} <= _roles(names):
        raise DataError(f"{source}: these are bars ({', '.join(given)[:60]}), not ticks; import them as bars")
    found_at = {role: column_called(role, names, given, source) for role in SYNONYMS}
    time = tuple(column for column in (found_at["date"], found_at["time"]) if column is not None)
    bid, ask = found_at["bid"], found_at["ask"]
    if bid is None or ask is None or not time:
        found = ", ".join(given) or "nothing"
        raise DataError(
            f"{source}: expected a header with the columns timestamp, bid, ask, found {shown(found, 80)}; "
            "say which they are with --columns time=...,bid=...,ask=..."
        )
    return Columns(time, bid, ask, found_at["symbol"])


def _roles(names: Sequence[str]) -> set[str]:
    return {role for role, known in SYNONYMS.items() if set(known) & set(names)}


def column_called(
    role: str, names: Sequence[str], given: Sequence[str], source: str, synonyms: Mapping[str, Sequence[str]] = SYNONYMS
) -> int | None:
    """Return the column that a header's names give a role, the one called by our own name first; None where none is.

    Parameters
    ----------
    role : str
    names, given : sequence of str
        The header in lower case, and as it stands.
    source : str
        For the message.
    synonyms : mapping of str to sequence of str
        What the column of each role may be called.

    Raises
    ------
    DataError
        Several could be it.
    """
    found = [column for column, name in enumerate(names) if name in synonyms[role]]
    exact = [column for column in found if names[column] == synonyms[role][0]]
    if len(found) > 1 and len(exact) != 1:
        both = " and ".join(given[column] for column in found[:2])
        raise DataError(f"{source}: {both} could both be the {role}; say which with --columns {role}=...")
    return exact[0] if exact else found[0] if found else None


def column_given(head: Head, role: str, name: str) -> int:
    """Return the column that a user gives a role, by its name or number; UsageError where it is not there."""
    if name.isdigit() and 0 < int(name) <= len(head.header):
        return int(name) - 1
    wanted = name.strip().lower()
    if head.has_header and wanted in (names := [column.lower() for column in head.header]):
        return names.index(wanted)
    found = ", ".join(head.header) if head.has_header else f"{len(head.header)} columns without names"
    raise UsageError(f"--columns: {role}={name[:40]}: {head.source} has no such column, but {found[:80]}")


def _style(head: Head, time: tuple[int, ...]) -> TimeStyle:
    """Tell the style of a table's times; that of times that are none is ISO, and the rows will be named."""
    rows = [row for row in head.data if all(row[column] for column in time)]
    texts = [" ".join(row[column] for column in time) for row in rows]
    styles = [style for style in map(style_of, texts) if style is not None]
    if not styles:
        if any("/" in text for text in texts[:1]):
            raise DataError(
                f"{head.source}: column {head.header[time[0]]}: {shown(texts[0], 40)} may be day/month or month/day; "
                "write dates as 2024-01-15"
            )
        return TimeStyle.ISO
    return max(set(styles), key=styles.count)


def _called(header: Sequence[str], columns: Columns) -> str:
    return ", ".join(header[column] for column in (*columns.time, columns.bid, columns.ask))
