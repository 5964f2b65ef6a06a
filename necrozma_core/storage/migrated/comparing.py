"""Everything that was written against the document it came from, value by value, in one reading of both."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from necrozma_core.errors import DamagedError
from necrozma_core.storage.migrated.json_stream import JsonStream, Part
from necrozma_core.storage.migrated.json_values import exact_decoder, is_same
from necrozma_core.storage.migrated.levels import spread_levels
from necrozma_core.storage.migrated.plan import DOCUMENT_FILE, Plan, Table
from necrozma_core.storage.migrated.survey import Layout
from necrozma_core.storage.migrated.tables import as_stored, read_layout, read_records
from necrozma_core.storage.migrated.writing import FILE, MEMBER, VALUE

_OVER: Final[Any] = object()
"""What a reader gives at its end."""


class UnfaithfulError(DamagedError):
    """What was read back is not what the document holds: nothing of it may be relied on."""


def compare_document(path: Path, plan: Plan, rest: Layout, written: Mapping[str, Path]) -> str:
    """Read a document and the tables that were made of it, and compare every value.

    Parameters
    ----------
    path : Path
    plan : Plan
    rest : Layout
        Of ``document.parquet``.
    written : mapping of str to Path
        Where each file of the plan is, ``document.parquet`` included.

    Returns
    -------
    str
        The sha256 of the document as it was read now.

    Raises
    ------
    UnfaithfulError
        Some value is another one, is missing, or is one too many.
    UnreadableError
        The document is not what it was.
    """
    stream = JsonStream(path)
    try:
        comparison = _Comparison(plan, rest, written)
        for part in spread_levels(stream.parts()):
            comparison.check(part)
        comparison.finish()
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError) as error:
        raise UnfaithfulError(f"what was written could not be read back: {str(error).partition(chr(10))[0]}") from error
    return stream.sha256


class _Comparison:
    """Walks through the tables in step with the document."""

    def __init__(self, plan: Plan, rest: Layout, written: Mapping[str, Path]) -> None:
        self._plan = plan
        self._decoder = exact_decoder()
        self._rest = _records(written[DOCUMENT_FILE], DOCUMENT_FILE, rest, has_parent=False)
        self._records = {
            table.file: _records(written[table.file], table.file, table.layout, has_parent=bool(table.inner))
            for table in plan.tables
        }
        self._rows = dict.fromkeys(self._records, 0)
        self._elements: Iterator[Any] = iter(())

    def check(self, part: Part) -> None:
        """Compare one part of the document with what comes next in its table."""
        table = self._plan.list_table(part.member) if part.begins_list or part.element else None
        if not part.element:
            self._check_rest(part, table)
        elif table is None:
            _compare(_next(self._elements, DOCUMENT_FILE), part.value, DOCUMENT_FILE)
        else:
            inner = self._plan.inner_table(part.member)
            if inner is not None:
                for trade in part.value.get(inner.inner) or ():
                    self._check_record(inner, trade, "", self._rows[table.file])
            self._check_record(table, part.value, inner.inner if inner else "", None)

    def finish(self) -> None:
        """See that nothing is left over."""
        _end(self._elements, DOCUMENT_FILE)
        _end(self._rest, DOCUMENT_FILE)
        for file, records in self._records.items():
            _end(records, file)

    def _check_rest(self, part: Part, table: Table | None) -> None:
        _end(self._elements, DOCUMENT_FILE)
        _, row = _next(self._rest, DOCUMENT_FILE)
        found = row.get(VALUE)
        file = None if table is None else table.file
        _compare([row.get(MEMBER), row.get(FILE), found is None], [part.member, file, bool(file)], DOCUMENT_FILE)
        if table is not None:
            return
        value = self._decoder.decode(found)
        if not part.begins_list:
            _compare(value, part.value, DOCUMENT_FILE)
        else:
            _compare(isinstance(value, list), True, DOCUMENT_FILE)
            self._elements = iter(value)

    def _check_record(self, table: Table, wanted: dict[str, Any], inner: str, parent: int | None) -> None:
        self._rows[table.file] += 1
        where = f"row {self._rows[table.file]:,} of {table.file}"
        found_parent, found = _next(self._records[table.file], where)
        _compare(found_parent, parent, where)
        _compare(found, as_stored(table.layout, wanted, inner), where)


def _records(path: Path, file: str, layout: Layout, *, has_parent: bool) -> Iterator[Any]:
    if read_layout(path) != (layout, has_parent):
        raise _differs(f"the columns of {file}")
    return read_records(path)


def _next(records: Iterator[Any], where: str) -> Any:
    if (found := next(records, _OVER)) is _OVER:
        raise _differs(where)
    return found


def _end(records: Iterator[Any], where: str) -> None:
    if next(records, _OVER) is not _OVER:
        raise _differs(where)


def _compare(found: Any, wanted: Any, where: str) -> None:
    if not is_same(found, wanted):
        raise _differs(where)


def _differs(where: str) -> UnfaithfulError:
    return UnfaithfulError(f"{where}, read back, is not what the document holds: check the disk")
