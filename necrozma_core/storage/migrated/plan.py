"""Which lists of a document become tables, and by which names: told by one reading of all of it."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from necrozma_core.storage.migrated.json_stream import Identity, JsonStream
from necrozma_core.storage.migrated.levels import spread_levels
from necrozma_core.storage.migrated.survey import TRADE_LISTS, Layout, Survey

METRICS_FILE: Final = "metrics.parquet"
TRADES_FILE: Final = "trades.parquet"
LEVELS_FILE: Final = "levels.parquet"
DOCUMENT_FILE: Final = "document.parquet"

_STRATEGY_LISTS: Final = ("results", "strategies", "top_strategies", "universes", None)
"""Members that the original lists strategies under, or universes in its consolidated file; None: the document is a
list."""
_NAME_OF_A_FILE: Final = re.compile(r"[a-z][a-z0-9_]{0,40}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Table:
    """A table of a document.

    Attributes
    ----------
    file : str
    member : str or None
        The list at the top that it holds; None where the document is one.
    layout : Layout
    rows : int
    inner : str
        The key under which each record of that list holds the list that the table holds instead; empty for the list
        itself.
    """

    file: str
    member: str | None
    layout: Layout
    rows: int
    inner: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be written of a document.

    Attributes
    ----------
    tables : tuple of Table
        A list's own before that of the lists inside its records.
    identity : Identity
    sha256 : str
        Of the file that was read.
    """

    tables: tuple[Table, ...]
    identity: Identity
    sha256: str

    def list_table(self, member: str | None) -> Table | None:
        """Return the table of a list at the top, or None where it is no table."""
        return next((table for table in self.tables if table.member == member and not table.inner), None)

    def inner_table(self, member: str | None) -> Table | None:
        """Return the table of the lists inside the records of a list."""
        return next((table for table in self.tables if table.member == member and table.inner), None)


def plan_document(path: Path) -> Plan:
    """Read a document whole, and say what is to be written of it.

    Raises
    ------
    UnreadableError
        It is no JSON document that can be kept without loss.
    """
    surveys: dict[str | None, Survey] = {}
    mixed: set[str | None] = set()
    stream = JsonStream(path)
    spread: set[str | None] = set()
    for part in spread_levels(stream.parts()):
        if part.begins_list:
            surveys[part.member] = Survey(splits=not part.is_spread)
            if part.is_spread:
                spread.add(part.member)
        elif part.element and isinstance(part.value, dict):
            surveys[part.member].add(part.value)
        elif part.element:
            mixed.add(part.member)
    assert stream.identity is not None
    tables: list[Table] = []
    for member, survey in surveys.items():
        if member not in mixed and survey.rows:
            file = LEVELS_FILE if member in spread else _file_of(member)
            tables.extend(_tables_of(file, member, survey, {table.file for table in tables}))
    return Plan(tuple(tables), stream.identity, stream.sha256)


def _tables_of(file: str, member: str | None, survey: Survey, taken: set[str]) -> list[Table]:
    if not file or file in taken:
        return []
    if survey.trades is None or TRADES_FILE in {*taken, file}:
        return [Table(file, member, survey.layout(trades=False), survey.rows)]
    return [
        Table(file, member, survey.layout(), survey.rows),
        Table(TRADES_FILE, member, survey.trades.layout(), survey.trades.rows, survey.trades_key),
    ]


def _file_of(member: str | None) -> str:
    if member in _STRATEGY_LISTS:
        return METRICS_FILE
    if member in TRADE_LISTS:
        return TRADES_FILE
    file = f"{member}.parquet"
    is_free = file not in {METRICS_FILE, TRADES_FILE, LEVELS_FILE, DOCUMENT_FILE}
    return file if is_free and _NAME_OF_A_FILE.fullmatch(member or "") else ""
