"""Tables and facts as markdown, escaped so that no text in them can break it."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from necrozma_core import errors
from necrozma_core.printing import printable
from tasks.figures import NONE

_LONGEST_FACT: Final = 2_000


def markdown_table(rows: Sequence[Mapping[str, str]]) -> str:
    """Return a table of rows that all have the same columns; empty where there are none."""
    if not rows:
        return ""
    lines = [f"| {' | '.join(rows[0])} |", f"|{' --- |' * len(rows[0])}"]
    return "\n".join([*lines, *(f"| {' | '.join(map(plain, row.values()))} |" for row in rows)])


def facts_list(facts: Mapping[str, Any]) -> str:
    """Return a list of names and values; the word none where there are none."""
    return "\n".join(f"- {plain(name)}: `{plain(_fact(value))}`" for name, value in facts.items()) or "none"


def _fact(value: object) -> object:
    """Return a setting as text where Python would write it in its own way: a list, rates by pair, yes or no."""
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return errors.shown(value, _LONGEST_FACT) if isinstance(value, Mapping | bool) else value


def plain(value: object) -> str:
    """Return text that cannot change the markdown around it."""
    text = NONE if value is None else printable(value)
    for sign in "\\`*_|<>[]":
        text = text.replace(sign, f"\\{sign}" if sign not in "<>" else {"<": "&lt;", ">": "&gt;"}[sign])
    return " ".join(text.split())


def code(value: object) -> str:
    """Return text in the look of code, such as a path, which ends with it."""
    text = printable(value).replace("`", "'")
    return f"`{text}`"
