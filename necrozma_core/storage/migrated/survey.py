"""Which columns a list of records needs: found by a look at every one of them, before anything is written."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

TRADE_LISTS: Final = ("trades_detailed", "trades")
"""Lists inside a strategy's record that become a table of their own."""

ABSENT: Final = "_absent"
"""The column that says which keys a record lacks, where any does: elsewhere null stands for null."""
PARENT: Final = "_row"
"""The column of a table of trades that says to which row of the strategies' table each belongs, from 0."""

_MOST_COLUMNS: Final = 1_000
"""Beyond these a record is no record but a map: each is stored as one text."""
_MOST_INNER: Final = 500
"""Keys of inner objects that become columns; objects with more of them altogether are maps, and stay texts."""
_EXACT_INTEGER: Final = 2**53
"""The largest integer of which every smaller one is a double too."""


class Kind(StrEnum):
    """What a column holds."""

    BOOLEAN = "boolean"
    INTEGER = "integer"
    NUMBER = "number"
    TEXT = "text"
    JSON = "json"
    ROWS = "rows"
    """How many rows of the table of trades are this record's."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column and the keys that lead to its values.

    Attributes
    ----------
    name : str
    path : tuple of str
        One key, or two for a value of an inner object; none where the column holds whole records.
    kind : Kind
    """

    name: str
    path: tuple[str, ...]
    kind: Kind


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns of a table.

    Attributes
    ----------
    columns : tuple of Column
    lacks_keys : bool
        Some record lacks some key.
    """

    columns: tuple[Column, ...]
    lacks_keys: bool


@dataclass(slots=True)
class _Seen:
    """What was seen under one key."""

    present: int = 0
    kinds: set[str] = field(default_factory=set)
    inner: dict[str, "_Seen"] = field(default_factory=dict)
    has_null: bool = False
    has_hollow: bool = False  # an object that is empty or a map, or a list of something else than objects
    has_long_integer: bool = False

    def add(self, value: Any, *, is_inner: bool = False) -> None:
        self.present += 1
        match value:
            case None:
                self.has_null = True
            case bool():
                self.kinds.add("boolean")
            case int():
                self.kinds.add("integer")
                self.has_long_integer |= not -_EXACT_INTEGER <= value <= _EXACT_INTEGER
            case float():
                self.kinds.add("number")
            case str():
                self.kinds.add("text" if _is_encodable(value) else "other")
            case dict():
                self.kinds.add("object")
                # An empty object would come back as none; one with too many keys is a map.
                self.has_hollow |= is_inner or not 0 < len(value) <= _MOST_INNER
                if not self.has_hollow and len(self.inner) <= _MOST_INNER:
                    for key, inner in value.items():
                        self.inner.setdefault(key, _Seen()).add(inner, is_inner=True)
            case list():
                self.kinds.add("list")
                self.has_hollow |= not all(isinstance(element, dict) for element in value)
            case _:
                self.kinds.add("other")

    @property
    def spreads(self) -> bool:
        """Whether the keys of its objects become columns."""
        return self.kinds == {"object"} and not self.has_null and not self.has_hollow and len(self.inner) <= _MOST_INNER

    @property
    def kind(self) -> Kind:
        match sorted(self.kinds):
            case [] | ["text"]:
                return Kind.TEXT
            case ["boolean"]:
                return Kind.BOOLEAN
            case ["integer"]:
                return Kind.INTEGER
            case ["number"]:
                return Kind.NUMBER
            case ["integer", "number"] if not self.has_long_integer:
                return Kind.NUMBER
            case _:
                return Kind.JSON


class Survey:
    """Looks at the records of one list.

    Attributes
    ----------
    rows : int
    trades : Survey or None
        Of the list of trades inside the records, where they have one and nothing else stands in its place.
    trades_key : str
    """

    def __init__(self, *, splits: bool = True) -> None:
        self.rows = 0
        self._seen: dict[str, _Seen] = {}
        self._splits = splits
        self._trades = {key: Survey(splits=False) for key in TRADE_LISTS} if splits else {}

    def add(self, record: Mapping[str, Any]) -> None:
        """Look at a record."""
        self.rows += 1
        for key, value in record.items():
            self._seen.setdefault(key, _Seen()).add(value)
            if key in self._trades and isinstance(value, list):
                for trade in value:
                    if isinstance(trade, dict):
                        self._trades[key].add(trade)

    @property
    def trades_key(self) -> str:
        """The key of the list of trades that becomes a table; empty where there is none."""
        for key in TRADE_LISTS if self._splits else ():
            seen = self._seen.get(key)
            if seen and seen.kinds == {"list"} and not seen.has_hollow and self._trades[key].rows:
                return key
        return ""

    @property
    def trades(self) -> "Survey | None":
        """Of the list of trades that becomes a table."""
        return self._trades.get(self.trades_key) if self.trades_key else None

    def layout(self, *, trades: bool = True) -> Layout:
        """Return the columns that hold every record without loss, in the order in which their keys first came.

        Parameters
        ----------
        trades : bool
            The list of trades becomes a table; else it stays a text.
        """
        table = self.trades_key if trades and self.trades else None
        found: list[tuple[tuple[str, ...], Kind, _Seen]] = []
        for key, seen in self._seen.items():
            if key == table:
                found.append(((key,), Kind.ROWS, seen))
            elif seen.spreads:
                found.extend(((key, inner), one.kind, one) for inner, one in seen.inner.items())
            else:
                found.append(((key,), seen.kind, seen))
        if len(found) > _MOST_COLUMNS or not found:
            return Layout((Column("record", (), Kind.JSON),), lacks_keys=False)
        names = column_names([path for path, _, _ in found])
        columns = tuple(Column(name, path, kind) for name, (path, kind, _) in zip(names, found, strict=True))
        return Layout(columns, any(seen.present != self.rows for _, _, seen in found))


def column_names(paths: Sequence[tuple[str, ...]]) -> Iterable[str]:
    """Name columns by their keys, each once and without characters that a file or a terminal does not take."""
    used = {ABSENT, PARENT}
    for path in paths:
        name = "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in ".".join(path)) or "(empty)"
        while name in used:
            name += "_"
        used.add(name)
        yield name


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
