"""Tables and facts as markdown, escaped so that no text in them can break it."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import pyarrow as pa

from necrozma_core import errors
from necrozma_core.printing import printable, shorten

_LONGEST_FACT: Final = 2_000
_LONGEST_TEXT: Final = 60
"""Characters of a name in a table: a longer one would push the figures off the page; Parquet has the whole one."""
_RATIOS: Final = ("sharpe", "sortino", "calmar", "profit_factor")


def markdown_table(table: pa.Table, names: Sequence[str]) -> str:
    """Return a table of the named columns."""
    head = f"| {' | '.join(names)} |\n|{' --- |' * len(names)}"
    rows = [f"| {' | '.join(plain(shown(name, row[name])) for name in names)} |" for row in table.to_pylist()]
    return "\n".join([head, *rows])


def facts_list(facts: Mapping[str, Any]) -> str:
    """Return a list of names and values; the word none where there are none."""
    return "\n".join(f"- {plain(name)}: `{plain(_fact(value))}`" for name, value in facts.items()) or "none"


def _fact(value: object) -> object:
    """Return a setting as text where Python would write it in its own way: a list, rates by pair, yes or no."""
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return errors.shown(value, _LONGEST_FACT) if isinstance(value, Mapping | bool) else value


def shown(name: str, value: Any) -> Any:
    """Return a figure rounded for reading, a text as it may be shown and not too long, anything else as it is."""
    if isinstance(value, str):
        return shorten(printable(value), _LONGEST_TEXT)
    if not isinstance(value, float):
        return value
    return round(value, 3 if name in _RATIOS else 4 if abs(value) < 1 else 2)


def plain(value: object) -> str:
    """Return text that cannot change the markdown around it."""
    text = "–" if value is None else printable(value)
    for sign in "\\`*_|<>[]":
        text = text.replace(sign, f"\\{sign}" if sign not in "<>" else {"<": "&lt;", ">": "&gt;"}[sign])
    return " ".join(text.split())


def code(value: object) -> str:
    """Return text in the look of code, such as a path, which ends with it."""
    text = printable(value).replace("`", "'")
    return f"`{text}`"
