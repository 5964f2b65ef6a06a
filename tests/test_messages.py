"""Messages are for people: no value is in them as Python writes it."""

import ast
import logging
from enum import StrEnum
from pathlib import Path

import numpy as np
import pytest

import necrozma_core
from necrozma_core.backtest.recording import refuse_all_failed
from necrozma_core.errors import ExitCode, StrategyError, shown
from necrozma_core.sweep.observer import RunLog
from necrozma_core.sweep.outcome import RunOutcome

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


def test_pair_of_which_every_strategy_failed_says_why_the_first_did() -> None:
    details = {"strategies": 2, "failures": [["x", "strategy 'x' raised ValueError: no"], ["y", "another"]]}
    with pytest.raises(StrategyError) as caught:
        refuse_all_failed("EURUSD", details)
    first = "strategy 'x' raised ValueError: no"
    assert str(caught.value) == f"EURUSD: all 2 strategies failed, the first with: {first}"


@pytest.mark.parametrize(
    ("ranking", "words"), [(None, "no ranking"), (Path("/r/ranking.parquet"), "/r/ranking.parquet")]
)
def test_log_says_in_words_how_a_run_ended(ranking: Path | None, words: str, caplog: pytest.LogCaptureFixture) -> None:
    outcome = RunOutcome(
        "20250101", ExitCode.PAIRS_FAILED, ranking, None, (), (("EURUSD", ValueError()),), ("X",), False
    )
    caplog.set_level(logging.INFO)
    RunLog(logging.getLogger("test")).on_finish(outcome)
    assert caplog.messages == [f"run 20250101 ended: 0 pairs stored, 1 failed, 1 not done, {words}"]
