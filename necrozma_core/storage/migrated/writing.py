"""A document's lists to their tables, and all else to one of its own, in one reading."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from necrozma_core.storage.disk.layer import FileLayer
from necrozma_core.storage.migrated.json_stream import LONGEST_PART, JsonStream, Part, UnreadableError
from necrozma_core.storage.migrated.json_values import json_text
from necrozma_core.storage.migrated.levels import spread_levels
from necrozma_core.storage.migrated.plan import DOCUMENT_FILE, Plan
from necrozma_core.storage.migrated.survey import Layout, Survey
from necrozma_core.storage.migrated.tables import TableWriter

MEMBER: Final = "member"
FILE: Final = "file"
VALUE: Final = "json"
"""Columns of ``document.parquet``: a member's key, the file that it is in, or its value as JSON."""


@dataclass(frozen=True, slots=True)
class Rest:
    """What became of everything that is no table.

    Attributes
    ----------
    layout : Layout
        Of ``document.parquet``.
    rows : int
    sha256 : str
        Of the document as it was read.
    """

    layout: Layout
    rows: int
    sha256: str


def write_document(path: Path, plan: Plan, temporaries: Mapping[str, Path], files: FileLayer) -> Rest:
    """Write every table of a document; OSError where the disk does not take them."""
    stream = JsonStream(path)
    with ExitStack() as stack:
        writers = {
            table.file: stack.enter_context(
                _open(temporaries[table.file], table.layout, files, has_parent=bool(table.inner))
            )
            for table in plan.tables
        }
        rest = _Rest()
        for part in spread_levels(stream.parts()):
            table = plan.list_table(part.member)
            if table is None or not (part.begins_list or part.element):
                rest.add(part)
            elif part.begins_list:
                rest.point(part.member, table.file)
            else:
                _write_record(plan, part, writers)
    return _write_rest(list(rest.rows()), temporaries[DOCUMENT_FILE], files, stream.sha256)


def _write_record(plan: Plan, part: Part, writers: Mapping[str, TableWriter]) -> None:
    table, inner = plan.list_table(part.member), plan.inner_table(part.member)
    assert table is not None
    writer = writers[table.file]
    if inner is not None:
        for trade in part.value.get(inner.inner) or ():
            writers[inner.file].write(trade, writer.rows)
    writer.write(part.value)


def _write_rest(rows: list[dict[str, Any]], temporary: Path, files: FileLayer, sha256: str) -> Rest:
    survey = Survey(splits=False)
    for row in rows:
        survey.add(row)
    layout = survey.layout()
    with _open(temporary, layout, files) as writer:
        for row in rows:
            writer.write(row)
    return Rest(layout, len(rows), sha256)


class _Rest:
    """Gathers what is no table, as texts: lists at the top that hold anything else than records, and single values."""

    def __init__(self) -> None:
        self._found: list[tuple[str | None, str | None, str | list[str] | None]] = []
        self._characters = 0

    def point(self, member: str | None, file: str) -> None:
        """Note that a member is a table."""
        self._found.append((member, file, None))

    def add(self, part: Part) -> None:
        """Keep a value, the beginning of a list, or an element of the list that began last."""
        if part.begins_list:
            self._found.append((part.member, None, []))
            return
        text = json_text(part.value)
        self._characters += len(text)
        if self._characters > LONGEST_PART:
            raise UnreadableError(f"what is no list of records in it has more than {LONGEST_PART:,} characters")
        if not part.element:
            self._found.append((part.member, None, text))
            return
        _, _, elements = self._found[-1]
        assert isinstance(elements, list)
        elements.append(text)

    def rows(self) -> Iterator[dict[str, Any]]:
        """Give the rows of the table, in the document's order."""
        for member, file, found in self._found:
            text = f"[{','.join(found)}]" if isinstance(found, list) else found
            yield {MEMBER: member, FILE: file, VALUE: text}


@contextmanager
def _open(temporary: Path, layout: Layout, files: FileLayer, *, has_parent: bool = False) -> Iterator[TableWriter]:
    """Hold a table's writer; its file is finished at the end of the block, abandoned where the block raises."""
    handle = files.create(temporary)
    writer = TableWriter(handle, layout, has_parent=has_parent)
    try:
        yield writer
        writer.close()
        handle.close()
    except BaseException:
        writer.abandon()
        # What is still buffered may fail as well, and would hide the cause.
        with suppress(OSError):
            handle.close()
        raise
