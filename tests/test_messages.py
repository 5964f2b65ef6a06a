"""Messages are for people: no value is in them as Python writes it."""

import ast
from enum import StrEnum
from pathlib import Path

import numpy as np
import pytest

import necrozma_core
from necrozma_core.errors import shown

ROOT = Path(necrozma_core.__file__).parents[1]
SOURCES = [
    path
    for folder in ("flows", "tasks", "necrozma_core")
    for path in sorted((ROOT / folder).rglob("*.py"))
    # What these raise is a programmer's mistake, or is caught and told in other words.
    if path.relative_to(ROOT).as_posix() not in {"necrozma_core/face.py", "necrozma_core/storage/ticks/encoding.py"}
]


class Colour(StrEnum):
    RED = "red"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "nothing"),
        (True, "true"),
        (3, "3"),
        (0.5, "0.5"),
        (np.float64(0.5), "0.5"),
        (np.int64(7), "7"),
        (Path("a b"), "a b"),
        (Colour.RED, "'red'"),
        ("it's", "'it's'"),
        ("a\x1b[31m\nb\x07", r"'a\x1b[31m\nb\x07'"),
        ([1, "a", None], '[1, "a", null]'),
        ((1, "ä\x1b\x9b"), r'[1, "ä\u001b\x9b"]'),
        ([], "[]"),
        ({"EURUSD": {"long": 1.0}}, '{"EURUSD": {"long": 1.0}}'),
        ({"a": object}, None),
        (print, "a value of type builtin_function_or_method"),
        ("x" * 100, "'" + "x" * 59 + "…'"),
        (list(range(100)), None),
    ],
)
def test_value_is_shown_as_a_person_writes_it(value: object, text: str | None) -> None:
    found = shown(value)
    assert text is None or found == text
    assert found.isprintable()
    assert len(found) <= 62


def test_value_that_holds_itself_is_shown_by_its_type() -> None:
    ring: list[object] = []
    ring.append(ring)
    assert shown(ring) == "a value of type list"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_text_writes_a_value_as_python_does(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.FormattedValue):
            assert node.conversion == -1, f"{path}:{node.lineno}: say `shown(value)`"
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            assert "%r" not in node.value, f"{path}:{node.lineno}: say `shown(value)`"
